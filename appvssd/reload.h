/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker's part of a reload: asks the parent to read the configuration,
 * keeps what comes until no transaction runs, takes it over, and answers those
 * who said RELOAD.  Never waits, opens nothing, and looks up nothing: the
 * parent hands over a text in which accounts are numbers.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#define RELOAD_WAITERS_MAX 16 /* one more is answered ERROR code=busy */

struct client;
struct clientset;
struct config;
struct event_base;
struct journal;
struct orders;
struct participants;
struct reload;
struct requestors;
struct roles;
struct subscribers;
struct txn;

/* What a new configuration reaches; all borrowed. */
struct reload_parts {
	struct config *config; /* replaced */
	struct txn *txn;
	struct roles *roles;
	struct participants *participants;
	struct requestors *requestors;
	struct subscribers *subscribers;
	struct clientset *clients;
	struct journal *journal;
	struct orders *orders;
	const bool *stopping; /* nothing is taken over any more */
};

/* NULL: out of memory. */
struct reload *reload_create(struct event_base *base);
void reload_destroy(struct reload *reload);
/* Before anything else is called. */
void reload_set_parts(struct reload *reload, const struct reload_parts *parts);

/* RELOAD of a client: answered now or later. */
void reload_ask(struct reload *reload, struct client *client);
/* The client has gone. */
void reload_drop(struct reload *reload, const struct client *client);

/* From the parent; both take fd. */
void reload_take(struct reload *reload, int fd, uint32_t serial,
    uint32_t again);
void reload_refuse(struct reload *reload, int fd, uint32_t again);

/* A transaction has ended: takes over what waits, from the event loop. */
void reload_poke(struct reload *reload);

#endif /* RELOAD_H */
