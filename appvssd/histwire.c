/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the history's socket pair.  Pure: no code but data.
 */
#include "histwire.h"

#define ANY  UINT64_MAX
#define B(k) WIRE_BIT(HK_##k)

static const struct wire_key_def keys[HK_COUNT] = {
	[HK_SEQ] = { "seq", WIRE_UINT, 1, ANY },
	[HK_RUN] = { "run", WIRE_UINT, 1, ANY },
	[HK_AT_MS] = { "at_ms", WIRE_UINT, 0, INT64_MAX },
	[HK_BOOT_ID] = { "boot_id", WIRE_TEXT, 0, HISTWIRE_ID_MAX },
	[HK_GENERATION] = { "generation", WIRE_TEXT, 0, HISTWIRE_ID_MAX },
	[HK_VERSION] = { "version", WIRE_TEXT, 0, HISTWIRE_ID_MAX },
	[HK_ID] = { "id", WIRE_UINT, 0, INT64_MAX },
	[HK_OP] = { "op", WIRE_WORD, 0, 0 },
	[HK_SOURCE] = { "source", WIRE_WORD, 0, 0 },
	[HK_MSGID] = { "msgid", WIRE_UINT, 0, ANY },
	[HK_STATE] = { "state", WIRE_WORD, 0, 0 },
	[HK_CONSISTENCY] = { "consistency", WIRE_WORD, 0, 0 },
	[HK_REASON] = { "reason", WIRE_WORD, 0, 0 },
	[HK_CULPRIT] = { "culprit", WIRE_NAME, 0, 0 },
	[HK_HOST] = { "host", WIRE_WORD, 0, 0 },
	[HK_ELAPSED_MS] = { "elapsed_ms", WIRE_UINT, 0, UINT32_MAX },
	[HK_LATE_MS] = { "late_ms", WIRE_UINT, 0, UINT32_MAX },
	[HK_PHASE] = { "phase", WIRE_WORD, 0, 0 },
	[HK_NAME] = { "name", WIRE_NAME, 0, 0 },
	[HK_PROGRAM] = { "program", WIRE_TEXT, 0, HISTWIRE_PROGRAM_MAX },
	[HK_RESULT] = { "result", WIRE_WORD, 0, 0 },
	[HK_THAW] = { "thaw", WIRE_WORD, 0, 0 },
	[HK_TEXT] = { "text", WIRE_TEXT, 0, HISTWIRE_TEXT_MAX },
	[HK_PID] = { "pid", WIRE_UINT, 0, INT64_MAX },
	[HK_UID] = { "uid", WIRE_UINT, 0, INT64_MAX },
	[HK_ORDER] = { "order", WIRE_UINT, 0, 99 },
	[HK_REQUIRED] = { "required", WIRE_UINT, 0, 1 },
	[HK_TOLD_AT_MS] = { "told_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[HK_READY_AT_MS] = { "ready_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[HK_THAW_TOLD_AT_MS] = { "thaw_told_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[HK_THAWED_AT_MS] = { "thawed_at_ms", WIRE_UINT, 0, UINT32_MAX },
	[HK_KIND] = { "kind", WIRE_WORD, 0, 0 },
	[HK_LAST_ID] = { "last_id", WIRE_UINT, 0, HISTWIRE_LAST_ID_MAX },
	[HK_SET_ASIDE] = { "set_aside", WIRE_TEXT, 1, HISTWIRE_ASIDE_MAX },
	[HK_QUERY] = { "query", WIRE_UINT, 1, ANY },
	[HK_BEFORE] = { "before", WIRE_UINT, 0, INT64_MAX },
	[HK_SKIP] = { "skip", WIRE_UINT, 0, INT64_MAX },
	[HK_LIMIT] = { "limit", WIRE_UINT, 1, HISTWIRE_LIMIT_MAX },
	[HK_CODE] = { "code", WIRE_WORD, 0, 0 },
	[HK_OUTCOME] = { "outcome", WIRE_WORD, 0, 0 },
	[HK_PARTICIPANTS] = { "participants", WIRE_UINT, 0, INT64_MAX },
	[HK_READY] = { "ready", WIRE_UINT, 0, INT64_MAX },
	[HK_INSTANCE] = { "instance", WIRE_UINT, 0, INT64_MAX },
	[HK_SNAPSHOTS] = { "snapshots", WIRE_UINT, 0, INT64_MAX },
	[HK_KEEP_DAYS] = { "keep_days", WIRE_UINT, 0, UINT32_MAX },
	[HK_KEEP_COUNT] = { "keep_count", WIRE_UINT, 0, UINT32_MAX },
	[HK_OWN] = { "own", WIRE_UINT, 0, 1 },
	[HK_PROOF] = { "proof", WIRE_UINT, 1, UINT32_MAX },
	[HK_PARTS] = { "parts", WIRE_TEXT, 1, HISTWIRE_PARTS_MAX },
};

static const struct wire_verb_def rows[HR_COUNT] = {
	[HR_RUN] = { "RUN", B(RUN) | B(AT_MS),
	    B(BOOT_ID) | B(GENERATION) | B(VERSION) },
	[HR_BEGIN] = { "BEGIN", B(SEQ) | B(ID) | B(AT_MS),
	    B(OP) | B(SOURCE) | B(MSGID) },
	[HR_STATE] = { "STATE", B(SEQ) | B(ID) | B(AT_MS) | B(STATE),
	    B(CONSISTENCY) | B(REASON) | B(CULPRIT) | B(HOST) | B(ELAPSED_MS) |
		B(LATE_MS) | B(INSTANCE) | B(SNAPSHOTS) },
	[HR_PART] = { "PART", B(SEQ) | B(ID) | B(PHASE) | B(NAME),
	    B(PROGRAM) | B(RESULT) | B(THAW) | B(TEXT) | B(PID) | B(UID) |
		B(ORDER) | B(REQUIRED) | B(TOLD_AT_MS) | B(READY_AT_MS) |
		B(THAW_TOLD_AT_MS) | B(THAWED_AT_MS) },
	[HR_HELD] = { "HELD", B(SEQ) | B(ID) | B(PROOF) | B(PARTS), 0 },
	[HR_EVENT] = { "EVENT", B(SEQ) | B(AT_MS) | B(KIND), B(ID) | B(TEXT) },
	[HR_KNOWN] = { "KNOWN", B(SEQ) | B(AT_MS) | B(NAME),
	    B(PROGRAM) | B(UID) },
	[HR_FORGET] = { "FORGET", B(SEQ) | B(AT_MS) | B(NAME), 0 },
	[HR_END] = { "END", B(SEQ) | B(AT_MS), 0 },
	[HR_DRIVER] = { "DRIVER",
	    B(SEQ) | B(AT_MS) | B(INSTANCE) | B(SNAPSHOTS), B(OWN) },
	[HR_KEEP] = { "KEEP", B(KEEP_DAYS) | B(KEEP_COUNT), 0 },
	[HR_COMMIT] = { "COMMIT", 0, 0 },
	[HR_QUERY] = { "QUERY", B(QUERY) | B(KIND),
	    B(ID) | B(BEFORE) | B(SKIP) | B(LIMIT) | B(NAME) },
};

#define ITEM_KEYS                                                           \
	(B(ID) | B(AT_MS) | B(OP) | B(SOURCE) | B(MSGID) | B(STATE) |       \
	    B(OUTCOME) | B(CONSISTENCY) | B(REASON) | B(NAME) | B(HOST) |   \
	    B(ELAPSED_MS) | B(LATE_MS) | B(PROGRAM) | B(RESULT) | B(THAW) | \
	    B(TEXT) | B(PID) | B(UID) | B(ORDER) | B(REQUIRED) |            \
	    B(TOLD_AT_MS) | B(READY_AT_MS) | B(THAW_TOLD_AT_MS) |           \
	    B(THAWED_AT_MS) | B(PARTICIPANTS) | B(READY))

static const struct wire_verb_def answers[HA_COUNT] = {
	[HA_KNOWN] = { "KNOWN", B(NAME), B(PROGRAM) | B(UID) },
	[HA_READY] = { "READY", B(LAST_ID),
	    B(SET_ASIDE) | B(MSGID) | B(INSTANCE) },
	[HA_ACK] = { "ACK", B(SEQ), 0 },
	[HA_ITEM] = { "ITEM", B(QUERY) | B(KIND), ITEM_KEYS },
	[HA_DONE] = { "DONE", B(QUERY), B(CODE) | B(BEFORE) | B(SKIP) },
};

const struct wire_grammar histwire_row_grammar = {
	.keys = keys,
	.nkeys = HK_COUNT,
	.verbs = rows,
	.nverbs = HR_COUNT,
};

const struct wire_grammar histwire_answer_grammar = {
	.keys = keys,
	.nkeys = HK_COUNT,
	.verbs = answers,
	.nverbs = HA_COUNT,
};
