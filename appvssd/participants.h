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
#include "txn.h"

struct client;
struct config;
struct roles;
struct wire_msg;

/* What the broker does for this module. */
struct participants_upcalls {
	/* READY, FAIL or GONE; now_ms is filled in by the callee. */
	void (*event)(void *arg, struct txn_event *event);
	/*
	 * Whether that event is waited for in transaction id.  If not, it is
	 * counted as late.
	 */
	bool (*expects)(void *arg, uint64_t id, const struct txn_event *event);
	/*
	 * The history is to be told what entry->known says.  False: not now;
	 * participants_save() comes when there is room.
	 */
	bool (*save)(void *arg, const struct registry_entry *entry);
	/* A thaw that was owed is confirmed. */
	void (*settled)(void *arg, const struct registry_entry *entry);
	/* PROGRESS: whether it is of the transaction; if not, it is late. */
	bool (*progress)(void *arg, const struct registry_entry *entry,
	    const struct wire_msg *msg);
	/* It is registered, absent or forgotten from now on. */
	void (*news)(void *arg, const char *news,
	    const struct registry_entry *entry);
};

/* The line that was told last, without its name. */
struct participants_told {
	uint64_t id; /* 0: none yet */
	struct txn_action action;
	struct wire_line line;
};

struct participants {
	struct registry registry;
	const struct config *config; /* borrowed */
	const struct roles *roles;   /* borrowed */
	const struct participants_upcalls *upcalls;
	void *arg;
	struct participants_told told;
};

/* Enters those that the configuration expects.  0, or -1: out of memory. */
int participants_init(struct participants *participants,
    const struct config *config, const struct roles *roles,
    const struct participants_upcalls *upcalls, void *arg);
void participants_fini(struct participants *participants);

/*
 * Between transactions, a new configuration.  Before it is taken over: enters
 * those that it expects; 0, or -1: out of memory.  Then: judges everybody anew,
 * as if they registered now; who may not stay is told so, and is absent.
 */
int participants_expect_all(struct participants *participants,
    const struct config *config);
void participants_judge(struct participants *participants);

/*
 * One that the history knows, and whose it is (-1: not known).  Of the first
 * list, who is not here already is added, and a name that somebody else has
 * taken meanwhile is taken from them; participants_end_list() ends a list, and
 * what it lacks is saved again.
 */
void participants_add_known(struct participants *participants, const char *name,
    const char *program, int64_t uid);
void participants_end_list(struct participants *participants);
/*
 * The history is to be told of the entry, now or later.  Frees one that is
 * leaving and is needed for nothing else.
 */
void participants_save_entry(struct participants *participants,
    struct registry_entry *entry);
/* Tells the history what it could not take before. */
void participants_save(struct participants *participants);

/* Messages of a client, that it may send: see verbs.h. */
void participants_on_register(struct participants *participants,
    struct client *client, const struct wire_msg *msg);
void participants_on_unregister(struct participants *participants,
    struct client *client, const struct wire_msg *msg);
void participants_on_answer(struct participants *participants,
    struct client *client, const struct wire_msg *msg); /* READY, FAIL */
void participants_on_progress(struct participants *participants,
    struct client *client, const struct wire_msg *msg);
void participants_on_forget(struct participants *participants,
    struct client *client, const struct wire_msg *msg);
/* The client has gone: its participants are absent from now on. */
void participants_on_closed(struct participants *participants,
    struct client *client);

/* The connection or the registration of one has ended: it is absent. */
void participants_leave(struct participants *participants,
    struct registry_entry *entry);

/* Sends what the action says; nothing to one that is absent. */
void participants_tell(struct participants *participants,
    const struct registry_entry *entry, uint64_t id,
    const struct txn_action *action);
/* Its thaw was not confirmed: it is retried until it is. */
void participants_owe(struct participants *participants,
    struct registry_entry *entry, uint64_t id, const struct txn_action *action,
    uint64_t now_ms);
/* Sends THAW again to everyone whose retry is due. */
void participants_retry(struct participants *participants, uint64_t now_ms);

#endif /* PARTICIPANTS_H */
