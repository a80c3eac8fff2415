/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads hv_vss_daemon.conf(5): see config.h.  Owns the words of the file and
 * their limits.  The only file here that knows libConfuse.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "kernel/hv_snapshot.h"
#include "kernel/vssdev/conftext.h"

#define DEFAULT_FILE APPVSS_SYSCONFDIR "/appvss/hv_vss_daemon.conf"

/* libConfuse gives its callbacks no argument of ours. */
static struct {
	void (*complain)(const char *text);
	enum mount_system system;
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

/* The checks complain and go on, so that one run shows every mistake. */
static int
check_limit(cfg_t *cfg, cfg_opt_t *opt)
{
	long value = cfg_opt_getnint(opt, 0);

	if (value < CONFIG_LIMIT_MIN_MS || value > CONFIG_LIMIT_MAX_MS)
		cfg_error(cfg, "limit_ms = %ld is not within %d..%d", value,
		    CONFIG_LIMIT_MIN_MS, CONFIG_LIMIT_MAX_MS);
	return (0);
}

static int
check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *path = cfg_opt_getnstr(opt, 0);

	if (path[0] != '/')
		cfg_error(cfg, "%s = \"%s\" must begin with /",
		    cfg_opt_name(opt), path);
	return (0);
}

static int
check_policy(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *word = cfg_opt_getnstr(opt, 0);
	enum mount_policy policy;

	if (!policy_of_word(word, &policy))
		cfg_error(cfg,
		    "policy = \"%s\" is none of freeze, sync, ignore, veto",
		    word);
	return (0);
}

/* Called at the end of each section. */
static int
check_section(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *pattern = cfg_title(section), *star, *word;
	bool is_mount = strcmp(cfg_opt_name(opt), "mount") == 0;

	word = cfg_getstr(section, "policy");
	star = strchr(pattern, '*');
	if (word == NULL)
		cfg_error(cfg, "%s \"%s\" needs a policy", cfg_opt_name(opt),
		    pattern);
	if (pattern[0] == '\0')
		cfg_error(cfg, "%s \"\" names nothing", cfg_opt_name(opt));
	else if (is_mount && pattern[0] != '/')
		cfg_error(cfg, "mount \"%s\" must begin with /", pattern);
	if (star != NULL && star[1] != '\0')
		cfg_error(cfg, "%s \"%s\": * may stand at the end only",
		    cfg_opt_name(opt), pattern);
	if (!is_mount && star == NULL && word != NULL &&
	    strcmp(word, policy_word(POLICY_FREEZE)) == 0 &&
	    !policy_can_freeze(loading.system, pattern))
		cfg_error(cfg, "type \"%s\" cannot be frozen", pattern);
	return (0);
}

static cfg_t *
make_grammar(void)
{
	cfg_opt_t section[] = {
		CFG_STR("policy", NULL, CFGF_NODEFAULT),
		CFG_END(),
	};
	const cfg_flag_t flags = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
	cfg_opt_t words[] = {
		CFG_STR("device", VSS_DEV(FS_VSS_DEV_NAME), CFGF_NONE),
		CFG_STR("runtime_dir", APPVSS_RUNDIR, CFGF_NONE),
		CFG_INT("limit_ms", CONFIG_LIMIT_DEFAULT_MS, CFGF_NONE),
		CFG_SEC("type", section, flags),
		CFG_SEC("mount", section, flags),
		CFG_END(),
	};
	cfg_t *cfg;

	/* Keeps a copy. */
	cfg = cfg_init(words, CFGF_NONE);
	if (cfg == NULL)
		return (NULL);
	(void)cfg_set_error_function(cfg, on_error);
	(void)cfg_set_validate_func(cfg, "device", check_path);
	(void)cfg_set_validate_func(cfg, "runtime_dir", check_path);
	(void)cfg_set_validate_func(cfg, "limit_ms", check_limit);
	(void)cfg_set_validate_func(cfg, "type", check_section);
	(void)cfg_set_validate_func(cfg, "mount", check_section);
	(void)cfg_set_validate_func(cfg, "type|policy", check_policy);
	(void)cfg_set_validate_func(cfg, "mount|policy", check_policy);
	return (cfg);
}

/* Only root's own file may say what root's process leaves unfrozen. */
static bool
is_safe(FILE *file, const char *path)
{
	struct stat status;

	if (fstat(fileno(file), &status) != 0) {
		complain("%s: %s", path, strerror(errno));
		return (false);
	}
	if (S_ISDIR(status.st_mode)) {
		complain("%s: %s", path, strerror(EISDIR));
		return (false);
	}
	if (geteuid() == 0 && S_ISREG(status.st_mode) &&
	    (status.st_uid != 0 ||
		(status.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
		complain("%s: must belong to root and be writable by its "
			 "owner only",
		    path);
		return (false);
	}
	return (true);
}

static void
parse_text(cfg_t *cfg, FILE *file, const char *name)
{
	struct conftext conf;

	if (conftext_open(&conf, file) == 0) {
		cfg->filename = strdup(name);
		if (cfg_parse_fp(cfg, conf.stream) != CFG_SUCCESS &&
		    !loading.failed)
			complain("%s: cannot be read", name);
	} else if (conf.problem != NULL) {
		complain("%s:%u: %s", name, conf.line, conf.problem);
	} else {
		complain("%s: %s", name, strerror(errno));
	}
	conftext_close(&conf);
}

static void
parse_file(cfg_t *cfg, const char *path)
{
	const char *name = path != NULL ? path : DEFAULT_FILE;
	FILE *file;

	file = fopen(name, "re");
	if (file == NULL) {
		if (path != NULL || errno != ENOENT)
			complain("%s: %s", name, strerror(errno));
		return;
	}
	if (is_safe(file, name))
		parse_text(cfg, file, name);
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
copy_rules(struct config *config, cfg_t *cfg, const char *kind)
{
	struct policy_rule *rule;
	cfg_t *section;
	char *pattern;
	unsigned i;

	for (i = 0; i < cfg_size(cfg, kind); i++) {
		section = cfg_getnsec(cfg, kind, i);
		copy_text(&pattern, cfg_title(section));
		if (pattern == NULL)
			return;
		rule = &config->rules[config->nrules++];
		rule->pattern = pattern;
		rule->is_mount = strcmp(kind, "mount") == 0;
		rule->line = (unsigned)section->line;
		(void)policy_of_word(cfg_getstr(section, "policy"),
		    &rule->policy);
	}
}

static void
copy_values(struct config *config, cfg_t *cfg)
{
	copy_text(&config->device, cfg_getstr(cfg, "device"));
	copy_text(&config->runtime_dir, cfg_getstr(cfg, "runtime_dir"));
	config->limit_ms = (unsigned)cfg_getint(cfg, "limit_ms");
	config->rules = calloc(cfg_size(cfg, "type") + cfg_size(cfg, "mount") +
		1,
	    sizeof(*config->rules));
	if (config->rules == NULL) {
		complain("out of memory");
		return;
	}
	copy_rules(config, cfg, "type");
	copy_rules(config, cfg, "mount");
}

int
config_load(struct config *config, const char *path, enum mount_system system,
    void (*complain_to)(const char *text))
{
	cfg_t *cfg;

	memset(config, 0, sizeof(*config));
	loading.complain = complain_to;
	loading.system = system;
	loading.failed = false;
	cfg = make_grammar();
	if (cfg == NULL) {
		complain("out of memory");
		return (-1);
	}
	parse_file(cfg, path);
	if (loading.failed) {
		(void)cfg_free(cfg);
		cfg = make_grammar();
	}
	if (cfg != NULL)
		copy_values(config, cfg);
	(void)cfg_free(cfg);
	return (loading.failed ? -1 : 0);
}

void
config_fini(struct config *config)
{
	size_t i;

	for (i = 0; i < config->nrules; i++)
		free((void *)(uintptr_t)config->rules[i].pattern);
	free(config->rules);
	free(config->device);
	free(config->runtime_dir);
	memset(config, 0, sizeof(*config));
}
