/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is known without being there: expected by the configuration, or listed by
 * the history; and what the history is told of those who come and leave.
 */
#include "access.h"
#include "client.h"
#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "participants.h"
#include "roles.h"

/* What the configuration says of one that is absent; bound may be NULL. */
static void
participants_set_absent(struct registry_entry *entry,
    const struct config_participant *bound)
{
	entry->grant.order = ACCESS_ORDER_DEFAULT;
	entry->grant.required = entry->grant.expect = false;
	if (bound == NULL)
		return;
	if (bound->has_order)
		entry->grant.order = bound->order;
	entry->grant.required = bound->required;
	entry->grant.expect = bound->expect;
	entry->has_uid = true;
	entry->uid = bound->uid;
}

int
participants_expect_all(struct participants *participants,
    const struct config *config)
{
	const struct config_participant *bound;
	struct registry_entry *entry;
	size_t i;

	for (i = 0; i < config->nparticipants; i++) {
		bound = &config->participants[i];
		if (!bound->expect)
			continue;
		entry = registry_find(&participants->registry, bound->name);
		if (entry == NULL)
			entry = registry_add(&participants->registry,
			    bound->name, "");
		else if (!entry->leaving)
			continue; /* it is judged with the others */
		if (entry == NULL)
			return (-1);
		entry->leaving = false;
		participants_set_absent(entry, bound);
	}
	return (0);
}

static void
participants_set_retries(struct participants *participants)
{
	participants->registry.retry_first_ms = participants->config->retry_ms;
	participants->registry.retry_last_ms =
	    participants->config->retry_max_ms;
}

/* It may not stay.  One that is still frozen thaws when it is disconnected. */
static void
participants_turn_out(struct participants *participants,
    struct registry_entry *entry, const char *why)
{
	struct client *client = entry->owner;
	const bool frozen = entry->owes_id != 0;

	heldlog(HELDLOG_WARN, "turned_out", "name=%s uid=%u text=\"%s\"",
	    entry->name, (unsigned)entry->uid, why);
	client_send_error(client, "denied", "REGISTER", entry->name, why);
	participants_leave(participants, entry);
	if (frozen)
		client_close(client);
}

/* By the new configuration; whose it is, the next broker has to know too. */
static void
participants_judge_absent(struct participants *participants,
    struct registry_entry *entry)
{
	const bool had_uid = entry->has_uid;
	const uid_t uid = entry->uid;

	participants_set_absent(entry,
	    config_find(participants->config, entry->name));
	if (!entry->known && !entry->grant.expect)
		registry_remove(&participants->registry, entry);
	else if (entry->known && entry->has_uid &&
	    (!had_uid || entry->uid != uid))
		participants_save_entry(participants, entry);
}

void
participants_judge(struct participants *participants)
{
	struct registry_entry *entry, *next;
	struct access_grant grant;
	const char *why;

	participants_set_retries(participants);
	for (entry = participants->registry.first; entry != NULL;
	     entry = next) {
		next = entry->next;
		if (entry->leaving)
			continue;
		if (entry->owner != NULL) {
			grant = entry->asked;
			if (roles_register(participants->roles, entry->owner,
				entry->name, &grant, &why) == 0) {
				entry->grant = grant;
				continue;
			}
			participants_turn_out(participants, entry, why);
		}
		participants_judge_absent(participants, entry);
	}
}

int
participants_init(struct participants *participants,
    const struct config *config, const struct roles *roles,
    const struct participants_upcalls *upcalls, void *arg)
{
	*participants = (struct participants) {
		.config = config,
		.roles = roles,
		.upcalls = upcalls,
		.arg = arg,
	};
	registry_init(&participants->registry);
	participants_set_retries(participants);
	/* The list of the history may come when some have left again. */
	participants->registry.keeps_names = true;
	return (participants_expect_all(participants, config));
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
		entry->known = true;
		entry->has_uid = uid >= 0;
		entry->uid = (uid_t)uid;
		/* The configuration's word counts for more. */
		participants_set_absent(entry,
		    config_find(participants->config, name));
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
