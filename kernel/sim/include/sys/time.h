/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the uptime, 32.32 fixed point, and rates by it.
 */
#ifndef SIM_SYS_TIME_H
#define SIM_SYS_TIME_H

#include_next <sys/time.h>

#include <stdint.h>

/* FreeBSD's own header has these for programs too. */
#ifndef SBT_1S
#define sbintime_t int64_t
#define SBT_1S	   ((sbintime_t)1 << 32)
#define SBT_1MS	   (SBT_1S / 1000)

static inline int64_t
sbttous(sbintime_t sbt)
{
	return ((sbt >> 32) * 1000000 +
	    (int64_t)((((uint64_t)sbt & 0xffffffff) * 1000000) >> 32));
}

#endif

sbintime_t sbinuptime(void);
/* Not 0 for the first maxpps calls in a second.  Both values begin with 0. */
int ppsratecheck(struct timeval *lasttime, int *curpps, int maxpps);

#endif /* SIM_SYS_TIME_H */
