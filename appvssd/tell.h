/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a transaction those are told who asked for it, and those who watch.
 * Puts the words together; decides nothing.
 */
#ifndef TELL_H
#define TELL_H

#include "subscribers.h"

struct record;
struct sources;
struct txn_action;
struct txn_event;

struct tell {
	const struct sources *sources; /* borrowed */
	struct subscribers subscribers;
};

/* It has begun; origin: who asked, or NULL.  The history too. */
void tell_begin(struct tell *tell, const struct record *record,
    const char *origin);
/* A participant has answered, and the machine has made its step. */
void tell_event(struct tell *tell, const struct record *record,
    const struct txn_event *event);
/* A participant is told. */
void tell_action(struct tell *tell, const struct record *record,
    const struct txn_action *action);
/* An answer: 0, or -1 after logging: it was not taken. */
int tell_answer(struct tell *tell, const struct record *record,
    const struct txn_action *action);
/* It is over. */
void tell_end(struct tell *tell, const struct record *record);

#endif /* TELL_H */
