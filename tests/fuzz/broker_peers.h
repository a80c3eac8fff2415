/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Those whom the broker speaks to, and what they may expect of it, for
 * fuzz_broker.c: clients, the host behind the device, the history process.
 * Whatever is not as the protocol says aborts.
 */
#ifndef BROKER_PEERS_H
#define BROKER_PEERS_H

#include "broker_world.h"
#include "sdk/wire.h"

#define PEERS	     8
#define PEER_PARTS   16
#define PEER_WATCHER PEERS /* one more, of the target's own */

/* A participant of a client. */
struct peer_part {
	char name[WIRE_NAME_MAX + 1];
	uint64_t frozen_id; /* of a FREEZE that no THAW has come for; or 0 */
};

struct peer {
	int fd;	    /* -1: not connected */
	bool dirty; /* has sent bytes that are no whole lines of ours */
	bool greeted;
	char line[WIRE_LINE_MAX];
	size_t length;
	struct peer_part parts[PEER_PARTS];
	/* Of the last request. */
	char name[WIRE_NAME_MAX + 1];
	uint64_t id;
	unsigned verb;
	/* CHECK, FREEZE and THAW as a requestor. */
	unsigned asked, answered;
	char state[WIRE_NAME_MAX + 1]; /* of the broker, by STATUS */
};

extern struct peer peers[PEERS + 1];

void peers_reset(void);
struct peer *peer_of(int fd);
void peer_connect(struct peer *peer, uid_t uid);
void peer_close(struct peer *peer);
/* A whole line: with @ for a name and # for the id of the last request. */
void peer_say(struct peer *peer, const char *line, const char *name);
void peer_say_bytes(struct peer *peer, const void *bytes, size_t length);
void peer_sent(struct peer *peer, const char *bytes, size_t length);
/* Nobody is left frozen, and every question is answered. */
void peers_check_rest(void);

/* --- the host ------------------------------------------------------------ */

void host_reset(uint64_t limit_ms);
void host_taken(uint32_t op, uint64_t msgid);
void host_answered(uint32_t op, uint64_t msgid, bool success);
void host_forget(void); /* the device has gone */
void host_paused(void); /* limits that passed meanwhile do not count */
void host_check_rest(void);

/* --- the history --------------------------------------------------------- */

void history_reset(void);
void history_attach(void);
void history_die(void);
int history_fd(void);
void history_sent(const char *bytes, size_t length);
void history_closed(void);
/* Everything so far is on disk, and the question is answered. */
void history_confirm(void);
/* From now on at once. */
void history_set_prompt(bool prompt);

#endif /* BROKER_PEERS_H */
