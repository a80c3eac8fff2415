/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process that stays behind when a freeze script has exited: it keeps the
 * sessions that hold a database, until it is told to end, or a limit passes, or
 * one of them is lost.  Then all of them end.
 *
 * It is told over a UNIX socket, and says there how the hold ended.  Between
 * the success of a freeze and the end of a hold it executes nothing and touches
 * no file.
 */
#ifndef HOLDER_H
#define HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "holdsession.h"

#define HOLDER_WORDS_MAX  64
#define HOLDER_REASON_MAX 400

/* The request, and the beginnings of the answers, on its socket. */
#define HOLDER_END	"end\n"
#define HOLDER_RELEASED "released\n"
#define HOLDER_LOST	"lost: "
/* The line that tells appvss-hooks that the end of the output is a loss. */
#define HOLDER_HOLDING "appvss: holding"

struct holder_options {
	struct holdsession_command command;
	const char *words[HOLDER_WORDS_MAX]; /* one session for each */
	unsigned nwords;		     /* at least 1, which may be "" */
	const char *script;    /* what every session reads first */
	const char *end_text;  /* ... at the end of the hold */
	const char *ping_text; /* ... now and then; NULL */
	int64_t ready_ms;      /* limit until all sessions are held */
	int64_t hold_ms;       /* ... and from then on */
	bool keeps_output;
};

/*
 * Never returns.  Takes listen_fd, whose socket path names, and report_fd, to
 * which it writes "+" when all sessions are held, or else the reason why they
 * are not; and is done at once if that is closed at the other end before.
 */
_Noreturn void holder_run(const struct holder_options *options,
    const char *path, int listen_fd, int report_fd);

#endif /* HOLDER_H */
