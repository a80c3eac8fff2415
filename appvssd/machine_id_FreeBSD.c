/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot and generation id on FreeBSD, from sysctl(3).
 */
#include <sys/types.h>
#include <sys/sysctl.h>
#include <sys/time.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "machine_id.h"

#define ID_BYTES 16 /* of kern.boot_id and of the generation id */

/* True if the sysctl has exactly ID_BYTES and they fit as hexadecimal. */
static int
read_id(const char *name, char *out, size_t size)
{
	uint8_t bytes[ID_BYTES];
	size_t length = sizeof(bytes);

	if (size <= 2 * ID_BYTES ||
	    sysctlbyname(name, bytes, &length, NULL, 0) != 0 ||
	    length != sizeof(bytes))
		return (0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, size - 2 * i, "%02x", bytes[i]);
	return (1);
}

/* Kernels before kern.boot_id have only the time of the boot. */
void
machine_id_boot(char *out, size_t size)
{
	struct timeval booted;
	size_t length = sizeof(booted);

	if (read_id("kern.boot_id", out, size))
		return;
	out[0] = '\0';
	if (sysctlbyname("kern.boottime", &booted, &length, NULL, 0) == 0 &&
	    length == sizeof(booted))
		snprintf(out, size, "boottime-%" PRIdMAX,
		    (intmax_t)booted.tv_sec);
}

/* vmgenc(4). */
void
machine_id_generation(char *out, size_t size)
{
	if (!read_id("dev.vmgenc.0.guid", out, size))
		out[0] = '\0';
}
