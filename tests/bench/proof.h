/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a proof costs SQLite alone: the rows of a held transaction, put into a
 * history file and committed by the functions of the history process, without
 * that process and without a broker.
 */
#ifndef PROOF_H
#define PROOF_H

#include <stddef.h>
#include <stdint.h>

struct historydb;

struct proof {
	struct historydb *db;
	size_t count;
	uint64_t id;
	uint64_t seq;
	char dir[128];
};

/* A file in a new directory below parent.  Exits when something is wrong. */
void proof_start(struct proof *proof, const char *parent, size_t count);
void proof_stop(struct proof *proof);

/*
 * Microseconds from the first row of participants to the end of the commit;
 * what precedes and follows in a transaction is written as well.
 */
double proof_us(struct proof *proof);

#endif /* PROOF_H */
