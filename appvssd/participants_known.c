/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is known without being there: expected by the configuration, or listed by
 * the history; and what the history is told of those who come and leave.
 */

#include "client.h"
#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "participants.h"

static int
participants_expect(struct participants *participants,
    const struct config_participant *bound)
{
	struct registry_entry *entry;

	entry = registry_add(&participants->registry, bound->name, "");
	if (entry == NULL)
		return (-1);
	entry->has_uid = true;
	entry->uid = bound->uid;
	entry->grant.order = bound->has_order ? bound->order :
						PARTICIPANTS_ORDER_DEFAULT;
	entry->grant.required = true;
	entry->grant.expect = true;
	return (0);
}

int
participants_init(struct participants *participants,
    const struct config *config, const struct participants_upcalls *upcalls,
    void *arg)
{
	size_t i;

	*participants = (struct participants) {
		.config = config,
		.upcalls = upcalls,
		.arg = arg,
	};
	registry_init(&participants->registry);
	/* The list of the history may come when some have left again. */
	participants->registry.keeps_names = true;
	for (i = 0; i < config->nparticipants; i++) {
		if (!config->participants[i].expect)
			continue;
		if (participants_expect(participants,
			&config->participants[i]) == -1)
			return (-1);
	}
	return (0);
}

void
participants_fini(struct participants *participants)
{
	registry_fini(&participants->registry);
}

void
participants_save_entry(struct participants *participants,
    struct registry_entry *entry)
{
	registry_set_unsaved(&participants->registry, entry, true);
	if (participants->upcalls->save(participants->arg, entry))
		registry_set_unsaved(&participants->registry, entry, false);
}

void
participants_save(struct participants *participants)
{
	struct registry_entry *entry, *next;

	if (participants->registry.nunsaved == 0)
		return;
	for (entry = participants->registry.first; entry != NULL;
	     entry = next) {
		next = entry->next;
		if (entry->unsaved)
			participants_save_entry(participants, entry);
	}
}

/* Whose name it is: the configuration's word counts for more. */
static void
participants_set_uid(struct participants *participants,
    struct registry_entry *entry, int64_t uid)
{
	const struct config_participant *bound;

	bound = config_find(participants->config, entry->name);
	if (bound != NULL) {
		entry->grant.required = bound->required;
		uid = (int64_t)bound->uid;
	}
	entry->has_uid = uid >= 0;
	entry->uid = (uid_t)uid;
}

/*
 * Somebody else registered it before the list was here: it is still another
 * user's, who is missing.
 */
static void
participants_give_back(struct participants *participants,
    struct registry_entry *entry, uid_t uid)
{
	heldlog(HELDLOG_WARN, "name_given_back", "name=%s uid=%u to_uid=%u",
	    entry->name, (unsigned)entry->uid, (unsigned)uid);
	client_send_error(entry->owner, "denied", "REGISTER", entry->name,
	    "the name belongs to another user");
	client_close(entry->owner);
	entry->uid = uid;
	participants_save_entry(participants, entry);
}

void
participants_add_known(struct participants *participants, const char *name,
    const char *program, int64_t uid)
{
	struct registry_entry *entry;

	entry = registry_find(&participants->registry, name);
	if (entry == NULL && participants->registry.keeps_names) {
		entry = registry_add(&participants->registry, name, program);
		if (entry == NULL)
			return;
		entry->grant.order = PARTICIPANTS_ORDER_DEFAULT;
		entry->known = true;
		participants_set_uid(participants, entry, uid);
	} else if (entry != NULL && entry->owner != NULL && uid >= 0 &&
	    participants->registry.keeps_names && entry->uid != (uid_t)uid &&
	    entry->uid != 0 &&
	    config_find(participants->config, name) == NULL) {
		participants_give_back(participants, entry, (uid_t)uid);
	}
	if (entry != NULL)
		entry->listed = true;
}

void
participants_end_list(struct participants *participants)
{
	struct registry_entry *entry, *next;

	registry_drop_names(&participants->registry);
	for (entry = participants->registry.first; entry != NULL;
	     entry = next) {
		next = entry->next;
		/* Its row may be under way; once more does no harm. */
		if (entry->known && !entry->listed)
			participants_save_entry(participants, entry);
		entry->listed = false;
	}
}
