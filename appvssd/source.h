/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where requests for snapshots come from: one interface, and a backend for each
 * kind (the driver's device, clients that ask by themselves).  Another
 * hypervisor is one more backend.  Decides nothing.
 *
 * A source's number says its kind in the low bits; a backend may have many
 * numbers, one for everybody who can go by himself.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/hv_snapshot.h"
#include "txn.h"

enum source_kind { SOURCE_DEVICE, SOURCE_REQUESTOR, SOURCE_KINDS };

#define SOURCE_KIND_BITS   3
#define SOURCE_OF(kind, n) ((uint32_t)(n) << SOURCE_KIND_BITS | (kind))
#define SOURCE_KIND(source) \
	((enum source_kind)((source) & ((1u << SOURCE_KIND_BITS) - 1)))

/* Wants one answer.  Texts are lent. */
struct source_request {
	enum txn_op op;
	uint32_t source;
	uint64_t msgid;	  /* names it in its source */
	uint32_t hold_ms; /* of a FREEZE: limit while held; 0: the usual one */
	const char *origin; /* who asks, for the history; or NULL */
};

/* Words are those of txn.h, "" if there is none.  Lent. */
struct source_answer {
	enum txn_op op;
	uint32_t source;
	uint64_t msgid;
	bool success;
	const char *reason;
	/* Of the transaction that it is about; id 0: there is none. */
	uint64_t id;
	uint32_t hold_ms;
	const char *culprit; /* participant */
	const char *text;    /* what that said; untrusted */
	const char *outcome;
	const char *consistency;
};

/* A transaction of a source is over, whoever ended it. */
struct source_end {
	uint64_t id;
	uint32_t source;
	const char *outcome;
	const char *consistency;
	const char *reason;
};

struct source_counters {
	uint64_t instance;  /* from when they count */
	uint64_t snapshots; /* FREEZEs that the host was told success for */
};

struct source_ops {
	const char *name; /* in the history */
	/*
	 * 0; or -1 with errno: it was not taken, and whoever asked has been
	 * told, or will find, that there was no success.
	 */
	int (*answer)(void *self, const struct source_answer *answer);
	/* What a host was told at last.  NULL: there is no host behind it. */
	enum hv_vss_told (*told)(void *self, uint64_t msgid);
	/* What the driver has counted; false: it does not count. */
	bool (*counted)(void *self, struct source_counters *counters);
	/* NULL: it need not know. */
	void (*ended)(void *self, const struct source_end *end);
};

struct source {
	const struct source_ops *ops;
	void *self; /* borrowed */
};

/* One of each kind. */
struct sources {
	struct source items[SOURCE_KINDS];
};

/* Each goes to the backend of the source that is named. */
int source_answer(const struct sources *sources,
    const struct source_answer *answer);
/* VSS_TOLD_NOTHING: nobody knows. */
enum hv_vss_told source_told(const struct sources *sources, uint32_t number,
    uint64_t msgid);
bool source_counted(const struct sources *sources, uint32_t number,
    struct source_counters *counters);
void source_ended(const struct sources *sources, const struct source_end *end);
const struct source_ops *source_ops(const struct sources *sources,
    uint32_t number);

/* What the host was told of a FREEZE, seen from the THAW that follows it. */
enum txn_told source_txn_told(enum hv_vss_told told);

/* What a backend hands up, from the event loop. */
struct source_upcalls {
	void (*request)(void *arg, const struct source_request *request);
	/* It is there from now on, perhaps again. */
	void (*opened)(void *arg, uint32_t source);
	/* Nobody is left to be answered. */
	void (*gone)(void *arg, uint32_t source);
};

#endif /* SOURCE_H */
