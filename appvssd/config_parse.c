/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of appvssd.conf(5) to struct config, by libConfuse, and the limits
 * of each value; what depends on several values is config_check.c's.  The only
 * file that knows libConfuse.
 */
#include <sys/types.h>

#include <confuse.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_mistakes.h"
#include "config_scan.h"
#include "config_words.h"

#define NAME_MAX_BYTES 64
#define NAME_BYTES                                             \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789._-"

/*
 * libConfuse gives its callbacks no argument of ours; one text is read at a
 * time.
 */
static struct config_mistakes *parsing;

static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[384];

	(void)vsnprintf(text, sizeof(text), format, args);
	config_mistake(parsing, (unsigned)cfg->line, "%s", text);
}

/* --- the limits of values ------------------------------------------------ */

/*
 * These complain and let the parser go on, so that one run shows every
 * mistake.
 */

static void
check_range(cfg_t *cfg, const char *name, long value, long min, long max)
{
	if (value < min || value > max)
		cfg_error(cfg, "%s = %ld is not within %ld..%ld", name, value,
		    min, max);
}

static void
check_text(cfg_t *cfg, const struct config_word *word, const char *text)
{
	if (word->type == CONFIG_LEVEL && config_level_of(text) == -1)
		cfg_error(cfg,
		    "%s = \"%s\" is none of error, warn, info, debug",
		    word->name, text);
	else if (text[0] == '\0' && !word->empty)
		cfg_error(cfg, "%s must not be empty", word->name);
}

/* The last value of a word; lists are checked at the end of their section. */
static void
check_value(cfg_t *cfg, cfg_opt_t *opt, const struct config_word *word)
{
	const unsigned last = cfg_opt_size(opt) - 1;
	long number;

	switch (word->type) {
	case CONFIG_NUMBER:
		check_range(cfg, word->name, cfg_opt_getnint(opt, last),
		    word->min, word->max);
		break;
	case CONFIG_MODE:
		number = cfg_opt_getnint(opt, last);
		/* The owner has to be able to connect: broker and root do. */
		if (number < 0 || (number & ~0666L) != 0 ||
		    (number & 0600) != 0600)
			cfg_error(cfg,
			    "%s = 0%lo must be 06xx, of read and write bits "
			    "only, with a leading 0",
			    word->name, (unsigned long)number);
		break;
	case CONFIG_TEXT:
	case CONFIG_LEVEL:
		check_text(cfg, word, cfg_opt_getnstr(opt, last));
		break;
	case CONFIG_BOOL:
	case CONFIG_TEXTS:
		break;
	}
}

static int
check_top(cfg_t *cfg, cfg_opt_t *opt)
{
	check_value(cfg, opt, config_find_word(&config_top, cfg_opt_name(opt)));
	return (0);
}

/* A number: no account has to have it. */
static bool
parse_id(const char *word, unsigned long *id)
{
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return (false);
	errno = 0;
	*id = strtoul(word, &end, 10);
	return (*end == '\0' && errno == 0 && *id < UINT32_MAX);
}

static int
find_uid(const char *word, uid_t *uid)
{
	const struct passwd *entry;
	unsigned long id;

	if (word[0] >= '0' && word[0] <= '9') {
		if (!parse_id(word, &id))
			return (-1);
		*uid = (uid_t)id;
		return (0);
	}
	entry = getpwnam(word);
	if (entry == NULL)
		return (-1);
	*uid = entry->pw_uid;
	return (0);
}

static int
find_gid(const char *word, gid_t *gid)
{
	const struct group *entry;
	unsigned long id;

	if (word[0] >= '0' && word[0] <= '9') {
		if (!parse_id(word, &id))
			return (-1);
		*gid = (gid_t)id;
		return (0);
	}
	entry = getgrnam(word);
	if (entry == NULL)
		return (-1);
	*gid = entry->gr_gid;
	return (0);
}

/*
 * Looking for accounts leaves an errno behind, and libconfuse calls the next
 * number out of range when it finds ERANGE there.
 */
static int
checked(void)
{
	errno = 0;
	return (0);
}

static int
check_member(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *user;
	uid_t uid;

	if (strcmp(cfg_opt_name(opt), "user") == 0) {
		user = cfg_opt_getnstr(opt, 0);
		if (find_uid(user, &uid) != 0)
			cfg_error(cfg, "user = \"%s\": there is no such user",
			    user);
		return (checked());
	}
	check_value(cfg, opt,
	    config_find_word(config_find_section("participant"),
		cfg_opt_name(opt)));
	return (0);
}

static bool
is_made_of(const char *name, const char *bytes)
{
	const size_t length = strspn(name, bytes);

	return (
	    length >= 1 && length <= NAME_MAX_BYTES && name[length] == '\0');
}

static bool
is_pattern_or_name(const char *name)
{
	return (is_made_of(name, NAME_BYTES "*?"));
}

/* Called at the end of each participant section. */
static int
check_participant(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *name = cfg_title(section);

	if (!is_pattern_or_name(name))
		cfg_error(cfg,
		    "participant \"%s\": a name is 1 to %d of A-Z a-z 0-9 . _ "
		    "-, a pattern has * and ? as well",
		    name, NAME_MAX_BYTES);
	else if (config_is_pattern(name) &&
	    cfg_getbool(section, "expect") == cfg_true)
		cfg_error(cfg,
		    "participant \"%s\": expect needs a name, not a pattern",
		    name);
	if (cfg_getstr(section, "user") == NULL)
		cfg_error(cfg, "participant \"%s\" needs a user", name);
	return (0);
}

static void
check_access_list(cfg_t *cfg, cfg_t *section, const char *word,
    const char *value)
{
	const char *title = cfg_title(section), *wrong = NULL;
	uid_t uid;
	gid_t gid;

	if (strcmp(word, "user") == 0) {
		if (strcmp(value, CONFIG_ANYONE) != 0 &&
		    find_uid(value, &uid) != 0)
			wrong = "there is no such user";
	} else if (strcmp(word, "group") == 0) {
		if (find_gid(value, &gid) != 0)
			wrong = "there is no such group";
	} else if (strcmp(word, "roles") == 0) {
		if (config_role_of(value) == -1)
			wrong = "a role is one of observe, participate, "
				"request, admin";
	} else if (!is_pattern_or_name(value))
		wrong = "a pattern is 1 to 64 of A-Z a-z 0-9 . _ - * ?";
	if (wrong != NULL)
		cfg_error(cfg, "access \"%s\": %s \"%s\": %s", title, word,
		    value, wrong);
}

/* Called at the end of each access section. */
static int
check_access(cfg_t *cfg, cfg_opt_t *opt)
{
	static const char *const words[] = { "user", "group", "roles",
		"names" };
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *title = cfg_title(section);
	unsigned j;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (j = 0; j < cfg_size(section, words[i]); j++)
			check_access_list(cfg, section, words[i],
			    cfg_getnstr(section, words[i], j));
	}
	if (title[0] == '\0')
		cfg_error(cfg, "the name of an access section is empty");
	if (cfg_size(section, "user") + cfg_size(section, "group") == 0)
		cfg_error(cfg, "access \"%s\" needs a user or a group", title);
	if (cfg_size(section, "roles") == 0)
		cfg_error(cfg, "access \"%s\" needs roles", title);
	return (checked());
}

/* --- the grammar --------------------------------------------------------- */

static cfg_opt_t
make_option(const struct config_word *word)
{
	switch (word->type) {
	case CONFIG_NUMBER:
	case CONFIG_MODE:
		return (
		    (cfg_opt_t)CFG_INT(word->name, word->number, CFGF_NONE));
	case CONFIG_BOOL:
		return ((cfg_opt_t)CFG_BOOL(word->name, cfg_false, CFGF_NONE));
	case CONFIG_TEXTS:
		return (
		    (cfg_opt_t)CFG_STR_LIST(word->name, NULL, CFGF_NODEFAULT));
	case CONFIG_TEXT:
	case CONFIG_LEVEL:
		break;
	}
	return ((cfg_opt_t)CFG_STR(word->name, word->text,
	    word->text == NULL ? CFGF_NODEFAULT : CFGF_NONE));
}

static void
make_options(cfg_opt_t *options, const struct config_scope *scope)
{
	const cfg_opt_t end = CFG_END();
	size_t i;

	for (i = 0; i < scope->nwords; i++)
		options[i] = make_option(&scope->words[i]);
	options[i] = end;
}

/* Titles that are there twice have been told of, and are looked into too. */
static cfg_t *
make_grammar(void)
{
	cfg_opt_t participant[CONFIG_WORDS_MAX + 1];
	cfg_opt_t access[CONFIG_WORDS_MAX + 1];
	cfg_opt_t sections[] = {
		CFG_SEC("participant", participant, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("access", access, CFGF_MULTI | CFGF_TITLE),
		CFG_END(),
	};
	cfg_opt_t options[CONFIG_WORDS_MAX + 3];
	cfg_t *cfg;
	size_t i;

	make_options(participant, config_find_section("participant"));
	make_options(access, config_find_section("access"));
	make_options(options, &config_top);
	memcpy(&options[config_top.nwords], sections, sizeof(sections));
	/* Keeps a copy. */
	cfg = cfg_init(options, CFGF_NONE);
	if (cfg == NULL)
		return (NULL);
	(void)cfg_set_error_function(cfg, on_error);
	for (i = 0; i < config_top.nwords; i++)
		(void)cfg_set_validate_func(cfg, config_top.words[i].name,
		    check_top);
	(void)cfg_set_validate_func(cfg, "participant", check_participant);
	(void)cfg_set_validate_func(cfg, "participant|user", check_member);
	(void)cfg_set_validate_func(cfg, "participant|order", check_member);
	(void)cfg_set_validate_func(cfg, "participant|freeze_ms", check_member);
	(void)cfg_set_validate_func(cfg, "participant|thaw_ms", check_member);
	(void)cfg_set_validate_func(cfg, "access", check_access);
	return (cfg);
}

/* --- copying ------------------------------------------------------------- */

/* What is copied is the configuration's, and freed by config_fini(). */
static void
copy_text(char **to, const char *from)
{
	/* analyze: see above. */
	*to = strdup(from);
	if (*to == NULL)
		config_mistake(parsing, 0, "out of memory");
}

static void *
make_array(size_t count, size_t size)
{
	void *array = calloc(count == 0 ? 1 : count, size);

	if (array == NULL)
		config_mistake(parsing, 0, "out of memory");
	return (array);
}

static void
copy_participant(struct config_participant *to, cfg_t *section)
{
	const long order = cfg_getint(section, "order");

	copy_text(&to->name, cfg_title(section));
	to->line = (unsigned)section->line;
	(void)find_uid(cfg_getstr(section, "user"), &to->uid);
	to->required = cfg_getbool(section, "required") == cfg_true;
	to->expect = cfg_getbool(section, "expect") == cfg_true;
	to->has_order = order >= 0;
	to->order = to->has_order ? (unsigned)order : 0;
	to->freeze_ms = (uint32_t)cfg_getint(section, "freeze_ms");
	to->thaw_ms = (uint32_t)cfg_getint(section, "thaw_ms");
}

static void
copy_access(struct config_access *to, cfg_t *section)
{
	const unsigned nusers = cfg_size(section, "user");
	const char *user;
	unsigned i;

	copy_text(&to->title, cfg_title(section));
	/* analyze: config_fini() frees them. */
	to->uids = make_array(nusers, sizeof(*to->uids));
	to->gids = make_array(cfg_size(section, "group"), sizeof(*to->gids));
	/* analyze: likewise. */
	to->names = make_array(cfg_size(section, "names"), sizeof(char *));
	if (to->uids == NULL || to->gids == NULL || to->names == NULL)
		return;
	for (i = 0; i < nusers; i++) {
		user = cfg_getnstr(section, "user", i);
		if (strcmp(user, CONFIG_ANYONE) == 0)
			to->anyone = true;
		else
			(void)find_uid(user, &to->uids[to->nuids++]);
	}
	for (i = 0; i < cfg_size(section, "group"); i++)
		(void)find_gid(cfg_getnstr(section, "group", i),
		    &to->gids[to->ngids++]);
	for (i = 0; i < cfg_size(section, "roles"); i++)
		to->roles |= 1u
		    << config_role_of(cfg_getnstr(section, "roles", i));
	for (i = 0; i < cfg_size(section, "names"); i++)
		copy_text(&to->names[to->nnames++],
		    cfg_getnstr(section, "names", i));
}

/* Names before patterns; names are searched, patterns keep their order. */
static void
sort_participants(struct config *config)
{
	struct config_participant *sorted;
	size_t i, at = 0;

	sorted = make_array(config->nparticipants, sizeof(*sorted));
	if (sorted == NULL)
		return;
	for (i = 0; i < config->nparticipants; i++) {
		if (!config_is_pattern(config->participants[i].name))
			sorted[at++] = config->participants[i];
	}
	config->nnamed = at;
	for (i = 0; i < config->nparticipants; i++) {
		if (config_is_pattern(config->participants[i].name))
			sorted[at++] = config->participants[i];
	}
	free(config->participants);
	config->participants = sorted;
	config_sort_named(config);
}

static void
copy_sections(struct config *config, cfg_t *cfg)
{
	const unsigned nparticipants = cfg_size(cfg, "participant");
	const unsigned naccess = cfg_size(cfg, "access");
	unsigned i;

	config->participants = make_array(nparticipants,
	    sizeof(*config->participants));
	config->access = make_array(naccess, sizeof(*config->access));
	if (config->participants == NULL || config->access == NULL)
		return;
	for (i = 0; i < nparticipants; i++)
		copy_participant(&config->participants[config->nparticipants++],
		    cfg_getnsec(cfg, "participant", i));
	for (i = 0; i < naccess; i++)
		copy_access(&config->access[config->naccess++],
		    cfg_getnsec(cfg, "access", i));
	if (parsing->count == 0)
		sort_participants(config);
}

/* Those that the sums of times are made of. */
static void
copy_numbers(struct config *config, cfg_t *cfg)
{
	const struct config_word *word;
	size_t i;

	for (i = 0; i < config_top.nwords; i++) {
		word = &config_top.words[i];
		if (word->type == CONFIG_NUMBER || word->type == CONFIG_MODE)
			*config_number_at(word,
			    config) = (uint32_t)cfg_getint(cfg, word->name);
	}
}

static void
copy_values(struct config *config, cfg_t *cfg)
{
	const struct config_word *word;
	size_t i;

	for (i = 0; i < config_top.nwords; i++) {
		word = &config_top.words[i];
		if (word->type == CONFIG_TEXT)
			copy_text(config_text_at(word, config),
			    cfg_getstr(cfg, word->name));
		else if (word->type == CONFIG_LEVEL)
			*config_number_at(word,
			    config) = (uint32_t)config_level_of(cfg_getstr(cfg,
			    word->name));
	}
	copy_sections(config, cfg);
}

static void
parse(struct config *config, const char *clean)
{
	cfg_t *cfg = make_grammar();

	if (cfg == NULL) {
		config_mistake(parsing, 0, "out of memory");
		return;
	}
	errno = 0;
	if (cfg_parse_buf(cfg, clean) != CFG_SUCCESS && parsing->count == 0)
		config_mistake(parsing, 0, "cannot be read");
	copy_numbers(config, cfg);
	if (parsing->count == 0)
		copy_values(config, cfg);
	(void)cfg_free(cfg);
}

/* Values of words with a mistake are not those that were meant. */
static void
mark_bad_lines(struct config *config, const struct config_mistakes *mistakes)
{
	size_t i;

	for (i = 0; i < config_top.nwords; i++) {
		if (config->lines[i] != 0 &&
		    config_mistakes_has(mistakes, config->lines[i]))
			config->lines[i] = CONFIG_LINE_BAD;
	}
}

int
config_parse(struct config *config, const char *text, size_t length,
    const char *path, const struct config_complaints *complaints)
{
	struct config_mistakes mistakes = { .count = 0 };
	bool good;
	char *clean;

	memset(config, 0, sizeof(*config));
	parsing = &mistakes;
	clean = config_scan(text, length, config->lines, &mistakes);
	if (clean == NULL)
		config_mistake(&mistakes, 0, "out of memory");
	else
		parse(config, clean);
	if (path != NULL)
		copy_text(&config->path, path);
	parsing = NULL;
	good = mistakes.count == 0;
	mark_bad_lines(config, &mistakes);
	config_mistakes_tell(&mistakes, path, complaints);
	/* What is good of the times may still not fit: in the same run. */
	if (!good && clean != NULL)
		(void)config_validate_times(config, complaints);
	free(clean);
	if (!good)
		config_fini(config);
	return (good ? 0 : -1);
}
