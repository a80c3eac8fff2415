/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of an answer as the structure that the program gets.  No I/O.
 */
#include <string.h>

#include "client.h"

static const struct {
	const char *word;
	enum appvss_row_kind kind;
} kinds[] = {
	{ "broker", APPVSS_ROW_BROKER },
	{ "participant", APPVSS_ROW_PARTICIPANT },
	{ "debt", APPVSS_ROW_DEBT },
	{ "transaction", APPVSS_ROW_TRANSACTION },
	{ "run", APPVSS_ROW_RUN },
	{ "generation", APPVSS_ROW_GENERATION },
	{ "state", APPVSS_ROW_STATE },
	{ "event", APPVSS_ROW_EVENT },
};

static enum appvss_row_kind
kind_of_word(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].word, word) == 0)
			return (kinds[i].kind);
	return (APPVSS_ROW_OTHER);
}

void
row_of_msg(struct appvss_row *row, const struct wire_msg *msg)
{
#define TEXT(key)   wire_get_text(msg, key, "")
#define NUMBER(key) wire_get_uint(msg, key, APPVSS_UNKNOWN)
	*row = (struct appvss_row) {
		.kind = kind_of_word(TEXT(PK_KIND)),
		.kind_word = TEXT(PK_KIND),
		.name = TEXT(PK_NAME),
		.program = TEXT(PK_PROGRAM),
		.state = TEXT(PK_STATE),
		.operation = TEXT(PK_OP),
		.source = TEXT(PK_SOURCE),
		.outcome = TEXT(PK_OUTCOME),
		.consistency = TEXT(PK_CONSISTENCY),
		.result = TEXT(PK_RESULT),
		.thaw = TEXT(PK_THAW),
		.reason = TEXT(PK_REASON),
		.host = TEXT(PK_HOST),
		.device = TEXT(PK_DEVICE),
		.history = TEXT(PK_HISTORY),
		.text = TEXT(PK_TEXT),
		.id = NUMBER(PK_ID),
		.at_ms = NUMBER(PK_AT_MS),
		.elapsed_ms = NUMBER(PK_ELAPSED_MS),
		.remaining_ms = NUMBER(PK_REMAINING_MS),
		.age_ms = NUMBER(PK_AGE_MS),
		.flush_ms = NUMBER(PK_FLUSH_MS),
		.late_ms = NUMBER(PK_LATE_MS),
		.told_at_ms = NUMBER(PK_TOLD_AT_MS),
		.ready_at_ms = NUMBER(PK_READY_AT_MS),
		.thaw_told_at_ms = NUMBER(PK_THAW_TOLD_AT_MS),
		.thawed_at_ms = NUMBER(PK_THAWED_AT_MS),
		.msgid = NUMBER(PK_MSGID),
		.pid = NUMBER(PK_PID),
		.uid = NUMBER(PK_UID),
		.order = NUMBER(PK_ORDER),
		.required = NUMBER(PK_REQUIRED),
		.present = NUMBER(PK_PRESENT),
		.percent = NUMBER(PK_PERCENT),
		.participants = NUMBER(PK_PARTICIPANTS),
		.ready = NUMBER(PK_READY),
		.queued = NUMBER(PK_QUEUED),
		.dropped = NUMBER(PK_DROPPED),
		.late = NUMBER(PK_LATE),
	};
#undef TEXT
#undef NUMBER
}
