/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new configuration for the running broker: see reload.h.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "client.h"
#include "clientset.h"
#include "config.h"
#include "journal.h"
#include "kernel/vssdev/heldlog.h"
#include "orders.h"
#include "participants.h"
#include "reload.h"
#include "requestors.h"
#include "roles.h"
#include "sdk/proto.h"
#include "subscribers.h"
#include "textfd.h"
#include "txn.h"
#include "txn_limits.h"

#define RELOAD_TEXT_MAX                                      \
	(64u * 1024 * 1024) /* of what the parent hands over \
			     */

/* Serials go up, and the parent answers in order. */
struct reload_waiter {
	struct client *client;
	uint32_t serial;
};

struct reload {
	struct event *event;
	struct reload_parts parts;
	struct config *pending;	 /* owned, or NULL */
	uint32_t pending_serial; /* the parent's number of it */
	uint32_t pending_again;	 /* the last RELOAD that it is the answer to */
	uint32_t asked;		 /* the serial of the last RELOAD */
	struct reload_waiter waiters[RELOAD_WAITERS_MAX];
	unsigned nwaiters;
};

static void reload_on_event(int fd, short what, void *arg);

struct reload *
reload_create(struct event_base *base)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload == NULL)
		return (NULL);
	reload->event = event_new(base, -1, 0, reload_on_event, reload);
	if (reload->event == NULL) {
		free(reload);
		return (NULL);
	}
	return (reload);
}

static void
reload_set_pending(struct reload *reload, struct config *config)
{
	if (reload->pending != NULL)
		config_fini(reload->pending);
	free(reload->pending);
	reload->pending = config;
}

void
reload_destroy(struct reload *reload)
{
	if (reload == NULL)
		return;
	reload_set_pending(reload, NULL);
	event_free(reload->event);
	free(reload);
}

void
reload_set_parts(struct reload *reload, const struct reload_parts *parts)
{
	reload->parts = *parts;
}

void
reload_ask(struct reload *reload, struct client *client)
{
	if (reload->nwaiters == RELOAD_WAITERS_MAX) {
		client_send_error(client, "busy", "RELOAD", NULL,
		    "too many wait for it already");
		return;
	}
	if (orders_report_serial(reload->parts.orders, PRIVSEP_WANT_CONFIG,
		reload->asked + 1) == -1) {
		client_send_error(client, "unavailable", "RELOAD", NULL,
		    "the parent does not listen");
		return;
	}
	reload->waiters[reload->nwaiters++] = (struct reload_waiter) { client,
		++reload->asked };
}

void
reload_drop(struct reload *reload, const struct client *client)
{
	unsigned i, kept = 0;

	for (i = 0; i < reload->nwaiters; i++) {
		if (reload->waiters[i].client != client)
			reload->waiters[kept++] = reload->waiters[i];
	}
	reload->nwaiters = kept;
}

static void
reload_send_ok(struct client *client)
{
	struct wire_line line;

	wire_begin(&line, &proto_broker_grammar, PB_OK);
	wire_put_text(&line, PK_VERB, "RELOAD");
	client_send(client, &line);
}

/* Those from the first serial to the last; code is NULL if it went well. */
static void
reload_answer(struct reload *reload, uint32_t first, uint32_t last,
    const char *code, const char *text)
{
	const struct reload_waiter *waiter;
	unsigned i, kept = 0;

	for (i = 0; i < reload->nwaiters; i++) {
		waiter = &reload->waiters[i];
		if (waiter->serial < first || waiter->serial > last)
			reload->waiters[kept++] = *waiter;
		else if (code == NULL)
			reload_send_ok(waiter->client);
		else
			client_send_error(waiter->client, code, "RELOAD", NULL,
			    text);
	}
	reload->nwaiters = kept;
}

static void
reload_complain(void *arg, const char *text)
{
	char quoted[HELDLOG_LINE_MAX];

	(void)arg;
	heldlog(HELDLOG_ERROR, "config_mistake", "text=%s",
	    heldlog_quote(text, quoted, sizeof(quoted)));
}

/* NULL: after logging. */
static struct config *
reload_read(int fd)
{
	const struct config_complaints complaints = { reload_complain, NULL };
	struct config *config = calloc(1, sizeof(*config));
	size_t length;
	char *text;

	text = config == NULL ? NULL :
				textfd_read(fd, RELOAD_TEXT_MAX, &length);
	if (text == NULL) {
		heldlog(HELDLOG_ERROR, "reload_failed", "text=\"%s\"",
		    strerror(errno));
		free(config);
		return (NULL);
	}
	/* The parent has found it good: what is wrong now is ours. */
	if (config_parse(config, text, length, NULL, &complaints) == -1) {
		free(config);
		config = NULL;
	}
	free(text);
	return (config);
}

void
reload_take(struct reload *reload, int fd, uint32_t serial, uint32_t again)
{
	struct config *config = reload_read(fd);

	(void)close(fd);
	/* The newest one is the answer to earlier ones that still wait. */
	reload_set_pending(reload, config);
	reload->pending_serial = serial;
	if (again > reload->pending_again)
		reload->pending_again = again;
	if (config == NULL) {
		(void)orders_report_serial(reload->parts.orders,
		    PRIVSEP_NOT_APPLIED, serial);
		reload_answer(reload, 1, reload->pending_again, "unavailable",
		    "the configuration could not be handed over");
		return;
	}
	reload_poke(reload);
}

void
reload_refuse(struct reload *reload, int fd, uint32_t again)
{
	size_t length;
	char *text;

	text = textfd_read(fd, RELOAD_TEXT_MAX, &length);
	(void)close(fd);
	reload_answer(reload, again, again, "config",
	    text == NULL ? "see the log" : text);
	free(text);
}

void
reload_poke(struct reload *reload)
{
	if (reload->pending != NULL)
		event_active(reload->event, EV_TIMEOUT, 1);
}

/* Who may not observe any more hears no more. */
static void
reload_judge_subscribers(const struct reload_parts *parts)
{
	struct subscribers *subscribers = parts->subscribers;
	struct client *client;
	size_t i;

	subscribers_flush(subscribers);
	/* Backwards: removing one moves others up. */
	for (i = subscribers->count; i > 0; i--) {
		client = subscribers->clients[i - 1];
		if ((roles_of(parts->roles, client) & ACCESS_OBSERVE) != 0)
			continue;
		client_send_error(client, "denied", "SUBSCRIBE", NULL,
		    "not allowed for this user any more");
		subscribers_remove(subscribers, client);
	}
}

/* What of the broker depends on the configuration and is not read each time. */
static void
reload_spread(const struct reload_parts *parts)
{
	heldlog_set_level((enum heldlog_level)parts->config->log_level);
	txn_limits_of(parts->config, &parts->txn->limits);
	clientset_set_limits(parts->clients, parts->config);
	journal_set_keep(parts->journal, parts->config);
	parts->requestors->max_hold_ms = parts->config->hold_max_ms;
	roles_change(parts->roles);
	participants_judge(parts->participants);
	reload_judge_subscribers(parts);
}

static void
reload_on_event(int fd, short what, void *arg)
{
	struct reload *reload = arg;
	const struct reload_parts *parts = &reload->parts;
	bool good;

	(void)fd;
	(void)what;
	if (reload->pending == NULL || parts->txn->state != TXN_IDLE ||
	    *parts->stopping)
		return;
	/* The only part that can fail comes first. */
	good = participants_expect_all(parts->participants, reload->pending) ==
	    0;
	if (good)
		config_adopt(parts->config, reload->pending);
	/* By the one before, if it failed: whoever was added goes again. */
	reload_spread(parts);
	reload_set_pending(reload, NULL);
	(void)orders_report_serial(parts->orders,
	    good ? PRIVSEP_APPLIED : PRIVSEP_NOT_APPLIED,
	    reload->pending_serial);
	reload_answer(reload, 1, reload->pending_again, good ? NULL : "limit",
	    "out of memory");
}
