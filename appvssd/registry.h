/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is known: participants that are registered, that went away without
 * UNREGISTER (absent), or that the configuration expects; and which of them
 * still owe a thaw.  Knows nothing of sockets and transactions; owns its
 * entries.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "sdk/wire.h"

/* What its last PROGRESS said, until it answers. */
struct registry_progress {
	unsigned lines; /* in this transaction */
	bool has_percent;
	bool has_remaining;
	unsigned percent;
	uint32_t remaining_ms; /* that it thought it needs */
	char *text;	       /* owned or NULL */
};

struct registry_entry {
	char name[WIRE_NAME_MAX + 1];
	char *program;	 /* owned; what it says of itself */
	char *text;	 /* owned or NULL: of its last CHECK or FREEZE */
	char *thaw_text; /* owned or NULL: of its last THAW */
	void *owner;	 /* the client that registered it; NULL: absent */
	void **owned;	 /* the first that its owner has; kept by the owner */
	struct registry_entry *owned_next, *owned_prev;
	uid_t uid;    /* of the owner, or the last one */
	bool has_uid; /* false: known from the history only */
	pid_t pid;
	struct access_grant grant;
	struct access_grant asked; /* while there is an owner */
	bool wants_check;
	size_t part;	     /* its index in the transaction, or SIZE_MAX */
	bool in_transaction; /* must not be freed before that is over */
	struct registry_progress progress;
	bool leaving; /* for others it is not there any more */
	/* What the history shall say at the next start. */
	bool known;
	bool unsaved;	    /* ... and has not been told: must not be freed */
	bool listed;	    /* the history has just said that it knows it */
	const char *result; /* word of its last transaction, or NULL */
	bool has_flush;
	uint32_t flush_ms; /* from FREEZE to READY, the last time */
	/* A thaw that was not confirmed. */
	uint64_t owes_id; /* transaction; 0: none */
	const char *owes_reason;
	uint64_t retry_at_ms;
	uint32_t retry_ms;
	struct registry_entry *next; /* in the order of first registration */
};

struct registry {
	struct registry_entry *first;
	struct registry_entry **last_next;
	void *by_name; /* tsearch(3) */
	size_t count;
	size_t owing; /* entries that owe a thaw */
	/* The first retry of a thaw comes after this long; it doubles up to the
	 * last. */
	uint32_t retry_first_ms, retry_last_ms;
	size_t nunsaved;
	/* Those who leave are kept, so that nobody adds them again. */
	bool keeps_names;
};

void registry_init(struct registry *registry);
void registry_fini(struct registry *registry);

/*
 * Its owner from now on, and where that keeps the first of its entries, until
 * registry_disown().
 */
void registry_own(struct registry_entry *entry, void *owner, void **owned);
void registry_disown(struct registry_entry *entry);

/* Lent, or NULL. */
struct registry_entry *registry_find(const struct registry *registry,
    const char *name);
/* A new, absent entry; it must not exist.  NULL when out of memory. */
struct registry_entry *registry_add(struct registry *registry, const char *name,
    const char *program);
/*
 * Forgets it: it is leaving, and freed when no transaction runs, it is saved
 * and names are not kept; that may be now.
 */
void registry_remove(struct registry *registry, struct registry_entry *entry);
/* Says whether the history has been told; may free it. */
void registry_set_unsaved(struct registry *registry,
    struct registry_entry *entry, bool unsaved);
/* No more names are kept: frees those that left meanwhile. */
void registry_drop_names(struct registry *registry);
/* The transaction is over: frees those that left meanwhile. */
void registry_end_transaction(struct registry *registry);

size_t registry_count_uid(const struct registry *registry, uid_t uid);

/* Replaces a text; NULL or "" removes it. */
void registry_set_text(struct registry_entry *entry, const char *text);
void registry_set_thaw_text(struct registry_entry *entry, const char *text);
/* Replaces the progress, texts are copied; NULL: there is none any more. */
void registry_set_progress(struct registry_entry *entry,
    const struct registry_progress *progress);
/* Both texts for people, cut to size.  Returns out. */
const char *registry_texts(const struct registry_entry *entry, char *out,
    size_t size);
void registry_set_program(struct registry_entry *entry, const char *program);

/* The thaw of transaction id was not confirmed. */
void registry_owe(struct registry *registry, struct registry_entry *entry,
    uint64_t id, const char *reason, uint64_t now_ms);
/* It was tried again: the next time is later. */
void registry_retried(const struct registry *registry,
    struct registry_entry *entry, uint64_t now_ms);
void registry_settle(struct registry *registry, struct registry_entry *entry);
/* When the next retry is due; UINT64_MAX: none. */
uint64_t registry_next_at_ms(const struct registry *registry);

#endif /* REGISTRY_H */
