/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: decides from a peer's credentials (never from what it says)
 * and the configuration.  Pure: no I/O.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any other one needs a configuration entry. */
#define ACCESS_ORDER_DEFAULT 50

struct config;

/* Bits, in the order of their words in config_words.c. */
enum access_role {
	ACCESS_OBSERVE = 1,	/* STATUS, HISTORY, SUBSCRIBE */
	ACCESS_PARTICIPATE = 2, /* REGISTER and its answers */
	ACCESS_REQUEST = 4,	/* asks for freezes */
	ACCESS_ADMIN = 8,	/* FORGET, RELOAD, other people's requests */
};

/* As the kernel says. */
struct access_peer {
	uid_t uid;
	bool trusted;	   /* root, or the broker's own user */
	const gid_t *gids; /* lent; all of them, the primary one too */
	size_t ngids;
};

/*
 * The roles (a mask) of a peer: those of all access sections that name its user
 * or one of its groups; and to whom a participant section binds a name, that
 * one may take part.  A trusted one has all.
 */
unsigned access_roles(const struct config *config,
    const struct access_peer *peer);

/* What a registration asks for, and what it gets. */
struct access_grant {
	unsigned order;
	bool required;
	bool expect;
	uint32_t freeze_ms; /* longest freeze */
	uint32_t thaw_ms;
};

/*
 * Decides on a REGISTER of name.  Asked values are in *grant; what is granted
 * replaces them.  An entry of the configuration wins over what is asked;
 * without an entry that binds name to the uid: required, or an order other than
 * 50, is refused, freeze_ms is cut to slice_ms, and the name has to fit the
 * peer's access sections.  A name bound to another uid is refused (root may
 * register any name).  0, or -1 with *why a constant text.
 */
int access_register(const struct config *config, const char *name,
    const struct access_peer *peer, struct access_grant *grant,
    const char **why);

#endif /* ACCESS_H */
