/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv_vss_daemon: start and end.  Everything else is in session.c (the
 * conversation with the driver), freezer.c (the file systems), and, for what
 * else the program can do, in report.c and ask.c.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "config.h"
#include "control.h"
#include "freezer.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/protect.h"
#include "kernel/vssdev/vssdev.h"
#include "options.h"
#include "report.h"
#include "session.h"

#define PROGRAM "hv_vss_daemon"

static volatile sig_atomic_t stop_requested;

static void
request_stop(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

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

	if (pipe2(fds, O_CLOEXEC) != 0)
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

/* The same at the start of a daemon, after one that was killed. */
static void
thaw_left_logged(const char *runtime_dir)
{
	struct thaw_report report;
	struct why why;

	heldlog(HELDLOG_WARN, "left_frozen", "reason=\"a daemon was killed\"");
	switch (guardian_thaw_left(runtime_dir, &report, &why)) {
	case 0:
		break;
	case 1:
		heldlog(HELDLOG_WARN, "left_thawed",
		    "listed=%u thawed=%u not_frozen=%u", report.listed,
		    report.thawed, report.not_frozen);
		break;
	default:
		heldlog(HELDLOG_ERROR, "left_not_thawed",
		    "listed=%u failed=%u %s", report.listed, report.failed,
		    why.text);
		break;
	}
}

/* What has to be done before anything is opened or frozen. */
static void
prepare(const struct options *options, const char *runtime_dir)
{
	struct why why;
	bool left;

	/* The log may be on what was left frozen. */
	left = !options->no_freeze && guardian_left_any(runtime_dir) == 1;
	heldlog_hold(left);
	if (protect_from_oom() != 0)
		heldlog(HELDLOG_WARN, "not_protected_from_oom", "error=\"%s\"",
		    strerror(errno));
	if (protect_from_dumps() != 0)
		heldlog(HELDLOG_WARN, "not_protected_from_dumps",
		    "error=\"%s\"", strerror(errno));
	if (guardian_check_dir(runtime_dir, &why) != 0)
		heldlog(HELDLOG_WARN, "runtime_dir_unfit", "%s", why.text);
	if (options->no_freeze)
		heldlog(HELDLOG_WARN, "no_freeze",
		    "text=\"no file system will be frozen: this is a "
		    "rehearsal, and no snapshot is worth anything\"");
	if (left)
		thaw_left_logged(runtime_dir);
	heldlog_hold(false);
}

static struct freezer *
create_freezer(const struct options *options, const struct config *config,
    const struct policy *policy)
{
	const struct freezer_config freezer_config = {
		.policy = policy,
		.none = options->no_freeze,
		.guardian = { .runtime_dir = config->runtime_dir,
		    .log_fd = options->foreground ? STDERR_FILENO : -1,
		    .log_level = options->debug ? HELDLOG_DEBUG :
						  HELDLOG_INFO },
	};
	struct freezer *freezer;
	struct why why;

	if (freezer_create(&freezer_config, &freezer, &why) != 0)
		errx(EX_OSERR, "%s", why.text);
	return (freezer);
}

/* The daemon serves the host without it as well. */
static struct control *
open_control(const struct options *options, const struct config *config)
{
	char quoted[HELDLOG_LINE_MAX / 2];
	struct control *control;

	if (options->no_freeze)
		return (NULL);
	if (control_open(config->runtime_dir, &control) != 0)
		heldlog(HELDLOG_WARN, "no_control_socket",
		    "directory=%s error=\"%s\"",
		    heldlog_quote(config->runtime_dir, quoted, sizeof(quoted)),
		    strerror(errno));
	return (control);
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
serve(const struct options *options, const struct config *config,
    const struct policy *policy, int ready_fd)
{
	struct session_config session = { .device = config->device,
		.policy = policy,
		.limit_ms = config->limit_ms,
		.stop = &stop_requested };
	char quoted[HELDLOG_LINE_MAX / 2];
	struct control *control;
	struct freezer *freezer;
	sigset_t waiting_mask;
	struct vssdev *dev;
	int status;

	set_up_signals(&waiting_mask);
	session.waiting_mask = &waiting_mask;
	open_log(options);
	prepare(options, config->runtime_dir);
	/* First the guardian, then the device: that must not be its too. */
	freezer = create_freezer(options, config, policy);
	dev = open_device(config->device);
	control = open_control(options, config);
	if (protect_lock_memory() != 0)
		heldlog(HELDLOG_WARN, "memory_not_locked", "error=\"%s\"",
		    strerror(errno));
	if (ready_fd != -1)
		become_ready(ready_fd);
	heldlog(HELDLOG_INFO, "started",
	    "version=" APPVSS_VERSION
	    " device=%s limit_ms=%u mounts=%u rules=%zu",
	    heldlog_quote(config->device, quoted, sizeof(quoted)),
	    config->limit_ms, options->npoints, config->nrules);
	status = session_run(&session, freezer, dev, control);
	freezer_destroy(freezer);
	control_close(control);
	return (status);
}

static void
complain(const char *text)
{
	warnx("%s", text);
}

/*
 * The configuration, and over it the options.  What was frozen must be thawed
 * whatever is wrong with a file.
 */
static void
load_config(const struct options *options, struct config *config)
{
	if (config_load(config, options->config_path, system_kind(),
		complain) != 0 &&
	    options->mode != RUN_THAW)
		exit(EX_CONFIG);
	if (config->device == NULL || config->runtime_dir == NULL)
		errx(EX_OSERR, "out of memory");
	if (options->limit_ms != 0)
		config->limit_ms = options->limit_ms;
	if (options->device != NULL) {
		free(config->device);
		config->device = strdup(options->device);
	}
	if (options->runtime_dir != NULL) {
		free(config->runtime_dir);
		config->runtime_dir = strdup(options->runtime_dir);
	}
	if (config->device == NULL || config->runtime_dir == NULL)
		errx(EX_OSERR, "out of memory");
}

static int
start_serving(const struct options *options, const struct config *config,
    const struct policy *policy)
{
	int ready_fd = -1;

	check_points(options);
	if (!options->foreground)
		ready_fd = become_daemon();
	/* So that no mount is kept busy. */
	if (chdir("/") != 0)
		err(EX_OSERR, "/");
	return (serve(options, config, policy, ready_fd));
}

static int
run(const struct options *options, const struct config *config)
{
	const struct policy policy = { .system = system_kind(),
		.rules = config->rules,
		.nrules = config->nrules,
		.selected = (const char *const *)options->points,
		.nselected = options->npoints };

	switch (options->mode) {
	case RUN_SERVE:
		return (start_serving(options, config, &policy));
	case RUN_THAW:
		return (thaw_left(config->runtime_dir));
	case RUN_CHECK:
		check_points(options);
		return (report_print(&policy, options->json));
	case RUN_STATUS:
		return (ask_status(config->runtime_dir));
	case RUN_MOUNTS:
		return (ask_mounts(config->runtime_dir));
	case RUN_DRILL:
		return (ask_drill(config->runtime_dir, options->drill_ms));
	}
	return (EX_SOFTWARE);
}

int
main(int argc, char *argv[])
{
	struct options options;
	struct config config;
	int status;

	/* What came along from elsewhere may be open for writing. */
	closefrom(STDERR_FILENO + 1);
	if (protect_standard_fds() != 0)
		err(EX_OSERR, "/dev/null");
	options_parse(&options, argc, argv);
	if (geteuid() != 0 && !options.no_freeze)
		errx(EX_NOPERM, "only root can freeze and thaw file systems");
	load_config(&options, &config);
	status = run(&options, &config);
	if (ferror(stdout) != 0 || fflush(stdout) != 0)
		err(EX_IOERR, "standard output");
	config_fini(&config);
	options_fini(&options);
	return (status);
}
