/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon and its guardian say to each other, over a SOCK_SEQPACKET
 * socket pair; and the guardian's own side.  Linux only: see guardian.h.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdint.h>

#include "guardian.h"

#define GUARD_POINT_MAX 256

enum guard_kind {
	GUARD_BEGIN = 1, /* forget all targets */
	GUARD_TARGET,	 /* one target; its descriptor comes along */
	GUARD_ARM,	 /* number: the daemon's limit in ms; answered */
	GUARD_FREEZING,	 /* index: may be frozen from now on */
	GUARD_THAWED,	 /* index: is certainly not frozen */
	GUARD_DISARM,	 /* close all descriptors; answered */
	GUARD_PING,	 /* answered */
};

/* An answer is the message itself, sent back. */
struct guard_message {
	uint32_t kind; /* enum guard_kind */
	uint32_t index;
	uint32_t number;
	char point[GUARD_POINT_MAX]; /* for log lines; may be cut */
};

/* The guardian process: serves fd (taken) until the daemon ends.  No return. */
void guard_main(int fd, const struct guardian_config *config, pid_t daemon_pid)
    __attribute__((noreturn));

#endif /* GUARD_H */
