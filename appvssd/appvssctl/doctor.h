/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of doctor share.  Nothing here changes anything, opens a
 * device or freezes: a snapshot may come at any moment.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "findings.h"
#include "items.h"

#define DOCTOR_WORD_SIZE 128
/* What mends that a program of ours is not found. */
#define MEND_PATH "PATH=/path/to/sbin:$PATH appvssctl doctor"

struct doctor {
	const struct ctl *ctl;
	struct findings findings;
	struct items items; /* of appvssd, if it answered */
	bool has_status;
	bool has_config; /* it is good: these are its words */
	char user[DOCTOR_WORD_SIZE];
	char device[PATH_MAX];
	int64_t driver_ms, fs_ms, freeze_ms;
	pid_t daemon_pid; /* of hv_vss_daemon, if it answered; or 0 */
};

/* The configuration, appvssd, its participants. */
void doctor_config(struct doctor *doctor);
void doctor_appvssd(struct doctor *doctor);
void doctor_participants(struct doctor *doctor);
/* The driver, hv_vss_daemon, mounts, hooks. */
void doctor_driver(struct doctor *doctor);
void doctor_daemon(struct doctor *doctor);
void doctor_mounts(struct doctor *doctor);
void doctor_hooks(struct doctor *doctor);
/* What is open for writing on what is frozen. */
void doctor_writers(struct doctor *doctor);
/* History, clock, socket and groups. */
void doctor_history(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_socket(struct doctor *doctor);

#endif /* DOCTOR_H */
