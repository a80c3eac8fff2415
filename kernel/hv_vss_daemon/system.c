/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is the same on every system: the memory of a mount table and of a
 * target.  See system.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system.h"

int
system_table_add_backing(struct system_table *table, uint64_t inner,
    uint64_t holder, bool known)
{
	struct mount_backing *grown;

	grown = reallocarray(table->backings, table->nbackings + 1,
	    sizeof(*grown));
	if (grown == NULL)
		return (-1);
	table->backings = grown;
	grown[table->nbackings++] = (struct mount_backing) {
		.inner = inner,
		.holder = holder,
		.known = known,
	};
	return (0);
}

void
system_table_free(struct system_table *table)
{
	free(table->entries);
	free(table->backings);
	free(table->text);
	free(table->names);
	memset(table, 0, sizeof(*table));
}

int
system_target_init(struct freeze_target *target,
    const struct mount_entry *entry, struct why *why)
{
	*target = (struct freeze_target) { .fs = entry->fs, .fd = -1 };
	target->point = strdup(entry->point);
	target->type = strdup(entry->type);
	target->source = strdup(entry->source);
	if (target->point != NULL && target->type != NULL &&
	    target->source != NULL)
		return (0);
	why_set(why, entry->point, "no memory", errno);
	return (-1);
}

void
system_target_close(struct freeze_target *target)
{
	if (target->fd != -1)
		(void)close(target->fd);
	target->fd = -1;
	target->frozen = false;
	free(target->point);
	free(target->type);
	free(target->source);
	target->point = target->type = target->source = NULL;
}
