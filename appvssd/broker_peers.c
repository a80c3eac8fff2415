/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Those whom the broker lives with: history, clients and parent.  What they
 * report goes on to where it belongs; what concerns a transaction becomes an
 * event of the machine.
 */
#include <event2/event.h>

#include "broker_impl.h"
#include "clientset.h"
#include "config.h"
#include "histq.h"
#include "kernel/vssdev/clock.h"
#include "record.h"
#include "sdk/proto.h"
#include "status.h"

/* --- the history --------------------------------------------------------- */

static void
broker_on_known(void *arg, const char *name, const char *program, int64_t uid)
{
	struct broker *broker = arg;

	participants_add_known(&broker->participants, name, program, uid);
}

static void
broker_on_listed(void *arg)
{
	struct broker *broker = arg;

	participants_end_list(&broker->participants);
}

static void
broker_on_unsure(void *arg, uint64_t msgid, uint64_t instance)
{
	struct broker *broker = arg;

	gaps_set_unsure(&broker->gaps, msgid, instance);
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

const struct journal_callbacks broker_journal_callbacks = {
	.known = broker_on_known,
	.listed = broker_on_listed,
	.unsure = broker_on_unsure,
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
broker_up_news(void *arg, const char *news, const struct registry_entry *entry)
{
	struct broker *broker = arg;

	subscribers_participant(&broker->tell.subscribers, news, entry->name);
}

static void
broker_up_settled(void *arg, const struct registry_entry *entry)
{
	struct broker *broker = arg;

	record_recovered(broker->history, entry);
	broker_up_news(broker, "recovered", entry);
	if (!broker->stepping)
		broker_arm_tick(broker);
}

static bool
broker_up_progress(void *arg, const struct registry_entry *entry,
    const struct wire_msg *msg)
{
	struct broker *broker = arg;

	if (wire_get_uint(msg, PK_ID, 0) != broker->txn.id ||
	    broker->txn.state == TXN_IDLE) {
		broker->txn.late_answers++;
		return (false);
	}
	record_progress(broker->history, entry, msg);
	subscribers_progress(&broker->tell.subscribers, msg);
	return (true);
}

static void
broker_up_status(void *arg, struct client *client)
{
	struct broker *broker = arg;
	struct status status = {
		.txn = &broker->txn,
		.registry = &broker->participants.registry,
		.now_ms = clock_now_ms(),
		.device = device_slot_word(&broker->device),
		.history = journal_word(broker->journal),
		.set_aside = journal_set_aside(broker->journal),
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

const struct participants_upcalls broker_participants_upcalls = {
	.event = broker_up_event,
	.expects = broker_up_expects,
	.save = broker_up_save,
	.settled = broker_up_settled,
	.progress = broker_up_progress,
	.news = broker_up_news,
};

const struct verbs_upcalls broker_verbs_upcalls = {
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

static void
broker_on_config(void *arg, int fd, uint32_t serial, uint32_t again)
{
	struct broker *broker = arg;

	reload_take(broker->reload, fd, serial, again);
}

static void
broker_on_bad_config(void *arg, int fd, uint32_t again)
{
	struct broker *broker = arg;

	reload_refuse(broker->reload, fd, again);
}

const struct orders_callbacks broker_orders_callbacks = {
	.device = broker_on_device,
	.no_device = broker_on_no_device,
	.history = broker_on_history,
	.stop = broker_on_stop,
	.config = broker_on_config,
	.bad_config = broker_on_bad_config,
};
