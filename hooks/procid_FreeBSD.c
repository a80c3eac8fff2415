/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procid from sysctl(3) KERN_PROC_PID: the start time in microseconds.  No file
 * is touched.
 */
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include "procid.h"

uint64_t
procid_get(pid_t pid)
{
	struct kinfo_proc process;
	size_t size = sizeof(process);
	int name[4] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)pid };

	if (sysctl(name, 4, &process, &size, NULL, 0) == -1 ||
	    size < sizeof(process) || process.ki_pid != pid ||
	    process.ki_stat == SZOMB)
		return (0);
	return ((uint64_t)process.ki_start.tv_sec * 1000000 +
	    (uint64_t)process.ki_start.tv_usec + 1);
}
