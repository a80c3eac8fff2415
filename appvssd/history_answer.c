/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of the history process: see history_answer.h.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>

#include "history_answer.h"
#include "history_db.h"
#include "histwire.h"

void
history_answer_bytes(int fd, const char *bytes, size_t length)
{
	size_t offset = 0;

	while (offset < length) {
		ssize_t sent = send(fd, bytes + offset, length - offset,
		    MSG_NOSIGNAL);

		if (sent >= 0) {
			offset += (size_t)sent;
		} else if (errno == EAGAIN) {
			struct pollfd pfd = { fd, POLLOUT, 0 };

			(void)poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void
answer_line(int fd, struct wire_line *line)
{
	if (wire_end(line) == WIRE_OK)
		history_answer_bytes(fd, line->bytes, line->length);
}

void
history_answer_known(int fd, const char *name, const char *program, int64_t uid)
{
	struct wire_line line;

	wire_begin(&line, &histwire_answer_grammar, HA_KNOWN);
	wire_put_text(&line, HK_NAME, name);
	wire_put_text(&line, HK_PROGRAM, program);
	if (uid >= 0)
		wire_put_uint(&line, HK_UID, (uint64_t)uid);
	answer_line(fd, &line);
}

void
history_answer_ready(int fd, uint64_t last_id, const char *set_aside,
    const struct historydb_unsure *unsure)
{
	struct wire_line line;

	wire_begin(&line, &histwire_answer_grammar, HA_READY);
	wire_put_uint(&line, HK_LAST_ID, last_id);
	if (set_aside[0] != '\0')
		wire_put_text(&line, HK_SET_ASIDE, set_aside);
	if (unsure->msgid != 0) {
		wire_put_uint(&line, HK_MSGID, unsure->msgid);
		wire_put_uint(&line, HK_INSTANCE, unsure->instance);
	}
	answer_line(fd, &line);
}

void
history_answer_ack(int fd, uint64_t seq)
{
	struct wire_line line;

	wire_begin(&line, &histwire_answer_grammar, HA_ACK);
	wire_put_uint(&line, HK_SEQ, seq);
	answer_line(fd, &line);
}
