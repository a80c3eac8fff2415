/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that is measured, and its device: see rig.h.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

/* Nothing that is still to be done waits so long. */
#define SETTLED_MS 20

/* --- the device ---------------------------------------------------------- */

static void
device_accept(struct rig *rig)
{
	rig->device_fd = accept(rig->listen_fd, NULL, NULL);
	if (rig->device_fd == -1)
		err(1, "accept");
	crowd_watch(&rig->crowd, rig->device_fd, &rig->device_fd);
}

static void
device_reply(const struct rig *rig, struct vssdev_reply *reply, int fd)
{
	struct iovec iov = { reply, sizeof(*reply) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd != -1) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	if (sendmsg(rig->device_fd, &msg, MSG_NOSIGNAL) == -1)
		err(1, "sendmsg");
}

static void
device_ioctl(struct rig *rig, const struct vssdev_request *request,
    struct vssdev_reply *reply)
{
	struct hv_vss_opt_msg msg = { .status = VSS_FAIL };
	char byte;

	reply->length = sizeof(msg);
	if (request->number == IOCHVVSSREAD) {
		if (rig->has_waiting) {
			msg = rig->waiting;
			rig->has_waiting = false;
			(void)!read(rig->pipe_fds[0], &byte, 1);
		}
	} else if (request->number == IOCHVVSSWRITE) {
		memcpy(&msg, request->data, sizeof(msg));
		rig->answered = true;
		rig->answer_status = msg.status;
	} else {
		/* As the base system's driver: nothing is touched. */
		reply->length = request->length;
		memcpy(reply->data, request->data, sizeof(reply->data));
		return;
	}
	memcpy(reply->data, &msg, sizeof(msg));
}

static void
device_serve(struct rig *rig)
{
	struct vssdev_request request;
	struct vssdev_reply reply = { .error = 0 };

	if (recv(rig->device_fd, &request, sizeof(request), 0) <= 0)
		errx(1, "appvssd closed the device");
	if (request.command == VSSDEV_OPEN) {
		device_reply(rig, &reply, rig->pipe_fds[0]);
		return;
	}
	device_ioctl(rig, &request, &reply);
	device_reply(rig, &reply, -1);
}

static void
rig_on_other(void *arg, void *data)
{
	struct rig *rig = arg;

	if (data == &rig->listen_fd)
		device_accept(rig);
	else
		device_serve(rig);
}

static void
device_open(struct rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/dev",
	    rig->dir);
	rig->device_fd = -1;
	rig->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (rig->listen_fd == -1 ||
	    bind(rig->listen_fd, (struct sockaddr *)&address,
		sizeof(address)) == -1 ||
	    listen(rig->listen_fd, 1) == -1 ||
	    pipe2(rig->pipe_fds, O_CLOEXEC) == -1)
		err(1, "%s", address.sun_path);
	crowd_watch(&rig->crowd, rig->listen_fd, &rig->listen_fd);
}

/* Asks, and serves everybody until it is answered. */
static void
device_ask(struct rig *rig, uint32_t opt)
{
	rig->waiting = (struct hv_vss_opt_msg) { .opt = opt,
		.msgid = ++rig->msgid };
	rig->has_waiting = true;
	rig->answered = false;
	(void)!write(rig->pipe_fds[1], "!", 1);
	while (!rig->answered)
		crowd_serve(&rig->crowd, rig_on_other, rig);
}

/* What a process has had of the processors, or -1. */
static int64_t
cpu_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &used) == -1)
		return (-1);
	return ((int64_t)used.tv_sec * 1000000000 + used.tv_nsec);
}

/* Serves everybody until nobody has had anything to do for a while. */
static void
rig_settle(struct rig *rig)
{
	int64_t broker_ns, history_ns;
	bool busy;

	do {
		broker_ns = cpu_ns(rig->broker);
		history_ns = cpu_ns(rig->history);
		if (broker_ns == -1 || history_ns == -1)
			errx(1, "appvssd has ended");
		busy = crowd_serve_for(&rig->crowd, SETTLED_MS, rig_on_other,
		    rig);
	} while (busy || cpu_ns(rig->broker) != broker_ns ||
	    cpu_ns(rig->history) != history_ns);
}

static double
rig_snapshot_us(struct rig *rig)
{
	double started_us, took_us;

	started_us = bench_now_us();
	device_ask(rig, HV_VSS_FREEZE);
	took_us = bench_now_us() - started_us;
	if (rig->answer_status != VSS_SUCCESS)
		errx(1, "appvssd refused the freeze");
	device_ask(rig, HV_VSS_THAW);
	if (rig->answer_status != VSS_SUCCESS)
		errx(1, "appvssd says that the thaw came too late");
	return (took_us);
}

double
rig_release_us(struct rig *rig)
{
	double took_us = rig_snapshot_us(rig);

	rig_settle(rig);
	return (took_us);
}

/* --- appvssd ------------------------------------------------------------- */

static void
write_config(const struct rig *rig, const char *history)
{
	const struct passwd *user = getpwuid(geteuid());
	char path[160];
	FILE *conf;

	(void)snprintf(path, sizeof(path), "%s/conf", rig->dir);
	conf = fopen(path, "w");
	if (conf == NULL || user == NULL)
		err(1, "%s", path);
	(void)fprintf(conf,
	    "user = \"%s\"\nhistory_program = \"%s\"\nlog_level = \"error\"\n"
	    "max_clients = 20000\nmax_clients_per_uid = 20000\n"
	    "max_names = 20000\nmax_names_per_uid = 20000\n",
	    user->pw_name, history);
	(void)fclose(conf);
}

static void
start_appvssd(struct rig *rig, const char *appvssd)
{
	rig->server = fork();
	if (rig->server == -1)
		err(1, "fork");
	if (rig->server != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (chdir(rig->dir) == -1)
		err(1, "%s", rig->dir);
	execl(appvssd, appvssd, "--foreground", "--config", "conf", "--device",
	    "dev", "--socket", "socket", "--history", "history.db",
	    (char *)NULL);
	err(1, "%s", appvssd);
}

/* The child of the parent that is called so. */
static pid_t
find_child(pid_t parent, const char *name)
{
	char command[128];
	FILE *pipe_;
	int pid;

	(void)snprintf(command, sizeof(command), "pgrep -P %d -x %.15s",
	    (int)parent, name);
	pipe_ = popen(command, "r");
	if (pipe_ == NULL || fscanf(pipe_, "%d", &pid) != 1)
		errx(1, "there is no %s", name);
	(void)pclose(pipe_);
	return (pid);
}

long
rig_status(pid_t pid, const char *name)
{
	char path[64], line[256];
	size_t length = strlen(name);
	FILE *file;
	long number;

	number = -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			number = strtol(line + length + 1, NULL, 10);
	}
	if (file != NULL)
		(void)fclose(file);
	return (number);
}

void
rig_start(struct rig *rig, const char *appvssd, const char *history,
    const char *parent, size_t count)
{
	char path[160];

	*rig = (struct rig) { .device_fd = -1 };
	(void)snprintf(rig->dir, sizeof(rig->dir), "%.80s/appvss-bench.XXXXXX",
	    parent);
	if (mkdtemp(rig->dir) == NULL)
		err(1, "%s", rig->dir);
	crowd_create(&rig->crowd, count);
	device_open(rig);
	write_config(rig, history);
	start_appvssd(rig, appvssd);
	/* One snapshot of nobody: everything has been used once. */
	while (rig->device_fd == -1)
		crowd_serve(&rig->crowd, rig_on_other, rig);
	(void)rig_snapshot_us(rig);
	rig->broker = find_child(rig->server, "appvssd-broker");
	rig->history = find_child(rig->server, strrchr(history, '/') + 1);
	rig_settle(rig);
	rig->rss_none_kib = rig_status(rig->broker, "VmRSS");
	rig->anon_none_kib = rig_status(rig->broker, "RssAnon");
	(void)snprintf(path, sizeof(path), "%s/socket", rig->dir);
	crowd_register(&rig->crowd, path, rig_on_other, rig);
}

void
rig_stop(struct rig *rig)
{
	char command[192];

	(void)kill(rig->server, SIGTERM);
	(void)waitpid(rig->server, NULL, 0);
	crowd_destroy(&rig->crowd);
	(void)close(rig->device_fd);
	(void)close(rig->listen_fd);
	(void)close(rig->pipe_fds[0]);
	(void)close(rig->pipe_fds[1]);
	(void)snprintf(command, sizeof(command), "rm -rf %s", rig->dir);
	(void)!system(command);
}
