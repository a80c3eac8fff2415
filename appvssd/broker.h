/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker process: sees transaction machine, clients, device and history,
 * and moves events between them.  It runs unprivileged, touches no disk between
 * the first FREEZE and the end of THAW, and never waits for anybody.
 */
#ifndef BROKER_H
#define BROKER_H

#include <stdint.h>

struct config;
struct histq_run;

struct broker_params {
	struct config *config;	     /* borrowed; replaced by a reload */
	const struct histq_run *run; /* borrowed */
	int listen_fd;		     /* the bound and listening socket; taken */
	int parent_fd; /* privsep.h's channel to the parent; taken */
};

/*
 * Runs until the parent orders a shutdown (or goes away) and everybody is
 * thawed. Devices and history connections come over parent_fd.  Returns the
 * exit status of the process.
 */
int broker_run(const struct broker_params *params);

#endif /* BROKER_H */
