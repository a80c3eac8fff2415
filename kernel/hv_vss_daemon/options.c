/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options: see options.h.
 */
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "kernel/hv_snapshot.h"
#include "options.h"

#define PROGRAM "hv_vss_daemon"

static void
print_usage(FILE *stream)
{
	(void)fputs("usage: " PROGRAM
		    " [-dhn] [--config path] [--device path]\n"
		    "           [--limit-ms number] [--mount path]... "
		    "[--runtime-dir path]\n"
		    "       " PROGRAM
		    " --check [--json] [--config path] [--mount path]...\n"
		    "       " PROGRAM " --status | --mounts | --drill ms\n"
		    "           [--config path] [--runtime-dir path]\n"
		    "       " PROGRAM
		    " --thaw [--config path] [--runtime-dir path]\n"
		    "       " PROGRAM " --no-freeze [-dn] [--device path]\n"
		    "       " PROGRAM " --help | --version\n",
	    stream);
	(void)
	    fputs("  -d               log debug messages as well\n"
		  "  -n               stay in the foreground, log to standard "
		  "error\n"
		  "  --config path    the configuration (" APPVSS_SYSCONFDIR
		  "/appvss/\n                   hv_vss_daemon.conf)\n"
		  "  --device path    the VSS device (" VSS_DEV(
		      FS_VSS_DEV_NAME) ")\n"
				       "  --mount path     freeze this mount "
				       "point only; may be repeated\n",
		stream);
	(void)
	    fputs("  --limit-ms n     thaw after so many ms without a THAW "
		  "(50000)\n"
		  "  --runtime-dir p  where the list of what is frozen and "
		  "the control\n"
		  "                   socket are (" APPVSS_RUNDIR ")\n"
		  "  --check          say what would be done with every "
		  "mount, and why\n"
		  "  --json           say it in JSON, one object a line\n"
		  "  --status         what the running daemon does\n"
		  "  --mounts         what it has frozen\n"
		  "  --drill ms       have it freeze, and thaw after so long\n"
		  "  --thaw           thaw what a killed daemon has left "
		  "frozen\n"
		  "  --no-freeze      answer, but freeze nothing: a "
		  "rehearsal\n",
		stream);
}

static void __attribute__((noreturn)) usage(void)
{
	print_usage(stderr);
	exit(EX_USAGE);
}

static unsigned
parse_ms(const char *option, const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    value < CONFIG_LIMIT_MIN_MS || value > CONFIG_LIMIT_MAX_MS)
		errx(EX_USAGE, "%s: %s is not a number from %d to %d", option,
		    text, CONFIG_LIMIT_MIN_MS, CONFIG_LIMIT_MAX_MS);
	return ((unsigned)value);
}

static void
add_point(struct options *options, const char *path)
{
	char *point;

	if (options->npoints == MOUNTS_FREEZE_MAX)
		errx(EX_USAGE, "--mount: more than %d", MOUNTS_FREEZE_MAX);
	point = realpath(path, NULL);
	if (point == NULL)
		err(EX_NOINPUT, "--mount: %s", path);
	options->points[options->npoints++] = point;
}

/* Paths that are used later must not depend on the working directory. */
static void
set_path(char **to, const char *path)
{
	char directory[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(directory, sizeof(directory)) == NULL)
		err(EX_OSERR, "%s", path);
	free(*to);
	if (asprintf(to, "%s%s%s", directory, path[0] == '/' ? "" : "/",
		path) == -1)
		err(EX_OSERR, "%s", path);
}

static void
set_mode(struct options *options, enum run_mode mode)
{
	if (options->mode != RUN_SERVE && options->mode != mode)
		errx(EX_USAGE,
		    "only one of --check, --status, --mounts, --drill and "
		    "--thaw can be given");
	options->mode = mode;
}

static void
check_combination(const struct options *options)
{
	if (options->no_freeze &&
	    (options->npoints > 0 || options->mode != RUN_SERVE))
		errx(EX_USAGE,
		    "--no-freeze freezes nothing: it goes with neither --mount "
		    "nor another thing to do");
	if (options->json && options->mode != RUN_CHECK)
		errx(EX_USAGE, "--json goes with --check only");
	if (options->npoints > 0 && options->mode != RUN_SERVE &&
	    options->mode != RUN_CHECK)
		errx(EX_USAGE, "--mount is for the daemon and --check");
}

enum { /* options without a letter */
	CHECK = 256,
	CONFIG,
	DEVICE,
	DRILL,
	JSON,
	LIMIT,
	MOUNT,
	MOUNTS,
	NO_FREEZE,
	RUNTIME_DIR,
	STATUS,
	THAW,
	VERSION
};

static const struct option names[] = {
	{ "check", no_argument, NULL, CHECK },
	{ "config", required_argument, NULL, CONFIG },
	{ "device", required_argument, NULL, DEVICE },
	{ "drill", required_argument, NULL, DRILL },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, JSON },
	{ "limit-ms", required_argument, NULL, LIMIT },
	{ "mount", required_argument, NULL, MOUNT },
	{ "mounts", no_argument, NULL, MOUNTS },
	{ "no-freeze", no_argument, NULL, NO_FREEZE },
	{ "runtime-dir", required_argument, NULL, RUNTIME_DIR },
	{ "status", no_argument, NULL, STATUS },
	{ "thaw", no_argument, NULL, THAW },
	{ "version", no_argument, NULL, VERSION },
	{ NULL, 0, NULL, 0 },
};

/* Those that choose what the program does.  False: it is not one of them. */
static bool
take_mode(struct options *options, int choice)
{
	switch (choice) {
	case CHECK:
		set_mode(options, RUN_CHECK);
		return (true);
	case DRILL:
		set_mode(options, RUN_DRILL);
		options->drill_ms = parse_ms("--drill", optarg);
		return (true);
	case MOUNTS:
		set_mode(options, RUN_MOUNTS);
		return (true);
	case STATUS:
		set_mode(options, RUN_STATUS);
		return (true);
	case THAW:
		set_mode(options, RUN_THAW);
		return (true);
	case 'h':
		print_usage(stdout);
		exit(EX_OK);
	case VERSION:
		(void)printf(PROGRAM " " APPVSS_VERSION "\n");
		exit(EX_OK);
	}
	return (false);
}

static void
take_option(struct options *options, int choice)
{
	switch (choice) {
	case 'd':
		options->debug = true;
		break;
	case 'n':
		options->foreground = true;
		break;
	case CONFIG:
		set_path(&options->config_path, optarg);
		break;
	case DEVICE:
		set_path(&options->device, optarg);
		break;
	case JSON:
		options->json = true;
		break;
	case LIMIT:
		options->limit_ms = parse_ms("--limit-ms", optarg);
		break;
	case MOUNT:
		add_point(options, optarg);
		break;
	case NO_FREEZE:
		options->no_freeze = true;
		break;
	case RUNTIME_DIR:
		set_path(&options->runtime_dir, optarg);
		break;
	default:
		usage();
	}
}

void
options_parse(struct options *options, int argc, char *argv[])
{
	int choice;

	*options = (struct options) { .mode = RUN_SERVE };
	while ((choice = getopt_long(argc, argv, "dhn", names, NULL)) != -1) {
		if (!take_mode(options, choice))
			take_option(options, choice);
	}
	if (optind != argc)
		usage();
	check_combination(options);
}

void
options_fini(struct options *options)
{
	unsigned i;

	for (i = 0; i < options->npoints; i++)
		free(options->points[i]);
	free(options->config_path);
	free(options->device);
	free(options->runtime_dir);
}
