/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who carries out which verb of a client, and which role it needs: the one
 * table of both.  Carries out nothing by itself.
 */
#ifndef VERBS_H
#define VERBS_H

struct client;
struct participants;
struct query;
struct reload;
struct requestors;
struct roles;
struct subscribers;
struct wire_msg;

/* Who carries out what is not a participant's. */
struct verbs_upcalls {
	void (*status)(void *arg, struct client *client);
};

struct verbs {
	const struct roles *roles;	   /* borrowed */
	struct participants *participants; /* borrowed */
	struct requestors *requestors;	   /* borrowed */
	struct subscribers *subscribers;   /* borrowed */
	struct query *query;		   /* borrowed */
	struct reload *reload;		   /* borrowed */
	const struct verbs_upcalls *upcalls;
	void *arg;
};

/* A message of a client; what it may not ask for is answered ERROR. */
void verbs_on_message(const struct verbs *verbs, struct client *client,
    const struct wire_msg *msg);
void verbs_on_closed(const struct verbs *verbs, struct client *client);

#endif /* VERBS_H */
