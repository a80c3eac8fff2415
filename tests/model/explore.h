/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the exploration of the transaction machine: its states,
 * and what the world knows beside what the machine believes.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appvssd/txn.h"

#define MAX_PARTS	  5
#define DEVICE		  0u
#define REQUESTOR	  1u
#define REQUESTOR_HOLD_MS 20000u /* a limit of its own */
#define MSGID_BEGUN	  1u
#define MSGID_THAW	  2u
#define MSGID_INTRUDER	  3u
#define KEY_BYTES	  160
#define START_MS	  1000

/* What the world knows, beside what the machine believes. */
struct ghost {
	uint8_t connected;   /* bits of participants */
	uint8_t asked;	     /* were sent FREEZE */
	uint8_t unthawed;    /* ... and not THAW, and are still connected */
	uint8_t unconfirmed; /* were sent THAW and did not say READY */
	uint8_t owes;	     /* handed over for retries */
	uint64_t thaw_due_ms[MAX_PARTS]; /* by when it must have said so */
	bool begun_open;
	bool thaw_open;
	bool source_gone;
	bool held_ever;
	bool freeze_in_hold;
	bool lost_required;
	bool told_fail;
	bool finished;
	bool released_late;
};

struct node {
	struct txn txn;
	struct txn_part parts[MAX_PARTS];
	struct ghost ghost;
	uint64_t now_ms;
	size_t parent;
	struct txn_event event;
	unsigned depth;
};

/* Of the hash table; node: its number and 1, 0 if it is free. */
struct slot {
	uint64_t hash;
	size_t node;
};

struct explorer {
	struct txn_part setup[MAX_PARTS];
	size_t nparts;
	enum txn_op op;
	uint32_t source; /* who begins it; the other one intrudes */
	struct node *nodes;
	size_t nnodes, maxnodes;
	struct slot *table;
	size_t tablesize;
	uint64_t steps;
	const char *violation;
};

extern const struct txn_limits explore_limits;

/* explore_state.c: states that were seen, and the way to them. */

/* All that decides what can happen after a node. */
void explore_make_key(const struct explorer *explorer, const struct node *node,
    uint8_t key[KEY_BYTES]);
/* Appends the node unless its state was seen. */
void explore_add_node(struct explorer *explorer, const struct node *node);
void explore_print_setup(const struct explorer *explorer);
void explore_print_trace(const struct explorer *explorer, size_t index);
const char *explore_event_word(enum txn_event_type type);

/* explore_rules.c: the design's rules; a violation is left in the explorer. */

/* Keeps the ghost's account of an event; true if it must be answered at once.
 */
bool explore_note_event(const struct node *before, struct node *node);
void explore_check_actions(struct explorer *explorer, const struct node *before,
    struct node *node, const struct txn_actions *actions, bool intruder);
void explore_check_step(struct explorer *explorer, const struct node *before,
    const struct node *node);

#endif /* EXPLORE_H */
