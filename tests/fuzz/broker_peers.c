/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Models of those whom the broker speaks to: see broker_peers.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/histwire.h"
#include "broker_peers.h"
#include "sdk/proto.h"

#define OUTSTANDING_MAX 64

struct peer peers[PEERS + 1];

/* Hands each whole line of a stream on; the rest stays in line. */
static void
split_lines(char *line, size_t *lengthp, const char *bytes, size_t length,
    void (*on_line)(void *arg, const char *line, size_t length), void *arg)
{
	size_t i;

	for (i = 0; i < length; i++) {
		world_require(*lengthp < WIRE_LINE_MAX, "a line without end");
		line[(*lengthp)++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		on_line(arg, line, *lengthp);
		*lengthp = 0;
	}
}

/* --- clients ------------------------------------------------------------- */

void
peers_reset(void)
{
	size_t i;

	memset(peers, 0, sizeof(peers));
	for (i = 0; i <= PEERS; i++)
		peers[i].fd = -1;
}

struct peer *
peer_of(int fd)
{
	size_t i;

	for (i = 0; i <= PEERS; i++) {
		if (peers[i].fd == fd)
			return (&peers[i]);
	}
	return (NULL);
}

void
peer_connect(struct peer *peer, uid_t uid)
{
	peer_close(peer);
	memset(peer, 0, sizeof(*peer));
	peer->fd = world_connect(uid);
}

void
peer_close(struct peer *peer)
{
	if (peer->fd != -1)
		world_hang_up(peer->fd);
	peer->fd = -1;
}

static struct peer_part *
peer_part(struct peer *peer, const char *name)
{
	size_t i;

	for (i = 0; i < PEER_PARTS - 1; i++) {
		if (peer->parts[i].name[0] == '\0' ||
		    strcmp(peer->parts[i].name, name) == 0)
			break;
	}
	snprintf(peer->parts[i].name, sizeof(peer->parts[i].name), "%s", name);
	return (&peer->parts[i]);
}

/* An answer to a line of the client itself. */
static void
peer_on_answer(struct peer *peer, const struct wire_msg *msg)
{
	const char *verb = wire_get_text(msg, PK_VERB, "");

	if (strcmp(verb, "CHECK") == 0 || strcmp(verb, "FREEZE") == 0 ||
	    strcmp(verb, "THAW") == 0)
		peer->answered++;
	if (strcmp(verb, "UNREGISTER") == 0 && msg->verb == PB_OK)
		peer_part(peer, wire_get_text(msg, PK_NAME, ""))->frozen_id = 0;
}

static void
peer_on_request(struct peer *peer, const struct wire_msg *msg)
{
	struct peer_part *part;

	snprintf(peer->name, sizeof(peer->name), "%s",
	    wire_get_text(msg, PK_NAME, ""));
	peer->id = wire_get_uint(msg, PK_ID, 0);
	peer->verb = msg->verb;
	part = peer_part(peer, peer->name);
	if (msg->verb == PB_FREEZE) {
		world_require(part->frozen_id == 0, "frozen twice");
		part->frozen_id = peer->id;
	} else if (msg->verb == PB_THAW && part->frozen_id == peer->id) {
		part->frozen_id = 0;
	}
}

static void
peer_on_line(void *arg, const char *line, size_t length)
{
	struct peer *peer = arg;
	struct wire_msg msg;

	world_require(wire_decode(&proto_broker_grammar, line, length, &msg) ==
		WIRE_OK,
	    "a line to a client that is not of the protocol");
	switch ((enum proto_broker_verb)msg.verb) {
	case PB_OK:
	case PB_ERROR:
		peer_on_answer(peer, &msg);
		break;
	case PB_CHECK:
	case PB_FREEZE:
	case PB_THAW:
		peer_on_request(peer, &msg);
		break;
	case PB_ITEM:
		if (strcmp(wire_get_text(&msg, PK_KIND, ""), "broker") == 0)
			snprintf(peer->state, sizeof(peer->state), "%s",
			    wire_get_text(&msg, PK_STATE, ""));
		break;
	case PB_WELCOME:
		peer->greeted = true;
		break;
	case PB_EVENT:
	case PB_END:
	case PB_COUNT:
		break;
	}
}

void
peer_sent(struct peer *peer, const char *bytes, size_t length)
{
	split_lines(peer->line, &peer->length, bytes, length, peer_on_line,
	    peer);
}

void
peer_say_bytes(struct peer *peer, const void *bytes, size_t length)
{
	peer->dirty = true;
	if (peer->fd != -1)
		(void)world_put(peer->fd, bytes, length);
}

void
peer_say(struct peer *peer, const char *line, const char *name)
{
	char out[WIRE_LINE_MAX];
	struct wire_msg msg;
	size_t used = 0;

	for (; *line != '\0'; line++) {
		if (*line == '@' || *line == '#')
			used += (size_t)(*line == '@' ?
				snprintf(out + used, sizeof(out) - used, "%s",
				    name) :
				snprintf(out + used, sizeof(out) - used, "%llu",
				    (unsigned long long)peer->id));
		else
			out[used++] = *line;
	}
	if (peer->fd == -1 || !world_put(peer->fd, out, used))
		return;
	if (wire_decode(&proto_client_grammar, out, used, &msg) == WIRE_OK &&
	    (msg.verb == PC_CHECK || msg.verb == PC_FREEZE ||
		msg.verb == PC_THAW))
		peer->asked++;
}

void
peers_check_rest(void)
{
	size_t i, part;

	for (i = 0; i <= PEERS; i++) {
		if (peers[i].fd == -1)
			continue;
		for (part = 0; part < PEER_PARTS; part++)
			world_require(peers[i].parts[part].frozen_id == 0,
			    "somebody is left frozen");
		/* A broker that has ended may not have read the last. */
		world_require(peers[i].dirty || !peers[i].greeted ||
			loop_is_over() || peers[i].asked == peers[i].answered,
		    "a requestor has not one answer for each question");
	}
}

/* --- the host ------------------------------------------------------------ */

static struct {
	struct {
		uint64_t msgid;
		uint64_t until_ms;
		uint32_t op;
	} owed[OUTSTANDING_MAX];
	size_t count;
	uint64_t limit_ms;
} host;

void
host_reset(uint64_t limit_ms)
{
	memset(&host, 0, sizeof(host));
	host.limit_ms = limit_ms;
}

void
host_taken(uint32_t op, uint64_t msgid)
{
	world_require(host.count < OUTSTANDING_MAX, "nothing is answered");
	host.owed[host.count].op = op;
	host.owed[host.count].msgid = msgid;
	host.owed[host.count++].until_ms = loop_now_ms() + host.limit_ms;
}

void
host_answered(uint32_t op, uint64_t msgid, bool success)
{
	size_t i;

	(void)success;
	for (i = 0; i < host.count; i++) {
		if (host.owed[i].msgid == msgid)
			break;
	}
	world_require(i < host.count, "an answer that nobody waits for");
	world_require(host.owed[i].op == op, "an answer of another operation");
	world_require(loop_now_ms() < host.owed[i].until_ms,
	    "an answer after the driver's limit");
	host.owed[i] = host.owed[--host.count];
}

void
host_forget(void)
{
	host.count = 0;
}

void
host_paused(void)
{
	size_t i;

	for (i = 0; i < host.count; i++)
		host.owed[i].until_ms = loop_now_ms() + host.limit_ms;
}

void
host_check_rest(void)
{
	world_require(host.count == 0, "a request without an answer");
}

/* --- the history --------------------------------------------------------- */

static struct {
	char line[WIRE_LINE_MAX];
	size_t length;
	uint64_t seq;	/* of the last row */
	uint64_t query; /* a question without an answer, or 0 */
	int fd;		/* -1: none */
	bool prompt;
} history;

void
history_reset(void)
{
	memset(&history, 0, sizeof(history));
	history.fd = -1;
}

int
history_fd(void)
{
	return (history.fd);
}

void
history_attach(void)
{
	const struct privsep_msg msg = { .type = PRIVSEP_HISTORY, .nfds = 1 };

	history_die();
	history.fd = world_stream();
	history.length = 0;
	history.query = 0;
	if (history.fd != -1)
		world_order(&msg, &history.fd);
}

void
history_die(void)
{
	if (history.fd != -1)
		world_hang_up(history.fd);
	history.fd = -1;
}

void
history_closed(void)
{
	history.fd = -1;
}

static void
history_say(const char *line)
{
	(void)world_put(history.fd, line, strlen(line));
}

void
history_confirm(void)
{
	char line[256];

	if (history.fd == -1)
		return;
	if (history.seq != 0) {
		snprintf(line, sizeof(line), "ACK seq=%llu\n",
		    (unsigned long long)history.seq);
		history_say(line);
	}
	if (history.query == 0)
		return;
	snprintf(line, sizeof(line),
	    "ITEM query=%llu kind=event id=1 at_ms=1 text=\"\\x1b\"\n"
	    "DONE query=%llu before=7\n",
	    (unsigned long long)history.query,
	    (unsigned long long)history.query);
	history_say(line);
	history.query = 0;
}

static void
history_on_line(void *arg, const char *line, size_t length)
{
	struct wire_msg msg;
	uint64_t seq;

	(void)arg;
	world_require(wire_decode(&histwire_row_grammar, line, length, &msg) ==
		WIRE_OK,
	    "a row that is none");
	seq = wire_get_uint(&msg, HK_SEQ, 0);
	if (seq > history.seq)
		history.seq = seq;
	if (msg.verb == HR_QUERY)
		history.query = wire_get_uint(&msg, HK_QUERY, 0);
	if (msg.verb == HR_RUN && history.prompt)
		history_say("READY last_id=0\n");
	if (history.prompt)
		history_confirm();
}

void
history_sent(const char *bytes, size_t length)
{
	split_lines(history.line, &history.length, bytes, length,
	    history_on_line, NULL);
}

void
history_set_prompt(bool prompt)
{
	history.prompt = prompt;
	if (!prompt)
		return;
	if (history.fd != -1)
		history_say("READY last_id=0\n");
	history_confirm();
}
