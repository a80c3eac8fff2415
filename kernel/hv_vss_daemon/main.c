/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv_vss_daemon: options, start and end.  Everything else is in session.c
 * (the conversation with the driver) and freezer.c (the file systems).
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "freezer.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/protect.h"
#include "kernel/vssdev/vssdev.h"
#include "session.h"

#define PROGRAM		 "hv_vss_daemon"
#define LIMIT_DEFAULT_MS 50000
#define LIMIT_MIN_MS	 100
#define LIMIT_MAX_MS	 3600000

struct options {
	char *device; /* owned: absolute paths */
	char *runtime_dir;
	char *points[MOUNTS_FREEZE_MAX]; /* owned: canonical paths */
	unsigned npoints;
	unsigned limit_ms;
	bool debug;
	bool foreground;
	bool no_freeze;
	bool thaw;
};

static volatile sig_atomic_t stop_requested;

static void
request_stop(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

static void
print_usage(FILE *stream)
{
	(void)fprintf(stream,
	    "usage: " PROGRAM
	    " [-dhn] [--device path] [--mount path]... [--limit-ms number]\n"
	    "           [--runtime-dir path]\n"
	    "       " PROGRAM " --no-freeze [-dn] [--device path]\n"
	    "       " PROGRAM " --thaw [--runtime-dir path]\n"
	    "       " PROGRAM " --help | --version\n"
	    "  -d               log debug messages as well\n"
	    "  -n               stay in the foreground, log to standard error\n"
	    "  --device path    the VSS device (" VSS_DEV(
		FS_VSS_DEV_NAME) ")\n"
				 "  --mount path     freeze this mount point only; may be repeated\n"
				 "  --limit-ms n     thaw after so many ms without a THAW (50000)\n"
				 "  --runtime-dir p  where to list what is frozen (" APPVSS_RUNDIR
				 ")\n"
				 "  --no-freeze      answer, but freeze nothing: a rehearsal\n"
				 "  --thaw           thaw what a killed daemon has left frozen\n");
}

static void __attribute__((noreturn)) usage(void)
{
	print_usage(stderr);
	exit(EX_USAGE);
}

static unsigned
parse_limit(const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    value < LIMIT_MIN_MS || value > LIMIT_MAX_MS)
		errx(EX_USAGE, "--limit-ms: %s is not a number from %d to %d",
		    text, LIMIT_MIN_MS, LIMIT_MAX_MS);
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

/*
 * Paths that are used later must not depend on the working directory.  Returned
 * owned.
 */
static char *
absolute_path(const char *path)
{
	char directory[PATH_MAX] = "", *joined;

	if (path[0] != '/' && getcwd(directory, sizeof(directory)) == NULL)
		err(EX_OSERR, "%s", path);
	if (asprintf(&joined, "%s%s%s", directory, path[0] == '/' ? "" : "/",
		path) == -1)
		err(EX_OSERR, "%s", path);
	return (joined);
}

static void
free_options(struct options *options)
{
	unsigned i;

	for (i = 0; i < options->npoints; i++)
		free(options->points[i]);
	free(options->device);
	free(options->runtime_dir);
}

static void
parse_options(int argc, char *argv[], struct options *options)
{
	enum {
		DEVICE = 256,
		MOUNT,
		LIMIT,
		NO_FREEZE,
		RUNTIME_DIR,
		THAW,
		VERSION
	};
	static const struct option names[] = {
		{ "device", required_argument, NULL, DEVICE },
		{ "mount", required_argument, NULL, MOUNT },
		{ "limit-ms", required_argument, NULL, LIMIT },
		{ "no-freeze", no_argument, NULL, NO_FREEZE },
		{ "runtime-dir", required_argument, NULL, RUNTIME_DIR },
		{ "thaw", no_argument, NULL, THAW },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	const char *device = VSS_DEV(FS_VSS_DEV_NAME);
	const char *runtime_dir = APPVSS_RUNDIR;
	int choice;

	*options = (struct options) { .limit_ms = LIMIT_DEFAULT_MS };
	while ((choice = getopt_long(argc, argv, "dhn", names, NULL)) != -1) {
		switch (choice) {
		case 'd':
			options->debug = true;
			break;
		case 'n':
			options->foreground = true;
			break;
		case 'h':
			print_usage(stdout);
			exit(EX_OK);
		case DEVICE:
			device = optarg;
			break;
		case MOUNT:
			add_point(options, optarg);
			break;
		case LIMIT:
			options->limit_ms = parse_limit(optarg);
			break;
		case NO_FREEZE:
			options->no_freeze = true;
			break;
		case RUNTIME_DIR:
			runtime_dir = optarg;
			break;
		case THAW:
			options->thaw = true;
			break;
		case VERSION:
			(void)printf(PROGRAM " " APPVSS_VERSION "\n");
			exit(EX_OK);
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (options->no_freeze && (options->npoints > 0 || options->thaw))
		errx(EX_USAGE,
		    "--no-freeze freezes nothing: "
		    "it goes with neither --mount nor --thaw");
	options->device = absolute_path(device);
	options->runtime_dir = absolute_path(runtime_dir);
}

/* --thaw, and the start of a daemon after one that was killed. */
static int
thaw_left(const char *runtime_dir)
{
	struct thaw_report report;
	struct why why;

	switch (guardian_thaw_left(runtime_dir, &report, &why)) {
	case 0:
		(void)printf("nothing was left frozen\n");
		return (EX_OK);
	case 1:
		break;
	default:
		warnx("%u of %u file systems not thawed: %s", report.failed,
		    report.listed, why.text);
		return (EX_OSERR);
	}
	(void)printf("%u file systems listed: %u thawed, %u were not frozen\n",
	    report.listed, report.thawed, report.not_frozen);
	if (report.owner != 0)
		(void)printf("process %ld, which froze them, is still there: "
			     "it will fail its snapshot\n",
		    (long)report.owner);
	return (EX_OK);
}

/* What --mount names must be a mount point from the start. */
static void
check_points(const struct options *options)
{
	struct system_table table;
	unsigned i, j;
	struct why why;

	if (system_table_read(&table, &why) != 0)
		errx(EX_OSERR, "%s", why.text);
	for (i = 0; i < options->npoints; i++) {
		for (j = 0; j < table.count; j++) {
			if (strcmp(table.entries[j].point,
				options->points[i]) == 0)
				break;
		}
		if (j == table.count)
			errx(EX_NOINPUT, "--mount: %s is not a mount point",
			    options->points[i]);
	}
	system_table_free(&table);
}

/*
 * Goes on in a child.  The parent waits until that is ready, and ends with its
 * status if it never is.  Returns the descriptor for become_ready.
 */
static int
become_daemon(void)
{
	unsigned char ready;
	ssize_t got;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) != 0 || fcntl(fds[1], F_SETFD, FD_CLOEXEC) == -1)
		err(EX_OSERR, "pipe");
	pid = fork();
	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid == 0) {
		(void)close(fds[0]);
		(void)setsid();
		return (fds[1]);
	}
	(void)close(fds[1]);
	do {
		got = read(fds[0], &ready, 1);
	} while (got == -1 && errno == EINTR);
	if (got == 1)
		_exit(EX_OK);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		_exit(EX_SOFTWARE);
	_exit(WEXITSTATUS(status));
}

static void
become_ready(int ready_fd)
{
	const unsigned char ready = 1;
	int null_fd;

	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd != -1) {
		(void)dup2(null_fd, STDIN_FILENO);
		(void)dup2(null_fd, STDOUT_FILENO);
		(void)dup2(null_fd, STDERR_FILENO);
		if (null_fd > STDERR_FILENO)
			(void)close(null_fd);
	}
	if (write(ready_fd, &ready, 1) != 1)
		warn("the parent has gone");
	(void)close(ready_fd);
}

/* Signals come in while the loop waits, and only then. */
static void
set_up_signals(sigset_t *waiting_mask)
{
	const struct sigaction stop = { .sa_handler = request_stop };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	static const int stopping[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t blocked;
	unsigned i;

	(void)sigemptyset(&blocked);
	for (i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++) {
		(void)sigaction(stopping[i], &stop, NULL);
		(void)sigaddset(&blocked, stopping[i]);
	}
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigprocmask(SIG_BLOCK, &blocked, waiting_mask);
	for (i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++)
		(void)sigdelset(waiting_mask, stopping[i]);
}

static void
open_log(const struct options *options)
{
	enum heldlog_level level = options->debug ? HELDLOG_DEBUG :
						    HELDLOG_INFO;

	if (options->foreground)
		heldlog_open(STDERR_FILENO, PROGRAM, level);
	else
		heldlog_open_syslog(PROGRAM, level);
}

static void
protect(const char *runtime_dir)
{
	struct why why;

	if (protect_from_oom() != 0)
		heldlog(HELDLOG_WARN, "not_protected_from_oom", "error=\"%s\"",
		    strerror(errno));
	if (guardian_check_dir(runtime_dir, &why) != 0)
		heldlog(HELDLOG_WARN, "runtime_dir_unfit", "%s", why.text);
}

static struct freezer *
create_freezer(const struct options *options)
{
	const struct freezer_config config = {
		.points = (const char *const *)options->points,
		.npoints = options->npoints,
		.none = options->no_freeze,
		.limit_ms = options->limit_ms,
		.guardian = { .runtime_dir = options->runtime_dir,
		    .log_fd = options->foreground ? STDERR_FILENO : -1,
		    .log_level = options->debug ? HELDLOG_DEBUG :
						  HELDLOG_INFO },
	};
	struct freezer *freezer;
	struct why why;

	if (freezer_create(&config, &freezer, &why) != 0)
		errx(EX_OSERR, "%s", why.text);
	return (freezer);
}

static struct vssdev *
open_device(const char *path)
{
	struct vssdev *dev;

	if (vssdev_open(path, &dev) == 0)
		return (dev);
	if (errno == EBUSY)
		errx(EX_TEMPFAIL, "%s: another program has opened it", path);
	err(errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE, "%s", path);
}

static int
serve(const struct options *options, int ready_fd)
{
	struct session_config config = { .device = options->device,
		.limit_ms = options->limit_ms,
		.stop = &stop_requested };
	struct freezer *freezer;
	sigset_t waiting_mask;
	struct vssdev *dev;
	int status;

	set_up_signals(&waiting_mask);
	config.waiting_mask = &waiting_mask;
	open_log(options);
	protect(options->runtime_dir);
	if (options->no_freeze) {
		heldlog(HELDLOG_WARN, "no_freeze",
		    "text=\"no file system will be frozen: this is a "
		    "rehearsal, and no snapshot is worth anything\"");
	} else if (guardian_left_any(options->runtime_dir) == 1) {
		heldlog(HELDLOG_WARN, "left_frozen",
		    "reason=\"a daemon was killed\"");
		(void)thaw_left(options->runtime_dir);
	}
	/* First the guardian, then the device: that must not be its too. */
	freezer = create_freezer(options);
	dev = open_device(options->device);
	if (protect_lock_memory() != 0)
		heldlog(HELDLOG_WARN, "memory_not_locked", "error=\"%s\"",
		    strerror(errno));
	if (ready_fd != -1)
		become_ready(ready_fd);
	heldlog(HELDLOG_INFO, "started",
	    "version=" APPVSS_VERSION " device=%s limit_ms=%u mounts=%u",
	    options->device, options->limit_ms, options->npoints);
	status = session_run(&config, freezer, dev);
	freezer_destroy(freezer);
	return (status);
}

int
main(int argc, char *argv[])
{
	struct options options;
	int ready_fd = -1, status;

	parse_options(argc, argv, &options);
	if (geteuid() != 0 && !options.no_freeze)
		errx(EX_NOPERM, "only root can freeze and thaw file systems");
	if (options.thaw) {
		status = thaw_left(options.runtime_dir);
		free_options(&options);
		return (status);
	}
	check_points(&options);
	if (!options.foreground)
		ready_fd = become_daemon();
	/* So that no mount is kept busy. */
	if (chdir("/") != 0)
		err(EX_OSERR, "/");
	status = serve(&options, ready_fd);
	free_options(&options);
	return (status);
}
