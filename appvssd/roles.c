/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The roles of clients: see roles.h.
 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "access.h"
#include "client.h"
#include "roles.h"

/* A judgement is a generation and, in the lowest bits, the roles. */
#define ROLES_BITS 8
#define ROLES_MASK ((1u << ROLES_BITS) - 1)

void
roles_init(struct roles *roles, const struct config *config)
{
	*roles = (struct roles) { .config = config, .self = geteuid() };
	roles_change(roles);
}

void
roles_change(struct roles *roles)
{
	/* 0 is what a new client has. */
	roles->generation = (roles->generation + 1) & (UINT_MAX >> ROLES_BITS);
	if (roles->generation == 0)
		roles->generation = 1;
}

/* The groups are the caller's to free. */
static struct access_peer
roles_peer(const struct roles *roles, const struct client *client, gid_t **gids)
{
	struct access_peer peer = { .uid = client_cred(client)->uid };

	peer.trusted = peer.uid == 0 || peer.uid == roles->self;
	*gids = NULL;
	/* Without them it has the roles of its user. */
	if (!peer.trusted && client_groups(client, gids, &peer.ngids) == -1)
		peer.ngids = 0;
	peer.gids = *gids;
	return (peer);
}

unsigned
roles_of(const struct roles *roles, struct client *client)
{
	unsigned judgement = client_judgement(client), mask;
	struct access_peer peer;
	gid_t *gids;

	if (judgement >> ROLES_BITS == roles->generation)
		return (judgement & ROLES_MASK);
	peer = roles_peer(roles, client, &gids);
	mask = access_roles(roles->config, &peer);
	free(gids);
	client_set_judgement(client, roles->generation << ROLES_BITS | mask);
	return (mask);
}

int
roles_register(const struct roles *roles, const struct client *client,
    const char *name, struct access_grant *grant, const char **why)
{
	struct access_peer peer;
	gid_t *gids;
	int result;

	peer = roles_peer(roles, client, &gids);
	result = access_register(roles->config, name, &peer, grant, why);
	free(gids);
	return (result);
}
