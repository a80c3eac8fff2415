/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of rows between broker and history process.  Owns the connection,
 * the rows that are not acknowledged, and their sequence numbers.  Must never
 * block, touch a disk, or allocate after histq_create(); must write nothing
 * while held.
 *
 * A row lives in a slot from its put until its ACK.  Slots are in the order of
 * their sequence numbers; unsent points at the first that this connection has
 * not been given.  A slot is copied to the output buffer before it is written,
 * so it may be dropped at any time.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "histpool.h"
#include "histq.h"
#include "histq_impl.h"
#include "histrow.h"
#include "histwire.h"
#include "kernel/vssdev/heldlog.h"

#define OUT_BYTES	 16384
#define KEEP_BYTES_MAX	 64
#define READS_PER_EVENT	 16 /* then other events have their turn */
#define REPORT_FREE_PART 4  /* a drop is reported with 1/4 of the slots free */

struct histq {
	struct event_base *base; /* borrows */
	struct histq_callbacks callbacks;
	void *arg;

	struct histpool pool;
	struct slot_list rows;
	struct slot *unsent; /* borrows from rows; NULL: all were sent */
	size_t nrows;
	uint64_t last_seq;
	uint64_t dropped;
	uint64_t dropped_unreported;

	int fd;		/* owns; -1: not connected */
	unsigned epoch; /* counts connections */
	struct event reader;
	struct event writer;
	bool held;
	bool broken; /* a write failed: the reader is to end the connection */
	bool commit_wanted;
	uint64_t commit_after; /* COMMIT goes behind the row of this number */

	char run_line[HISTROW_BYTES_MAX];
	size_t run_length;
	char keep_line[KEEP_BYTES_MAX];
	size_t keep_length;
	bool keep_wanted; /* by this connection */
	char out[OUT_BYTES];
	size_t out_length;
	size_t out_offset;
	char in[WIRE_LINE_MAX];
	size_t in_length;
	char ask[WIRE_LINE_MAX]; /* a query that waits for rows to be sent */
	size_t ask_length;
};

static void
end_connection(struct histq *queue)
{
	if (queue->fd < 0)
		return;
	event_del(&queue->reader);
	event_del(&queue->writer);
	close(queue->fd);
	queue->fd = -1;
	queue->epoch++;
	queue->broken = false;
	queue->out_length = 0;
	queue->out_offset = 0;
	queue->in_length = 0;
	queue->ask_length = 0;
	queue->unsent = TAILQ_FIRST(&queue->rows);
	queue->commit_wanted = queue->unsent != NULL &&
	    queue->unsent->seq <= queue->commit_after;
}

static void
lose_connection(struct histq *queue)
{
	end_connection(queue);
	queue->callbacks.lost(queue->arg);
}

static bool
append_out(struct histq *queue, const char *bytes, size_t length)
{
	if (length > sizeof(queue->out) - queue->out_length)
		return (false);
	memcpy(queue->out + queue->out_length, bytes, length);
	queue->out_length += length;
	return (true);
}

static bool
append_out_row(struct histq *queue, const struct slot *slot)
{
	if (slot->length > sizeof(queue->out) - queue->out_length)
		return (false);
	histpool_copy(slot, queue->out + queue->out_length);
	queue->out_length += slot->length;
	return (true);
}

/*
 * Behind a COMMIT comes nothing before its rows are confirmed: the release that
 * waits for them may come next, and what the history process has by then is
 * written whatever we do.
 */
static bool
waits_for_commit(const struct histq *queue, const struct slot *slot)
{
	return (slot->seq > queue->commit_after &&
	    TAILQ_FIRST(&queue->rows)->seq <= queue->commit_after);
}

/* A query has time until the history is not asked for anything else. */
static void
append_ask(struct histq *queue)
{
	const struct slot *first = TAILQ_FIRST(&queue->rows);

	if (first != NULL && first->seq <= queue->commit_after)
		return;
	if (append_out(queue, queue->ask, queue->ask_length))
		queue->ask_length = 0;
}

/* Copies what waits into the output buffer, as far as there is room. */
static void
fill_out(struct histq *queue)
{
	static const char commit_line[] = "COMMIT\n";

	for (;;) {
		struct slot *slot = queue->unsent;

		if (queue->keep_wanted) {
			if (!append_out(queue, queue->keep_line,
				queue->keep_length))
				return;
			queue->keep_wanted = false;
		}
		if (queue->commit_wanted &&
		    (slot == NULL || slot->seq > queue->commit_after)) {
			if (!append_out(queue, commit_line,
				sizeof(commit_line) - 1))
				return;
			queue->commit_wanted = false;
			continue;
		}
		if (slot == NULL) {
			append_ask(queue);
			return;
		}
		if (waits_for_commit(queue, slot) ||
		    !append_out_row(queue, slot))
			return;
		queue->unsent = TAILQ_NEXT(slot, entry);
	}
}

/* Writes what the socket takes, and asks for an event if something is left. */
static void
flush(struct histq *queue)
{
	while (queue->fd >= 0 && !queue->held && !queue->broken) {
		ssize_t sent;

		if (queue->out_offset == queue->out_length) {
			queue->out_offset = 0;
			queue->out_length = 0;
			fill_out(queue);
			if (queue->out_length == 0)
				return;
		}
		sent = send(queue->fd, queue->out + queue->out_offset,
		    queue->out_length - queue->out_offset,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0) {
			queue->out_offset += (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK ||
		    errno == ENOBUFS) {
			event_add(&queue->writer, NULL);
			return;
		}
		/* Callbacks are made from the event loop only. */
		queue->broken = true;
		event_active(&queue->reader, EV_READ, 0);
	}
}

static void
on_writable(evutil_socket_t fd, short events, void *arg)
{
	struct histq *queue = arg;

	(void)fd;
	(void)events;
	flush(queue);
}

/* Rows are written from the event loop, so that many go in one call. */
static void
schedule_flush(struct histq *queue)
{
	if (queue->fd >= 0 && !queue->held && !queue->broken)
		event_add(&queue->writer, NULL);
}

static void
release_slot(struct histq *queue, struct slot *slot)
{
	if (queue->unsent == slot)
		queue->unsent = TAILQ_NEXT(slot, entry);
	TAILQ_REMOVE(&queue->rows, slot, entry);
	histpool_give(&queue->pool, slot);
	queue->nrows--;
}

static void
count_dropped(struct histq *queue)
{
	queue->dropped++;
	queue->dropped_unreported++;
}

/* Drops the oldest row of detail.  False if there is none. */
static bool
drop_detail(struct histq *queue)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &queue->rows, entry) {
		if (slot->detail) {
			release_slot(queue, slot);
			count_dropped(queue);
			return (true);
		}
	}
	return (false);
}

/* Room for a row, at the cost of others.  False if there is none. */
static bool
make_room(struct histq *queue, size_t length)
{
	while (!histpool_has_room(&queue->pool, length)) {
		if (!drop_detail(queue))
			return (false);
	}
	return (true);
}

uint64_t
histq_append(struct histq *queue, struct wire_line *line, bool detail)
{
	enum wire_error error = wire_end(line);
	struct slot *slot;

	if (error == WIRE_OK && line->length > HISTROW_BYTES_MAX)
		error = WIRE_E_TOO_LONG;
	if (error != WIRE_OK) {
		heldlog(HELDLOG_ERROR, "history_row_refused", "reason=%s",
		    wire_error_word(error));
		count_dropped(queue);
		return (0);
	}
	if (!make_room(queue, line->length)) {
		if (!detail)
			heldlog(HELDLOG_ERROR, "history_row_refused",
			    "reason=queue_full rows=%zu", queue->nrows);
		count_dropped(queue);
		return (0);
	}
	slot = histpool_take(&queue->pool, line->bytes, line->length);
	slot->detail = detail;
	slot->seq = ++queue->last_seq;
	TAILQ_INSERT_TAIL(&queue->rows, slot, entry);
	queue->nrows++;
	if (queue->unsent == NULL)
		queue->unsent = slot;
	schedule_flush(queue);
	return (slot->seq);
}

uint64_t
histq_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

uint64_t
histq_next_seq(const struct histq *queue)
{
	return (queue->last_seq + 1);
}

void
histq_report_dropped(struct histq *queue, size_t min_free)
{
	struct histrow_event row = { .kind = "dropped" };
	struct wire_line line;
	char text[96];

	if (queue->dropped_unreported == 0 ||
	    queue->pool.nslots - queue->nrows < min_free)
		return;
	snprintf(text, sizeof(text),
	    "at most %llu rows were dropped while the history was behind",
	    (unsigned long long)queue->dropped_unreported);
	row.text = text;
	row.at_ms = histq_wall_ms();
	queue->dropped_unreported = 0;
	histrow_encode_event(&line, queue->last_seq + 1, &row);
	(void)histq_append(queue, &line, false);
}

static void
take_ack(struct histq *queue, uint64_t seq)
{
	struct slot *slot;

	while ((slot = TAILQ_FIRST(&queue->rows)) != NULL && slot->seq <= seq)
		release_slot(queue, slot);
	histq_report_dropped(queue, queue->pool.nslots / REPORT_FREE_PART + 1);
	schedule_flush(queue);
	queue->callbacks.acked(queue->arg, seq);
}

/* False: the process speaks nonsense. */
static bool
take_line(struct histq *queue, const char *bytes, size_t length)
{
	struct wire_msg msg;
	enum wire_error error;

	error = wire_decode(&histwire_answer_grammar, bytes, length, &msg);
	if (error != WIRE_OK) {
		heldlog(HELDLOG_ERROR, "history_protocol", "reason=%s",
		    wire_error_word(error));
		return (false);
	}
	switch ((enum histwire_answer)msg.verb) {
	case HA_KNOWN:
		queue->callbacks.known(queue->arg,
		    wire_get_text(&msg, HK_NAME, ""),
		    wire_get_text(&msg, HK_PROGRAM, ""),
		    wire_has(&msg, HK_UID) ?
			(int64_t)wire_get_uint(&msg, HK_UID, 0) :
			-1);
		break;
	case HA_READY:
		queue->callbacks.unsure(queue->arg,
		    wire_get_uint(&msg, HK_MSGID, 0),
		    wire_get_uint(&msg, HK_INSTANCE, 0));
		queue->callbacks.ready(queue->arg,
		    wire_get_uint(&msg, HK_LAST_ID, 0),
		    wire_get_text(&msg, HK_SET_ASIDE, ""));
		break;
	case HA_ACK:
		if (wire_get_uint(&msg, HK_SEQ, 0) > queue->last_seq) {
			heldlog(HELDLOG_ERROR, "history_protocol",
			    "reason=ack_of_unsent_row");
			return (false);
		}
		take_ack(queue, wire_get_uint(&msg, HK_SEQ, 0));
		break;
	case HA_ITEM:
	case HA_DONE:
		queue->callbacks.answer(queue->arg, &msg);
		break;
	case HA_COUNT:
		break;
	}
	return (true);
}

/* Handles the complete lines in the buffer.  False: nonsense. */
static bool
take_lines(struct histq *queue)
{
	const unsigned epoch = queue->epoch;
	size_t offset = 0;

	for (;;) {
		char *start = queue->in + offset;
		char *end = memchr(start, '\n', queue->in_length - offset);

		if (end == NULL)
			break;
		offset += (size_t)(end - start) + 1;
		if (!take_line(queue, start, (size_t)(end - start)))
			return (false);
		/* A callback may have attached another process. */
		if (queue->epoch != epoch)
			return (true);
	}
	queue->in_length -= offset;
	memmove(queue->in, queue->in + offset, queue->in_length);
	return (queue->in_length < sizeof(queue->in));
}

static void
on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct histq *queue = arg;
	const unsigned epoch = queue->epoch;

	(void)events;
	for (int i = 0; i < READS_PER_EVENT && queue->epoch == epoch; i++) {
		ssize_t got = recv(fd, queue->in + queue->in_length,
		    sizeof(queue->in) - queue->in_length, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (queue->broken)
				lose_connection(queue);
			return;
		}
		if (got <= 0) {
			lose_connection(queue);
			return;
		}
		queue->in_length += (size_t)got;
		if (!take_lines(queue)) {
			lose_connection(queue);
			return;
		}
	}
}

static int
encode_run(struct histq *queue, const struct histq_run *run)
{
	struct wire_line line;

	histrow_encode_run(&line, run);
	if (wire_end(&line) != WIRE_OK ||
	    line.length > sizeof(queue->run_line)) {
		errno = EINVAL;
		return (-1);
	}
	memcpy(queue->run_line, line.bytes, line.length);
	queue->run_length = line.length;
	return (0);
}

int
histq_create(struct histq **queuep, struct event_base *base, size_t max_rows,
    const struct histq_run *run, const struct histq_callbacks *callbacks,
    void *arg)
{
	struct histq *queue;

	if (max_rows == 0) {
		errno = EINVAL;
		return (-1);
	}
	queue = calloc(1, sizeof(*queue));
	if (queue == NULL)
		return (-1);
	if (histpool_init(&queue->pool, max_rows) == -1 ||
	    encode_run(queue, run) < 0) {
		histpool_fini(&queue->pool);
		free(queue);
		return (-1);
	}
	queue->base = base;
	queue->callbacks = *callbacks;
	queue->arg = arg;
	queue->fd = -1;
	TAILQ_INIT(&queue->rows);
	*queuep = queue;
	return (0);
}

void
histq_destroy(struct histq *queue)
{
	if (queue == NULL)
		return;
	end_connection(queue);
	histpool_fini(&queue->pool);
	free(queue);
}

void
histq_attach(struct histq *queue, int fd)
{
	end_connection(queue);
	queue->fd = fd;
	queue->unsent = TAILQ_FIRST(&queue->rows);
	event_assign(&queue->reader, queue->base, fd, EV_READ | EV_PERSIST,
	    on_readable, queue);
	event_assign(&queue->writer, queue->base, fd, EV_WRITE, on_writable,
	    queue);
	event_add(&queue->reader, NULL);
	(void)append_out(queue, queue->run_line, queue->run_length);
	queue->keep_wanted = queue->keep_length > 0;
	schedule_flush(queue);
}

void
histq_set_keep(struct histq *queue, uint32_t days, uint32_t count)
{
	struct wire_line line;

	histrow_encode_keep(&line, days, count);
	if (wire_end(&line) != WIRE_OK ||
	    line.length > sizeof(queue->keep_line))
		return;
	memcpy(queue->keep_line, line.bytes, line.length);
	queue->keep_length = line.length;
	queue->keep_wanted = queue->fd >= 0;
	schedule_flush(queue);
}

void
histq_hold(struct histq *queue, bool held)
{
	if (queue->held == held)
		return;
	queue->held = held;
	if (held && queue->fd >= 0)
		event_del(&queue->writer);
	schedule_flush(queue);
}

void
histq_commit(struct histq *queue)
{
	if (queue->nrows == 0)
		return;
	queue->commit_after = queue->last_seq;
	queue->commit_wanted = true;
	flush(queue);
}

bool
histq_ask(struct histq *queue, struct wire_line *line)
{
	if (wire_end(line) != WIRE_OK || queue->fd < 0 || queue->held ||
	    queue->ask_length != 0)
		return (false);
	memcpy(queue->ask, line->bytes, line->length);
	queue->ask_length = line->length;
	schedule_flush(queue);
	return (true);
}

bool
histq_ask_no_more(struct histq *queue)
{
	const bool waits = queue->ask_length != 0;

	queue->ask_length = 0;
	return (waits);
}

bool
histq_connected(const struct histq *queue)
{
	return (queue->fd >= 0);
}

size_t
histq_waiting(const struct histq *queue)
{
	return (queue->nrows);
}

uint64_t
histq_dropped(const struct histq *queue)
{
	return (queue->dropped);
}
