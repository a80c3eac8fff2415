/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One session of a hold: a database's command-line client, fed through a pipe,
 * which says on its standard output how far it is.  Knows no limit and no
 * socket; holder.h does.
 *
 * A session ends by itself when this process does, however that happens: its
 * standard input ends, and what the database has locked for it is free.
 */
#ifndef HOLDSESSION_H
#define HOLDSESSION_H

#include <sys/types.h>

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define HOLDSESSION_SCRIPT_MAX 65536 /* bytes to a session not yet taken */
#define HOLDSESSION_LINE_MAX   512   /* bytes of a line; more is cut off */
#define HOLDSESSION_TAIL_MAX   300   /* bytes of its last line, for people */
#define HOLDSESSION_ARGS_MAX   64

/* Lines of a session's output that mean something. */
#define HOLDSESSION_HELD     "appvss-held"
#define HOLDSESSION_ALIVE    "appvss-alive"
#define HOLDSESSION_RELEASED "appvss-released"

enum holdsession_state {
	HOLDSESSION_STARTING,
	HOLDSESSION_IS_HELD,
	HOLDSESSION_IS_RELEASED, /* by its own word, and still there */
	HOLDSESSION_GONE,	 /* reaped */
};

struct holdsession {
	enum holdsession_state state;
	bool was_released; /* it said so before it went */
	const char *word;  /* borrowed: what it is for; "" */
	pid_t pid;
	int in_fd;     /* its standard input; -1: closed */
	int out_fd;    /* its standard output and error; -1: at its end */
	int status;    /* of waitpid(2), once GONE */
	bool ping_due; /* the last ping has no answer yet */
	char *unsent;  /* owned; what does not fit in the pipe */
	unsigned unsent_length;
	unsigned line_length;
	char line[HOLDSESSION_LINE_MAX];
	char tail[HOLDSESSION_TAIL_MAX + 1]; /* the last line that is text */
};

struct holdsession_command {
	char *const *argv; /* borrowed, NULL-terminated; the word is added */
	unsigned argc;
	const char *user; /* whose process it is; NULL: the caller's */
	bool is_owners;	  /* ... that of the owner of the file word */
};

/* Becomes the command's user.  If it cannot, says why and exits. */
void holdsession_become(const struct holdsession_command *command,
    const char *word);

/* Starts the command; 0, or -1 with errno and nothing started. */
int holdsession_start(struct holdsession *session,
    const struct holdsession_command *command, const char *word);

/* Gives it text to read; -1 if more waits than may. */
int holdsession_send(struct holdsession *session, const char *text);
/* The end of its standard input: it is to go. */
void holdsession_close(struct holdsession *session);
void holdsession_kill(const struct holdsession *session, int signal_number);

/* Reads and writes what can be, and collects it if it has ended. */
void holdsession_step(struct holdsession *session);

/* Fills in at most two descriptors; returns how many. */
unsigned holdsession_fill_poll(const struct holdsession *session,
    struct pollfd *fds);

/* "users: exit status 2: last words", for people.  Returns text. */
const char *holdsession_describe(const struct holdsession *session, char *text,
    unsigned size);

#endif /* HOLDSESSION_H */
