/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No kernel here has the driver: see machine.h.
 */
#include <errno.h>
#include <poll.h>

#include "machine.h"

static int
sysctl_get(const char *name, char *text, size_t size)
{
	(void)name;
	(void)text;
	(void)size;
	return (ENOSYS);
}

static int
sysctl_set(const char *name, int value)
{
	(void)name;
	(void)value;
	return (ENOSYS);
}

static uint64_t
changes(void)
{
	return (0);
}

static void
wait_change(uint64_t seen, int timeout_ms)
{
	(void)seen;
	(void)poll(NULL, 0, timeout_ms);
}

const struct sim_machine sim_machine_kernel = {
	.sysctl_get = sysctl_get,
	.sysctl_set = sysctl_set,
	.changes = changes,
	.wait_change = wait_change,
};
