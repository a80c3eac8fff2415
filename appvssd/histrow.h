/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the history to lines of histwire.h.  Pure.  Each leaves a line that
 * wants wire_end(); texts are cut so that it is at most HISTROW_BYTES_MAX long.
 */
#ifndef HISTROW_H
#define HISTROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histwire.h"

struct histq_begin;
struct histq_driver;
struct histq_part;
struct histq_run;
struct histq_state;
struct wire_line;

#define HISTROW_BYTES_MAX 2048 /* LF included */

struct histrow_event {
	uint64_t id; /* of the transaction, or 0 */
	const char *kind;
	const char *text;
	uint64_t at_ms; /* wall clock */
};

/*
 * Participants that are ready, as many as a row of the proof can hold; empty
 * with no length.
 */
struct histrow_held {
	uint64_t id;
	unsigned proof;	    /* which of the transaction, from 1 */
	size_t length;	    /* of parts, which is not terminated */
	size_t wire_length; /* as it will be in a line */
	char parts[HISTWIRE_PARTS_MAX];
};

/*
 * Adds one; its phase, result and thaw are not looked at, its texts cut if they
 * are too long.  False: it has no room, so what is here has to be sent first.
 */
bool histrow_held_add(struct histrow_held *held, const struct histq_part *part);

void histrow_encode_run(struct wire_line *line, const struct histq_run *run);
void histrow_encode_begin(struct wire_line *line, uint64_t seq,
    const struct histq_begin *row);
void histrow_encode_state(struct wire_line *line, uint64_t seq,
    const struct histq_state *row);
void histrow_encode_part(struct wire_line *line, uint64_t seq,
    const struct histq_part *row);
/* Ends the list, which is empty afterwards. */
void histrow_encode_held(struct wire_line *line, uint64_t seq,
    struct histrow_held *held);
void histrow_encode_event(struct wire_line *line, uint64_t seq,
    const struct histrow_event *row);
/* uid -1: not known. */
void histrow_encode_known(struct wire_line *line, uint64_t seq, uint64_t at_ms,
    const char *name, const char *program, int64_t uid);
void histrow_encode_forget(struct wire_line *line, uint64_t seq, uint64_t at_ms,
    const char *name);
void histrow_encode_driver(struct wire_line *line, uint64_t seq, uint64_t at_ms,
    const struct histq_driver *row);
void histrow_encode_keep(struct wire_line *line, uint32_t days, uint32_t count);
void histrow_encode_end(struct wire_line *line, uint64_t seq, uint64_t at_ms);

#endif /* HISTROW_H */
