/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a history file says of the disk that it lies on.  Claims nothing that
 * the rows do not prove.
 */
#include <string.h>

#include "history_read_impl.h"

/* Rows of the end are written after the thaw, whole or in part. */
static bool
has_final_part(const struct history_detail *detail)
{
	for (size_t i = 0; i < detail->nparts; i++)
		if (strcmp(detail->parts[i].phase, "held") != 0)
			return (true);
	return (false);
}

static enum history_error
prove_newest(struct history *history, struct history_evidence *evidence)
{
	enum history_error error;

	error = history_fetch_detail(history, HISTORY_NEWEST_FREEZE, 0,
	    &evidence->detail);
	if (error == HISTORY_E_NONE) {
		evidence->proof = HISTORY_PROOF_EMPTY;
		return (HISTORY_OK);
	}
	if (error != HISTORY_OK)
		return (error);
	if (evidence->detail.txn.last.state[0] == '\0' ||
	    (strcmp(evidence->detail.txn.last.state, "held") == 0 &&
		has_final_part(&evidence->detail)))
		evidence->proof = HISTORY_PROOF_UNENDED;
	else if (strcmp(evidence->detail.txn.last.state, "held") != 0)
		evidence->proof = HISTORY_PROOF_FINISHED;
	else
		evidence->proof = HISTORY_PROOF_HELD;
	return (HISTORY_OK);
}

enum history_error
history_prove(struct history *history, struct history_evidence *evidence)
{
	enum history_error error;
	int64_t later = 0;

	memset(evidence, 0, sizeof(*evidence));
	error = prove_newest(history, evidence);
	if (error != HISTORY_OK || evidence->proof == HISTORY_PROOF_EMPTY)
		return (error);
	evidence->newest = evidence->detail.txn;
	if (evidence->proof != HISTORY_PROOF_HELD) {
		struct history_detail resumed;

		error = history_fetch_detail(history, HISTORY_RESUMED, 0,
		    &resumed);
		if (error == HISTORY_OK) {
			history_detail_fini(&evidence->detail);
			evidence->detail = resumed;
			evidence->proof = HISTORY_PROOF_RESUMED;
			error = history_fetch_run(history,
			    resumed.txn.last.by_run, &evidence->next);
		}
		if (error == HISTORY_E_NONE)
			error = HISTORY_OK;
	}
	if (error == HISTORY_OK)
		error = history_fetch_number(history,
		    "SELECT count(*) FROM txn WHERE n > ?1",
		    evidence->detail.txn.n, &later);
	evidence->later = (unsigned)later;
	/* A held row with something after it proves nothing about now. */
	if (evidence->proof == HISTORY_PROOF_HELD && evidence->later > 0)
		evidence->proof = HISTORY_PROOF_UNENDED;
	if (error != HISTORY_OK)
		history_detail_fini(&evidence->detail);
	return (error);
}
