/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: connections, lines in, text out.  Only root can connect.
 * Knows the grammar of hv_vss_daemon(8), and nothing of what the requests mean.
 * Never blocks, never logs.
 *
 * A connection that sends a line too long, or nothing that is a request, is
 * told so and closed; one that does not read its answer gets no further.  For a
 * new one above CONTROL_CLIENTS_MAX, or for which there is no descriptor, the
 * one that has done nothing for the longest time is closed, but never that of a
 * drill.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define CONTROL_CLIENTS_MAX 8
#define CONTROL_FDS_MAX	    (CONTROL_CLIENTS_MAX + 1)
#define CONTROL_LINE_MAX    256 /* of a request */
#define CONTROL_ANSWER_BYTES                            \
	(1024 * 1024) /* more is cut off, with an ERROR \
		       */

struct control;

enum control_verb {
	CONTROL_STATUS,
	CONTROL_MOUNTS,
	CONTROL_FREEZE,
	CONTROL_THAW,
};

struct control_request {
	enum control_verb verb;
	unsigned hold_ms;	      /* FREEZE; 0: not given */
	char mount[CONTROL_LINE_MAX]; /* FREEZE; "": all that is to be frozen */
	uint64_t client;	      /* of whom; never used twice */
};

/*
 * Makes the socket in the directory runtime_dir, in place of one that nobody
 * listens on.  0 and an owned handle, or -1 with errno: EADDRINUSE (another
 * daemon is there).
 */
int control_open(const char *runtime_dir, struct control **out);

/* Removes the socket.  NULL is allowed. */
void control_close(struct control *control);

/* Fills in what to poll; control may be NULL.  Returns how many. */
unsigned control_pollfds(struct control *control,
    struct pollfd fds[CONTROL_FDS_MAX]);

/*
 * Reads and writes what poll(2) found possible.  kept: the client that is not
 * closed for the sake of a new one; 0: none.
 */
void control_serve(struct control *control, const struct pollfd *fds,
    unsigned nfds, uint64_t kept);

/*
 * When connections are taken again, after one could not be; 0: at any time.
 * Until then the listener is not among what is to be polled.
 */
int64_t control_resume_at_ms(const struct control *control);

/* Takes the next request that has come in; false if there is none. */
bool control_next(struct control *control, struct control_request *request);

/* Adds a line to the answer of a client; one that has gone is no error. */
void control_put(struct control *control, uint64_t client, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Sends what was put, as far as it goes now. */
void control_send(struct control *control, uint64_t client);

/* Is the client still connected? */
bool control_is_there(const struct control *control, uint64_t client);

/* The path of the socket, for both ends.  0, or -1 with errno. */
struct sockaddr_un;
int control_address(const char *runtime_dir, struct sockaddr_un *address);

#endif /* CONTROL_H */
