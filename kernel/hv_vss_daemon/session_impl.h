/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a session, for session.c (the driver's requests) and
 * session_control.c (those of the control socket).  Nobody else includes it.
 */
#ifndef SESSION_IMPL_H
#define SESSION_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "policy.h"
#include "session.h"

/*
 * What is known of the driver's last FREEZE, and so what a THAW is worth.  The
 * host takes a success for "frozen until now": it gets one only for what was
 * frozen until now, or when it was told before that the freeze had failed.
 */
enum hold {
	HOLD_NONE,   /* no FREEZE yet: the one before may have been another's */
	HOLD_FROZEN, /* frozen by us, and the driver was told so */
	HOLD_THAWED, /* thawed at the driver's wish */
	HOLD_REFUSED, /* the FREEZE was answered FAIL, or not in time */
	HOLD_LOST,    /* frozen, and thawed without the driver's wish */
};

struct session {
	struct session_config config;
	struct freezer *freezer; /* borrowed */
	struct control *control; /* borrowed; may be NULL */
	struct vssdev *dev;	 /* owned; NULL: gone */
	enum hold hold;
	struct policy drill_policy; /* of a drill of drill_mount alone */
	char drill_mount[CONTROL_LINE_MAX];
	const char *drill_mounts[1];
	uint64_t drill_client;	  /* who has frozen for a drill; 0: nobody */
	int64_t limit_at_ms;	  /* 0: nothing frozen */
	bool limit_rearmed;	  /* once: the machine was paused */
	int64_t thaw_retry_at_ms; /* 0: no thaw is due */
	int64_t reopen_at_ms;	  /* 0: open */
	int64_t reopen_wait_ms;
	int64_t frozen_at_ms;
	struct freezer_counts counts; /* of the last freeze */
	uint64_t freezes;
	uint64_t failures;
};

/* Something is frozen, from frozen_at_ms: the limit runs. */
void session_arm(struct session *session, unsigned limit_ms);

/* Until when a freeze that began at frozen_at_ms must be done. */
int64_t session_budget_at_ms(const struct session *session, unsigned budget_ms);

/*
 * After a thaw: no limit, no drill; what could not be thawed is tried again,
 * and otherwise the log goes on.
 */
void session_settle(struct session *session);

/* Answers what has come in by the control socket. */
void session_serve_control(struct session *session);

/* Thaws if the drill's connection has gone. */
void session_watch_drill(struct session *session);

/* Thaws the drill because of reason. */
void session_end_drill(struct session *session, const char *reason);

#endif /* SESSION_IMPL_H */
