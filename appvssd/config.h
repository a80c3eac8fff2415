/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration of appvssd, read from appvssd.conf(5) by libConfuse and
 * overridden by options of the command line.  Read by the parent before it
 * forks the broker, and never changed afterwards.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The driver's own limit for both stages, and what we leave of it unused. */
#define CONFIG_DRIVER_MS_DEFAULT    15000
#define CONFIG_COMMIT_MS_DEFAULT    500

#define CONFIG_HISTORY_PATH_DEFAULT APPVSS_DBDIR "/appvss/history.db"

/* Words that stand where a path can stand. */
#define CONFIG_NO_DEVICE  "none"
#define CONFIG_LOG_STDERR "stderr"
#define CONFIG_LOG_SYSLOG "syslog"

/* A participant that the configuration binds to a user. */
struct config_participant {
	char *name;
	uid_t uid;
	bool required;
	bool expect; /* missing: the snapshot is vetoed */
	bool has_order;
	unsigned order;
	uint32_t freeze_ms; /* 0: what the participant asks for */
};

struct config {
	char *user;   /* the broker and the history run as this user */
	char *device; /* "none": no device, only the socket */
	char *socket_path;
	char *socket_group; /* "": the primary group of user */
	mode_t socket_mode;
	char *history_path;
	char *history_program; /* libexec/appvssd-history */
	/* "stderr", "syslog" or a file; "": stderr in the foreground, otherwise
	 * syslog */
	char *log_path;
	int log_level; /* enum heldlog_level */
	bool foreground;

	uint32_t driver_ms;   /* the driver's limit for both stages */
	uint32_t fs_ms;	      /* share of it that file systems need */
	uint32_t check_ms;    /* budget of a CHECK */
	uint32_t freeze_ms;   /* budget of a FREEZE, all orders together */
	uint32_t commit_ms;   /* deadline of the held commit */
	uint32_t hold_ms;     /* limit while held */
	uint32_t hold_max_ms; /* the longest that a requestor may ask for */
	uint32_t thaw_ms;     /* budget of a THAW, all orders together */
	uint32_t slice_ms;    /* longest freeze of a participant not bound */

	unsigned max_clients;
	unsigned max_clients_per_uid;
	unsigned max_names; /* participants in all, absent ones included */
	unsigned max_names_per_uid;
	unsigned history_queue_rows;
	uint32_t history_keep_days;  /* 0: for ever */
	uint32_t history_keep_count; /* transactions; 0: all */

	struct config_participant *participants;
	size_t nparticipants;
};

/*
 * Fills config with defaults, then from path (NULL: the default path, which may
 * be missing).  Every mistake is reported through complain with file and line.
 * 0, or -1 when there was one.
 */
int config_load(struct config *config, const char *path,
    void (*complain)(const char *text));
/*
 * Checks what depends on several values: check, freeze + commit + fs and thaw
 * must fit into driver_ms, with the sums printed.  0, or -1 after complaining.
 */
int config_validate(const struct config *config,
    void (*complain)(const char *text));
/* An option of the command line: replaces a text.  0, or -1 with errno. */
int config_override(char **word, const char *value);
void config_fini(struct config *config);

/* The entry that binds name, or NULL.  Lent. */
const struct config_participant *config_find(const struct config *config,
    const char *name);

#endif /* CONFIG_H */
