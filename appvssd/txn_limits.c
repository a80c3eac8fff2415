/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits of the transaction machine: see txn_limits.h.
 */
#include "config.h"
#include "txn.h"
#include "txn_limits.h"

void
txn_limits_of(const struct config *config, struct txn_limits *limits)
{
	*limits = (struct txn_limits) {
		.check_ms = config->check_ms,
		.freeze_ms = config->freeze_ms,
		.commit_ms = config->commit_ms,
		.hold_ms = config->hold_ms,
		.thaw_ms = config->thaw_ms,
		.answer_ms = config->driver_ms > config->margin_ms ?
		    config->driver_ms - config->margin_ms :
		    config->driver_ms,
		.pause_ms = config->pause_ms,
		.rearm_ms = config->rearm_ms,
	};
}
