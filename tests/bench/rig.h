/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A running appvssd with a crowd of participants, and the device that asks it
 * for snapshots (vssdev.h's protocol).  For the benchmark.
 */
#ifndef RIG_H
#define RIG_H

#include <sys/types.h>

#include <stdbool.h>

#include "crowd.h"
#include "kernel/vssdev/vssdev.h"

struct rig {
	struct crowd crowd;
	char dir[128];
	pid_t server;
	pid_t broker;
	pid_t history;
	long rss_none_kib;  /* of the broker, before anybody had connected */
	long anon_none_kib; /* likewise, what is no file */
	/* The device. */
	int listen_fd;
	int device_fd;
	int pipe_fds[2];
	struct hv_vss_opt_msg waiting;
	bool has_waiting;
	uint64_t msgid;
	bool answered;
	uint32_t answer_status;
};

/*
 * Starts appvssd in a new directory below parent, and registers count
 * participants.  Exits with a message when something is wrong, as all do.
 */
void rig_start(struct rig *rig, const char *appvssd, const char *history,
    const char *parent, size_t count);
void rig_stop(struct rig *rig);

/*
 * One snapshot: microseconds from FREEZE on the device to its answer.  Returns
 * when the rest of it, what the broker asks of the device after the thaw and
 * what the history keeps, is done as well: it is in no time, neither of this
 * program nor of another that is measured next.
 */
double rig_release_us(struct rig *rig);

/* A number of /proc/PID/status, such as VmRSS; -1: none. */
long rig_status(pid_t pid, const char *name);

#endif /* RIG_H */
