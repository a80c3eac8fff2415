/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads appvssd.conf(5) into struct config.  Owns the words of the file, their
 * limits and defaults; what depends on several values is config_check.c's.  The
 * only file that knows libConfuse.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <confuse.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "kernel/vssdev/heldlog.h"

#define DEFAULT_FILE   APPVSS_SYSCONFDIR "/appvss/appvssd.conf"
#define NAME_MAX_BYTES 64
#define ORDER_MAX      99
#define ORDER_NOT_SET  -1

/*
 * The words with a number: limits, default, and where the value goes.  Every
 * one of these members is 32 bits wide and unsigned.
 */
static const struct number {
	const char *name;
	long min;
	long max;
	long value;
	size_t offset;
} numbers[] = {
#define NUMBER(word, min, max, value)                                 \
	{                                                             \
#word, min, max, value, offsetof(struct config, word) \
	}
	NUMBER(driver_ms, 1000, 900000, CONFIG_DRIVER_MS_DEFAULT),
	NUMBER(fs_ms, 0, 900000, 4000),
	NUMBER(check_ms, 100, 900000, 8000),
	NUMBER(freeze_ms, 100, 900000, 10000),
	NUMBER(commit_ms, 0, 60000, CONFIG_COMMIT_MS_DEFAULT),
	NUMBER(hold_ms, 1000, 3600000, 60000),
	NUMBER(hold_max_ms, 1000, 86400000, 600000),
	NUMBER(thaw_ms, 100, 900000, 10000),
	NUMBER(slice_ms, 100, 900000, 5000),
	NUMBER(max_clients, 1, 100000, 10000),
	NUMBER(max_clients_per_uid, 1, 100000, 1000),
	NUMBER(max_names, 1, 100000, 10000),
	NUMBER(max_names_per_uid, 1, 100000, 1000),
	NUMBER(history_queue_rows, 64, 1000000, 4096),
	NUMBER(history_keep_days, 0, 36500, 0),
	NUMBER(history_keep_count, 0, 100000000, 100000),
#undef NUMBER
};
#define NNUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static const char *const level_words[] = {
	[HELDLOG_ERROR] = "error",
	[HELDLOG_WARN] = "warn",
	[HELDLOG_INFO] = "info",
	[HELDLOG_DEBUG] = "debug",
};
#define NLEVELS (sizeof(level_words) / sizeof(level_words[0]))

/*
 * libConfuse gives its callbacks no argument of ours; one file is read at a
 * time.
 */
static struct {
	void (*complain)(const char *text);
	bool failed;
} loading;

static void __attribute__((format(printf, 1, 2)))
complain(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	loading.failed = true;
	loading.complain(text);
}

static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[384];

	(void)vsnprintf(text, sizeof(text), format, args);
	complain("%s:%d: %s", cfg->filename != NULL ? cfg->filename : "?",
	    cfg->line, text);
}

/*
 * The checks below complain and let the parser go on, so that one run shows
 * every mistake.
 */
static int
check_range(cfg_t *cfg, cfg_opt_t *opt, long min, long max)
{
	long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);

	if (value < min || value > max)
		cfg_error(cfg, "%s = %ld is not within %ld..%ld",
		    cfg_opt_name(opt), value, min, max);
	return (0);
}

static int
check_number(cfg_t *cfg, cfg_opt_t *opt)
{
	size_t i;

	for (i = 0; i < NNUMBERS; i++) {
		if (strcmp(numbers[i].name, cfg_opt_name(opt)) == 0)
			return (check_range(cfg, opt, numbers[i].min,
			    numbers[i].max));
	}
	return (-1);
}

static int
check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
	long mode = cfg_opt_getnint(opt, 0);

	/* The owner has to be able to connect: broker and root do. */
	if (mode < 0 || (mode & ~0666L) != 0 || (mode & 0600) != 0600)
		cfg_error(cfg,
		    "socket_mode = 0%lo must be 06xx, of read and write bits "
		    "only, with a leading 0",
		    (unsigned long)mode);
	return (0);
}

static int
level_of(const char *word)
{
	size_t i;

	for (i = 0; i < NLEVELS; i++) {
		if (strcmp(level_words[i], word) == 0)
			return ((int)i);
	}
	return (-1);
}

static int
check_level(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *word = cfg_opt_getnstr(opt, 0);

	if (level_of(word) == -1)
		cfg_error(cfg,
		    "log_level = \"%s\" is none of error, warn, info, debug",
		    word);
	return (0);
}

static int
check_not_empty(cfg_t *cfg, cfg_opt_t *opt)
{
	if (cfg_opt_getnstr(opt, 0)[0] == '\0')
		cfg_error(cfg, "%s must not be empty", cfg_opt_name(opt));
	return (0);
}

static int
check_order(cfg_t *cfg, cfg_opt_t *opt)
{
	return (check_range(cfg, opt, 0, ORDER_MAX));
}

static int
check_participant_ms(cfg_t *cfg, cfg_opt_t *opt)
{
	return (check_range(cfg, opt, 1, 900000));
}

/* A name of the system, or a number.  0, or -1. */
static int
find_uid(const char *word, uid_t *uid)
{
	const struct passwd *entry;
	unsigned long number;
	char *end;

	if (word[0] >= '0' && word[0] <= '9') {
		errno = 0;
		number = strtoul(word, &end, 10);
		*uid = (uid_t)number;
		return (*end == '\0' && errno == 0 && *uid == number &&
			    *uid != (uid_t)-1 ?
			0 :
			-1);
	}
	entry = getpwnam(word);
	if (entry == NULL)
		return (-1);
	*uid = entry->pw_uid;
	return (0);
}

static int
check_user(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *word = cfg_opt_getnstr(opt, 0);
	uid_t uid;

	if (find_uid(word, &uid) != 0)
		cfg_error(cfg, "user = \"%s\": there is no such user", word);
	return (0);
}

static bool
is_name(const char *name)
{
	size_t length = strspn(name,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-");

	return (
	    length >= 1 && length <= NAME_MAX_BYTES && name[length] == '\0');
}

/* Called at the end of each participant section. */
static int
check_participant(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *name = cfg_title(section);

	if (!is_name(name))
		cfg_error(cfg,
		    "participant \"%s\": a name is 1 to %d of A-Z a-z 0-9 . _ -",
		    name, NAME_MAX_BYTES);
	if (cfg_getstr(section, "user") == NULL)
		cfg_error(cfg, "participant \"%s\" needs a user", name);
	return (0);
}

static void
set_checks(cfg_t *cfg)
{
	size_t i;

	(void)cfg_set_error_function(cfg, on_error);
	for (i = 0; i < NNUMBERS; i++)
		(void)cfg_set_validate_func(cfg, numbers[i].name, check_number);
	(void)cfg_set_validate_func(cfg, "user", check_not_empty);
	(void)cfg_set_validate_func(cfg, "device", check_not_empty);
	(void)cfg_set_validate_func(cfg, "socket_path", check_not_empty);
	(void)cfg_set_validate_func(cfg, "socket_mode", check_mode);
	(void)cfg_set_validate_func(cfg, "history_path", check_not_empty);
	(void)cfg_set_validate_func(cfg, "history_program", check_not_empty);
	(void)cfg_set_validate_func(cfg, "log_level", check_level);
	(void)cfg_set_validate_func(cfg, "participant", check_participant);
	(void)cfg_set_validate_func(cfg, "participant|user", check_user);
	(void)cfg_set_validate_func(cfg, "participant|order", check_order);
	(void)cfg_set_validate_func(cfg, "participant|freeze_ms",
	    check_participant_ms);
}

/* Only root's own file may say what root's process opens. */
static bool
is_safe(FILE *file, const char *path)
{
	struct stat st;

	if (fstat(fileno(file), &st) != 0) {
		complain("%s: %s", path, strerror(errno));
		return (false);
	}
	if (S_ISDIR(st.st_mode)) {
		complain("%s: %s", path, strerror(EISDIR));
		return (false);
	}
	if (geteuid() == 0 && S_ISREG(st.st_mode) &&
	    (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
		complain("%s: must belong to root and be writable by its "
			 "owner only",
		    path);
		return (false);
	}
	return (true);
}

static void
parse_file(cfg_t *cfg, const char *path)
{
	FILE *file;

	file = fopen(path != NULL ? path : DEFAULT_FILE, "re");
	if (file == NULL) {
		if (path == NULL && errno == ENOENT)
			return;
		complain("%s: %s", path != NULL ? path : DEFAULT_FILE,
		    strerror(errno));
		return;
	}
	if (path == NULL)
		path = DEFAULT_FILE;
	if (is_safe(file, path)) {
		cfg->filename = strdup(path);
		if (cfg_parse_fp(cfg, file) != CFG_SUCCESS && !loading.failed)
			complain("%s: cannot be read", path);
	}
	(void)fclose(file);
}

static void
copy_text(char **to, const char *from)
{
	*to = strdup(from);
	if (*to == NULL)
		complain("out of memory");
}

static void
copy_participant(struct config_participant *to, cfg_t *section)
{
	long order = cfg_getint(section, "order");

	copy_text(&to->name, cfg_title(section));
	(void)find_uid(cfg_getstr(section, "user"), &to->uid);
	to->required = cfg_getbool(section, "required") == cfg_true;
	to->expect = cfg_getbool(section, "expect") == cfg_true;
	to->has_order = order != ORDER_NOT_SET;
	to->order = to->has_order ? (unsigned)order : 0;
	to->freeze_ms = (uint32_t)cfg_getint(section, "freeze_ms");
}

static void
copy_values(struct config *config, cfg_t *cfg)
{
	uint32_t number;
	unsigned i;

	copy_text(&config->user, cfg_getstr(cfg, "user"));
	copy_text(&config->device, cfg_getstr(cfg, "device"));
	copy_text(&config->socket_path, cfg_getstr(cfg, "socket_path"));
	copy_text(&config->socket_group, cfg_getstr(cfg, "socket_group"));
	config->socket_mode = (mode_t)cfg_getint(cfg, "socket_mode");
	copy_text(&config->history_path, cfg_getstr(cfg, "history_path"));
	copy_text(&config->history_program, cfg_getstr(cfg, "history_program"));
	copy_text(&config->log_path, cfg_getstr(cfg, "log_path"));
	config->log_level = level_of(cfg_getstr(cfg, "log_level"));
	for (i = 0; i < NNUMBERS; i++) {
		number = (uint32_t)cfg_getint(cfg, numbers[i].name);
		memcpy((char *)config + numbers[i].offset, &number,
		    sizeof(number));
	}
	config->nparticipants = cfg_size(cfg, "participant");
	config->participants = calloc(config->nparticipants + 1,
	    sizeof(*config->participants));
	if (config->participants == NULL) {
		config->nparticipants = 0;
		complain("out of memory");
	}
	for (i = 0; i < config->nparticipants; i++)
		copy_participant(&config->participants[i],
		    cfg_getnsec(cfg, "participant", i));
}

static cfg_t *
make_grammar(void)
{
	cfg_opt_t participant[] = {
		CFG_STR("user", NULL, CFGF_NODEFAULT),
		CFG_BOOL("required", cfg_false, CFGF_NONE),
		CFG_BOOL("expect", cfg_false, CFGF_NONE),
		CFG_INT("order", ORDER_NOT_SET, CFGF_NONE),
		CFG_INT("freeze_ms", 0, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t words[] = {
		CFG_STR("user", "appvss", CFGF_NONE),
		CFG_STR("device", "/dev/hv_appvss_dev", CFGF_NONE),
		CFG_STR("socket_path", APPVSS_RUNDIR "/appvss/appvssd.sock",
		    CFGF_NONE),
		CFG_STR("socket_group", "", CFGF_NONE),
		CFG_INT("socket_mode", 0660, CFGF_NONE),
		CFG_STR("history_path", CONFIG_HISTORY_PATH_DEFAULT, CFGF_NONE),
		CFG_STR("history_program", APPVSS_LIBEXECDIR "/appvssd-history",
		    CFGF_NONE),
		CFG_STR("log_path", "", CFGF_NONE),
		CFG_STR("log_level", "info", CFGF_NONE),
		CFG_SEC("participant", participant,
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	const size_t nwords = sizeof(words) / sizeof(words[0]) - 1;
	cfg_opt_t all[NNUMBERS + sizeof(words) / sizeof(words[0])];
	size_t i;

	for (i = 0; i < NNUMBERS; i++)
		all[i] = (cfg_opt_t)CFG_INT(numbers[i].name, numbers[i].value,
		    CFGF_NONE);
	memcpy(&all[NNUMBERS], words, (nwords + 1) * sizeof(words[0]));
	/* Keeps a copy. */
	return (cfg_init(all, CFGF_NONE));
}

int
config_load(struct config *config, const char *path,
    void (*complain_to)(const char *text))
{
	cfg_t *cfg;

	memset(config, 0, sizeof(*config));
	loading.complain = complain_to;
	loading.failed = false;
	cfg = make_grammar();
	if (cfg == NULL) {
		complain("out of memory");
		return (-1);
	}
	set_checks(cfg);
	parse_file(cfg, path);
	if (!loading.failed)
		copy_values(config, cfg);
	(void)cfg_free(cfg);
	if (loading.failed) {
		config_fini(config);
		return (-1);
	}
	return (0);
}

int
config_override(char **word, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return (-1);
	free(*word);
	*word = copy;
	return (0);
}

void
config_fini(struct config *config)
{
	size_t i;

	for (i = 0; i < config->nparticipants; i++)
		free(config->participants[i].name);
	free(config->participants);
	free(config->user);
	free(config->device);
	free(config->socket_path);
	free(config->socket_group);
	free(config->history_path);
	free(config->history_program);
	free(config->log_path);
	memset(config, 0, sizeof(*config));
}
