/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: see access.h.  Pure: decides from credentials and the
 * configuration only.
 */
#include <sys/types.h>

#include "access.h"
#include "config.h"

#define ORDER_DEFAULT 50

unsigned
access_roles(const struct config *config, uid_t uid, uid_t self)
{
	/* The roles of other users are the same for all, for now. */
	(void)config;
	if (uid == 0 || uid == self)
		return (ACCESS_OBSERVE | ACCESS_PARTICIPATE | ACCESS_REQUEST |
		    ACCESS_ADMIN);
	return (ACCESS_OBSERVE | ACCESS_PARTICIPATE);
}

/* 0 asks for whatever there is. */
static uint32_t
cut(uint32_t asked_ms, uint32_t limit_ms)
{
	return (asked_ms == 0 || asked_ms > limit_ms ? limit_ms : asked_ms);
}

static int
register_unbound(const struct config *config, struct access_grant *grant,
    const char **why)
{
	if (grant->required) {
		*why = "being required needs a configuration entry";
		return (-1);
	}
	if (grant->order != ORDER_DEFAULT) {
		*why = "an order other than 50 needs a configuration entry";
		return (-1);
	}
	grant->expect = false;
	grant->freeze_ms = cut(cut(grant->freeze_ms, config->slice_ms),
	    config->freeze_ms);
	return (0);
}

int
access_register(const struct config *config, const char *name, uid_t uid,
    struct access_grant *grant, const char **why)
{
	const struct config_participant *entry = config_find(config, name);

	if (entry == NULL)
		return (register_unbound(config, grant, why));
	if (entry->uid != uid && uid != 0) {
		*why = "the name is bound to another user";
		return (-1);
	}
	grant->required = entry->required;
	grant->expect = entry->expect;
	if (entry->has_order)
		grant->order = entry->order;
	grant->freeze_ms = cut(entry->freeze_ms != 0 ? entry->freeze_ms :
						       grant->freeze_ms,
	    config->freeze_ms);
	return (0);
}
