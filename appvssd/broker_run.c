/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker's beginning and end: makes its parts, ties them together, runs the
 * event loop.
 */
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "broker_impl.h"
#include "clientset.h"
#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/vssdev.h"
#include "txn_limits.h"

/* The base system's driver has no kqueue filter: then it is poll(2). */
static struct event_base *
broker_new_base(const struct config *config)
{
	struct event_config *how;
	struct event_base *base;

	how = event_config_new();
	if (how == NULL)
		return (NULL);
	if (strcmp(config->device, CONFIG_NO_DEVICE) != 0 &&
	    !vssdev_suits_kqueue(config->device))
		(void)event_config_avoid_method(how, "kqueue");
	base = event_base_new_with_config(how);
	event_config_free(how);
	return (base);
}

/* Everything that a reload reaches is there. */
static void
broker_init_reload(struct broker *broker, struct config *config)
{
	const struct reload_parts parts = {
		.config = config,
		.txn = &broker->txn,
		.roles = &broker->roles,
		.participants = &broker->participants,
		.requestors = &broker->requestors,
		.subscribers = &broker->tell.subscribers,
		.clients = broker->clients,
		.journal = broker->journal,
		.orders = broker->orders,
		.stopping = &broker->stopping,
	};

	reload_set_parts(broker->reload, &parts);
}

static int
broker_init(struct broker *broker, const struct broker_params *params)
{
	struct txn_limits limits;

	broker->config = params->config;
	broker->base = broker_new_base(params->config);
	if (broker->base == NULL || lineup_init(&broker->lineup) == -1)
		return (-1);
	txn_limits_of(params->config, &limits);
	txn_init(&broker->txn, &limits);
	roles_init(&broker->roles, params->config);
	broker->reload = reload_create(broker->base);
	broker->tick_event = event_new(broker->base, -1, 0, broker_on_tick,
	    broker);
	device_slot_init(&broker->device, broker->base, params->config->device,
	    &broker_source_upcalls, broker);
	requestors_init(&broker->requestors, params->config->hold_max_ms,
	    &broker_source_upcalls, broker);
	broker->sources.items[SOURCE_DEVICE] = device_slot_source(
	    &broker->device);
	broker->sources.items[SOURCE_REQUESTOR] = requestors_source(
	    &broker->requestors);
	broker->tell.sources = &broker->sources;
	if (broker->tick_event == NULL || broker->reload == NULL ||
	    subscribers_init(&broker->tell.subscribers, broker->base) == -1 ||
	    journal_create(&broker->journal, broker->base,
		params->config->history_queue_rows, params->run,
		&broker_journal_callbacks, broker) == -1 ||
	    participants_init(&broker->participants, params->config,
		&broker->roles, &broker_participants_upcalls, broker) == -1)
		return (-1);
	broker->history = journal_queue(broker->journal);
	journal_set_keep(broker->journal, params->config);
	broker->orders = orders_create(broker->base, params->parent_fd,
	    &broker_orders_callbacks, broker);
	broker->verbs = (struct verbs) { &broker->roles, &broker->participants,
		&broker->requestors, &broker->tell.subscribers,
		journal_query(broker->journal), broker->reload,
		&broker_verbs_upcalls, broker };
	broker->clients = clientset_create(broker->base, params->listen_fd,
	    params->config, &broker->verbs);
	if (broker->orders == NULL || broker->clients == NULL)
		return (-1);
	broker_init_reload(broker, params->config);
	return (0);
}

static void
broker_fini(struct broker *broker)
{
	device_slot_fini(&broker->device);
	subscribers_fini(&broker->tell.subscribers);
	clientset_destroy(broker->clients);
	requestors_fini(&broker->requestors);
	orders_destroy(broker->orders);
	participants_fini(&broker->participants);
	journal_destroy(broker->journal);
	reload_destroy(broker->reload);
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
