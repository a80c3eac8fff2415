/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host commands of hv_vss_sim(8): runs one line after the other against a
 * simulated host and prints what came of it.  Owns no device; never exits.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>

struct sim_host;
struct sim_machine;

struct sim_script {
	struct sim_host *host; /* borrowed */
	const struct sim_machine *machine;
	int host_limit_ms; /* how long the host waits for a reply */
	int stop_fd;	   /* readable once the program shall end; borrowed */
	unsigned line;	   /* for messages */
	bool failed;	   /* something was not a success */
	bool quit;
};

/* Runs one line, without its newline.  Sets failed and quit. */
void sim_script_line(struct sim_script *script, char *line);

#endif /* SCRIPT_H */
