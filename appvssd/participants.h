/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients ask for, carried out on the registry: REGISTER, UNREGISTER,
 * answers, FORGET; and what participants are told.  Sees clients and registry;
 * of the transaction only its events, which it hands up.
 */
#ifndef PARTICIPANTS_H
#define PARTICIPANTS_H

#include <sys/types.h>

#include <stdint.h>

#include "registry.h"

struct client;
struct config;
struct txn_action;
struct txn_event;
struct wire_msg;

/* What the broker does for this module. */
struct participants_upcalls {
	/* READY, FAIL or GONE; now_ms is filled in by the callee. */
	void (*event)(void *arg, struct txn_event *event);
	/* The id of the transaction that runs, or 0. */
	uint64_t (*transaction)(void *arg);
	/* Whether that event would be waited for. */
	bool (*expects)(void *arg, const struct txn_event *event);
	/* An answer that nobody waits for. */
	void (*late)(void *arg);
	void (*known)(void *arg, const struct registry_entry *entry);
	void (*forgotten)(void *arg, const char *name);
	/* A thaw that was owed is confirmed. */
	void (*settled)(void *arg, const struct registry_entry *entry);
	void (*progress)(void *arg, const struct registry_entry *entry,
	    unsigned percent, const char *text);
	void (*status)(void *arg, struct client *client);
};

struct participants {
	struct registry registry;
	const struct config *config; /* borrowed */
	uid_t self;		     /* the broker's own user */
	const struct participants_upcalls *upcalls;
	void *arg;
};

/* Enters those that the configuration expects.  0, or -1: out of memory. */
int participants_init(struct participants *participants,
    const struct config *config, const struct participants_upcalls *upcalls,
    void *arg);
void participants_fini(struct participants *participants);

/* One that the history knows; ignored if it is here already. */
void participants_add_known(struct participants *participants, const char *name,
    const char *program);

/* A message of a client. */
void participants_on_message(struct participants *participants,
    struct client *client, const struct wire_msg *msg);
/* The client has gone: its participants are absent from now on. */
void participants_on_closed(struct participants *participants,
    struct client *client);

/* Sends what the action says; nothing to one that is absent. */
void participants_tell(const struct registry_entry *entry, uint64_t id,
    const struct txn_action *action);
/* Its thaw was not confirmed: it is retried until it is. */
void participants_owe(struct registry_entry *entry, uint64_t id,
    const struct txn_action *action, uint64_t now_ms);
/* Sends THAW again to everyone whose retry is due. */
void participants_retry(struct participants *participants, uint64_t now_ms);

#endif /* PARTICIPANTS_H */
