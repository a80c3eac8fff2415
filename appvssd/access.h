/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: decides from a peer's credentials (never from what it says)
 * and the configuration.  Pure: no I/O.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct config;

enum access_role {
	ACCESS_OBSERVE = 1,	/* STATUS */
	ACCESS_PARTICIPATE = 2, /* REGISTER and its answers */
	ACCESS_REQUEST = 4,	/* asks for freezes */
	ACCESS_ADMIN = 8,	/* FORGET and other people's participants */
};

/*
 * The roles (a mask) of a peer.  Root and the broker's own user have all; who
 * could open the socket (its mode and group guard it) observes and
 * participates.
 */
unsigned access_roles(const struct config *config, uid_t uid, uid_t self);

/* What a registration asks for, and what it gets. */
struct access_grant {
	unsigned order;
	bool required;
	bool expect;
	uint32_t freeze_ms; /* longest freeze */
};

/*
 * Decides on a REGISTER of name by uid.  Asked values are in *grant; what is
 * granted replaces them.  An entry of the configuration wins over what is
 * asked; without an entry that binds name to uid: required, or an order other
 * than 50, is refused, and freeze_ms is cut to slice_ms.  A name bound to
 * another uid is refused (root may register any name).  0, or -1 with *why a
 * constant text.
 */
int access_register(const struct config *config, const char *name, uid_t uid,
    struct access_grant *grant, const char **why);

#endif /* ACCESS_H */
