/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the socket protocol, version 1: which verb has which keys, and
 * the limits of each key.  Tables only; appvss-protocol(7) says what they mean.
 */
#include "proto.h"

static const struct wire_key_def keys[PK_COUNT] = {
	/* Any version is decoded, so that it can be refused by its name. */
	[PK_VERSION] = { "version", WIRE_UINT, 0, UINT32_MAX },
	[PK_PROGRAM] = { "program", WIRE_TEXT, 0, PROTO_PROGRAM_MAX },
	[PK_NAME] = { "name", WIRE_NAME, 0, 0 },
	[PK_ID] = { "id", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_OP] = { "op", WIRE_WORD, 0, 0 },
	[PK_ORDER] = { "order", WIRE_UINT, 0, 99 },
	[PK_REQUIRED] = { "required", WIRE_UINT, 0, 1 },
	[PK_CHECK] = { "check", WIRE_UINT, 0, 1 },
	[PK_FREEZE_MS] = { "freeze_ms", WIRE_UINT, 1, PROTO_BUDGET_MS_MAX },
	[PK_THAW_MS] = { "thaw_ms", WIRE_UINT, 1, PROTO_BUDGET_MS_MAX },
	[PK_TEXT] = { "text", WIRE_TEXT, 0, PROTO_TEXT_MAX },
	[PK_PERCENT] = { "percent", WIRE_UINT, 0, 100 },
	[PK_REMAINING_MS] = { "remaining_ms", WIRE_UINT, 0, PROTO_MS_MAX },
	[PK_HOLD_MS] = { "hold_ms", WIRE_UINT, 1, PROTO_MS_MAX },
	[PK_REASON] = { "reason", WIRE_WORD, 0, 0 },
	[PK_CODE] = { "code", WIRE_WORD, 0, 0 },
	[PK_VERB] = { "verb", WIRE_TEXT, 0, WIRE_NAME_MAX },
	[PK_KIND] = { "kind", WIRE_WORD, 0, 0 },
	[PK_STATE] = { "state", WIRE_WORD, 0, 0 },
	[PK_PRESENT] = { "present", WIRE_UINT, 0, 1 },
	[PK_PID] = { "pid", WIRE_UINT, 0, UINT32_MAX },
	[PK_UID] = { "uid", WIRE_UINT, 0, UINT32_MAX },
	[PK_RESULT] = { "result", WIRE_WORD, 0, 0 },
	[PK_CONSISTENCY] = { "consistency", WIRE_WORD, 0, 0 },
	[PK_OUTCOME] = { "outcome", WIRE_WORD, 0, 0 },
	[PK_DEVICE] = { "device", WIRE_WORD, 0, 0 },
	[PK_HISTORY] = { "history", WIRE_WORD, 0, 0 },
	[PK_QUEUED] = { "queued", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_DROPPED] = { "dropped", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_LATE] = { "late", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_AGE_MS] = { "age_ms", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_FLUSH_MS] = { "flush_ms", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_SOURCE] = { "source", WIRE_WORD, 0, 0 },
	[PK_ELAPSED_MS] = { "elapsed_ms", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_DETACH] = { "detach", WIRE_UINT, 0, 1 },
	[PK_BEFORE] = { "before", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_SKIP] = { "skip", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_LIMIT] = { "limit", WIRE_UINT, 1, PROTO_LIMIT_MAX },
	[PK_AT_MS] = { "at_ms", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_MSGID] = { "msgid", WIRE_UINT, 0, UINT64_MAX },
	[PK_HOST] = { "host", WIRE_WORD, 0, 0 },
	[PK_LATE_MS] = { "late_ms", WIRE_UINT, 0, UINT32_MAX },
	[PK_THAW] = { "thaw", WIRE_WORD, 0, 0 },
	[PK_TOLD_AT_MS] = { "told_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[PK_READY_AT_MS] = { "ready_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[PK_THAW_TOLD_AT_MS] = { "thaw_told_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[PK_THAWED_AT_MS] = { "thawed_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[PK_PARTICIPANTS] = { "participants", WIRE_UINT, 0, PROTO_COUNTER_MAX },
	[PK_READY] = { "ready", WIRE_UINT, 0, PROTO_COUNTER_MAX },
};

#define B(key) WIRE_BIT(key)

static const struct wire_verb_def client_verbs[PC_COUNT] = {
	[PC_HELLO] = { "HELLO", B(PK_VERSION), B(PK_PROGRAM) },
	[PC_REGISTER] = { "REGISTER", B(PK_NAME),
	    B(PK_PROGRAM) | B(PK_ORDER) | B(PK_REQUIRED) | B(PK_CHECK) |
		B(PK_FREEZE_MS) | B(PK_THAW_MS) },
	[PC_UNREGISTER] = { "UNREGISTER", B(PK_NAME), 0 },
	[PC_READY] = { "READY", B(PK_NAME) | B(PK_ID) | B(PK_OP), B(PK_TEXT) },
	[PC_FAIL] = { "FAIL", B(PK_NAME) | B(PK_ID) | B(PK_OP), B(PK_TEXT) },
	[PC_PROGRESS] = { "PROGRESS", B(PK_NAME) | B(PK_ID),
	    B(PK_PERCENT) | B(PK_REMAINING_MS) | B(PK_TEXT) },
	[PC_STATUS] = { "STATUS", 0, 0 },
	[PC_FORGET] = { "FORGET", B(PK_NAME), 0 },
	[PC_SUBSCRIBE] = { "SUBSCRIBE", 0, 0 },
	[PC_CHECK] = { "CHECK", 0, 0 },
	[PC_FREEZE] = { "FREEZE", 0, B(PK_HOLD_MS) | B(PK_DETACH) },
	[PC_THAW] = { "THAW", 0, B(PK_ID) },
	[PC_QUIT] = { "QUIT", 0, 0 },
	[PC_HISTORY] = { "HISTORY", 0,
	    B(PK_KIND) | B(PK_ID) | B(PK_SKIP) | B(PK_BEFORE) | B(PK_LIMIT) |
		B(PK_NAME) },
	[PC_RELOAD] = { "RELOAD", 0, 0 },
};

/* How a transaction ended. */
#define END_KEYS (B(PK_ID) | B(PK_OUTCOME) | B(PK_CONSISTENCY))

/* What items of the history have beside others. */
#define HISTORY_KEYS                                                           \
	(B(PK_AT_MS) | B(PK_MSGID) | B(PK_HOST) | B(PK_LATE_MS) | B(PK_THAW) | \
	    B(PK_TOLD_AT_MS) | B(PK_READY_AT_MS) | B(PK_THAW_TOLD_AT_MS) |     \
	    B(PK_THAWED_AT_MS) | B(PK_PARTICIPANTS) | B(PK_READY))

/* An ITEM or EVENT says what its kind has; the broker chooses. */
#define EITHER_KEYS                                                            \
	(B(PK_PROGRAM) | B(PK_NAME) | B(PK_ID) | B(PK_OP) | B(PK_ORDER) |      \
	    B(PK_REQUIRED) | B(PK_TEXT) | B(PK_PERCENT) | B(PK_REMAINING_MS) | \
	    B(PK_REASON) | B(PK_STATE) | B(PK_PRESENT) | B(PK_PID) |           \
	    B(PK_UID) | B(PK_RESULT) | B(PK_CONSISTENCY) | B(PK_OUTCOME) |     \
	    B(PK_DEVICE) | B(PK_HISTORY) | B(PK_QUEUED) | B(PK_DROPPED) |      \
	    B(PK_LATE) | B(PK_AGE_MS) | B(PK_FLUSH_MS) | B(PK_SOURCE) |        \
	    B(PK_ELAPSED_MS))
#define ITEM_KEYS (EITHER_KEYS | HISTORY_KEYS)
#define EVENT_KEYS                                                     \
	(EITHER_KEYS | B(PK_VERSION) | B(PK_CHECK) | B(PK_FREEZE_MS) | \
	    B(PK_THAW_MS) | B(PK_HOLD_MS))

static const struct wire_verb_def broker_verbs[PB_COUNT] = {
	[PB_WELCOME] = { "WELCOME", B(PK_VERSION), 0 },
	[PB_OK] = { "OK", B(PK_VERB), B(PK_NAME) | END_KEYS | B(PK_HOLD_MS) },
	[PB_ERROR] = { "ERROR", B(PK_CODE),
	    B(PK_VERB) | B(PK_NAME) | B(PK_TEXT) | END_KEYS },
	[PB_CHECK] = { "CHECK", B(PK_NAME) | B(PK_ID) | B(PK_REMAINING_MS), 0 },
	[PB_FREEZE] = { "FREEZE",
	    B(PK_NAME) | B(PK_ID) | B(PK_REMAINING_MS) | B(PK_HOLD_MS), 0 },
	[PB_THAW] = { "THAW",
	    B(PK_NAME) | B(PK_ID) | B(PK_REASON) | B(PK_REMAINING_MS), 0 },
	[PB_ITEM] = { "ITEM", B(PK_KIND), ITEM_KEYS },
	[PB_EVENT] = { "EVENT", B(PK_KIND), EVENT_KEYS },
	[PB_END] = { "END", B(PK_VERB), B(PK_BEFORE) | B(PK_SKIP) },
};

const struct wire_grammar proto_client_grammar = {
	.keys = keys,
	.nkeys = PK_COUNT,
	.verbs = client_verbs,
	.nverbs = PC_COUNT,
};

const struct wire_grammar proto_broker_grammar = {
	.keys = keys,
	.nkeys = PK_COUNT,
	.verbs = broker_verbs,
	.nverbs = PB_COUNT,
};
