/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl status, apps, forget and reload: asked over the socket.  Any key
 * may be missing from an answer; it is then shown as "-".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "ctl.h"
#include "items.h"
#include "sdk/proto.h"
#include "text.h"

/* Then id and outcome are those of the last transaction. */
static bool
is_idle(const struct wire_msg *broker)
{
	return (strcmp(wire_get_text(broker, PK_STATE, ""), "idle") == 0);
}

static void
print_last(const struct wire_msg *broker)
{
	char duration[TEXT_DURATION_SIZE], id[24];

	fputs("  last           ", stdout);
	if (!wire_has(broker, PK_OUTCOME)) {
		puts("-");
		return;
	}
	if (is_idle(broker) && wire_has(broker, PK_ID))
		printf("transaction %s: ", items_number(broker, PK_ID, id));
	printf("%s, consistency %s", items_text(broker, PK_OUTCOME),
	    items_text(broker, PK_CONSISTENCY));
	if (wire_has(broker, PK_AGE_MS))
		printf(", %s ago", items_duration(broker, PK_AGE_MS, duration));
	putchar('\n');
}

static void
print_broker(const struct wire_msg *broker)
{
	char pid[24], queued[24], dropped[24], late[24], id[24];
	char duration[TEXT_DURATION_SIZE];

	text_print(items_text(broker, PK_PROGRAM));
	printf(" (pid %s): %s", items_number(broker, PK_PID, pid),
	    items_text(broker, PK_STATE));
	if (!is_idle(broker) && wire_has(broker, PK_ID))
		printf(", transaction %s", items_number(broker, PK_ID, id));
	if (wire_has(broker, PK_REMAINING_MS))
		printf(", %s left",
		    items_duration(broker, PK_REMAINING_MS, duration));
	printf("\n  device         %s\n", items_text(broker, PK_DEVICE));
	printf("  history        %s (%s rows wait, %s dropped)\n",
	    items_text(broker, PK_HISTORY),
	    items_number(broker, PK_QUEUED, queued),
	    items_number(broker, PK_DROPPED, dropped));
	printf("  late answers   %s\n", items_number(broker, PK_LATE, late));
	print_last(broker);
	if (wire_has(broker, PK_TEXT)) {
		fputs("  notice         ", stdout);
		text_print(items_text(broker, PK_TEXT));
		putchar('\n');
	}
}

static const char *
yes_no(const struct wire_msg *msg, unsigned key)
{
	if (!wire_has(msg, key))
		return ("-");
	return (wire_get_uint(msg, key, 0) != 0 ? "yes" : "no");
}

static void
print_participants(const struct items *items)
{
	static const char *const headings[] = { "NAME", "STATE", "ORDER",
		"REQUIRED", "PRESENT", "PID", "UID", "RESULT", "FLUSH",
		"PROGRAM", "TEXT", NULL };
	struct text_table table;

	if (items_find(items, "participant") == NULL) {
		puts("no participants");
		return;
	}
	text_table_init(&table, headings);
	for (size_t i = 0; i < items->count; i++) {
		const struct wire_msg *msg = &items->msgs[i];
		char order[24], pid[24], uid[24], flush[TEXT_DURATION_SIZE];
		const char *cells[] = { items_text(msg, PK_NAME),
			items_text(msg, PK_STATE),
			items_number(msg, PK_ORDER, order),
			yes_no(msg, PK_REQUIRED), yes_no(msg, PK_PRESENT),
			items_number(msg, PK_PID, pid),
			items_number(msg, PK_UID, uid),
			items_text(msg, PK_RESULT),
			items_duration(msg, PK_FLUSH_MS, flush),
			items_text(msg, PK_PROGRAM), items_text(msg, PK_TEXT) };

		if (items_is(msg, "participant"))
			text_table_add(&table, cells);
	}
	text_table_print(&table);
}

static void
print_debts(const struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		const struct wire_msg *msg = &items->msgs[i];

		if (!items_is(msg, "debt"))
			continue;
		printf("\nnot thawed: %s (", items_text(msg, PK_NAME));
		text_print(items_text(msg, PK_TEXT));
		puts("); appvssd goes on trying");
	}
}

static void
json_text(struct text_json *json, const struct wire_msg *msg, unsigned key)
{
	const char *name = proto_broker_grammar.keys[key].name;

	if (wire_has(msg, key))
		text_json_string(json, name, wire_get_text(msg, key, ""));
	else
		text_json_null(json, name);
}

static void
json_uint(struct text_json *json, const struct wire_msg *msg, unsigned key)
{
	const char *name = proto_broker_grammar.keys[key].name;

	if (wire_has(msg, key))
		text_json_uint(json, name, wire_get_uint(msg, key, 0));
	else
		text_json_null(json, name);
}

static void
json_flag(struct text_json *json, const struct wire_msg *msg, unsigned key)
{
	const char *name = proto_broker_grammar.keys[key].name;

	if (wire_has(msg, key))
		text_json_bool(json, name, wire_get_uint(msg, key, 0) != 0);
	else
		text_json_null(json, name);
}

static void
print_json(const struct wire_msg *msg)
{
	struct text_json json;

	text_json_begin(&json);
	json_text(&json, msg, PK_KIND);
	if (items_is(msg, "broker")) {
		json_text(&json, msg, PK_PROGRAM);
		json_uint(&json, msg, PK_PID);
		json_text(&json, msg, PK_STATE);
		json_uint(&json, msg, PK_ID);
		json_uint(&json, msg, PK_REMAINING_MS);
		json_text(&json, msg, PK_DEVICE);
		json_text(&json, msg, PK_HISTORY);
		json_uint(&json, msg, PK_QUEUED);
		json_uint(&json, msg, PK_DROPPED);
		json_uint(&json, msg, PK_LATE);
		json_text(&json, msg, PK_OUTCOME);
		json_text(&json, msg, PK_CONSISTENCY);
		json_uint(&json, msg, PK_AGE_MS);
		json_text(&json, msg, PK_TEXT);
	} else {
		json_text(&json, msg, PK_NAME);
		json_text(&json, msg, PK_TEXT);
	}
	if (items_is(msg, "participant")) {
		json_text(&json, msg, PK_PROGRAM);
		json_text(&json, msg, PK_STATE);
		json_uint(&json, msg, PK_ORDER);
		json_flag(&json, msg, PK_REQUIRED);
		json_flag(&json, msg, PK_PRESENT);
		json_uint(&json, msg, PK_PID);
		json_uint(&json, msg, PK_UID);
		json_text(&json, msg, PK_RESULT);
		json_uint(&json, msg, PK_FLUSH_MS);
	}
	text_json_end(&json);
}

static void
print_items(const struct ctl *ctl, const struct items *items)
{
	const struct wire_msg *broker = items_find(items, "broker");

	if (ctl->json) {
		for (size_t i = 0; i < items->count; i++)
			print_json(&items->msgs[i]);
		return;
	}
	if (broker != NULL)
		print_broker(broker);
	putchar('\n');
	print_participants(items);
	print_debts(items);
}

int
ctl_status(const struct ctl *ctl, int argc, char *argv[])
{
	struct items items;
	int status;

	(void)argc;
	(void)argv;
	status = items_fetch(&items, ctl->socket);
	if (status == EX_OK)
		print_items(ctl, &items);
	items_fini(&items);
	return (status);
}

int
ctl_apps(const struct ctl *ctl, int argc, char *argv[])
{
	struct items items;
	int status;

	(void)argc;
	(void)argv;
	status = items_fetch(&items, ctl->socket);
	for (size_t i = 0; ctl->json && i < items.count; i++)
		if (!items_is(&items.msgs[i], "broker"))
			print_json(&items.msgs[i]);
	if (status == EX_OK && !ctl->json) {
		print_participants(&items);
		print_debts(&items);
	}
	items_fini(&items);
	return (status);
}

/* Sends a line that is answered by one OK. */
static int
say(const struct ctl *ctl, struct wire_line *line, long long limit_ms)
{
	static struct wire_msg msg;
	struct client client;
	int status;

	status = client_open(&client, ctl->socket, NULL);
	if (status != EX_OK)
		return (status);
	client_set_limit(&client, limit_ms);
	status = client_send(&client, line);
	if (status == EX_OK)
		status = client_receive(&client, &msg);
	client_close(&client);
	if (status == EX_OK && msg.verb != PB_OK) {
		ctl_warn("%s: an answer to something else", ctl->socket);
		return (EX_PROTOCOL);
	}
	return (status);
}

int
ctl_forget(const struct ctl *ctl, int argc, char *argv[])
{
	const char *name = argv[0];
	struct wire_line line;
	struct text_json json;
	int status;

	(void)argc;
	wire_begin(&line, &proto_client_grammar, PC_FORGET);
	wire_put_text(&line, PK_NAME, name);
	if (line.error != WIRE_OK) {
		ctl_warn("not a name of a participant");
		return (EX_USAGE);
	}
	status = say(ctl, &line, CLIENT_LIMIT_MS);
	if (status != EX_OK)
		return (status);
	if (ctl->json) {
		text_json_begin(&json);
		text_json_string(&json, "forgotten", name);
		text_json_end(&json);
	} else {
		printf("%s is forgotten\n", name);
	}
	return (EX_OK);
}

int
ctl_reload(const struct ctl *ctl, int argc, char *argv[])
{
	struct wire_line line;
	struct text_json json;
	int status;

	(void)argc;
	(void)argv;
	wire_begin(&line, &proto_client_grammar, PC_RELOAD);
	status = say(ctl, &line, CLIENT_RELOAD_MS);
	if (status != EX_OK)
		return (status);
	if (ctl->json) {
		text_json_begin(&json);
		text_json_bool(&json, "reloaded", true);
		text_json_end(&json);
	} else {
		printf("the configuration is reloaded\n");
	}
	return (EX_OK);
}
