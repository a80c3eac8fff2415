/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the broker (by fork) and the history process (by fork and exec), each
 * with the rights and descriptors that it needs and no more.
 */
#include <sys/types.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "config.h"
#include "histq.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/protect.h"
#include "machine_id.h"
#include "parent.h"
#include "privsep.h"
#include "sandbox.h"

#define FILES_BESIDE_CLIENTS 64
#define LOG_DRAIN_MS	     1000 /* at the broker's end, all being thawed */
#define HISTORY_FD	     3
#define HISTORY_FD_TEXT	     "3"

static const int handled_signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };

/*
 * A terminal's ^C and a service manager's SIGTERM go to the whole group; only
 * the parent acts on them, and ends the children in order.
 */
static void
reset_signals(void)
{
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(handled_signals) / sizeof(handled_signals[0]);
	     i++)
		(void)signal(handled_signals[i],
		    handled_signals[i] == SIGCHLD ? SIG_DFL : SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * No signal between fork and reset_signals reaches the parent's handler in the
 * child, which would write into the parent's self-pipe.
 */
static pid_t
fork_blocked(void)
{
	sigset_t all, saved;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &saved);
	pid = fork();
	if (pid != 0)
		(void)sigprocmask(SIG_SETMASK, &saved, NULL);
	return (pid);
}

/* Does not return when privileges cannot be given up. */
static void
drop_privileges(const struct parent_account *account)
{
#ifdef __linux__
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#endif
	if (!account->change)
		return;
	if (setgroups(1, &account->gid) != 0 ||
	    setresgid(account->gid, account->gid, account->gid) != 0 ||
	    setresuid(account->uid, account->uid, account->uid) != 0 ||
	    (account->uid != 0 && setuid(0) == 0)) {
		heldlog(HELDLOG_ERROR, "cannot_drop_privileges",
		    "uid=%lu text=\"%s\"", (unsigned long)account->uid,
		    strerror(errno));
		_exit(EX_OSERR);
	}
}

static void
name_process(const char *name)
{
#if defined(__linux__)
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
#elif defined(__FreeBSD__)
	setproctitle("-%s", name);
#else
	(void)name;
#endif
}

/* Each client is a descriptor.  Root may raise the hard limit too. */
static void
raise_file_limit(const struct config *config)
{
	const rlim_t wanted = (rlim_t)config->max_clients +
	    FILES_BESIDE_CLIENTS;
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	raised.rlim_cur = wanted;
	raised.rlim_max = limit.rlim_max < wanted ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
		return;
	heldlog(HELDLOG_WARN, "few_descriptors",
	    "wanted=%ju limit=%ju text=\"%s\"", (uintmax_t)wanted,
	    (uintmax_t)limit.rlim_max, strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Without root it is as expected that this fails. */
static void
protect(const struct parent_account *account)
{
	const enum heldlog_level level = account->change ? HELDLOG_WARN :
							   HELDLOG_INFO;

	if (protect_from_oom() != 0)
		heldlog(level, "not_protected",
		    "against=out_of_memory text=\"%s\"", strerror(errno));
	if (protect_lock_memory() != 0)
		heldlog(level, "not_protected", "against=paging text=\"%s\"",
		    strerror(errno));
}

/* Last: what is refused from here on is not needed any more. */
static void
confine_broker(const struct parent_account *account)
{
	/* Who runs it without root may want to look into it. */
	if (account->change && protect_from_dumps() != 0)
		heldlog(HELDLOG_WARN, "not_protected",
		    "against=dumps text=\"%s\"", strerror(errno));
	if (sandbox_broker() != 0)
		heldlog(errno == ENOTSUP ? HELDLOG_INFO : HELDLOG_WARN,
		    "not_confined", "text=\"%s\"", strerror(errno));
}

/* A new one for each broker: rows of two runs are never mixed up. */
static int
fill_run(struct histq_run *run, char boot_id[MACHINE_ID_SIZE],
    char generation[MACHINE_ID_SIZE])
{
	struct timespec now;
	uint64_t number;

	do {
		if (getentropy(&number, sizeof(number)) != 0) {
			heldlog(HELDLOG_ERROR, "no_entropy", "text=\"%s\"",
			    strerror(errno));
			return (-1);
		}
		/* An SQL integer has a sign. */
		number &= INT64_MAX;
	} while (number == 0);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	machine_id_boot(boot_id, MACHINE_ID_SIZE);
	machine_id_generation(generation, MACHINE_ID_SIZE);
	run->run = number;
	run->started_at_ms = (uint64_t)now.tv_sec * 1000 +
	    (uint64_t)now.tv_nsec / 1000000;
	run->boot_id = boot_id;
	run->generation = generation;
	run->version = APPVSS_VERSION;
	return (0);
}

/* In the child. */
static void __attribute__((noreturn)) be_broker(const struct parent *parent,
    int channel_fd, int log_fd, const struct histq_run *run)
{
	int status;

	const struct broker_params params = { .config = parent->config,
		.run = run,
		.listen_fd = parent->socket.fd,
		.parent_fd = channel_fd };

	reset_signals();
	name_process("appvssd-broker");
	(void)close(parent->socket.lock_fd);
	(void)close(parent->wake_fd);
	(void)close(parent->wake_write_fd);
	if (parent->ready_fd != -1)
		(void)close(parent->ready_fd);
	if (parent_log_start_child(&parent->log, "appvssd-broker", log_fd) != 0)
		_exit(EX_OSERR);
	(void)close(parent->log.children_fd);
	(void)close(parent->log.children_write_fd);
	(void)close(parent->log.broker_fd);
	/* Nobody but the parent has a way to the file. */
	if (parent->log.fd > STDERR_FILENO)
		(void)close(parent->log.fd);
	raise_file_limit(parent->config);
	protect(&parent->account);
	drop_privileges(&parent->account);
	confine_broker(&parent->account);
	status = broker_run(&params);
	heldlog_drain(LOG_DRAIN_MS);
	exit(status);
}

int
parent_start_broker(struct parent *parent)
{
	char boot_id[MACHINE_ID_SIZE], generation[MACHINE_ID_SIZE];
	struct histq_run run;
	int fds[2], log_fd;
	pid_t pid;

	if (fill_run(&run, boot_id, generation) != 0)
		return (-1);
	if (privsep_pair(fds) != 0) {
		heldlog(HELDLOG_ERROR, "broker_start", "text=\"%s\"",
		    strerror(errno));
		return (-1);
	}
	log_fd = parent_log_make_channel(&parent->log);
	/* Without it there would be no log of the broker: try again later. */
	pid = log_fd == -1 ? -1 : fork_blocked();
	if (pid == 0) {
		(void)close(fds[0]);
		be_broker(parent, fds[1], log_fd, &run);
	}
	(void)close(fds[1]);
	if (log_fd != -1)
		(void)close(log_fd);
	if (pid == -1) {
		heldlog(HELDLOG_ERROR, "broker_start", "text=\"%s\"",
		    strerror(errno));
		(void)close(fds[0]);
		return (-1);
	}
	parent->broker.pid = pid;
	parent->broker_fd = fds[0];
	parent->broker_finished = false;
	parent->broker_killed = false;
	parent->kill_at_ms = 0;
	heldlog(HELDLOG_DEBUG, "broker_started", "broker_pid=%ld run=%" PRIu64,
	    (long)pid, run.run);
	return (0);
}

/* In the child.  Every descriptor but 0, 1, 2 and 3 closes at exec. */
static void __attribute__((noreturn))
be_history(const struct parent *parent, int channel_fd)
{
	/* execv takes them so, and changes nothing. */
	char *const argv[] = { (char[]) { "appvssd-history" },
		(char[]) { "--history" }, parent->config->history_path,
		(char[]) { "--fd" }, (char[]) { HISTORY_FD_TEXT }, NULL };
	const char *program = parent->config->history_program;
	char quoted[HELDLOG_LINE_MAX / 2];
	int error;

	reset_signals();
	if (parent_log_start_child(&parent->log, "appvssd-history", -1) != 0)
		_exit(EX_OSERR);
	if (channel_fd == HISTORY_FD) {
		if (fcntl(channel_fd, F_SETFD, 0) == -1)
			_exit(EX_OSERR);
	} else if (dup2(channel_fd, HISTORY_FD) == -1)
		_exit(EX_OSERR);
	drop_privileges(&parent->account);
	/* The limit on a core file stays; it confines itself. */
	if (parent->account.change)
		(void)protect_from_dumps();
	(void)execv(program, argv);
	error = errno;
	heldlog(HELDLOG_ERROR, "history_exec", "path=%s text=\"%s\"",
	    heldlog_quote(program, quoted, sizeof(quoted)), strerror(error));
	_exit(EX_OSFILE);
}

int
parent_start_history(struct parent *parent)
{
	const struct privsep_msg msg = { .type = PRIVSEP_HISTORY };
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		heldlog(HELDLOG_ERROR, "history_start", "text=\"%s\"",
		    strerror(errno));
		return (-1);
	}
	pid = fork_blocked();
	if (pid == 0)
		be_history(parent, fds[1]);
	(void)close(fds[1]);
	if (pid == -1)
		heldlog(HELDLOG_ERROR, "history_start", "text=\"%s\"",
		    strerror(errno));
	/*
	 * If the broker cannot take it, the close below is the end of file that
	 * ends the new process, and it is tried again.
	 */
	else if (privsep_send(parent->broker_fd, &msg, &fds[0], 1) != 0)
		heldlog(HELDLOG_WARN, "history_not_passed", "text=\"%s\"",
		    strerror(errno));
	(void)close(fds[0]);
	if (pid == -1)
		return (-1);
	parent->history.pid = pid;
	heldlog(HELDLOG_DEBUG, "history_started", "history_pid=%ld", (long)pid);
	return (0);
}
