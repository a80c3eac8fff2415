/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a program, moves its wall clock, and only that, by as many
 * seconds as stand in the file CLOCK_SHIM, a 64-bit number of this machine.  A
 * second one, if it is there, is by how many milliseconds each fsync is slower.
 * The file is mapped: it may be changed while the program runs.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_s; /* and the milliseconds */

static void __attribute__((constructor)) map_offset(void)
{
	const char *path = getenv("CLOCK_SHIM");
	void *map;
	int fd;

	fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	map = mmap(NULL, 2 * sizeof(*offset_s), PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		offset_s = map;
	(void)close(fd);
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	if (result == 0 && clock == CLOCK_REALTIME && offset_s != NULL)
		now->tv_sec += (time_t)*offset_s;
	return (result);
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec at;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &at) != 0)
		return (-1);
	now->tv_sec = at.tv_sec;
	now->tv_usec = at.tv_nsec / 1000;
	return (0);
}

time_t
time(time_t *out)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return (now.tv_sec);
}

static void
wait_for_slow_disk(void)
{
	if (offset_s != NULL && offset_s[1] > 0)
		(void)poll(NULL, 0, (int)offset_s[1]);
}

int
fsync(int fd)
{
	wait_for_slow_disk();
	return ((int)syscall(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
	wait_for_slow_disk();
	return ((int)syscall(SYS_fdatasync, fd));
}
