/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for sources and watchers: see tell.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "kernel/vssdev/heldlog.h"
#include "record.h"
#include "registry.h"
#include "source.h"
#include "subscribers.h"
#include "tell.h"
#include "txn.h"

void
tell_begin(struct tell *tell, const struct record *record, const char *origin)
{
	const char *name;

	name = source_ops(tell->sources, record->txn->begun.source)->name;
	record_begin(record, name, origin);
	subscribers_begin(&tell->subscribers, record->txn, name);
}

void
tell_event(struct tell *tell, const struct record *record,
    const struct txn_event *event)
{
	const struct registry_entry *entry = record->members[event->part];

	subscribers_answered(&tell->subscribers, record->txn, event,
	    entry->name,
	    event->op == TXN_OP_THAW ? entry->thaw_text : entry->text);
}

void
tell_action(struct tell *tell, const struct record *record,
    const struct txn_action *action)
{
	subscribers_told(&tell->subscribers, record->txn, action,
	    record->members[action->part]->name);
}

/* What it says beside yes or no: only of the source's own transaction. */
static void
tell_fill_answer(const struct record *record, const struct txn_action *action,
    struct source_answer *answer)
{
	const struct txn *txn = record->txn;

	*answer = (struct source_answer) {
		.op = action->op,
		.source = action->request.source,
		.msgid = action->request.msgid,
		.success = action->success,
		.reason = txn_reason_word(action->reason),
	};
	if (answer->source != txn->begun.source)
		return;
	answer->id = txn->id;
	answer->hold_ms = txn->hold_ms;
	/* While it thaws, what is good so far may still be lost. */
	if (txn->state != TXN_THAWING || txn->outcome != TXN_OUTCOME_DONE) {
		answer->consistency = txn_consistency_word(
		    txn->state == TXN_HELD ? txn_prospect(txn) :
					     txn_consistency(txn));
		if (txn->outcome != TXN_OUTCOME_NONE)
			answer->outcome = txn_outcome_word(txn->outcome);
	}
	if (txn->culprit >= record->nmembers)
		return;
	answer->culprit = record->members[txn->culprit]->name;
	answer->text = record->members[txn->culprit]->text;
}

int
tell_answer(struct tell *tell, const struct record *record,
    const struct txn_action *action)
{
	struct source_answer answer;

	tell_fill_answer(record, action, &answer);
	if (answer.success && answer.op == TXN_OP_FREEZE)
		subscribers_held(&tell->subscribers, record->txn);
	if (source_answer(tell->sources, &answer) == 0)
		return (0);
	heldlog(HELDLOG_WARN, "answer_refused",
	    "source=%s op=%s msgid=%" PRIu64 " success=%d error=\"%s\"",
	    source_ops(tell->sources, answer.source)->name,
	    txn_op_word(answer.op), answer.msgid, answer.success,
	    strerror(errno));
	return (-1);
}

void
tell_end(struct tell *tell, const struct record *record)
{
	const struct txn *txn = record->txn;
	const struct subscribers_end seen = {
		.outcome = record_outcome(record),
		.consistency = record_consistency(record),
		.reason = record_reason(record),
		.culprit = record_culprit(record),
	};
	const struct source_end end = {
		.id = txn->id,
		.source = txn->begun.source,
		.outcome = seen.outcome,
		.consistency = seen.consistency,
		.reason = seen.reason,
	};

	subscribers_ended(&tell->subscribers, txn, &seen);
	source_ended(tell->sources, &end);
}
