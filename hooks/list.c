/* SPDX-License-Identifier: BSD-2-Clause */
/* See list.h.  Names may hold anything: nothing reaches a terminal unseen. */
#include <stdio.h>

#include "list.h"

static void
print_name(const char *name)
{
	for (; *name != '\0'; name++)
		if (*name >= ' ' && *name <= '~' && *name != '\\')
			(void)putchar(*name);
		else
			(void)printf("\\x%02X", (unsigned char)*name);
}

/* As JSON; bytes above 0x7f as if they were Latin-1. */
static void
print_string(const char *text)
{
	(void)putchar('"');
	for (; *text != '\0'; text++)
		if (*text == '"' || *text == '\\')
			(void)printf("\\%c", *text);
		else if (*text >= ' ' && *text <= '~')
			(void)putchar(*text);
		else
			(void)printf("\\u%04x", (unsigned char)*text);
	(void)putchar('"');
}

static const char *
state_of(const struct hookdir_entry *entry)
{
	if (entry->verdict == SCAN_RUN)
		return ("run");
	return (scan_is_refused(entry->verdict) ? "refused" : "ignored");
}

void
list_print(const struct hookdir *directory)
{
	const struct hookdir_entry *entry;
	char words[DIRECTIVE_TEXT_MAX];
	unsigned i, scripts = 0;

	if (directory->verdict != SCAN_RUN)
		(void)printf("directory refused: %s\n",
		    scan_verdict_text(directory->verdict));
	for (i = 0; i < directory->count; i++) {
		entry = &directory->entries[i];
		(void)printf("%02d %-8s ", hookdir_order(entry),
		    state_of(entry));
		print_name(entry->name);
		if (entry->why[0] != '\0')
			(void)printf(" (%s)", entry->why);
		else if (directive_print(&entry->directive, words)[0] != '\0')
			(void)printf("  %s", words);
		if (hookdir_is_script(entry) && ++scripts > HOOKDIR_SCRIPTS_MAX)
			(void)printf(" (too many: left out)");
		(void)printf("\n");
	}
}

static void
print_json_file(const struct hookdir_entry *entry, bool is_left_out)
{
	const struct directive *directive = &entry->directive;

	(void)printf("{\"name\":");
	print_string(entry->name);
	(void)printf(",\"order\":%d,\"state\":\"%s\"", hookdir_order(entry),
	    is_left_out ? "refused" : state_of(entry));
	if (is_left_out || entry->why[0] != '\0') {
		(void)printf(",\"why\":");
		print_string(is_left_out ? "too many: left out" : entry->why);
	}
	if (entry->verdict == SCAN_RUN)
		(void)printf(",\"required\":%s,\"check\":%s",
		    directive->required ? "true" : "false",
		    directive->check ? "true" : "false");
	if (directive->timeout_ms != 0)
		(void)printf(",\"timeout_ms\":%u",
		    (unsigned)directive->timeout_ms);
	if (directive->user[0] != '\0') {
		(void)printf(",\"user\":");
		print_string(directive->user);
	}
	(void)printf("}");
}

void
list_print_json(const struct hookdir *directory, const char *path)
{
	const struct hookdir_entry *entry;
	unsigned i, scripts = 0;
	bool is_left_out;

	(void)printf("{\"directory\":");
	print_string(path);
	(void)printf(",\"refused\":");
	if (directory->verdict == SCAN_RUN)
		(void)printf("null");
	else
		print_string(scan_verdict_text(directory->verdict));
	(void)printf(",\"files\":[");
	for (i = 0; i < directory->count; i++) {
		entry = &directory->entries[i];
		is_left_out = hookdir_is_script(entry) &&
		    ++scripts > HOOKDIR_SCRIPTS_MAX;
		(void)printf("%s\n", i == 0 ? "" : ",");
		print_json_file(entry, is_left_out);
	}
	(void)printf("\n]}\n");
}
