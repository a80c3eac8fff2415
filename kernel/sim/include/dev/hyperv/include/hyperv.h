/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the name of a kind of channel.
 */
#ifndef SIM_DEV_HYPERV_INCLUDE_HYPERV_H
#define SIM_DEV_HYPERV_INCLUDE_HYPERV_H

#include <sys/param.h>

struct hyperv_guid {
	uint8_t hv_guid[16];
};

#endif /* SIM_DEV_HYPERV_INCLUDE_HYPERV_H */
