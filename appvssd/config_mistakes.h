/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mistakes of one file, told in the order of its lines whatever the order
 * was in which they were found.
 */
#ifndef CONFIG_MISTAKES_H
#define CONFIG_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_MISTAKES_MAX 100 /* the rest is counted */

struct config_complaints;
struct config_mistake;

struct config_mistakes {
	struct config_mistake *items; /* owned */
	size_t count;		      /* of all, those that are not kept too */
	size_t kept;
};

/* line 0: of the file as a whole. */
void config_mistake(struct config_mistakes *mistakes, unsigned line,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Whether there is one in this line, or one that was not kept. */
bool config_mistakes_has(const struct config_mistakes *mistakes, unsigned line);
/* Complains of all of them, and forgets them. */
void config_mistakes_tell(struct config_mistakes *mistakes, const char *path,
    const struct config_complaints *complaints);

#endif /* CONFIG_MISTAKES_H */
