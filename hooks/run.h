/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of a script: a child process in a process group of its own, and the
 * tail of what it prints.  Knows nothing of freezing; script.h does.
 *
 * The exit of the script itself ends a run, never the end of its output: a
 * freeze script may leave a process behind that holds a lock and the pipe.
 * That pipe is read for as long as somebody has it, or the holder would get
 * SIGPIPE.
 */
#ifndef RUN_H
#define RUN_H

#include <sys/types.h>

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"

#define RUN_TAIL_BYTES 400 /* of output kept: the last ones */
#define RUN_OLD_MAX    4   /* pipes of earlier runs; the oldest is closed */
#define RUN_POLL_MAX   (1 + RUN_OLD_MAX)

struct run_command {
	const char *path;      /* borrowed */
	const char *operation; /* "check", "freeze" or "thaw" */
	const char *result;    /* of a thaw, else "" */
	uint64_t transaction;
	int64_t deadline_ms;	       /* relative; 0: none known */
	const struct account *account; /* borrowed; NULL: as this process */
	int kept_fd; /* the open file, should path be gone; -1: none */
	const char *kept_path; /* by which it runs then; borrowed */
};

struct run {
	pid_t pid;	   /* 0: nothing runs */
	uint64_t start_id; /* procid_get(pid) */
	bool foreign;	   /* started by a process that died: not our child */
	int status;	   /* of waitpid(2), once reaped; -1 unknown */
	int exec_errno;	   /* why the script could not be executed, or 0 */
	int output_fd;	   /* -1: closed */
	int control_fd;	   /* to the child until it executes; -1: closed */
	int old_fds[RUN_OLD_MAX];
	int copy_fd; /* output goes there as well; -1: nowhere */
	bool is_holding;
	unsigned
	    line_matches; /* bytes of the promise, in the line that comes */
	unsigned tail_length;
	char tail[RUN_TAIL_BYTES + 1];
};

void run_init(struct run *run);
/* Closes every pipe; does not touch the process. */
void run_fini(struct run *run);

/*
 * Forks the child, which waits for run_go: in between, the caller notes its
 * pid. Should the caller die there, the child goes too.  0, or -1 with errno.
 */
int run_prepare(struct run *run, const struct run_command *command);
void run_go(struct run *run);

/* Watches a process that somebody else started. */
void run_adopt(struct run *run, pid_t pid, uint64_t start_id);

/* Reads output that is there; true once the script has ended (not reaped). */
bool run_has_ended(struct run *run);

/* Sends a signal to the whole group.  Not after run_reap. */
void run_kill(const struct run *run, int signal_number);

/* Collects the ended script: sets status and exec_errno, clears pid. */
void run_reap(struct run *run);

/*
 * True if the script has said that something which it leaves behind holds, for
 * as long as the script's output is open; run_output_ended tells when it does
 * not any more.  See vss.d(7).
 */
bool run_is_holding(const struct run *run);
bool run_output_ended(const struct run *run);

/* True if it ran and exited with status 0. */
bool run_succeeded(const struct run *run);

/* "exit status 3: last words", for people.  Returns text. */
const char *run_describe(const struct run *run, char *text, unsigned size);

/* Fills in at most RUN_POLL_MAX descriptors; returns how many. */
unsigned run_fill_poll(const struct run *run, struct pollfd *fds);
/* Reads what is left of pipes of earlier runs. */
void run_drain(struct run *run);

#endif /* RUN_H */
