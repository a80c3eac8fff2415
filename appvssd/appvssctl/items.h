/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What appvssd answers to STATUS: items of the kinds broker, participant and
 * debt.  Any key may be missing.
 */
#ifndef ITEMS_H
#define ITEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "sdk/wire.h"
#include "text.h"

#define ITEMS_NUMBER_SIZE 24

struct items {
	struct wire_msg *msgs; /* owns */
	size_t count;
	size_t room;
};

/* Asks.  EX_OK, or a status after a message; items_fini() in either case. */
int items_fetch(struct items *items, const char *socket);
void items_fini(struct items *items);

bool items_is(const struct wire_msg *msg, const char *kind);
/* The first one of a kind, or NULL. */
const struct wire_msg *items_find(const struct items *items, const char *kind);

/* For people: "-" if it was not said. */
const char *items_text(const struct wire_msg *msg, unsigned key);
const char *items_number(const struct wire_msg *msg, unsigned key,
    char out[ITEMS_NUMBER_SIZE]);
const char *items_duration(const struct wire_msg *msg, unsigned key,
    char out[TEXT_DURATION_SIZE]);

#endif /* ITEMS_H */
