/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The roles of clients: access.h's judgement of what the kernel says of them.
 * Kept with each client until the configuration changes.
 */
#ifndef ROLES_H
#define ROLES_H

#include <sys/types.h>

struct access_grant;
struct client;
struct config;

struct roles {
	const struct config *config; /* borrowed */
	uid_t self;		     /* the broker's own user */
	unsigned generation;	     /* of the configuration */
};

void roles_init(struct roles *roles, const struct config *config);
/* The configuration is another one: everybody is judged anew. */
void roles_change(struct roles *roles);

/* A mask of enum access_role. */
unsigned roles_of(const struct roles *roles, struct client *client);
/* As access_register(). */
int roles_register(const struct roles *roles, const struct client *client,
    const char *name, struct access_grant *grant, const char **why);

#endif /* ROLES_H */
