/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of appvssctl and what they share.  A command prints its result,
 * or one message to standard error, and returns an exit status of sysexits(3).
 */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

/* What the options say. */
struct ctl {
	const char *socket;
	const char *history;
	bool json;
	bool live;		    /* the history is that of this machine */
	bool require_application;   /* run, freeze, drill: no less will do */
	unsigned limit;		    /* history, watch: rows; 0: no limit */
	int64_t since_ms, until_ms; /* history: see struct history_filter */
	const char *outcome, *consistency, *app, *source;
	uint32_t hold_ms; /* run, freeze, drill; 0: appvssd's own */
	unsigned repeat;  /* drill */
	int64_t warning_s, critical_s; /* check; 0: the default */
	const char *config, *daemon_config, *hooks_dir; /* doctor; or NULL */
	const char *runtime_dir; /* of hv_vss_daemon; NULL: the default */
	const char *fs;		 /* drill: a mount; NULL: none */
	const char *svg;	 /* show, last: a file; NULL: none */
	bool stats;		 /* history */
	const char *output;	 /* metrics: a file; NULL: none */
};

/* Each gets the arguments behind its name; their number was checked. */
int ctl_status(const struct ctl *ctl, int argc, char *argv[]);
int ctl_apps(const struct ctl *ctl, int argc, char *argv[]);
int ctl_check(const struct ctl *ctl, int argc, char *argv[]);
int ctl_metrics(const struct ctl *ctl, int argc, char *argv[]);
int ctl_doctor(const struct ctl *ctl, int argc, char *argv[]);
int ctl_forget(const struct ctl *ctl, int argc, char *argv[]);
int ctl_reload(const struct ctl *ctl, int argc, char *argv[]);
int ctl_list(const struct ctl *ctl, int argc, char *argv[]);
int ctl_show(const struct ctl *ctl, int argc, char *argv[]);
int ctl_last(const struct ctl *ctl, int argc, char *argv[]);
int ctl_provenance(const struct ctl *ctl, int argc, char *argv[]);
int ctl_run(const struct ctl *ctl, int argc, char *argv[]);
int ctl_freeze(const struct ctl *ctl, int argc, char *argv[]);
int ctl_thaw(const struct ctl *ctl, int argc, char *argv[]);
int ctl_watch(const struct ctl *ctl, int argc, char *argv[]);
int ctl_drill(const struct ctl *ctl, int argc, char *argv[]);

/* Prints a transaction of the history; id 0: the newest snapshot. */
int ctl_show_id(const struct ctl *ctl, int64_t id);

/* "appvssctl: ..." */
void ctl_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From now on the text goes there instead; NULL: no longer. */
void ctl_capture(char *buffer, size_t size);
/* As ctl_warn(), with a word on help; EX_USAGE. */
int ctl_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A decimal number from 1 on; 0: it is none. */
int64_t ctl_number(const char *text);

/* Opens the history: EX_OK, or a status after a message. */
int ctl_open_history(const struct ctl *ctl, struct history **historyp);
/* The message and the status for an error of the reader (not of opening). */
int ctl_history_failed(const struct history *history, int error);

#endif /* CTL_H */
