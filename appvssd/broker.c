/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker: the one file that sees the transaction machine, the clients, the
 * device and the history together.  It turns what they report into events of
 * the machine, and the machine's actions into calls.  Between the first FREEZE
 * and the end of THAW it touches no file system and writes no log line.
 */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "clientset.h"
#include "config.h"
#include "device_slot.h"
#include "device_words.h"
#include "histq.h"
#include "journal.h"
#include "kernel/vssdev/heldlog.h"
#include "lineup.h"
#include "orders.h"
#include "participants.h"
#include "record.h"
#include "status.h"
#include "txn.h"
#include "verbs.h"

/* Time between our last possible answer and the driver's limit. */
#define BROKER_ANSWER_MARGIN_MS 1000

struct broker {
	const struct config *config;
	struct event_base *base;
	struct event *tick_event;
	struct orders *orders;
	struct clientset *clients;
	struct device_slot device;
	struct journal *journal;
	struct histq *history; /* the journal's */
	struct participants participants;
	struct verbs verbs;

	struct txn txn;
	struct lineup lineup;
	uint64_t thaw_msgid;  /* the last THAW of a release, or 0 */
	bool success_refused; /* of this transaction's end, by the driver */
	bool device_lost;     /* the one that this transaction is of */
	/* Found while actions are carried out; become events afterwards. */
	bool release_refused;
	bool commit_failed;
	bool stepping;

	bool stopping;
	int exit_status;

	uint64_t last_id;
	const char *last_outcome;
	const char *last_consistency;
	uint64_t last_ended_at_ms;
};

static uint64_t
broker_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static void
broker_arm(struct event *event, uint64_t after_ms)
{
	struct timeval after = { (time_t)(after_ms / 1000),
		(suseconds_t)(after_ms % 1000 * 1000) };

	(void)event_add(event, &after);
}

/* One timer for the machine's next deadline and for thaws that are owed. */
static void
broker_arm_tick(struct broker *broker)
{
	uint64_t at_ms, now_ms, retry_at_ms;

	at_ms = txn_next_at_ms(&broker->txn);
	retry_at_ms = registry_next_at_ms(&broker->participants.registry);
	if (retry_at_ms < at_ms)
		at_ms = retry_at_ms;
	if (at_ms == UINT64_MAX) {
		(void)event_del(broker->tick_event);
		return;
	}
	now_ms = broker_now_ms();
	broker_arm(broker->tick_event, at_ms > now_ms ? at_ms - now_ms : 0);
}

static struct record
broker_record(const struct broker *broker)
{
	struct record record = {
		.queue = broker->history,
		.txn = &broker->txn,
		.members = broker->lineup.members,
		.told = VSS_TOLD_NOTHING,
	};

	return (record);
}

/* --- the machine --------------------------------------------------------- */

/* Everybody is thawed: the last rows, and then the end. */
static void
broker_end(struct broker *broker)
{
	participants_save(&broker->participants);
	journal_end(broker->journal);
}

static void
broker_finish(struct broker *broker)
{
	struct record record = broker_record(broker);

	record.refused = broker->success_refused;
	/* Another device's numbers are not those of this one. */
	if (broker->txn.begun.source == 0 && !broker->device_lost)
		record.told = device_slot_told(&broker->device,
		    broker->thaw_msgid != 0 ? broker->thaw_msgid :
					      broker->txn.begun.msgid);
	histq_hold(broker->history, false);
	heldlog_hold(false);
	record_end(&record);
	broker->last_id = broker->txn.id;
	broker->last_outcome = record_outcome(&record);
	broker->last_consistency = record_consistency(&record);
	broker->last_ended_at_ms = broker->txn.ended_at_ms;
	record_log(&record);
	lineup_note_results(&broker->lineup, broker->txn.op);
	registry_end_transaction(&broker->participants.registry);
	journal_forget_commit(broker->journal);
	if (broker->stopping)
		broker_end(broker);
}

static void
broker_commit_held(struct broker *broker)
{
	struct record record = broker_record(broker);

	if (!journal_commit(broker->journal,
		record_held(&record, broker_now_ms())))
		broker->commit_failed = true;
}

static void
broker_answer(struct broker *broker, const struct txn_action *action)
{
	/* From the release on, nothing is written to the history's file. */
	if (action->success && action->op == TXN_OP_FREEZE)
		histq_hold(broker->history, true);
	if (action->op == TXN_OP_THAW && broker->txn.released)
		broker->thaw_msgid = action->request.msgid;
	if (device_slot_answer(&broker->device, device_words_op(action->op),
		action->request.msgid, action->success) == 0)
		return;
	heldlog(HELDLOG_WARN, "answer_refused",
	    "op=%s msgid=%" PRIu64 " success=%d error=\"%s\"",
	    txn_op_word(action->op), action->request.msgid, action->success,
	    strerror(errno));
	if (!action->success)
		return;
	if (action->op == TXN_OP_FREEZE)
		broker->release_refused = true;
	else
		broker->success_refused = true;
}

static void
broker_act(struct broker *broker, const struct txn_action *action)
{
	switch (action->type) {
	case TXN_ACT_SEND_CHECK:
	case TXN_ACT_SEND_FREEZE:
	case TXN_ACT_SEND_THAW:
		participants_tell(broker->lineup.members[action->part],
		    broker->txn.id, action);
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
		    action, broker_now_ms());
		break;
	case TXN_ACT_FINISHED:
		broker_finish(broker);
		break;
	}
}

static void
broker_step_once(struct broker *broker, struct txn_event *event)
{
	bool begins;
	size_t i;

	event->now_ms = broker_now_ms();
	begins = broker->txn.state == TXN_IDLE &&
	    (event->type == TXN_EV_CHECK || event->type == TXN_EV_FREEZE);
	if (begins) {
		broker->thaw_msgid = 0;
		broker->success_refused = broker->device_lost = false;
		/* From the first FREEZE on no line may reach a disk. */
		heldlog_hold(event->type == TXN_EV_FREEZE);
	}
	txn_step(&broker->txn, event, &broker->lineup.actions);
	if (begins) {
		struct record record = broker_record(broker);

		record_begin(&record, event->request.msgid);
	}
	for (i = 0; i < broker->lineup.actions.count; i++)
		broker_act(broker, &broker->lineup.actions.items[i]);
}

/* An event, and what came of carrying out its actions. */
static void
broker_step(struct broker *broker, struct txn_event *event)
{
	struct txn_event next;

	assert(!broker->stepping);
	broker->stepping = true;
	broker_step_once(broker, event);
	while (broker->release_refused || broker->commit_failed) {
		next = (struct txn_event) { .type = broker->release_refused ?
			    TXN_EV_LATE :
			    TXN_EV_COMMITTED };
		broker->release_refused = broker->commit_failed = false;
		broker_step_once(broker, &next);
	}
	broker->stepping = false;
	broker_arm_tick(broker);
}

static void
broker_on_tick(int fd, short what, void *arg)
{
	struct txn_event event = { .type = TXN_EV_TICK };
	struct broker *broker = arg;

	(void)fd;
	(void)what;
	participants_retry(&broker->participants, broker_now_ms());
	broker_step(broker, &event);
}

/* --- the device ---------------------------------------------------------- */

/* A new transaction: its number, and everybody who is known. */
static int
broker_line_up(struct broker *broker, struct txn_event *event)
{
	if (broker->stopping ||
	    lineup_fill(&broker->lineup, &broker->participants.registry) == -1)
		return (-1);
	event->id = journal_next_id(broker->journal);
	event->parts = broker->lineup.parts;
	event->nparts = broker->lineup.count;
	return (0);
}

static void
broker_on_request(void *arg, enum hv_vss_op_t op, uint64_t msgid)
{
	struct txn_event event = { .request = { .msgid = msgid } };
	struct broker *broker = arg;

	if (!device_words_event(op, &event.type))
		return;
	if (event.type == TXN_EV_THAW && broker->txn.state == TXN_HELD)
		event.told = device_words_told(
		    device_slot_told(&broker->device, broker->txn.begun.msgid));
	if (event.type != TXN_EV_THAW && broker->txn.state == TXN_IDLE &&
	    broker_line_up(broker, &event) == -1) {
		heldlog(HELDLOG_ERROR, "request_refused", "msgid=%" PRIu64,
		    msgid);
		(void)device_slot_answer(&broker->device, op, msgid, false);
		return;
	}
	broker_step(broker, &event);
}

static void
broker_on_device_gone(void *arg)
{
	struct txn_event event = { .type = TXN_EV_SOURCE_GONE };
	struct broker *broker = arg;

	device_slot_empty(&broker->device);
	broker->device_lost = true;
	broker_step(broker, &event);
	heldlog(HELDLOG_WARN, "device_lost", "path=%s", broker->config->device);
	orders_report(broker->orders, PRIVSEP_WANT_DEVICE);
}

static const struct source_device_callbacks device_callbacks = {
	.request = broker_on_request,
	.gone = broker_on_device_gone,
};

/* --- the history --------------------------------------------------------- */

static void
broker_on_known(void *arg, const char *name, const char *program)
{
	struct broker *broker = arg;

	participants_add_known(&broker->participants, name, program);
}

static void
broker_on_listed(void *arg)
{
	struct broker *broker = arg;

	participants_end_list(&broker->participants);
}

static void
broker_on_room(void *arg)
{
	struct broker *broker = arg;

	participants_save(&broker->participants);
}

static void
broker_on_started(void *arg)
{
	struct broker *broker = arg;

	device_slot_accept(&broker->device);
}

static void
broker_on_committed(void *arg, bool committed)
{
	struct txn_event event = { .type = TXN_EV_COMMITTED,
		.committed = committed };

	broker_step(arg, &event);
}

static void
broker_on_ended(void *arg)
{
	struct broker *broker = arg;

	orders_report(broker->orders, PRIVSEP_FINISHED);
	(void)event_base_loopbreak(broker->base);
}

static const struct journal_callbacks journal_callbacks = {
	.known = broker_on_known,
	.listed = broker_on_listed,
	.room = broker_on_room,
	.started = broker_on_started,
	.committed = broker_on_committed,
	.ended = broker_on_ended,
};

/* --- clients ------------------------------------------------------------- */

static void
broker_up_event(void *arg, struct txn_event *event)
{
	broker_step(arg, event);
}

static bool
broker_up_expects(void *arg, uint64_t id, const struct txn_event *event)
{
	struct broker *broker = arg;

	if (id == broker->txn.id &&
	    txn_expects(&broker->txn, event->part, event->op,
		event->type == TXN_EV_READY))
		return (true);
	broker->txn.late_answers++;
	return (false);
}

/* Half of the queue is for transactions, whatever clients do. */
static bool
broker_up_save(void *arg, const struct registry_entry *entry)
{
	const struct broker *broker = arg;

	if (!broker->stopping &&
	    histq_waiting(broker->history) >=
		broker->config->history_queue_rows / 2)
		return (false);
	return (record_known(broker->history, entry));
}

static void
broker_up_settled(void *arg, const struct registry_entry *entry)
{
	struct broker *broker = arg;

	record_recovered(broker->history, entry);
	if (!broker->stepping)
		broker_arm_tick(broker);
}

static void
broker_up_progress(void *arg, const struct registry_entry *entry, uint64_t id,
    unsigned percent, const char *text)
{
	struct broker *broker = arg;

	if (id == broker->txn.id && broker->txn.state != TXN_IDLE)
		record_progress(broker->history, id, entry, percent, text);
	else
		broker->txn.late_answers++;
}

static void
broker_up_status(void *arg, struct client *client)
{
	struct broker *broker = arg;
	struct status status = {
		.txn = &broker->txn,
		.registry = &broker->participants.registry,
		.now_ms = broker_now_ms(),
		.device = device_slot_word(&broker->device),
		.history = journal_word(broker->journal),
		.queued = histq_waiting(broker->history),
		.dropped = histq_dropped(broker->history),
		.late = broker->txn.late_answers,
		.last_id = broker->last_id,
		.last_outcome = broker->last_outcome,
		.last_consistency = broker->last_consistency,
		.last_ended_at_ms = broker->last_ended_at_ms,
	};

	status_send(&status, client);
}

static const struct participants_upcalls participants_upcalls = {
	.event = broker_up_event,
	.expects = broker_up_expects,
	.save = broker_up_save,
	.settled = broker_up_settled,
	.progress = broker_up_progress,
};

static const struct verbs_upcalls verbs_upcalls = {
	.status = broker_up_status,
};

/* --- the parent ---------------------------------------------------------- */

static void
broker_on_device(void *arg, const int *fds, unsigned nfds)
{
	struct broker *broker = arg;

	device_slot_put(&broker->device, fds, nfds);
}

static void
broker_on_no_device(void *arg)
{
	struct broker *broker = arg;

	device_slot_miss(&broker->device);
}

static void
broker_on_history(void *arg, int fd)
{
	struct broker *broker = arg;

	journal_attach(broker->journal, fd);
}

static void
broker_on_stop(void *arg)
{
	struct broker *broker = arg;
	struct txn_event event = { .type = TXN_EV_SHUTDOWN };

	if (broker->stopping)
		return;
	broker->stopping = true;
	clientset_stop(broker->clients);
	if (broker->txn.state == TXN_IDLE)
		broker_end(broker);
	else
		broker_step(broker, &event);
}

static const struct orders_callbacks orders_callbacks = {
	.device = broker_on_device,
	.no_device = broker_on_no_device,
	.history = broker_on_history,
	.stop = broker_on_stop,
};

/* --- beginning and end --------------------------------------------------- */

static void
broker_init_txn(struct broker *broker)
{
	const struct config *config = broker->config;
	struct txn_limits limits = {
		.check_ms = config->check_ms,
		.freeze_ms = config->freeze_ms,
		.commit_ms = config->commit_ms,
		.hold_ms = config->hold_ms,
		.thaw_ms = config->thaw_ms,
		.answer_ms = config->driver_ms > BROKER_ANSWER_MARGIN_MS ?
		    config->driver_ms - BROKER_ANSWER_MARGIN_MS :
		    config->driver_ms,
	};

	txn_init(&broker->txn, &limits);
}

static int
broker_init(struct broker *broker, const struct broker_params *params)
{
	broker->config = params->config;
	broker->base = event_base_new();
	if (broker->base == NULL || lineup_init(&broker->lineup) == -1)
		return (-1);
	broker_init_txn(broker);
	broker->tick_event = event_new(broker->base, -1, 0, broker_on_tick,
	    broker);
	device_slot_init(&broker->device, broker->base, params->config->device,
	    &device_callbacks, broker);
	if (broker->tick_event == NULL ||
	    journal_create(&broker->journal, broker->base,
		params->config->history_queue_rows, params->run,
		&journal_callbacks, broker) == -1 ||
	    participants_init(&broker->participants, params->config,
		&participants_upcalls, broker) == -1)
		return (-1);
	broker->history = journal_queue(broker->journal);
	broker->orders = orders_create(broker->base, params->parent_fd,
	    &orders_callbacks, broker);
	broker->verbs = (struct verbs) { params->config, &broker->participants,
		geteuid(), &verbs_upcalls, broker };
	broker->clients = clientset_create(broker->base, params->listen_fd,
	    params->config, &broker->verbs);
	if (broker->orders == NULL || broker->clients == NULL)
		return (-1);
	return (0);
}

static void
broker_fini(struct broker *broker)
{
	device_slot_fini(&broker->device);
	clientset_destroy(broker->clients);
	orders_destroy(broker->orders);
	participants_fini(&broker->participants);
	journal_destroy(broker->journal);
	event_free(broker->tick_event);
	event_base_free(broker->base);
	lineup_fini(&broker->lineup);
}

int
broker_run(const struct broker_params *params)
{
	struct broker broker = { .config = NULL };

	if (broker_init(&broker, params) == -1) {
		heldlog(HELDLOG_ERROR, "broker_failed", "error=\"%s\"",
		    strerror(errno));
		return (1);
	}
	orders_report(broker.orders, PRIVSEP_LISTENING);
	if (event_base_dispatch(broker.base) == -1) {
		heldlog(HELDLOG_ERROR, "loop_failed", "error=\"%s\"",
		    strerror(errno));
		broker.exit_status = 1;
	}
	broker_fini(&broker);
	return (broker.exit_status);
}
