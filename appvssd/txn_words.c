/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words for the machine's values, as history and protocol show them.
 */
#include "txn.h"

const char *
txn_state_word(enum txn_state state)
{
	switch (state) {
	case TXN_IDLE:
		return ("idle");
	case TXN_CHECKING:
		return ("checking");
	case TXN_FREEZING:
		return ("freezing");
	case TXN_HELD:
		return ("held");
	case TXN_THAWING:
		return ("thawing");
	}
	return ("unknown");
}

const char *
txn_op_word(enum txn_op op)
{
	switch (op) {
	case TXN_OP_CHECK:
		return ("check");
	case TXN_OP_FREEZE:
		return ("freeze");
	case TXN_OP_THAW:
		return ("thaw");
	}
	return ("unknown");
}

const char *
txn_outcome_word(enum txn_outcome outcome)
{
	switch (outcome) {
	case TXN_OUTCOME_NONE:
		return ("none");
	case TXN_OUTCOME_DONE:
		return ("done");
	case TXN_OUTCOME_ABORTED:
		return ("aborted");
	case TXN_OUTCOME_EXPIRED:
		return ("expired");
	case TXN_OUTCOME_SUPERSEDED:
		return ("superseded");
	case TXN_OUTCOME_LOST:
		return ("lost");
	}
	return ("unknown");
}

const char *
txn_consistency_word(enum txn_consistency consistency)
{
	switch (consistency) {
	case TXN_CONSISTENCY_NONE:
		return ("none");
	case TXN_CONSISTENCY_FILESYSTEM:
		return ("filesystem");
	case TXN_CONSISTENCY_APPLICATION:
		return ("application");
	}
	return ("unknown");
}

const char *
txn_reason_word(enum txn_reason reason)
{
	switch (reason) {
	case TXN_REASON_NONE:
		return ("none");
	case TXN_REASON_FAILED:
		return ("failed");
	case TXN_REASON_TIMEOUT:
		return ("timeout");
	case TXN_REASON_ABSENT:
		return ("absent");
	case TXN_REASON_DISCONNECTED:
		return ("disconnected");
	case TXN_REASON_OWES_THAW:
		return ("owes_thaw");
	case TXN_REASON_LATE:
		return ("late");
	case TXN_REASON_FS_FAILED:
		return ("fs_failed");
	case TXN_REASON_HOST_THAW:
		return ("host_thaw");
	case TXN_REASON_NEW_FREEZE:
		return ("new_freeze");
	case TXN_REASON_NO_THAW:
		return ("no_thaw");
	case TXN_REASON_SOURCE_GONE:
		return ("source_gone");
	case TXN_REASON_SHUTDOWN:
		return ("shutdown");
	case TXN_REASON_BUSY:
		return ("busy");
	case TXN_REASON_NOT_FROZEN:
		return ("not_frozen");
	}
	return ("unknown");
}

const char *
txn_result_word(enum txn_result result)
{
	switch (result) {
	case TXN_RESULT_NONE:
		return ("none");
	case TXN_RESULT_READY:
		return ("ready");
	case TXN_RESULT_FAILED:
		return ("failed");
	case TXN_RESULT_TIMEOUT:
		return ("timeout");
	case TXN_RESULT_GONE:
		return ("disconnected");
	case TXN_RESULT_LOST:
		return ("lost");
	case TXN_RESULT_ABSENT:
		return ("absent");
	case TXN_RESULT_OWES:
		return ("owes_thaw");
	case TXN_RESULT_CUT:
		return ("cut_short");
	}
	return ("unknown");
}

const char *
txn_thaw_word(enum txn_thaw thaw)
{
	switch (thaw) {
	case TXN_THAW_NONE:
		return ("none");
	case TXN_THAW_OK:
		return ("ok");
	case TXN_THAW_FAILED:
		return ("failed");
	case TXN_THAW_TIMEOUT:
		return ("timeout");
	case TXN_THAW_GONE:
		return ("gone");
	}
	return ("unknown");
}
