/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report of --check: see report.h.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "kernel/vssdev/heldlog.h"
#include "report.h"
#include "survey.h"

#define WORD_MAX  512
#define WIDTH_MAX 32 /* of a column; a longer name makes its line longer */

/* How many bytes a well-formed UTF-8 character at text has; 0: none is there.
 */
static unsigned
utf8_length(const unsigned char *text)
{
	unsigned i, length;

	if (text[0] < 0xc2)
		return (text[0] < 0x80 ? 1 : 0);
	length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	if (text[0] > 0xf4 || (text[0] == 0xe0 && text[1] < 0xa0) ||
	    (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) ||
	    (text[0] == 0xf4 && text[1] > 0x8f))
		return (0);
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return (0);
	}
	return (length);
}

/* What is not UTF-8 becomes U+FFFD: a mount point may be any bytes. */
static void
print_json_text(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned length;

	(void)putchar('"');
	for (; *byte != '\0'; byte += length == 0 ? 1 : length) {
		length = utf8_length(byte);
		if (length == 0)
			(void)fputs("\\ufffd", stdout);
		else if (*byte < 0x20 || *byte == 0x7f)
			(void)printf("\\u%04x", *byte);
		else if (*byte == '"' || *byte == '\\')
			(void)printf("\\%c", *byte);
		else
			(void)fwrite(byte, 1, length, stdout);
	}
	(void)putchar('"');
}

static void
print_json_member(const char *name, const char *text, const char *end)
{
	(void)printf("\"%s\":", name);
	print_json_text(text);
	(void)fputs(end, stdout);
}

static void
print_json_row(const struct survey *survey, unsigned entry)
{
	const struct mount_entry *mount = &survey->table.entries[entry];
	char reason[SURVEY_REASON_MAX];

	(void)putchar('{');
	print_json_member("mount", mount->point, ",");
	print_json_member("type", mount->type, ",");
	print_json_member("source", mount->source, ",");
	print_json_member("policy",
	    policy_word(survey->decisions[entry].policy), ",");
	print_json_member("why", survey_reason(survey, entry, reason), "}\n");
}

/* Nothing that a terminal might obey. */
static void
print_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= ' ' && *text <= '~')
			(void)putchar(*text);
		else
			(void)printf("\\x%02x", (unsigned char)*text);
	}
}

static void
print_row(const struct survey *survey, unsigned entry, int point_width,
    int type_width)
{
	const struct mount_entry *mount = &survey->table.entries[entry];
	char point[WORD_MAX], type[WORD_MAX], reason[SURVEY_REASON_MAX];

	(void)printf("%-*s  %-*s  %-6s  ", point_width,
	    heldlog_quote(mount->point, point, sizeof(point)), type_width,
	    heldlog_quote(mount->type, type, sizeof(type)),
	    policy_word(survey->decisions[entry].policy));
	print_plain(survey_reason(survey, entry, reason));
	(void)putchar('\n');
}

static void
widen(int *width, const char *text)
{
	char quoted[WORD_MAX];
	size_t length;

	length = strlen(heldlog_quote(text, quoted, sizeof(quoted)));
	if (length > (size_t)*width)
		*width = length > WIDTH_MAX ? WIDTH_MAX : (int)length;
}

static void
print_rows(const struct survey *survey, bool json)
{
	int point_width = (int)strlen("MOUNT"), type_width = 4;
	unsigned i;

	if (json) {
		for (i = 0; i < survey->table.count; i++)
			print_json_row(survey, i);
		return;
	}
	for (i = 0; i < survey->table.count; i++) {
		widen(&point_width, survey->table.entries[i].point);
		widen(&type_width, survey->table.entries[i].type);
	}
	(void)printf("%-*s  %-*s  %-6s  %s\n", point_width, "MOUNT", type_width,
	    "TYPE", "POLICY", "WHY");
	for (i = 0; i < survey->table.count; i++)
		print_row(survey, i, point_width, type_width);
}

/* A rule that means a mount that is not there may be a slip of the pen. */
static void
warn_of_idle_rules(const struct survey *survey)
{
	const struct policy *policy = survey->policy;
	const struct policy_rule *rule;
	unsigned i;
	size_t j;

	for (j = 0; j < policy->nrules; j++) {
		rule = &policy->rules[j];
		for (i = 0; rule->is_mount && i < survey->table.count; i++) {
			if (policy_matches(rule->pattern,
				survey->table.entries[i].point))
				break;
		}
		if (rule->is_mount && i == survey->table.count)
			warnx("line %u of the configuration: nothing is "
			      "mounted at \"%s\" now",
			    rule->line, rule->pattern);
	}
}

static int
try_open(const struct survey *survey, unsigned entry, struct why *why)
{
	struct freeze_target target;
	int result;

	result = system_target_open(&survey->table, entry, &target, why);
	system_target_close(&target);
	return (result);
}

/* Everything short of freezing. */
static int
try_plan(struct survey *survey, struct why *why)
{
	const struct mount_plan *plan = &survey->plan;
	int result;
	unsigned i;

	result = survey_plan(survey, why);
	for (i = 0; result == 0 && i < plan->nsyncs; i++)
		result = try_open(survey, plan->syncs[i], why);
	for (i = 0; result == 0 && i < plan->count; i++)
		result = try_open(survey, plan->order[i], why);
	return (result);
}

static unsigned
count_frozen(const struct mount_plan *plan)
{
	unsigned i, count = 0;

	for (i = 0; i < plan->count; i++)
		count += !mounts_is_sync(plan, plan->order[i]);
	return (count);
}

static void
print_verdict(const struct survey *survey, bool json, int result,
    const struct why *why)
{
	unsigned frozen = count_frozen(&survey->plan);

	if (json && result == 0) {
		(void)printf("{\"possible\":true,\"freeze\":%u,\"sync\":%u}\n",
		    frozen, survey->plan.nsyncs);
	} else if (json) {
		(void)printf("{\"possible\":false,");
		print_json_member("problem", why->text, "}\n");
	} else if (result == 0) {
		(void)printf("\nA snapshot is possible: %u file systems would "
			     "be frozen, %u synced.\n",
		    frozen, survey->plan.nsyncs);
	} else {
		(void)printf("\nNo snapshot is possible: %s\n", why->text);
	}
}

int
report_print(const struct policy *policy, bool json)
{
	struct survey survey;
	struct why why;
	int result;

	if (survey_take(policy, &survey, &why) != 0) {
		warnx("%s", why.text);
		survey_free(&survey);
		return (EX_OSERR);
	}
	print_rows(&survey, json);
	/* Where both go to one place, no warning gets into a row. */
	(void)fflush(stdout);
	warn_of_idle_rules(&survey);
	result = try_plan(&survey, &why);
	print_verdict(&survey, json, result, &why);
	survey_free(&survey);
	return (result == 0 ? EX_OK : EX_UNAVAILABLE);
}
