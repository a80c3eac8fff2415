/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file-system types of both systems that are known, and their defaults.
 * Pure.  For policy.c; everyone else asks policy.h.
 */
#ifndef POLICY_TYPES_H
#define POLICY_TYPES_H

#include "policy.h"

struct policy_type {
	const char *type; /* a final '*' means any end */
	enum mount_policy policy;
	bool stacked; /* see policy_type_is_stacked */
	const char *why;
};

/* NULL if nothing is known of the type. */
const struct policy_type *policy_find_type(enum mount_system system,
    const char *type);

#endif /* POLICY_TYPES_H */
