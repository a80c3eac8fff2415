/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker's machine: turns what the others report into events of the
 * transaction machine, and its actions into calls.  Between the first FREEZE
 * and the end of THAW it touches no file system and writes no log line.
 */
#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>

#include "broker_impl.h"
#include "histq.h"
#include "kernel/vssdev/clock.h"
#include "kernel/vssdev/heldlog.h"
#include "query.h"
#include "record.h"

static void
broker_arm(struct event *event, uint64_t after_ms)
{
	struct timeval after = { (time_t)(after_ms / 1000),
		(suseconds_t)(after_ms % 1000 * 1000) };

	(void)event_add(event, &after);
}

void
broker_arm_tick(struct broker *broker)
{
	uint64_t at_ms, now_ms, retry_at_ms;

	at_ms = txn_next_at_ms(&broker->txn);
	retry_at_ms = registry_next_at_ms(&broker->participants.registry);
	if (retry_at_ms < at_ms)
		at_ms = retry_at_ms;
	/* Mostly it is armed so already: a step is asked for by each answer. */
	if (at_ms == broker->tick_at_ms)
		return;
	broker->tick_at_ms = at_ms;
	if (at_ms == UINT64_MAX) {
		(void)event_del(broker->tick_event);
		return;
	}
	now_ms = clock_now_ms();
	broker_arm(broker->tick_event, at_ms > now_ms ? at_ms - now_ms : 0);
}

static struct record
broker_record(const struct broker *broker)
{
	struct record record = {
		.queue = broker->history,
		.txn = &broker->txn,
		.members = broker->lineup.members,
		.nmembers = broker->lineup.count,
		.has_host = source_ops(&broker->sources,
				broker->txn.begun.source)
				->told != NULL,
		.told = VSS_TOLD_NOTHING,
	};

	return (record);
}
/* --- the machine --------------------------------------------------------- */

/* When none of ours can be among the new ones: snapshots without us are found.
 */
static void
broker_note_counters(struct broker *broker, uint32_t source)
{
	gaps_note(&broker->gaps, broker->history, &broker->sources, source);
}

void
broker_end(struct broker *broker)
{
	participants_save(&broker->participants);
	broker_note_counters(broker, SOURCE_OF(SOURCE_DEVICE, 0));
	journal_end(broker->journal);
}

static void
broker_finish(struct broker *broker)
{
	struct record record = broker_record(broker);
	struct histq_driver counted;

	record.refused = broker->success_refused;
	/* Another device's numbers are not those of this one. */
	if (!broker->source_lost)
		record.told = source_told(&broker->sources,
		    broker->txn.begun.source,
		    broker->thaw_msgid != 0 ? broker->thaw_msgid :
					      broker->txn.begun.msgid);
	histq_hold(broker->history, false);
	query_hold(broker->verbs.query, false);
	heldlog_hold(false);
	if (broker->txn.released && record.has_host &&
	    gaps_end(&broker->gaps, &broker->sources, broker->txn.begun.source,
		broker->txn.begun.msgid, broker->source_lost, &counted))
		record.counted = &counted;
	record_end(&record);
	if (!broker->txn.released && !broker->source_lost)
		broker_note_counters(broker, broker->txn.begun.source);
	broker->last_id = broker->txn.id;
	broker->last_outcome = record_outcome(&record);
	broker->last_consistency = record_consistency(&record);
	broker->last_ended_at_ms = broker->txn.ended_at_ms;
	record_log(&record);
	tell_end(&broker->tell, &record);
	lineup_note_results(&broker->lineup, broker->txn.op);
	lineup_end(&broker->lineup);
	registry_end_transaction(&broker->participants.registry);
	journal_forget_commit(broker->journal);
	if (broker->stopping)
		broker_end(broker);
	reload_poke(broker->reload);
}

static void
broker_commit_held(struct broker *broker)
{
	struct record record = broker_record(broker);

	if (!journal_commit(broker->journal,
		record_held(&record, clock_now_ms())))
		broker->commit_failed = true;
	/* This one is not counted before it is released. */
	broker_note_counters(broker, broker->txn.begun.source);
}

static void
broker_answer(struct broker *broker, const struct txn_action *action)
{
	struct record record = broker_record(broker);

	/* From the release on, nothing is written to the history's file. */
	if (action->success && action->op == TXN_OP_FREEZE)
		histq_hold(broker->history, true);
	if (action->op == TXN_OP_THAW && broker->txn.released)
		broker->thaw_msgid = action->request.msgid;
	if (tell_answer(&broker->tell, &record, action) == 0 ||
	    !action->success)
		return;
	if (action->op == TXN_OP_FREEZE)
		broker->release_refused = true;
	else
		broker->success_refused = true;
}

static void
broker_act(struct broker *broker, const struct txn_action *action)
{
	struct record record = broker_record(broker);

	switch (action->type) {
	case TXN_ACT_SEND_CHECK:
	case TXN_ACT_SEND_FREEZE:
	case TXN_ACT_SEND_THAW:
		tell_action(&broker->tell, &record, action);
		participants_tell(&broker->participants,
		    broker->lineup.members[action->part], broker->txn.id,
		    action);
		break;
	case TXN_ACT_COMMIT_HELD:
		broker_commit_held(broker);
		break;
	case TXN_ACT_ANSWER:
		broker_answer(broker, action);
		break;
	case TXN_ACT_OWES:
		heldlog(HELDLOG_ERROR, "thaw_failed", "name=%s id=%" PRIu64,
		    broker->lineup.members[action->part]->name, broker->txn.id);
		participants_owe(&broker->participants,
		    broker->lineup.members[action->part], broker->txn.id,
		    action, clock_now_ms());
		break;
	case TXN_ACT_FINISHED:
		broker_finish(broker);
		break;
	}
}

/* origin: of an event that may begin a transaction: who asks. */
static void
broker_step_once(struct broker *broker, struct txn_event *event,
    const char *origin)
{
	struct record record;
	bool begins;
	size_t i;

	event->now_ms = clock_now_ms();
	begins = broker->txn.state == TXN_IDLE &&
	    (event->type == TXN_EV_CHECK || event->type == TXN_EV_FREEZE);
	if (begins) {
		broker->thaw_msgid = 0;
		broker->success_refused = broker->source_lost = false;
		/* From the first FREEZE on no line may reach a disk. */
		heldlog_hold(event->type == TXN_EV_FREEZE);
		query_hold(broker->verbs.query, event->type == TXN_EV_FREEZE);
	}
	txn_step(&broker->txn, event, &broker->lineup.actions);
	record = broker_record(broker);
	if (begins)
		tell_begin(&broker->tell, &record, origin);
	else if (event->type == TXN_EV_READY || event->type == TXN_EV_FAIL)
		tell_event(&broker->tell, &record, event);
	for (i = 0; i < broker->lineup.actions.count; i++)
		broker_act(broker, &broker->lineup.actions.items[i]);
}

/* An event, and what came of carrying out its actions. */
static void
broker_step_from(struct broker *broker, struct txn_event *event,
    const char *origin)
{
	struct txn_event next;

	assert(!broker->stepping);
	broker->stepping = true;
	broker_step_once(broker, event, origin);
	while (broker->release_refused || broker->commit_failed) {
		next = (struct txn_event) { .type = broker->release_refused ?
			    TXN_EV_LATE :
			    TXN_EV_COMMITTED };
		broker->release_refused = broker->commit_failed = false;
		broker_step_once(broker, &next, NULL);
	}
	broker->stepping = false;
	broker_arm_tick(broker);
}

void
broker_step(struct broker *broker, struct txn_event *event)
{
	broker_step_from(broker, event, NULL);
}

void
broker_on_tick(int fd, short what, void *arg)
{
	struct txn_event event = { .type = TXN_EV_TICK };
	struct broker *broker = arg;

	(void)fd;
	(void)what;
	broker->tick_at_ms = UINT64_MAX;
	participants_retry(&broker->participants, clock_now_ms());
	broker_step(broker, &event);
}

/* --- sources ------------------------------------------------------------- */

static enum txn_event_type
broker_event_type(enum txn_op op)
{
	switch (op) {
	case TXN_OP_CHECK:
		return (TXN_EV_CHECK);
	case TXN_OP_FREEZE:
		return (TXN_EV_FREEZE);
	case TXN_OP_THAW:
		break;
	}
	return (TXN_EV_THAW);
}

/* A request that cannot begin a transaction. */
static void
broker_refuse(struct broker *broker, const struct source_request *request)
{
	const struct source_answer answer = {
		.op = request->op,
		.source = request->source,
		.msgid = request->msgid,
		.reason = txn_reason_word(
		    broker->stopping ? TXN_REASON_SHUTDOWN : TXN_REASON_BUSY),
	};

	heldlog(HELDLOG_ERROR, "request_refused",
	    "source=%s msgid=%" PRIu64 " reason=%s",
	    source_ops(&broker->sources, request->source)->name, request->msgid,
	    answer.reason);
	(void)source_answer(&broker->sources, &answer);
}

/* A new transaction: its number, and everybody who is known. */
static int
broker_line_up(struct broker *broker, struct txn_event *event)
{
	if (broker->stopping || !journal_is_started(broker->journal))
		return (-1);
	if (lineup_fill(&broker->lineup, &broker->participants.registry) == -1)
		return (-1);
	event->id = journal_next_id(broker->journal);
	event->parts = broker->lineup.parts;
	event->nparts = broker->lineup.count;
	return (0);
}

static void
broker_on_request(void *arg, const struct source_request *request)
{
	struct txn_event event = { .type = broker_event_type(request->op),
		.request = { request->source, request->msgid },
		.hold_ms = request->hold_ms };
	struct broker *broker = arg;

	if (event.type == TXN_EV_THAW && broker->txn.state == TXN_IDLE)
		broker_note_counters(broker, request->source);
	if (event.type == TXN_EV_THAW && broker->txn.state == TXN_HELD &&
	    broker->txn.begun.source == request->source)
		event.told = source_txn_told(source_told(&broker->sources,
		    request->source, broker->txn.begun.msgid));
	if (event.type != TXN_EV_THAW && broker->txn.state == TXN_IDLE &&
	    broker_line_up(broker, &event) == -1) {
		broker_refuse(broker, request);
		return;
	}
	broker_step_from(broker, &event, request->origin);
}

static void
broker_on_source_gone(void *arg, uint32_t source)
{
	struct txn_event event = { .type = TXN_EV_SOURCE_GONE,
		.request = { .source = source } };
	struct broker *broker = arg;

	if (broker->txn.begun.source == source)
		broker->source_lost = true;
	broker_step(broker, &event);
	if (SOURCE_KIND(source) == SOURCE_DEVICE)
		orders_report(broker->orders, PRIVSEP_WANT_DEVICE);
}

static void
broker_on_source_opened(void *arg, uint32_t source)
{
	struct broker *broker = arg;

	gaps_forget(&broker->gaps);
	broker_note_counters(broker, source);
}

const struct source_upcalls broker_source_upcalls = {
	.opened = broker_on_source_opened,
	.request = broker_on_request,
	.gone = broker_on_source_gone,
};
