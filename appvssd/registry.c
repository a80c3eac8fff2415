/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of known participants: see registry.h.
 */
#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry.h"

void
registry_init(struct registry *registry)
{
	*registry = (struct registry) { .first = NULL };
	registry->last_next = &registry->first;
}

/* name is the first member, so a key of a search is a name. */
static int
registry_compare(const void *a, const void *b)
{
	return (strcmp(a, b));
}

void
registry_own(struct registry_entry *entry, void *owner, void **owned)
{
	if (entry->owner == owner)
		return;
	assert(entry->owner == NULL);
	entry->owner = owner;
	entry->owned = owned;
	entry->owned_prev = NULL;
	entry->owned_next = *owned;
	if (entry->owned_next != NULL)
		entry->owned_next->owned_prev = entry;
	*owned = entry;
}

void
registry_disown(struct registry_entry *entry)
{
	if (entry->owner == NULL)
		return;
	if (entry->owned_next != NULL)
		entry->owned_next->owned_prev = entry->owned_prev;
	if (entry->owned_prev != NULL)
		entry->owned_prev->owned_next = entry->owned_next;
	else
		*entry->owned = entry->owned_next;
	entry->owner = NULL;
}

struct registry_entry *
registry_find(const struct registry *registry, const char *name)
{
	void *const *node;

	node = tfind(name, &registry->by_name, registry_compare);
	return (node == NULL ? NULL : *node);
}

struct registry_entry *
registry_add(struct registry *registry, const char *name, const char *program)
{
	struct registry_entry *entry;

	assert(registry_find(registry, name) == NULL);
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return (NULL);
	(void)strncpy(entry->name, name, sizeof(entry->name) - 1);
	entry->part = SIZE_MAX;
	registry_set_program(entry, program);
	if (tsearch(entry, &registry->by_name, registry_compare) == NULL) {
		free(entry->program);
		free(entry);
		return (NULL);
	}
	*registry->last_next = entry;
	registry->last_next = &entry->next;
	registry->count++;
	return (entry);
}

static void
registry_free(struct registry_entry *entry)
{
	free(entry->program);
	free(entry->text);
	free(entry->thaw_text);
	free(entry->progress.text);
	free(entry);
}

static void
registry_drop(struct registry *registry, struct registry_entry *entry)
{
	struct registry_entry **link;

	(void)tdelete(entry->name, &registry->by_name, registry_compare);
	for (link = &registry->first; *link != entry; link = &(*link)->next)
		;
	*link = entry->next;
	if (registry->last_next == &entry->next)
		registry->last_next = link;
	registry->count--;
	registry_free(entry);
}

/* Frees it if nobody needs it any more. */
static void
registry_reap(struct registry *registry, struct registry_entry *entry)
{
	if (entry->leaving && !entry->in_transaction && !entry->unsaved &&
	    !registry->keeps_names)
		registry_drop(registry, entry);
}

void
registry_remove(struct registry *registry, struct registry_entry *entry)
{
	entry->leaving = true;
	registry_disown(entry);
	registry_reap(registry, entry);
}

void
registry_set_unsaved(struct registry *registry, struct registry_entry *entry,
    bool unsaved)
{
	if (entry->unsaved && !unsaved)
		registry->nunsaved--;
	else if (!entry->unsaved && unsaved)
		registry->nunsaved++;
	entry->unsaved = unsaved;
	registry_reap(registry, entry);
}

void
registry_drop_names(struct registry *registry)
{
	struct registry_entry *entry, *next;

	registry->keeps_names = false;
	for (entry = registry->first; entry != NULL; entry = next) {
		next = entry->next;
		registry_reap(registry, entry);
	}
}

void
registry_end_transaction(struct registry *registry)
{
	struct registry_entry *entry, *next;

	for (entry = registry->first; entry != NULL; entry = next) {
		next = entry->next;
		entry->part = SIZE_MAX;
		entry->in_transaction = false;
		registry_reap(registry, entry);
	}
}

void
registry_fini(struct registry *registry)
{
	while (registry->first != NULL)
		registry_drop(registry, registry->first);
}

size_t
registry_count_uid(const struct registry *registry, uid_t uid)
{
	const struct registry_entry *entry;
	size_t count;

	count = 0;
	for (entry = registry->first; entry != NULL; entry = entry->next)
		count += entry->has_uid && entry->uid == uid;
	return (count);
}

static void
registry_replace(char **where, const char *text)
{
	free(*where);
	*where = text == NULL || *text == '\0' ? NULL : strdup(text);
}

void
registry_set_text(struct registry_entry *entry, const char *text)
{
	registry_replace(&entry->text, text);
}

void
registry_set_thaw_text(struct registry_entry *entry, const char *text)
{
	registry_replace(&entry->thaw_text, text);
}

void
registry_set_progress(struct registry_entry *entry,
    const struct registry_progress *progress)
{
	struct registry_progress none = { .lines = entry->progress.lines };
	char *text = entry->progress.text;

	registry_replace(&text, progress != NULL ? progress->text : NULL);
	entry->progress = progress != NULL ? *progress : none;
	entry->progress.text = text;
}

const char *
registry_texts(const struct registry_entry *entry, char *out, size_t size)
{
	out[0] = '\0';
	if (entry->text == NULL && entry->thaw_text == NULL)
		return (out);
	(void)snprintf(out, size, "%s%s%s",
	    entry->text == NULL ? "" : entry->text,
	    entry->text != NULL && entry->thaw_text != NULL ? "; thaw: " : "",
	    entry->thaw_text == NULL ? "" : entry->thaw_text);
	return (out);
}

void
registry_set_program(struct registry_entry *entry, const char *program)
{
	char *copy;

	copy = strdup(program);
	if (copy == NULL)
		return;
	free(entry->program);
	entry->program = copy;
}

void
registry_owe(struct registry *registry, struct registry_entry *entry,
    uint64_t id, const char *reason, uint64_t now_ms)
{
	registry->owing += entry->owes_id == 0;
	entry->owes_id = id;
	entry->owes_reason = reason;
	entry->retry_ms = registry->retry_first_ms;
	entry->retry_at_ms = now_ms + entry->retry_ms;
}

void
registry_retried(const struct registry *registry, struct registry_entry *entry,
    uint64_t now_ms)
{
	entry->retry_ms *= 2;
	if (entry->retry_ms > registry->retry_last_ms)
		entry->retry_ms = registry->retry_last_ms;
	entry->retry_at_ms = now_ms + entry->retry_ms;
}

void
registry_settle(struct registry *registry, struct registry_entry *entry)
{
	registry->owing -= entry->owes_id != 0;
	entry->owes_id = 0;
	entry->owes_reason = NULL;
}

uint64_t
registry_next_at_ms(const struct registry *registry)
{
	const struct registry_entry *entry;
	uint64_t next_at_ms;

	next_at_ms = UINT64_MAX;
	/* It is asked at every step of a thousand: mostly nobody owes. */
	if (registry->owing == 0)
		return (next_at_ms);
	for (entry = registry->first; entry != NULL; entry = entry->next) {
		if (entry->owes_id != 0 && entry->retry_at_ms < next_at_ms)
			next_at_ms = entry->retry_at_ms;
	}
	return (next_at_ms);
}
