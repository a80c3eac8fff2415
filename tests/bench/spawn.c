/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hook scripts cost without anything around them: starts all of them at
 * once with posix_spawn(3), the cheapest way there is, waits for them, and
 * prints the milliseconds from the first start to the last end.
 *
 * usage: spawn SCRIPT...
 */
#include <sys/wait.h>

#include <err.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

extern char **environ;

static double
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

int
main(int argc, char *argv[])
{
	char operation[] = "freeze";
	double began_ms = now_ms();
	int error, i, status;
	pid_t pid;

	for (i = 1; i < argc; i++) {
		char *words[] = { argv[i], operation, NULL };

		error = posix_spawn(&pid, argv[i], NULL, NULL, words, environ);
		if (error != 0)
			errx(1, "%s: %s", argv[i], strerror(error));
	}
	for (i = 1; i < argc; i++)
		if (wait(&status) == -1 || status != 0)
			errx(1, "a script failed");
	(void)printf("%.3f\n", now_ms() - began_ms);
	return (0);
}
