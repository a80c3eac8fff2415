/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process that thaws what the daemon froze when the daemon cannot any more:
 * it was killed, or hangs.  Needed where the kernel does not thaw by itself
 * (guardian_linux.c); elsewhere there is none (guardian_none.c).
 *
 * The guardian holds descriptors of its own, has a deadline of its own, later
 * than the daemon's, and is told before every freeze and after every thaw.  For
 * the case that both are killed, the list on tmpfs (thawlist.h) is there from
 * before the first freeze until after the last thaw.
 *
 * Functions return 0, or -1 with why.
 */
#ifndef GUARDIAN_H
#define GUARDIAN_H

#include <sys/types.h>

#include "system.h"

/* The guardian acts so much later than the daemon's limit. */
#define GUARDIAN_GRACE_MS 2000
/*
 * A deadline that is noticed more than LATE_MS late means that the machine was
 * paused, as hosts do to take the snapshot: its THAW may be the next thing to
 * come.  Then it is armed once more: the daemon's, the guardian's, and
 * appvssd's for 5 s, in this order.
 */
#define LATE_MS		  1000
#define DAEMON_REARM_MS	  3000
#define GUARDIAN_REARM_MS 4000

struct guardian;

struct guardian_config {
	const char *runtime_dir; /* borrowed; where the list is */
	int log_fd;		 /* borrowed; -1: syslog */
	int log_level;		 /* enum heldlog_level */
};

/*
 * Starts it.  To be called before anything is opened that the guardian must
 * not keep open, which is the device above all.
 */
int guardian_start(const struct guardian_config *config, struct guardian **out,
    struct why *why);

/* Readable or hung up: the guardian has died.  -1: there is none to die. */
int guardian_poll_fd(const struct guardian *guardian);

/*
 * Gives it the targets, in freezing order, and writes the list.  After a
 * failure nothing may be frozen.
 */
int guardian_arm(struct guardian *guardian, const struct freeze_target *targets,
    unsigned count, unsigned limit_ms, struct why *why);

/*
 * To be told before a target is frozen (true), and when it is certain that it
 * is not (false).
 */
int guardian_note(struct guardian *guardian, unsigned target,
    bool may_be_frozen, struct why *why);

/* All is thawed: it closes its descriptors, and the list is removed. */
int guardian_disarm(struct guardian *guardian, struct why *why);

/* Asks for a sign of life. */
int guardian_ping(struct guardian *guardian, struct why *why);

/* Ends it; NULL is allowed. */
void guardian_stop(struct guardian *guardian);

/* What guardian_thaw_left found, for a message. */
struct thaw_report {
	unsigned listed;
	unsigned thawed;     /* was frozen, is not any more */
	unsigned not_frozen; /* was not frozen */
	unsigned failed;     /* why tells of the last one */
	pid_t owner;	     /* who froze them, if it is alive still; or 0 */
};

/*
 * Thaws what a list that was left behind names, the outermost first, and tries
 * again for a while as long as its owner lives: a freeze of its that is under
 * way cannot be undone before it completes.  Removes the list when nothing on
 * it is frozen.  1: done; 0: there is no list; -1: why.
 */
int guardian_thaw_left(const char *runtime_dir, struct thaw_report *report,
    struct why *why);

/* Is there such a list, without a living owner?  1, 0, or -1 with errno. */
int guardian_left_any(const char *runtime_dir);

/* Is the directory fit for the list: in memory?  0, or -1 with why. */
int guardian_check_dir(const char *runtime_dir, struct why *why);

#endif /* GUARDIAN_H */
