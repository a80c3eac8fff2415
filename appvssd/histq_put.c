/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows into the queue of the history: what each kind is, and whether it may be
 * dropped.  The queue itself is histq.c's.
 */
#include "histq.h"
#include "histq_impl.h"
#include "histrow.h"
#include "sdk/wire.h"

uint64_t
histq_put_begin(struct histq *queue, const struct histq_begin *row)
{
	struct wire_line line;

	histrow_encode_begin(&line, histq_next_seq(queue), row);
	return (histq_append(queue, &line, false));
}

uint64_t
histq_put_state(struct histq *queue, const struct histq_state *row)
{
	struct wire_line line;

	histrow_encode_state(&line, histq_next_seq(queue), row);
	return (histq_append(queue, &line, false));
}

uint64_t
histq_put_part(struct histq *queue, const struct histq_part *row)
{
	struct wire_line line;

	histrow_encode_part(&line, histq_next_seq(queue), row);
	return (histq_append(queue, &line, true));
}

uint64_t
histq_put_held(struct histq *queue, struct histrow_held *held)
{
	struct wire_line line;

	histrow_encode_held(&line, histq_next_seq(queue), held);
	return (histq_append(queue, &line, true));
}

uint64_t
histq_put_event(struct histq *queue, uint64_t id, const char *kind,
    const char *text)
{
	const struct histrow_event row = {
		.id = id,
		.kind = kind,
		.text = text,
		.at_ms = histq_wall_ms(),
	};
	struct wire_line line;

	histrow_encode_event(&line, histq_next_seq(queue), &row);
	return (histq_append(queue, &line, true));
}

uint64_t
histq_put_known(struct histq *queue, const char *name, const char *program,
    int64_t uid)
{
	struct wire_line line;

	histrow_encode_known(&line, histq_next_seq(queue), histq_wall_ms(),
	    name, program, uid);
	return (histq_append(queue, &line, false));
}

uint64_t
histq_put_forget(struct histq *queue, const char *name)
{
	struct wire_line line;

	histrow_encode_forget(&line, histq_next_seq(queue), histq_wall_ms(),
	    name);
	return (histq_append(queue, &line, false));
}

uint64_t
histq_put_driver(struct histq *queue, const struct histq_driver *row)
{
	struct wire_line line;

	histrow_encode_driver(&line, histq_next_seq(queue), histq_wall_ms(),
	    row);
	return (histq_append(queue, &line, false));
}

uint64_t
histq_put_end(struct histq *queue)
{
	struct wire_line line;

	histq_report_dropped(queue, 2);
	histrow_encode_end(&line, histq_next_seq(queue), histq_wall_ms());
	return (histq_append(queue, &line, false));
}
