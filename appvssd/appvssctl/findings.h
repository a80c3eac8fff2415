/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What doctor found: printed as it is found, and the worst is kept.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>

enum severity { SEVERITY_OK, SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

struct findings {
	bool json;
	enum severity worst;
	unsigned counts[SEVERITY_ERROR + 1];
};

/* about: one word.  mend: a command or a line of a file; NULL: none. */
void findings_add(struct findings *findings, enum severity severity,
    const char *about, const char *mend, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* How many of which, for people. */
void findings_end(const struct findings *findings);

#endif /* FINDINGS_H */
