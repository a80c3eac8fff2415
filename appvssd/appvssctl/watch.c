/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl watch: events as appvssd sends them, one a line, at once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "client.h"
#include "ctl.h"
#include "sdk/proto.h"
#include "text.h"

static int64_t
wall_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* In the order of reading; what an event does not have is left out. */
static const unsigned text_keys[] = { PK_NAME, PK_OP, PK_SOURCE, PK_RESULT,
	PK_OUTCOME, PK_CONSISTENCY, PK_REASON, PK_TEXT };
static const unsigned number_keys[] = { PK_PERCENT, PK_REMAINING_MS,
	PK_ELAPSED_MS, PK_HOLD_MS };
#define COUNT(keys) (sizeof(keys) / sizeof((keys)[0]))

static void
print_json(const struct wire_msg *msg, int64_t at_ms)
{
	struct text_json json;
	size_t i;

	text_json_begin(&json);
	text_json_string(&json, "event", wire_get_text(msg, PK_KIND, ""));
	text_json_time(&json, "at_ms", at_ms);
	if (wire_has(msg, PK_ID))
		text_json_uint(&json, "id", wire_get_uint(msg, PK_ID, 0));
	else
		text_json_null(&json, "id");
	for (i = 0; i < COUNT(text_keys); i++) {
		if (wire_has(msg, text_keys[i]))
			text_json_string(&json,
			    proto_broker_grammar.keys[text_keys[i]].name,
			    wire_get_text(msg, text_keys[i], ""));
	}
	for (i = 0; i < COUNT(number_keys); i++) {
		if (wire_has(msg, number_keys[i]))
			text_json_uint(&json,
			    proto_broker_grammar.keys[number_keys[i]].name,
			    wire_get_uint(msg, number_keys[i], 0));
	}
	text_json_end(&json);
}

static void
print_duration(const struct wire_msg *msg, unsigned key, const char *before,
    const char *behind)
{
	char duration[TEXT_DURATION_SIZE];

	if (wire_has(msg, key))
		printf("%s%s%s", before,
		    text_duration((int64_t)wire_get_uint(msg, key, 0),
			duration),
		    behind);
}

/* "2026-11-25 08:00:00.123 +0000  12 answer  db freeze ready in 12 ms" */
static void
print_text(const struct wire_msg *msg, int64_t at_ms)
{
	const char *kind = wire_get_text(msg, PK_KIND, "");
	char at[TEXT_TIME_SIZE], id[24] = "-";
	size_t i;

	if (wire_has(msg, PK_ID))
		snprintf(id, sizeof(id), "%" PRIu64,
		    wire_get_uint(msg, PK_ID, 0));
	printf("%s  %4s  %-10s", text_time(at_ms, true, at), id, kind);
	for (i = 0; i < COUNT(text_keys); i++) {
		const char *text = wire_get_text(msg, text_keys[i], "");

		if (text[0] == '\0' || text_keys[i] == PK_TEXT)
			continue;
		putchar(' ');
		text_print(text);
	}
	if (wire_has(msg, PK_PERCENT))
		printf(" %" PRIu64 " %%", wire_get_uint(msg, PK_PERCENT, 0));
	print_duration(msg, PK_ELAPSED_MS, " in ", "");
	print_duration(msg, PK_REMAINING_MS, ", ",
	    strcmp(kind, "progress") == 0 ? " more" : " left");
	print_duration(msg, PK_HOLD_MS, ", for up to ", "");
	if (wire_has(msg, PK_TEXT)) {
		fputs(": ", stdout);
		text_print(wire_get_text(msg, PK_TEXT, ""));
	}
	putchar('\n');
}

int
ctl_watch(const struct ctl *ctl, int argc, char *argv[])
{
	static struct wire_msg msg;
	struct client client;
	struct wire_line line;
	unsigned seen = 0;
	int status;

	(void)argc;
	(void)argv;
	status = client_open(&client, ctl->socket, NULL);
	if (status != EX_OK)
		return (status);
	wire_begin(&line, &proto_client_grammar, PC_SUBSCRIBE);
	status = client_send(&client, &line);
	if (status == EX_OK)
		status = client_receive(&client, &msg);
	client_set_limit(&client, -1);
	while (status == EX_OK && (ctl->limit == 0 || seen < ctl->limit)) {
		status = client_receive(&client, &msg);
		if (status != EX_OK || msg.verb != PB_EVENT)
			continue;
		if (ctl->json)
			print_json(&msg, wall_ms());
		else
			print_text(&msg, wall_ms());
		/* Somebody reads it as it happens. */
		if (fflush(stdout) != 0)
			break;
		seen++;
	}
	client_close(&client);
	return (status);
}
