/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of the exploration: which were seen, and how one came to them.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

static uint8_t *
put_number(uint8_t *at, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0) {
		*at++ = value & 0xff;
		value >>= 8;
	}
	return (at);
}

static uint32_t
until(uint64_t at_ms, uint64_t now_ms)
{
	return ((uint32_t)(at_ms - now_ms));
}

static int
compare_parts(const void *a, const void *b)
{
	return (memcmp(a, b, 16));
}

/*
 * What of a participant decides what can happen next, and what the rules will
 * say at the end.  While thawing, of its result only READY or not; once it is
 * finished, neither how, nor whether it is still connected.
 */
static void
put_part_key(const struct node *node, size_t i, uint8_t key[16])
{
	const struct txn_part *part = &node->parts[i];
	const struct ghost *ghost = &node->ghost;
	unsigned bits, result;
	bool finished;
	uint8_t *at;

	finished = part->phase == TXN_PHASE_FINISHED;
	result = part->result;
	if (node->txn.state == TXN_THAWING)
		result = part->result == TXN_RESULT_READY;
	bits = (unsigned)(!finished && (ghost->connected >> i & 1u) != 0) |
	    (ghost->asked >> i & 1u) << 1 | (ghost->unthawed >> i & 1u) << 2 |
	    (((unsigned)ghost->unconfirmed & ~(unsigned)ghost->owes) >> i & 1u)
		<< 3 |
	    (unsigned)part->required << 4 | (unsigned)part->present << 5 |
	    (unsigned)part->owes_thaw << 6;
	at = put_number(key, part->order, 1);
	at = put_number(at, bits, 1);
	at = put_number(at, part->phase, 1);
	at = put_number(at, result, 1);
	at = put_number(at, part->phase == TXN_PHASE_THAWING ? part->step : 0,
	    1);
	at = put_number(at, part->freeze_ms, 2);
	if (part->phase == TXN_PHASE_ASKED || part->phase == TXN_PHASE_THAWING)
		(void)put_number(at, until(part->deadline_at_ms, node->now_ms),
		    4);
}

/*
 * The key of a state.  Participants of equal setup and state are
 * interchangeable, so their parts of the key are sorted.
 */
void
explore_make_key(const struct explorer *explorer, const struct node *node,
    uint8_t key[KEY_BYTES])
{
	const struct txn *txn = &node->txn;
	const struct ghost *ghost = &node->ghost;
	uint8_t parts[MAX_PARTS][16] = { { 0 } }, *at;
	bool spoiled, thawing;
	uint64_t age_ms;
	size_t i;

	memset(key, 0, KEY_BYTES);
	for (i = 0; i < explorer->nparts; i++)
		put_part_key(node, i, parts[i]);
	qsort(parts, explorer->nparts, sizeof(parts[0]), compare_parts);
	memcpy(key, parts, sizeof(parts));
	at = put_number(key + sizeof(parts), txn->state, 1);
	at = put_number(at,
	    (unsigned)txn->begun_waits | (unsigned)txn->thaw_waits << 1 |
		(unsigned)txn->committing << 2 | (unsigned)txn->released << 3 |
		(unsigned)txn->superseded << 4 |
		(unsigned)txn->required_lost << 5 |
		(unsigned)txn->rearmed << 6 |
		(unsigned)(txn->reason != TXN_REASON_NONE) << 7,
	    1);
	thawing = txn->state == TXN_THAWING;
	spoiled = ghost->told_fail || ghost->lost_required ||
	    ghost->freeze_in_hold;
	at = put_number(at, txn->outcome, 1);
	at = put_number(at, txn->order, 1);
	at = put_number(at, txn->asked, 1);
	at = put_number(at, txn->thawing, 1);
	at = put_number(at, txn->step, 1);
	at = put_number(at, txn->step_thawing, 1);
	if (txn->state != TXN_IDLE) {
		at = put_number(at, until(txn->step_at_ms, node->now_ms), 4);
		at = put_number(at,
		    txn->state == TXN_HELD ?
			0 :
			until(txn->budget_at_ms, node->now_ms),
		    4);
	}
	if (txn->thawing > 0)
		at = put_number(at, until(txn->thaw_at_ms, node->now_ms), 4);
	if (txn->state == TXN_FREEZING) {
		age_ms = node->now_ms - txn->begun_at_ms;
		at = put_number(at,
		    age_ms > explore_limits.answer_ms ?
			explore_limits.answer_ms :
			age_ms,
		    4);
	}
	(void)put_number(at,
	    (unsigned)ghost->begun_open | (unsigned)ghost->thaw_open << 1 |
		(unsigned)ghost->source_gone << 2 |
		(unsigned)ghost->held_ever << 3 |
		(unsigned)(thawing ? spoiled : ghost->freeze_in_hold) << 4 |
		(unsigned)(thawing ? 0 : ghost->lost_required) << 5 |
		(unsigned)(thawing ? 0 : ghost->told_fail) << 6,
	    1);
}

static uint64_t
hash_key(const uint8_t key[KEY_BYTES])
{
	uint64_t hash, word;
	size_t i;

	hash = UINT64_C(14695981039346656037);
	for (i = 0; i < KEY_BYTES; i += sizeof(word)) {
		memcpy(&word, key + i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(1099511628211);
		hash ^= hash >> 29;
	}
	return (hash);
}

/* The slot of that hash and key, or the free one where it would be. */
static struct slot *
find_slot(const struct explorer *explorer, uint64_t hash,
    const uint8_t key[KEY_BYTES])
{
	uint8_t other[KEY_BYTES];
	struct slot *slot;
	size_t i;

	for (i = hash & (explorer->tablesize - 1);;
	     i = (i + 1) & (explorer->tablesize - 1)) {
		slot = &explorer->table[i];
		if (slot->node == 0)
			return (slot);
		if (key == NULL || slot->hash != hash)
			continue;
		explore_make_key(explorer, &explorer->nodes[slot->node - 1],
		    other);
		if (memcmp(key, other, KEY_BYTES) == 0)
			return (slot);
	}
}

static void
grow_table(struct explorer *explorer)
{
	struct slot *old = explorer->table;
	size_t i, oldsize = explorer->tablesize;

	explorer->tablesize = oldsize == 0 ? 1u << 16 : oldsize * 4;
	explorer->table = calloc(explorer->tablesize, sizeof(*old));
	if (explorer->table == NULL)
		err(1, "calloc");
	for (i = 0; i < oldsize; i++) {
		if (old[i].node != 0)
			*find_slot(explorer, old[i].hash, NULL) = old[i];
	}
	free(old);
}

/* Appends the node unless its state was seen. */
void
explore_add_node(struct explorer *explorer, const struct node *node)
{
	uint8_t key[KEY_BYTES];
	struct slot *slot;
	uint64_t hash;

	if (2 * (explorer->nnodes + 1) > explorer->tablesize)
		grow_table(explorer);
	explore_make_key(explorer, node, key);
	hash = hash_key(key);
	slot = find_slot(explorer, hash, key);
	if (slot->node != 0)
		return;
	if (explorer->nnodes == explorer->maxnodes) {
		explorer->maxnodes = explorer->maxnodes == 0 ?
		    4096 :
		    explorer->maxnodes * 2;
		explorer->nodes = realloc(explorer->nodes,
		    explorer->maxnodes * sizeof(*explorer->nodes));
		if (explorer->nodes == NULL)
			err(1, "realloc");
	}
	explorer->nodes[explorer->nnodes++] = *node;
	*slot = (struct slot) { hash, explorer->nnodes };
}

const char *
explore_event_word(enum txn_event_type type)
{
	switch (type) {
	case TXN_EV_CHECK:
		return ("CHECK");
	case TXN_EV_FREEZE:
		return ("FREEZE");
	case TXN_EV_THAW:
		return ("THAW");
	case TXN_EV_READY:
		return ("ready");
	case TXN_EV_FAIL:
		return ("fail");
	case TXN_EV_GONE:
		return ("gone");
	case TXN_EV_COMMITTED:
		return ("committed");
	case TXN_EV_LATE:
		return ("late");
	case TXN_EV_SOURCE_GONE:
		return ("source gone");
	case TXN_EV_SHUTDOWN:
		return ("shutdown");
	case TXN_EV_TICK:
		return ("tick");
	}
	return ("?");
}

void
explore_print_trace(const struct explorer *explorer, size_t index)
{
	const struct node *node = &explorer->nodes[index];
	size_t i;

	if (node->depth > 0)
		explore_print_trace(explorer, node->parent);
	printf("  %u. t=%llu %s source=%u part=%zd op=%s told=%d -> %s\n",
	    node->depth, (unsigned long long)node->event.now_ms,
	    explore_event_word(node->event.type), node->event.request.source,
	    (ssize_t)node->event.part, txn_op_word(node->event.op),
	    (int)node->event.told, txn_state_word(node->txn.state));
	for (i = 0; i < explorer->nparts; i++)
		printf("       %zu: phase=%d result=%s thaw=%s\n", i,
		    (int)node->parts[i].phase,
		    txn_result_word(node->parts[i].result),
		    txn_thaw_word(node->parts[i].thaw));
}

void
explore_print_setup(const struct explorer *explorer)
{
	size_t i;

	printf("participants of a %s:\n", txn_op_word(explorer->op));
	for (i = 0; i < explorer->nparts; i++)
		printf("  %zu: order=%u%s%s%s freeze_ms=%u\n", i,
		    explorer->setup[i].order,
		    explorer->setup[i].required ? " required" : " optional",
		    explorer->setup[i].present ? "" : " absent",
		    explorer->setup[i].owes_thaw ? " owes a thaw" : "",
		    explorer->setup[i].freeze_ms);
}
