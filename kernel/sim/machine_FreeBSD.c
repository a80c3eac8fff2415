/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sysctls of the module hv_appvss_sim: see machine.h.
 */
#include <sys/types.h>
#include <sys/sysctl.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "kernel/hv_appvss_sim/hv_appvss_sim.h"
#include "machine.h"

#define NAME_BYTES_MAX 128
#define MIB_MAX	       16
/* sysctls do not say when they change. */
#define RECHECK_MS 50

/* The kind of a sysctl, CTLTYPE_...; 0 if there is none. */
static unsigned
sysctl_type(const char *full_name)
{
	int mib[2 + MIB_MAX] = { CTL_SYSCTL, CTL_SYSCTL_OIDFMT };
	union {
		unsigned kind;
		char bytes[128];
	} format;
	size_t depth = MIB_MAX, length = sizeof(format);

	if (sysctlnametomib(full_name, mib + 2, &depth) != 0 ||
	    sysctl(mib, (unsigned)depth + 2, &format, &length, NULL, 0) != 0)
		return (0);
	return (format.kind & CTLTYPE);
}

static int
sysctl_get(const char *name, char *text, size_t size)
{
	char full_name[NAME_BYTES_MAX];
	uint64_t wide;
	size_t length;
	int value;

	snprintf(full_name, sizeof(full_name), "dev.%s.%s", HV_APPVSS_SIM_NAME,
	    name);
	switch (sysctl_type(full_name)) {
	case CTLTYPE_INT:
		length = sizeof(value);
		if (sysctlbyname(full_name, &value, &length, NULL, 0) != 0)
			return (errno);
		snprintf(text, size, "%d", value);
		return (0);
	case CTLTYPE_U64:
		length = sizeof(wide);
		if (sysctlbyname(full_name, &wide, &length, NULL, 0) != 0)
			return (errno);
		snprintf(text, size, "%" PRIu64, wide);
		return (0);
	case CTLTYPE_STRING:
		length = size;
		return (sysctlbyname(full_name, text, &length, NULL, 0) == 0 ?
			0 :
			errno);
	default:
		return (ENOENT);
	}
}

static int
sysctl_set(const char *name, int value)
{
	char full_name[NAME_BYTES_MAX];

	snprintf(full_name, sizeof(full_name), "dev.%s.%s", HV_APPVSS_SIM_NAME,
	    name);
	return (
	    sysctlbyname(full_name, NULL, NULL, &value, sizeof(value)) == 0 ?
		0 :
		errno);
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
	(void)poll(NULL, 0, timeout_ms < RECHECK_MS ? timeout_ms : RECHECK_MS);
}

const struct sim_machine sim_machine_kernel = {
	.sysctl_get = sysctl_get,
	.sysctl_set = sysctl_set,
	.changes = changes,
	.wait_change = wait_change,
};
