/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translations: see device_words.h.
 */
#include "device_words.h"

enum hv_vss_op_t
device_words_op(enum txn_op op)
{
	switch (op) {
	case TXN_OP_CHECK:
		return (HV_VSS_CHECK);
	case TXN_OP_FREEZE:
		return (HV_VSS_FREEZE);
	case TXN_OP_THAW:
		break;
	}
	return (HV_VSS_THAW);
}

bool
device_words_event(enum hv_vss_op_t op, enum txn_event_type *type)
{
	switch (op) {
	case HV_VSS_CHECK:
		*type = TXN_EV_CHECK;
		return (true);
	case HV_VSS_FREEZE:
		*type = TXN_EV_FREEZE;
		return (true);
	case HV_VSS_THAW:
		*type = TXN_EV_THAW;
		return (true);
	case HV_VSS_NONE:
	case HV_VSS_COUNT:
		break;
	}
	return (false);
}

enum txn_told
device_words_told(enum hv_vss_told told)
{
	switch (told) {
	case VSS_TOLD_SUCCESS:
		return (TXN_TOLD_SUCCESS);
	case VSS_TOLD_PENDING: /* a THAW before the FREEZE was over */
	case VSS_TOLD_FAIL:
	case VSS_TOLD_TIMEOUT:
		return (TXN_TOLD_FAIL);
	case VSS_TOLD_NOTHING:
	case VSS_TOLD_FORGOTTEN:
		break;
	}
	return (TXN_TOLD_UNKNOWN);
}
