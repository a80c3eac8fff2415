/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: see access.h.  Pure: decides from credentials and the
 * configuration only.
 */
#include <sys/types.h>

#include "access.h"
#include "config.h"

/* Whether the section is about this peer. */
static bool
is_about(const struct config_access *access, const struct access_peer *peer)
{
	size_t i, j;

	if (access->anyone)
		return (true);
	for (i = 0; i < access->nuids; i++) {
		if (access->uids[i] == peer->uid)
			return (true);
	}
	for (i = 0; i < access->ngids; i++) {
		for (j = 0; j < peer->ngids; j++) {
			if (access->gids[i] == peer->gids[j])
				return (true);
		}
	}
	return (false);
}

unsigned
access_roles(const struct config *config, const struct access_peer *peer)
{
	unsigned roles = 0;
	size_t i;

	if (peer->trusted)
		return (ACCESS_OBSERVE | ACCESS_PARTICIPATE | ACCESS_REQUEST |
		    ACCESS_ADMIN);
	for (i = 0; i < config->naccess; i++) {
		if (is_about(&config->access[i], peer))
			roles |= config->access[i].roles;
	}
	for (i = 0; i < config->nparticipants; i++) {
		if ((roles & ACCESS_PARTICIPATE) != 0)
			break;
		if (config->participants[i].uid == peer->uid)
			roles |= ACCESS_PARTICIPATE;
	}
	return (roles);
}

static bool
may_use_name(const struct config *config, const char *name,
    const struct access_peer *peer)
{
	const struct config_access *access;
	size_t i, j;

	if (peer->trusted)
		return (true);
	for (i = 0; i < config->naccess; i++) {
		access = &config->access[i];
		if ((access->roles & ACCESS_PARTICIPATE) == 0 ||
		    !is_about(access, peer))
			continue;
		if (access->nnames == 0)
			return (true);
		for (j = 0; j < access->nnames; j++) {
			if (config_fits(access->names[j], name))
				return (true);
		}
	}
	return (false);
}

/* 0 asks for whatever there is. */
static uint32_t
cut(uint32_t asked_ms, uint32_t limit_ms)
{
	return (asked_ms == 0 || asked_ms > limit_ms ? limit_ms : asked_ms);
}

static int
register_unbound(const struct config *config, const char *name,
    const struct access_peer *peer, struct access_grant *grant,
    const char **why)
{
	if (!may_use_name(config, name, peer)) {
		*why = "this user may not register this name";
		return (-1);
	}
	if (grant->required) {
		*why = "being required needs a configuration entry";
		return (-1);
	}
	if (grant->order != ACCESS_ORDER_DEFAULT) {
		*why = "an order other than 50 needs a configuration entry";
		return (-1);
	}
	grant->expect = false;
	grant->freeze_ms = cut(cut(grant->freeze_ms, config->slice_ms),
	    config->freeze_ms);
	grant->thaw_ms = cut(grant->thaw_ms, config->thaw_ms);
	return (0);
}

int
access_register(const struct config *config, const char *name,
    const struct access_peer *peer, struct access_grant *grant,
    const char **why)
{
	const struct config_participant *entry = config_find(config, name);

	if (entry == NULL)
		return (register_unbound(config, name, peer, grant, why));
	if (entry->uid != peer->uid && peer->uid != 0) {
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
	grant->thaw_ms = cut(entry->thaw_ms != 0 ? entry->thaw_ms :
						   grant->thaw_ms,
	    config->thaw_ms);
	return (0);
}
