/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of appvssctl and what they share.  A command prints its result,
 * or one message to standard error, and returns an exit status of sysexits(3).
 */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stdint.h>

struct history;

struct ctl {
	const char *socket;
	const char *history;
	bool json;
	bool live;	/* the history is that of the running machine */
	unsigned limit; /* of history: transactions */
};

int ctl_status(const struct ctl *ctl);
int ctl_forget(const struct ctl *ctl, const char *name);
int ctl_list(const struct ctl *ctl);
/* id 0: the newest freeze. */
int ctl_show(const struct ctl *ctl, int64_t id);
int ctl_provenance(const struct ctl *ctl);

/* "appvssctl: ..." */
void ctl_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens the history: EX_OK, or a status after a message. */
int ctl_open_history(const struct ctl *ctl, struct history **historyp);
/* The message and the status for an error of the reader (not of opening). */
int ctl_history_failed(const struct history *history, int error);

#endif /* CTL_H */
