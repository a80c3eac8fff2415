/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration of appvssd: appvssd.conf(5), overridden by options of the
 * command line.  The parent reads it before it forks the broker, and again when
 * it is told to reload; the broker then gets the same as text (config_print)
 * and takes over what may change while it runs (config_adopt).
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The driver's own limit for both stages, and what we leave of it unused. */
#define CONFIG_DRIVER_MS_DEFAULT    15000
#define CONFIG_COMMIT_MS_DEFAULT    500

#define CONFIG_HISTORY_PATH_DEFAULT APPVSS_DBDIR "/appvss/history.db"

/* Words that stand where a path can stand. */
#define CONFIG_NO_DEVICE  "none"
#define CONFIG_LOG_STDERR "stderr"
#define CONFIG_LOG_SYSLOG "syslog"

#define CONFIG_WORDS_MAX  64		      /* of the file's top level */
#define CONFIG_BYTES_MAX  (16u * 1024 * 1024) /* of a file; more is refused */
#define CONFIG_LINE_BAD	  UINT_MAX	      /* a word that has a mistake */
#define CONFIG_ANYONE	  "*"		      /* user of an access section */

/* Hears of each mistake: one text, with file and line where there is one. */
struct config_complaints {
	void (*complain)(void *arg, const char *text);
	void *arg;
};

/* A participant that the configuration binds to a user. */
struct config_participant {
	char *name; /* or a pattern: see config_find() */
	unsigned line;
	uid_t uid;
	bool required;
	bool expect; /* missing: the snapshot is vetoed */
	bool has_order;
	unsigned order;
	uint32_t freeze_ms; /* 0: what the participant asks for */
	uint32_t thaw_ms;   /* likewise */
};

/* Who has which roles: see access.h. */
struct config_access {
	char *title;
	bool anyone;
	uid_t *uids;
	size_t nuids;
	gid_t *gids;
	size_t ngids;
	unsigned roles; /* ACCESS_* */
	/* Patterns of the names that it may register; none: all. */
	char **names;
	size_t nnames;
};

struct config {
	char *user;   /* the broker and the history run as this user */
	char *device; /* "none": no device, only the socket */
	char *socket_path;
	char *socket_group; /* "": the primary group of user */
	uint32_t socket_mode;
	char *history_path;
	char *history_program; /* libexec/appvssd-history */
	/* "stderr", "syslog" or a file; "": stderr in the foreground, otherwise
	 * syslog */
	char *log_path;
	uint32_t log_level; /* enum heldlog_level */
	bool foreground;

	uint32_t driver_ms;    /* the driver's limit for both stages */
	uint32_t fs_ms;	       /* share of it that file systems need */
	uint32_t margin_ms;    /* between our last answer and driver_ms */
	uint32_t check_ms;     /* budget of a CHECK */
	uint32_t freeze_ms;    /* budget of a FREEZE, all orders together */
	uint32_t commit_ms;    /* deadline of the held commit */
	uint32_t hold_ms;      /* limit while held */
	uint32_t hold_max_ms;  /* the longest that a requestor may ask for */
	uint32_t thaw_ms;      /* budget of a THAW, all orders together */
	uint32_t pause_ms;     /* a hold timer that is later: the guest slept */
	uint32_t rearm_ms;     /* it is then armed once more, for this long */
	uint32_t retry_ms;     /* first repetition of a thaw that is owed */
	uint32_t retry_max_ms; /* the last ones; it doubles up to there */
	uint32_t hello_ms;     /* until a client has said HELLO */
	uint32_t stall_ms;     /* until one that does not read is dropped */
	uint32_t linger_ms;    /* until a last ERROR is read */
	uint32_t slice_ms;     /* longest freeze of a participant not bound */

	uint32_t max_clients;
	uint32_t max_clients_per_uid;
	uint32_t max_names; /* participants in all, absent ones included */
	uint32_t max_names_per_uid;
	uint32_t history_queue_rows;
	uint32_t history_keep_days;  /* 0: for ever */
	uint32_t history_keep_count; /* transactions; 0: all */

	/* Sorted: names, and then patterns as they stood. */
	struct config_participant *participants;
	size_t nparticipants;
	size_t nnamed; /* of them: not patterns */
	struct config_access *access;
	size_t naccess;

	/* For messages: the file, or NULL, and the line that set each word; 0:
	 * none, CONFIG_LINE_BAD */
	char *path;
	unsigned lines[CONFIG_WORDS_MAX];
};

/* The command line's part; borrowed for as long as the program runs. */
struct config_source {
	const char *path;   /* NULL: the default one, which may be missing */
	const char *device; /* these: NULL: what the file says */
	const char *socket;
	const char *history;
	bool foreground;
	bool debug;
};

/*
 * Fills config with defaults, and then from a text; path, which may be NULL, is
 * for messages.  Looks up accounts only if they are not numbers, and opens no
 * file.  Every mistake is complained of.  0, or -1 when there was one.
 */
int config_parse(struct config *config, const char *text, size_t length,
    const char *path, const struct config_complaints *complaints);
/* The same with a file. */
int config_load(struct config *config, const char *path,
    const struct config_complaints *complaints);
/*
 * Checks what depends on several values: check, freeze + commit + fs and thaw
 * must fit into driver_ms, with the sums printed.  0, or -1 after complaining.
 */
int config_validate(const struct config *config,
    const struct config_complaints *complaints);
/* Only the sums, of those words that have no mistake of their own. */
int config_validate_times(const struct config *config,
    const struct config_complaints *complaints);
/* Loads, overrides and validates. */
int config_read(struct config *config, const struct config_source *source,
    const struct config_complaints *complaints);
/* Replaces a text.  0, or -1 with errno. */
int config_override(char **word, const char *value);
/*
 * Without a section of its own access is given to a group: it observes and
 * takes part.  0, or -1 with errno.
 */
int config_default_access(struct config *config, gid_t gid);
void config_fini(struct config *config);

/*
 * Writes everything as the file that config_parse() reads back to the same,
 * with accounts as numbers.  0, or -1 with errno.
 */
int config_print(const struct config *config, FILE *file);

/*
 * Complains of each word of next that would need a restart of a program that
 * runs with config.  0, or -1 when there was one.
 */
int config_compare(const struct config *config, const struct config *next,
    const struct config_complaints *complaints);
/*
 * Takes what may change while appvssd runs out of next, which is finished.  No
 * text of config is replaced: who borrowed one, keeps it.
 */
void config_adopt(struct config *config, struct config *next);

/*
 * "FILE:LINE: " of the last one of these words that is set, "FILE: " if none
 * is, or "" without a file; in out, which is returned.
 */
const char *config_where(const struct config *config, const char *const *words,
    char *out, size_t size);

/*
 * The entry that binds name, or NULL: the one of that very name, or else the
 * first one whose pattern fits.  Lent.
 */
const struct config_participant *config_find(const struct config *config,
    const char *name);
/* Whether name fits a pattern of * (any text) and ? (any character). */
bool config_fits(const char *pattern, const char *name);
bool config_is_pattern(const char *name);
/* Sorts the first nnamed participants for config_find(). */
void config_sort_named(struct config *config);

#endif /* CONFIG_H */
