/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot and generation id on Linux.  Reads procfs only.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "machine_id.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

void
machine_id_boot(char *out, size_t size)
{
	ssize_t got = -1;
	int fd;

	fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, out, size - 1);
		close(fd);
	}
	out[got > 0 ? got : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* The kernel's vmgenid driver reseeds its random numbers and shows nothing. */
void
machine_id_generation(char *out, size_t size)
{
	(void)size;
	out[0] = '\0';
}
