/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history's part of a release: see proof.h.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "appvssd/history_db.h"
#include "appvssd/histq.h"
#include "appvssd/histrow.h"
#include "appvssd/histwire.h"
#include "crowd.h"
#include "proof.h"

static void
proof_apply(struct proof *proof, struct wire_line *line)
{
	struct wire_msg msg;

	if (wire_end(line) != WIRE_OK ||
	    wire_decode(&histwire_row_grammar, line->bytes, line->length,
		&msg) != WIRE_OK ||
	    historydb_apply(proof->db, &msg) != HISTORYDB_OK)
		errx(1, "a row was refused");
}

static void
proof_commit(struct proof *proof)
{
	uint64_t seq;

	if (historydb_commit(proof->db, &seq) != HISTORYDB_OK)
		errx(1, "%s", historydb_error(proof->db));
}

static void
proof_put_part(struct proof *proof, const struct histq_part *part)
{
	struct wire_line line;

	histrow_encode_part(&line, ++proof->seq, part);
	proof_apply(proof, &line);
}

static void
proof_put_state(struct proof *proof, const char *state)
{
	const struct histq_state row = {
		.id = proof->id,
		.state = state,
		.consistency = "application",
		.host = "none",
	};
	struct wire_line line;

	histrow_encode_state(&line, ++proof->seq, &row);
	proof_apply(proof, &line);
}

static void
proof_put_held(struct proof *proof, struct histrow_held *held)
{
	struct wire_line line;

	histrow_encode_held(&line, ++proof->seq, held);
	proof_apply(proof, &line);
}

static struct histq_part
proof_part(const struct proof *proof, char *name, size_t size, size_t i)
{
	(void)snprintf(name, size, "p%zu", i);
	return ((struct histq_part) { .id = proof->id,
	    .phase = "final",
	    .name = name,
	    .program = "fanout",
	    .result = "ready",
	    .thaw = "ok",
	    .order = 50,
	    .pid = (uint64_t)getpid() });
}

static void
proof_put_all_ready(struct proof *proof)
{
	struct histrow_held held = { .id = proof->id, .proof = 1 };
	struct histq_part part;
	char name[24];
	size_t i;

	for (i = 0; i < proof->count; i++) {
		part = proof_part(proof, name, sizeof(name), i);
		if (histrow_held_add(&held, &part))
			continue;
		proof_put_held(proof, &held);
		(void)histrow_held_add(&held, &part);
	}
	if (held.length > 0)
		proof_put_held(proof, &held);
}

void
proof_start(struct proof *proof, const char *parent, size_t count)
{
	const struct histq_run run = { .run = 1 };
	struct wire_line line;
	char path[160];

	*proof = (struct proof) { .count = count };
	(void)snprintf(proof->dir, sizeof(proof->dir),
	    "%.80s/appvss-bench.XXXXXX", parent);
	if (mkdtemp(proof->dir) == NULL)
		err(1, "%s", proof->dir);
	(void)snprintf(path, sizeof(path), "%s/history.db", proof->dir);
	if (historydb_open(&proof->db, path, "", INT64_MAX) != HISTORYDB_OK)
		errx(1, "%s", path);
	histrow_encode_run(&line, &run);
	proof_apply(proof, &line);
	proof_commit(proof);
}

void
proof_stop(struct proof *proof)
{
	char command[192];

	historydb_close(proof->db);
	(void)snprintf(command, sizeof(command), "rm -rf %s", proof->dir);
	(void)!system(command);
}

double
proof_us(struct proof *proof)
{
	const struct histq_begin row = {
		.id = ++proof->id,
		.op = "freeze",
		.source = "device",
	};
	struct histq_part part;
	struct wire_line line;
	double started_us, took_us;
	char name[24];
	size_t i;

	histrow_encode_begin(&line, ++proof->seq, &row);
	proof_apply(proof, &line);
	started_us = bench_now_us();
	proof_put_all_ready(proof);
	proof_put_state(proof, "held");
	proof_commit(proof);
	took_us = bench_now_us() - started_us;
	for (i = 0; i < proof->count; i++) {
		part = proof_part(proof, name, sizeof(name), i);
		proof_put_part(proof, &part);
	}
	proof_put_state(proof, "done");
	proof_commit(proof);
	return (took_us);
}
