/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No guardian: where the kernel thaws what a process froze that ends, a second
 * process could do nothing more (a copy of the descriptor would even keep the
 * file system frozen).  See guardian.h.
 */
#include <string.h>

#include "guardian.h"

int
guardian_start(const struct guardian_config *config, struct guardian **out,
    struct why *why)
{
	(void)config;
	(void)why;
	*out = NULL;
	return (0);
}

int
guardian_poll_fd(const struct guardian *guardian)
{
	(void)guardian;
	return (-1);
}

int
guardian_arm(struct guardian *guardian, const struct freeze_target *targets,
    unsigned count, unsigned limit_ms, struct why *why)
{
	(void)guardian;
	(void)targets;
	(void)count;
	(void)limit_ms;
	(void)why;
	return (0);
}

int
guardian_note(struct guardian *guardian, unsigned target, bool may_be_frozen,
    struct why *why)
{
	(void)guardian;
	(void)target;
	(void)may_be_frozen;
	(void)why;
	return (0);
}

int
guardian_disarm(struct guardian *guardian, struct why *why)
{
	(void)guardian;
	(void)why;
	return (0);
}

int
guardian_ping(struct guardian *guardian, struct why *why)
{
	(void)guardian;
	(void)why;
	return (0);
}

void
guardian_stop(struct guardian *guardian)
{
	(void)guardian;
}

int
guardian_thaw_left(const char *runtime_dir, struct thaw_report *report,
    struct why *why)
{
	(void)runtime_dir;
	(void)why;
	memset(report, 0, sizeof(*report));
	return (0);
}

int
guardian_left_any(const char *runtime_dir)
{
	(void)runtime_dir;
	return (0);
}

int
guardian_check_dir(const char *runtime_dir, struct why *why)
{
	(void)runtime_dir;
	(void)why;
	return (0);
}
