/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs another program of the project and takes what it says.  Never waits for
 * it beyond a deadline: a program that lies on a frozen disk does not start,
 * and cannot be killed.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>

#define PROGRAM_OUTPUT_MAX (1024 * 1024) /* more is cut off */
#define PROGRAM_LIMIT_MS   10000

enum program_result {
	PROGRAM_RAN,	 /* to its end: see status */
	PROGRAM_MISSING, /* there is none of that name */
	PROGRAM_LATE,	 /* it was given up */
	PROGRAM_FAILED,	 /* could not be run: see output */
};

struct program {
	int status;   /* of exit; 128 and more: a signal */
	char *output; /* owns; both streams, ended by NUL */
	size_t length;
};

/*
 * argv[0] is looked for in PATH, and then where administrators' programs are.
 * program_fini() in any case.
 */
enum program_result program_run(const char *const argv[],
    struct program *program);
void program_fini(struct program *program);

/* The next line of text, which is cut there; NULL: there is none. */
char *program_line(char **text);

#endif /* PROGRAM_H */
