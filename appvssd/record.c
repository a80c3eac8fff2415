/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions as rows of the history: see record.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "histq.h"
#include "histrow.h"
#include "kernel/vssdev/heldlog.h"
#include "record.h"
#include "registry.h"
#include "sdk/proto.h"
#include "txn.h"

/* Two texts of a participant; the row cuts what it cannot hold. */
#define RECORD_TEXT_BYTES   1100
#define RECORD_PROGRESS_MAX 16 /* lines of a participant in a transaction */
/*
 * Of a proof: so many bytes of programs and texts.  A crowd of thousands has
 * the rest in the rows of the end, so that the names always have room.
 */
#define RECORD_HELD_TEXTS_MAX (128 * 1024)

static uint32_t
record_since(const struct txn *txn, uint64_t at_ms)
{
	if (at_ms == 0)
		return (HISTQ_NEVER);
	return ((uint32_t)(at_ms - txn->begun_at_ms));
}

void
record_begin(const struct record *record, const char *source,
    const char *origin)
{
	struct histq_begin row = {
		.id = record->txn->id,
		.op = txn_op_word(record->txn->op),
		.source = source,
		.msgid = record->txn->begun.msgid,
		.at_ms = histq_wall_ms(),
	};

	(void)histq_put_begin(record->queue, &row);
	if (origin != NULL)
		(void)histq_put_event(record->queue, row.id, "requested_by",
		    origin);
}

/* text has room for RECORD_TEXT_BYTES, and is part of the row. */
static void
record_fill_part(const struct record *record, size_t index, char *text,
    struct histq_part *row)
{
	const struct txn_part *part = &record->txn->parts[index];
	const struct registry_entry *entry = record->members[index];

	*row = (struct histq_part) {
		.id = record->txn->id,
		.phase = "final",
		.name = entry->name,
		.program = entry->program,
		.result = txn_result_word(part->result),
		.thaw = txn_thaw_word(part->thaw),
		.text = registry_texts(entry, text, RECORD_TEXT_BYTES),
		.pid = (uint64_t)entry->pid,
		.uid = entry->has_uid ? (uint64_t)entry->uid : 0,
		.order = part->order,
		.required = part->required,
		.told_at_ms = record_since(record->txn, part->told_at_ms),
		.ready_at_ms = record_since(record->txn, part->answered_at_ms),
		.thaw_told_at_ms = record_since(record->txn,
		    part->thaw_told_at_ms),
		.thawed_at_ms = record_since(record->txn, part->thawed_at_ms),
	};
}

static void
record_part(const struct record *record, size_t index)
{
	char text[RECORD_TEXT_BYTES];
	struct histq_part row;

	record_fill_part(record, index, text, &row);
	(void)histq_put_part(record->queue, &row);
}

/* Who is ready, in as few rows as hold them all. */
static void
record_all_ready(const struct record *record)
{
	struct histrow_held held = { .id = record->txn->id,
		.proof = record->txn->commits };
	char text[RECORD_TEXT_BYTES];
	struct histq_part row;
	size_t i, texts = 0;

	for (i = 0; i < record->txn->nparts; i++) {
		if (record->txn->parts[i].result != TXN_RESULT_READY)
			continue;
		record_fill_part(record, i, text, &row);
		texts += strlen(row.program) + strlen(row.text);
		if (texts > RECORD_HELD_TEXTS_MAX)
			row.program = row.text = NULL;
		if (histrow_held_add(&held, &row))
			continue;
		(void)histq_put_held(record->queue, &held);
		(void)histrow_held_add(&held, &row);
	}
	/* One that takes another back says so even if nobody is left. */
	if (held.length != 0 || held.proof > 1)
		(void)histq_put_held(record->queue, &held);
}

uint64_t
record_held(const struct record *record, uint64_t now_ms)
{
	struct histq_state row = {
		.id = record->txn->id,
		.state = "held",
		.consistency = txn_consistency_word(txn_prospect(record->txn)),
		.reason = "",
		.culprit = "",
		.host = "none",
		.at_ms = histq_wall_ms(),
		.elapsed_ms = (uint32_t)(now_ms - record->txn->begun_at_ms),
	};

	record_all_ready(record);
	return (histq_put_state(record->queue, &row));
}

static bool
record_was_told_fail(const struct record *record)
{
	return (
	    record->told == VSS_TOLD_FAIL || record->told == VSS_TOLD_TIMEOUT);
}

/* The host does not count as done what it was not told. */
static bool
record_is_refused(const struct record *record)
{
	return (record->txn->outcome == TXN_OUTCOME_DONE &&
	    (record->refused || record_was_told_fail(record)));
}

const char *
record_outcome(const struct record *record)
{
	if (!record_is_refused(record))
		return (txn_outcome_word(record->txn->outcome));
	return (txn_outcome_word(record_was_told_fail(record) ?
		TXN_OUTCOME_ABORTED :
		TXN_OUTCOME_LOST));
}

const char *
record_consistency(const struct record *record)
{
	return (txn_consistency_word(record_is_refused(record) ?
		TXN_CONSISTENCY_NONE :
		txn_consistency(record->txn)));
}

static enum txn_reason
record_why(const struct record *record)
{
	if (!record_is_refused(record))
		return (record->txn->reason);
	if (record->told == VSS_TOLD_FAIL)
		return (TXN_REASON_FS_FAILED);
	return (record->told == VSS_TOLD_TIMEOUT ? TXN_REASON_LATE :
						   TXN_REASON_SOURCE_GONE);
}

const char *
record_reason(const struct record *record)
{
	enum txn_reason reason = record_why(record);

	return (reason == TXN_REASON_NONE ? "" : txn_reason_word(reason));
}

const char *
record_culprit(const struct record *record)
{
	const struct txn *txn = record->txn;

	return (txn->culprit < record->nmembers ?
		record->members[txn->culprit]->name :
		"");
}

static const char *
record_told_word(enum hv_vss_told told)
{
	switch (told) {
	case VSS_TOLD_SUCCESS:
		return ("success");
	case VSS_TOLD_FAIL:
		return ("fail");
	case VSS_TOLD_TIMEOUT:
		return ("timeout");
	case VSS_TOLD_NOTHING:
	case VSS_TOLD_PENDING:
	case VSS_TOLD_FORGOTTEN:
		break;
	}
	return ("unknown");
}

void
record_end(const struct record *record)
{
	const struct txn *txn = record->txn;
	struct histq_state row = {
		.id = txn->id,
		.state = record_outcome(record),
		.consistency = record_consistency(record),
		.reason = record_reason(record),
		.culprit = record_culprit(record),
		.host = record->has_host ? record_told_word(record->told) :
					   "none",
		.at_ms = histq_wall_ms(),
		.elapsed_ms = (uint32_t)(txn->ended_at_ms - txn->begun_at_ms),
		.late_ms = txn->late_ms,
		.counted = record->counted,
	};
	size_t i;

	for (i = 0; i < txn->nparts; i++)
		record_part(record, i);
	if (txn->released && !txn->proved)
		(void)histq_put_event(record->queue, txn->id, "held_unproved",
		    "the history did not commit the held state in time");
	if (txn->late_ms > 0)
		(void)histq_put_event(record->queue, txn->id, "guest_paused",
		    "the hold timer fired late and was armed once more");
	(void)histq_put_state(record->queue, &row);
}

void
record_log(const struct record *record)
{
	const struct txn *txn = record->txn;
	const char *culprit = record_culprit(record);

	heldlog(txn->outcome == TXN_OUTCOME_DONE && !record_is_refused(record) ?
		HELDLOG_INFO :
		HELDLOG_ERROR,
	    "transaction",
	    "id=%" PRIu64 " op=%s outcome=%s consistency=%s reason=%s "
	    "participant=%s participants=%zu elapsed_ms=%" PRIu64,
	    txn->id, txn_op_word(txn->op), record_outcome(record),
	    record_consistency(record), txn_reason_word(record_why(record)),
	    culprit[0] != '\0' ? culprit : "-", txn->nparts,
	    txn->ended_at_ms - txn->begun_at_ms);
}

bool
record_known(struct histq *queue, const struct registry_entry *entry)
{
	if (entry->known)
		return (histq_put_known(queue, entry->name, entry->program,
			    entry->has_uid ? (int64_t)entry->uid : -1) != 0);
	return (histq_put_forget(queue, entry->name) != 0);
}

void
record_recovered(struct histq *queue, const struct registry_entry *entry)
{
	heldlog(HELDLOG_INFO, "thaw_recovered", "name=%s", entry->name);
	(void)histq_put_event(queue, 0, "thaw_recovered", entry->name);
}

void
record_progress(struct histq *queue, const struct registry_entry *entry,
    const struct wire_msg *msg)
{
	const char *text = wire_get_text(msg, PK_TEXT, "");
	char percent[16] = "", left[32] = "", line[256], quoted[256];

	if (entry->progress.lines >= RECORD_PROGRESS_MAX)
		return;
	if (wire_has(msg, PK_PERCENT))
		(void)snprintf(percent, sizeof(percent), " %" PRIu64 " %%",
		    wire_get_uint(msg, PK_PERCENT, 0));
	if (wire_has(msg, PK_REMAINING_MS))
		(void)snprintf(left, sizeof(left), " %" PRIu64 " ms more",
		    wire_get_uint(msg, PK_REMAINING_MS, 0));
	(void)snprintf(line, sizeof(line), "%s%s%s%s%s", entry->name, percent,
	    left, text[0] != '\0' ? " " : "", text);
	(void)histq_put_event(queue, wire_get_uint(msg, PK_ID, 0), "progress",
	    line);
	heldlog(HELDLOG_DEBUG, "progress", "name=%s text=%s", entry->name,
	    heldlog_quote(line, quoted, sizeof(quoted)));
}
