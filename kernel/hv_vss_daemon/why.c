/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reasons of failures as text.  Nothing else belongs here.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/vssdev/heldlog.h"
#include "system.h"

#define POINT_MAX 256

void
why_set(struct why *why, const char *mount, const char *what, int error)
{
	char point[POINT_MAX], reason[384], word[128];
	size_t used = 0;

	if (mount != NULL) {
		used = (size_t)snprintf(why->text, sizeof(why->text),
		    "mount=%s ", heldlog_quote(mount, point, sizeof(point)));
	}
	used += (size_t)snprintf(why->text + used, sizeof(why->text) - used,
	    "reason=%s", heldlog_quote(what, reason, sizeof(reason)));
	if (error != 0 && used < sizeof(why->text)) {
		(void)snprintf(why->text + used, sizeof(why->text) - used,
		    " error=%s",
		    heldlog_quote(strerror(error), word, sizeof(word)));
	}
}
