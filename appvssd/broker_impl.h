/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the parts of the broker (broker.c, broker_peers.c, broker_run.c) and
 * nobody else: together they are what sees everything.
 */
#ifndef BROKER_IMPL_H
#define BROKER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "broker.h"
#include "device_slot.h"
#include "gaps.h"
#include "journal.h"
#include "lineup.h"
#include "orders.h"
#include "participants.h"
#include "reload.h"
#include "requestors.h"
#include "roles.h"
#include "source.h"
#include "tell.h"
#include "txn.h"
#include "verbs.h"

struct clientset;
struct event;
struct histq;

struct broker {
	const struct config *config;
	struct event_base *base;
	struct event *tick_event;
	uint64_t tick_at_ms; /* when it comes; UINT64_MAX: never */
	struct orders *orders;
	struct clientset *clients;
	struct device_slot device;
	struct requestors requestors;
	struct sources sources;
	struct gaps gaps;
	struct tell tell;
	struct journal *journal;
	struct histq *history; /* the journal's */
	struct participants participants;
	struct verbs verbs;
	struct roles roles;
	struct reload *reload;

	struct txn txn;
	struct lineup lineup;
	uint64_t thaw_msgid;  /* the last THAW of a release, or 0 */
	bool success_refused; /* of this transaction's end, by the source */
	bool source_lost;     /* the one that this transaction is of */
	/* Found while actions are carried out; become events afterwards. */
	bool release_refused;
	bool commit_failed;
	bool stepping;

	bool stopping;
	int exit_status;

	uint64_t last_id;
	const char *last_outcome;
	const char *last_consistency;
	uint64_t last_ended_at_ms;
};

/* broker.c: the machine, and who asks it. */
/* One timer for the machine's next deadline and for thaws that are owed. */
void broker_arm_tick(struct broker *broker);
void broker_on_tick(int fd, short what, void *arg);
void broker_step(struct broker *broker, struct txn_event *event);
/* Everybody is thawed: the last rows, and then the end. */
void broker_end(struct broker *broker);
extern const struct source_upcalls broker_source_upcalls;

/* broker_peers.c: history, clients and parent. */
extern const struct journal_callbacks broker_journal_callbacks;
extern const struct participants_upcalls broker_participants_upcalls;
extern const struct verbs_upcalls broker_verbs_upcalls;
extern const struct orders_callbacks broker_orders_callbacks;

#endif /* BROKER_IMPL_H */
