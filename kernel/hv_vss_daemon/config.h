/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration of hv_vss_daemon, read from hv_vss_daemon.conf(5).  Read
 * once at the start and never changed afterwards; options of the command line
 * come before it.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "policy.h"

#define CONFIG_LIMIT_DEFAULT_MS 50000
#define CONFIG_LIMIT_MIN_MS	100
#define CONFIG_LIMIT_MAX_MS	3600000

struct config {
	char *device;
	char *runtime_dir;
	unsigned limit_ms;
	struct policy_rule *rules; /* owned, their patterns too */
	size_t nrules;
};

/*
 * Fills config with defaults, then from path (NULL: the default path, which may
 * be missing).  Every mistake is reported through complain with file and line.
 * 0, or -1 when there was one: then config has the defaults.
 */
int config_load(struct config *config, const char *path,
    enum mount_system system, void (*complain)(const char *text));
void config_fini(struct config *config);

#endif /* DAEMON_CONFIG_H */
