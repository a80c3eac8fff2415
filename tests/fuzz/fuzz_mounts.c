/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mount table, rules, selected mount points and backing files from any bytes,
 * through the whole way from text to plan.  Sections end in a line "%":
 *
 *	mountinfo of Linux, as the kernel writes it
 *	rules: "mount PATTERN POLICY", "type PATTERN POLICY"
 *	selected mount points
 *	backings: two letters, inner and holder, 'a' the first entry; "a?"
 *	kern.geom.conftxt of FreeBSD
 *
 * The oracle: what is frozen is frozen once, before what holds its device;
 * nothing that vetoes is in a plan, and nothing that is to be frozen is
 * missing.
 *
 * Built with libFuzzer by "make fuzz-mounts"; replay.c runs the corpus through
 * the same function in "make check".
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_vss_daemon/geom.h"
#include "kernel/hv_vss_daemon/policy.h"

#define ENTRIES_MAX  16
#define RULES_MAX    8
#define SELECTED_MAX 4
#define BACKINGS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct mount_entry entries[ENTRIES_MAX];
	unsigned count;
	struct policy_rule rules[RULES_MAX];
	const char *selected[SELECTED_MAX];
	struct mount_backing backings[BACKINGS_MAX];
	unsigned nbackings;
	struct policy policy;
	struct policy_decision decisions[ENTRIES_MAX];
};

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* Ends the section at *rest and steps behind it. */
static char *
next_section(char **rest)
{
	char *section = *rest, *end = section;

	while (strncmp(end, "%\n", 2) != 0) {
		end = strchr(end, '\n');
		if (end == NULL) {
			*rest = section + strlen(section);
			return (section);
		}
		end++;
	}
	*rest = end + 2;
	*end = '\0';
	return (section);
}

static char *
next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	if (end == NULL)
		return (NULL);
	*end = '\0';
	*rest = end + 1;
	return (line);
}

static void
read_rules(struct input *input, char *text)
{
	struct policy_rule *rule;
	char *line, *pattern, *word;

	while (input->policy.nrules < RULES_MAX &&
	    (line = next_line(&text)) != NULL) {
		rule = &input->rules[input->policy.nrules];
		pattern = strchr(line, ' ');
		word = pattern == NULL ? NULL : strrchr(pattern + 1, ' ');
		if (word == NULL || !policy_of_word(word + 1, &rule->policy))
			continue;
		require(strcmp(policy_word(rule->policy), word + 1) == 0);
		*word = '\0';
		rule->pattern = pattern + 1;
		rule->is_mount = line[0] == 'm';
		rule->line = (unsigned)(line - text);
		input->policy.nrules++;
	}
	input->policy.rules = input->rules;
}

static void
read_selected(struct input *input, char *text)
{
	char *line;

	while (input->policy.nselected < SELECTED_MAX &&
	    (line = next_line(&text)) != NULL)
		input->selected[input->policy.nselected++] = line;
	input->policy.selected = input->selected;
}

static void
read_backings(struct input *input, char *text)
{
	struct mount_backing *backing;
	unsigned inner, holder;
	char *line;

	while (input->nbackings < BACKINGS_MAX &&
	    (line = next_line(&text)) != NULL) {
		inner = (unsigned)((unsigned char)line[0] - 'a');
		if (inner >= input->count || line[1] == '\0')
			continue;
		backing = &input->backings[input->nbackings++];
		holder = (unsigned)((unsigned char)line[1] - 'a');
		backing->inner = input->entries[inner].fs;
		backing->known = holder < input->count;
		backing->holder = backing->known ? input->entries[holder].fs :
						   0;
	}
}

static void
check_decisions(const struct input *input)
{
	const struct policy_decision *decision, *other;
	char reason[48];
	unsigned i, j;

	for (i = 0; i < input->count; i++) {
		decision = &input->decisions[i];
		require(policy_word(decision->policy) != NULL);
		require(decision->first <= i);
		require(
		    input->entries[decision->first].fs == input->entries[i].fs);
		memset(reason, '#', sizeof(reason));
		(void)policy_reason_text(&input->policy, input->entries,
		    decision, reason, sizeof(reason));
		require(reason[0] != '\0' &&
		    memchr(reason, '\0', sizeof(reason)) != NULL);
		for (j = 0; j < i && input->policy.nselected == 0; j++) {
			other = &input->decisions[j];
			require(input->entries[j].fs != input->entries[i].fs ||
			    (other->policy == decision->policy &&
				other->first == decision->first));
		}
	}
}

static bool
is_among(const struct input *input, const unsigned *list, unsigned count,
    unsigned entry, unsigned *at)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		*at = i;
		if (input->entries[list[i]].fs == input->entries[entry].fs)
			return (true);
	}
	return (false);
}

static void
check_plan(const struct input *input, const struct mount_plan *plan)
{
	unsigned at, i, wanted_freezes = 0, wanted_syncs = 0;

	for (i = 0; i < input->count; i++) {
		require(input->decisions[i].policy != POLICY_VETO);
		if (input->decisions[i].first != i)
			continue;
		if (input->decisions[i].policy == POLICY_FREEZE) {
			wanted_freezes++;
			require(
			    is_among(input, plan->order, plan->count, i, &at));
		} else if (input->decisions[i].policy == POLICY_SYNC) {
			wanted_syncs++;
			require(mounts_is_sync(plan, i));
		}
	}
	require(plan->count == wanted_freezes && plan->nsyncs == wanted_syncs);
}

/* reach[i][j]: what entry i is on lies, at any depth, on entry j. */
static void
close_backings(const struct input *input, bool reach[ENTRIES_MAX][ENTRIES_MAX])
{
	const struct mount_backing *backing;
	unsigned b, i, j, k;

	memset(reach, 0, sizeof(bool[ENTRIES_MAX][ENTRIES_MAX]));
	for (b = 0; b < input->nbackings; b++) {
		backing = &input->backings[b];
		for (i = 0; backing->known && i < input->count; i++) {
			for (j = 0; j < input->count; j++) {
				if (input->entries[i].fs == backing->inner &&
				    input->entries[j].fs == backing->holder)
					reach[i][j] = true;
			}
		}
	}
	for (k = 0; k < input->count; k++) {
		for (i = 0; i < input->count; i++) {
			for (j = 0; j < input->count; j++)
				reach[i][j] = reach[i][j] ||
				    (reach[i][k] && reach[k][j]);
		}
	}
}

static void
check_order(const struct input *input, const struct mount_plan *before,
    const struct mount_plan *after)
{
	bool reach[ENTRIES_MAX][ENTRIES_MAX];
	unsigned at, i, j;

	close_backings(input, reach);
	for (i = 0; i < before->count; i++)
		require(is_among(input, after->order, after->count,
		    before->order[i], &at));
	for (i = 0; i < after->count; i++) {
		for (j = 0; j < i; j++) {
			require(input->entries[after->order[i]].fs !=
			    input->entries[after->order[j]].fs);
			/* The earlier one holds nothing of the later one. */
			require(!reach[after->order[i]][after->order[j]]);
		}
		require(!reach[after->order[i]][after->order[i]]);
		for (j = 0; after->count > 1 && j < input->nbackings; j++)
			require(input->backings[j].known ||
			    input->backings[j].inner !=
				input->entries[after->order[i]].fs);
	}
	for (i = 0; i < after->nsyncs; i++) {
		for (j = 0; j < before->count; j++)
			require(!reach[before->order[j]][after->syncs[i]] ||
			    is_among(input, after->order, after->count,
				after->syncs[i], &at));
	}
}

static void
plan_all(struct input *input)
{
	struct mount_plan before, plan;
	enum mounts_result result;
	unsigned culprit = UINT32_MAX;

	policy_decide(&input->policy, input->entries, input->count,
	    input->decisions);
	check_decisions(input);
	result = policy_plan(&input->policy, input->entries, input->count,
	    input->decisions, &plan, &culprit);
	require(mounts_result_text(result)[0] != '\0');
	if (result == MOUNTS_NOT_MOUNTED) {
		require(culprit < input->policy.nselected);
		return;
	}
	if (result != MOUNTS_OK) {
		require(result == MOUNTS_VETO && culprit < input->count &&
		    input->decisions[culprit].policy == POLICY_VETO);
		return;
	}
	check_plan(input, &plan);
	before = plan;
	result = mounts_order(input->entries, input->backings, input->nbackings,
	    &plan, &culprit);
	if (result == MOUNTS_OK)
		check_order(input, &before, &plan);
	else
		require((result == MOUNTS_BACKING || result == MOUNTS_CYCLE) &&
		    culprit < input->count);
}

/* Every name of a provider that is in the text, and one that is not. */
static void
ask_geom(const char *text)
{
	char file[24];
	unsigned occurrence, lines = 1;
	const char *at;

	for (at = text; *at != '\0'; at++)
		lines += *at == '\n';
	(void)geom_has_holders(text);
	for (occurrence = 0;; occurrence++) {
		require(occurrence <= lines);
		memset(file, '#', sizeof(file));
		switch (geom_find(text, "a", occurrence, file, sizeof(file))) {
		case GEOM_NOTHING:
			return;
		case GEOM_FILE:
		case GEOM_VOLUME:
			require(geom_has_holders(text) && file[0] != '\0' &&
			    memchr(file, '\0', sizeof(file)) != NULL);
			break;
		case GEOM_DISK:
		case GEOM_UNKNOWN:
			break;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input input;
	char *mountinfo, *rest, *text;
	enum mounts_result result;

	text = malloc(size + 1);
	if (text == NULL)
		return (0);
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&input, 0, sizeof(input));
	rest = text;
	mountinfo = next_section(&rest);
	/* The defaults of FreeBSD, on the same table. */
	input.policy.system = size % 2 == 0 ? MOUNT_LINUX : MOUNT_FREEBSD;
	result = mounts_parse_linux(mountinfo, input.entries, ENTRIES_MAX,
	    &input.count);
	require(input.count <= ENTRIES_MAX);
	read_rules(&input, next_section(&rest));
	read_selected(&input, next_section(&rest));
	read_backings(&input, next_section(&rest));
	if (result == MOUNTS_OK)
		plan_all(&input);
	ask_geom(rest);
	free(text);
	return (0);
}
