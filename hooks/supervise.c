/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See supervise.h.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/protect.h"
#include "recover.h"
#include "runner.h"
#include "signals.h"
#include "supervise.h"

#define RESTART_MS     100   /* doubles up to */
#define RESTART_MAX_MS 30000 /* this, and begins again after a life of */
#define GOOD_LIFE_MS   60000

struct supervisor {
	const struct options *options;
	pid_t runner; /* 0: none */
	int status;   /* of the last one */
	int lifeline_fd;
	int64_t started_at_ms;
	int64_t restart_ms;
	int64_t quiet_until_ms; /* the log stays held until then */
	bool told;		/* the runner, to stop */
};

static _Noreturn void
become_runner(struct supervisor *supervisor, const int lifeline[2])
{
	int64_t quiet_ms = supervisor->quiet_until_ms - clock_now_ms();

	(void)close(lifeline[1]);
	signals_init();
	/* The lines that the parent holds are the parent's to write. */
	options_open_log(supervisor->options);
	exit(runner_run(supervisor->options, lifeline[0], quiet_ms));
}

static int
start_runner(struct supervisor *supervisor)
{
	int lifeline[2];

	if (pipe2(lifeline, O_CLOEXEC) == -1)
		return (-1);
	supervisor->runner = fork();
	if (supervisor->runner == 0)
		become_runner(supervisor, lifeline);
	(void)close(lifeline[0]);
	if (supervisor->runner == -1) {
		supervisor->runner = 0;
		(void)close(lifeline[1]);
		return (-1);
	}
	supervisor->lifeline_fd = lifeline[1];
	supervisor->started_at_ms = clock_now_ms();
	supervisor->told = false;
	heldlog(HELDLOG_INFO, "runner_started", "pid=%ld",
	    (long)supervisor->runner);
	return (0);
}

/* Collects children: the runner, and thaws that outlived a recovery. */
static void
reap(struct supervisor *supervisor)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != supervisor->runner)
			continue;
		/* One that sleeps thaws nobody. */
		if (WIFSTOPPED(status)) {
			(void)kill(pid, SIGCONT);
			heldlog(HELDLOG_WARN, "runner_continued",
			    "pid=%ld signal=%d", (long)pid, WSTOPSIG(status));
			continue;
		}
		supervisor->runner = 0;
		supervisor->status = status;
		(void)close(supervisor->lifeline_fd);
		supervisor->lifeline_fd = -1;
	}
}

static void
recover(struct supervisor *supervisor)
{
	unsigned found, left;

	/* Nobody here is told when file systems thaw: write no line meanwhile.
	 */
	heldlog_hold(true);
	left = recover_all(supervisor->options->directory,
	    supervisor->options->runtime_dir, &found);
	if (found > 0)
		supervisor->quiet_until_ms = clock_now_ms() + RECOVER_QUIET_MS;
	if (left > 0)
		heldlog(HELDLOG_ERROR, "thaws_owed", "scripts=%u", left);
	if (clock_now_ms() >= supervisor->quiet_until_ms)
		heldlog_hold(false);
}

static void
log_end(const struct supervisor *supervisor)
{
	int status = supervisor->status;

	/* Until recover() knows better: the disk may be frozen. */
	heldlog_hold(true);
	if (WIFSIGNALED(status))
		heldlog(HELDLOG_ERROR, "runner_died", "signal=%d",
		    WTERMSIG(status));
	else
		heldlog(HELDLOG_ERROR, "runner_died", "exit_status=%d",
		    WEXITSTATUS(status));
}

/* Sleeps until then, or until it is told to stop, or the runner has ended. */
static void
wait_until(struct supervisor *supervisor, int64_t until_at_ms)
{
	pid_t runner = supervisor->runner;
	int64_t at_ms;

	while (supervisor->runner == runner && !signals_stop_asked() &&
	    clock_now_ms() < until_at_ms) {
		at_ms = until_at_ms;
		if (clock_now_ms() >= supervisor->quiet_until_ms)
			heldlog_hold(false);
		else if (supervisor->quiet_until_ms < at_ms)
			at_ms = supervisor->quiet_until_ms;
		signals_wait(NULL, 0, at_ms);
		reap(supervisor);
		if (signals_take_hangup() && supervisor->runner != 0)
			(void)kill(supervisor->runner, SIGHUP);
	}
}

/* Tells the runner to stop and waits: it thaws first, and that may last. */
static int
stop(struct supervisor *supervisor)
{
	while (supervisor->runner != 0) {
		if (!supervisor->told)
			(void)kill(supervisor->runner, SIGTERM);
		supervisor->told = true;
		signals_wait(NULL, 0, CLOCK_NEVER_MS);
		reap(supervisor);
	}
	if (supervisor->status != 0)
		recover(supervisor);
	heldlog_hold(false);
	return (supervisor->status == 0 ? EX_OK : EX_SOFTWARE);
}

static void
set_restart_delay(struct supervisor *supervisor)
{
	if (clock_now_ms() - supervisor->started_at_ms > GOOD_LIFE_MS)
		supervisor->restart_ms = RESTART_MS;
	else if (supervisor->restart_ms < RESTART_MAX_MS)
		supervisor->restart_ms *= 2;
	if (supervisor->restart_ms > RESTART_MAX_MS)
		supervisor->restart_ms = RESTART_MAX_MS;
}

int
supervise(const struct options *options)
{
	struct supervisor supervisor;

	memset(&supervisor, 0, sizeof(supervisor));
	supervisor.options = options;
	supervisor.lifeline_fd = -1;
	supervisor.restart_ms = RESTART_MS / 2;
	if (protect_lock_memory() == -1)
		heldlog(HELDLOG_WARN, "memory_not_locked", "error=\"%s\"",
		    strerror(errno));
	recover(&supervisor);
	while (!signals_stop_asked()) {
		if (start_runner(&supervisor) == -1) {
			heldlog(HELDLOG_ERROR, "runner_not_started",
			    "error=\"%s\"", strerror(errno));
		} else {
			wait_until(&supervisor, CLOCK_NEVER_MS);
			if (signals_stop_asked())
				break;
			log_end(&supervisor);
			recover(&supervisor);
		}
		set_restart_delay(&supervisor);
		wait_until(&supervisor, clock_now_ms() + supervisor.restart_ms);
	}
	return (stop(&supervisor));
}
