/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long from FREEZE on the device to the release, with participants that
 * answer at once; beside it the floor: a bare epoll program that sends and
 * receives the same bytes with the same clients.  The runs are interleaved, and
 * the medians compared.  Plays the device by itself (vssdev.h's protocol).
 * Linux only.
 *
 * usage: fanout [-r ROUNDS] [-p PROGRAM] [-h HISTORY] PARTICIPANTS...
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "kernel/vssdev/vssdev.h"

#define LINE_MAX_BYTES	512
#define EVENTS_MAX	256
#define READY_TIMEOUT_S 60

struct participant {
	int fd;
	size_t used;
	char line[LINE_MAX_BYTES];
};

struct bench {
	const char *appvssd;
	const char *history;
	char dir[64];
	unsigned rounds;
	int epoll_fd;
	struct participant *participants;
	size_t count;
	pid_t server;
	/* The device. */
	int listen_fd;
	int device_fd;
	int pipe_fds[2];
	struct hv_vss_opt_msg waiting;
	bool has_waiting;
	uint64_t msgid;
	bool answered;
	uint32_t answer_status;
	size_t registered;
};

double
bench_now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3);
}

static void
watch(struct bench *bench, int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = data };

	if (epoll_ctl(bench->epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		err(1, "epoll_ctl");
}

static void
say(int fd, const char *line, size_t length)
{
	if (send(fd, line, length, MSG_NOSIGNAL) != (ssize_t)length)
		err(1, "send");
}

/* --- the device ---------------------------------------------------------- */

static void
device_accept(struct bench *bench)
{
	bench->device_fd = accept(bench->listen_fd, NULL, NULL);
	if (bench->device_fd == -1)
		err(1, "accept");
	watch(bench, bench->device_fd, &bench->device_fd);
}

static void
device_reply(struct bench *bench, struct vssdev_reply *reply, int fd)
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
	if (sendmsg(bench->device_fd, &msg, MSG_NOSIGNAL) == -1)
		err(1, "sendmsg");
}

static void
device_ioctl(struct bench *bench, const struct vssdev_request *request,
    struct vssdev_reply *reply)
{
	struct hv_vss_opt_msg msg = { .status = VSS_FAIL };
	char byte;

	reply->length = sizeof(msg);
	if (request->number == IOCHVVSSREAD) {
		if (bench->has_waiting) {
			msg = bench->waiting;
			bench->has_waiting = false;
			(void)!read(bench->pipe_fds[0], &byte, 1);
		}
	} else if (request->number == IOCHVVSSWRITE) {
		memcpy(&msg, request->data, sizeof(msg));
		bench->answered = true;
		bench->answer_status = msg.status;
	} else {
		/* As the base system's driver: nothing is touched. */
		reply->length = request->length;
		memcpy(reply->data, request->data, sizeof(reply->data));
		return;
	}
	memcpy(reply->data, &msg, sizeof(msg));
}

static void
device_serve(struct bench *bench)
{
	struct vssdev_request request;
	struct vssdev_reply reply = { .error = 0 };
	ssize_t length;

	length = recv(bench->device_fd, &request, sizeof(request), 0);
	if (length <= 0)
		errx(1, "appvssd closed the device");
	if (request.command == VSSDEV_OPEN) {
		device_reply(bench, &reply, bench->pipe_fds[0]);
		return;
	}
	device_ioctl(bench, &request, &reply);
	device_reply(bench, &reply, -1);
}

static void
device_ask(struct bench *bench, uint32_t opt)
{
	bench->waiting = (struct hv_vss_opt_msg) { .opt = opt,
		.msgid = ++bench->msgid };
	bench->has_waiting = true;
	bench->answered = false;
	(void)!write(bench->pipe_fds[1], "!", 1);
}

static void
device_open(struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/device",
	    bench->dir);
	bench->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bench->listen_fd == -1 ||
	    bind(bench->listen_fd, (struct sockaddr *)&address,
		sizeof(address)) == -1 ||
	    listen(bench->listen_fd, 1) == -1 ||
	    pipe2(bench->pipe_fds, O_CLOEXEC) == -1)
		err(1, "%s", address.sun_path);
	watch(bench, bench->listen_fd, &bench->listen_fd);
}

/* --- the participants ---------------------------------------------------- */

/* Answers one line of appvssd. */
static void
participant_on_line(struct bench *bench, struct participant *participant)
{
	char reply[LINE_MAX_BYTES], *id;
	const char *op;
	int length;

	if (strncmp(participant->line, "OK ", 3) == 0) {
		bench->registered++;
		return;
	}
	if (strncmp(participant->line, "FREEZE ", 7) == 0)
		op = "freeze";
	else if (strncmp(participant->line, "THAW ", 5) == 0)
		op = "thaw";
	else if (strncmp(participant->line, "WELCOME ", 8) == 0)
		return;
	else
		errx(1, "appvssd says: %s", participant->line);
	id = strstr(participant->line, "id=");
	if (id == NULL)
		errx(1, "no id: %s", participant->line);
	length = snprintf(reply, sizeof(reply),
	    "READY name=p%zu id=%lu op=%s\n",
	    (size_t)(participant - bench->participants),
	    strtoul(id + 3, NULL, 10), op);
	say(participant->fd, reply, (size_t)length);
}

static void
participant_read(struct bench *bench, struct participant *participant)
{
	char *end;
	ssize_t received;

	received = recv(participant->fd, participant->line + participant->used,
	    sizeof(participant->line) - 1 - participant->used, MSG_DONTWAIT);
	if (received <= 0)
		errx(1, "a participant was disconnected");
	participant->used += (size_t)received;
	participant->line[participant->used] = '\0';
	while ((end = strchr(participant->line, '\n')) != NULL) {
		*end = '\0';
		participant_on_line(bench, participant);
		participant->used -= (size_t)(end + 1 - participant->line);
		memmove(participant->line, end + 1, participant->used + 1);
	}
}

static void
loop_once(struct bench *bench)
{
	struct epoll_event events[EVENTS_MAX];
	int count, i;

	count = epoll_wait(bench->epoll_fd, events, EVENTS_MAX,
	    READY_TIMEOUT_S * 1000);
	if (count == 0)
		errx(1, "nothing happens");
	if (count == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (i = 0; i < count; i++) {
		if (events[i].data.ptr == &bench->listen_fd)
			device_accept(bench);
		else if (events[i].data.ptr == &bench->device_fd)
			device_serve(bench);
		else
			participant_read(bench, events[i].data.ptr);
	}
}

/* --- appvssd ------------------------------------------------------------- */

static void
start_appvssd(struct bench *bench)
{
	char path[128];
	FILE *conf;

	(void)snprintf(path, sizeof(path), "%s/conf", bench->dir);
	conf = fopen(path, "w");
	if (conf == NULL)
		err(1, "%s", path);
	(void)fprintf(conf,
	    "user = \"%s\"\nhistory_program = \"%s\"\nlog_level = \"error\"\n"
	    "max_clients = 20000\nmax_clients_per_uid = 20000\n"
	    "max_names = 20000\nmax_names_per_uid = 20000\n",
	    getenv("USER") != NULL ? getenv("USER") : "root", bench->history);
	(void)fclose(conf);
	bench->server = fork();
	if (bench->server == -1)
		err(1, "fork");
	if (bench->server != 0)
		return;
	if (chdir(bench->dir) == -1)
		err(1, "%s", bench->dir);
	execl(bench->appvssd, bench->appvssd, "--foreground", "--config",
	    "conf", "--device", "device", "--socket", "socket", "--history",
	    "history.db", (char *)NULL);
	err(1, "%s", bench->appvssd);
}

static void
connect_participants(struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char line[LINE_MAX_BYTES];
	size_t i;
	int length, tries;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket",
	    bench->dir);
	while (bench->device_fd == -1)
		loop_once(bench);
	for (i = 0; i < bench->count; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		for (tries = 0; connect(fd, (struct sockaddr *)&address,
				    sizeof(address)) == -1;
		     tries++) {
			if (tries == 1000)
				err(1, "connect");
			(void)usleep(5000);
		}
		bench->participants[i] = (struct participant) { .fd = fd };
		watch(bench, fd, &bench->participants[i]);
		length = snprintf(line, sizeof(line),
		    "HELLO version=1\nREGISTER name=p%zu\n", i);
		say(fd, line, (size_t)length);
		while (bench->registered <= i)
			loop_once(bench);
	}
}

/* Microseconds from FREEZE on the device to its answer. */
static double
snapshot_us(struct bench *bench)
{
	double started_us, took_us;

	started_us = bench_now_us();
	device_ask(bench, HV_VSS_FREEZE);
	while (!bench->answered)
		loop_once(bench);
	took_us = bench_now_us() - started_us;
	if (bench->answer_status != VSS_SUCCESS)
		errx(1, "appvssd refused the freeze");
	device_ask(bench, HV_VSS_THAW);
	while (!bench->answered)
		loop_once(bench);
	return (took_us);
}

/* --- the comparison ------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
	double x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return ((x > y) - (x < y));
}

static double
median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return (values[count / 2]);
}

static long
resident_kib(pid_t pid)
{
	char path[64], line[256];
	FILE *file;
	long kib;

	kib = -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (file != NULL)
		(void)fclose(file);
	return (kib);
}

/* The broker is the child of the parent that is called so. */
static pid_t
broker_pid(pid_t parent)
{
	char command[128];
	FILE *pipe_;
	int pid;

	(void)snprintf(command, sizeof(command),
	    "pgrep -P %d -x appvssd-broker", (int)parent);
	pipe_ = popen(command, "r");
	if (pipe_ == NULL || fscanf(pipe_, "%d", &pid) != 1)
		pid = -1;
	if (pipe_ != NULL)
		(void)pclose(pipe_);
	return (pid);
}

static void
measure(struct bench *bench, size_t count)
{
	struct floor floor_;
	double *ours, *bare;
	char command[128];
	unsigned i;
	size_t j;

	(void)strcpy(bench->dir, "/tmp/appvss-bench.XXXXXX");
	if (mkdtemp(bench->dir) == NULL)
		err(1, "%s", bench->dir);
	bench->count = count;
	bench->registered = 0;
	bench->device_fd = -1;
	bench->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	bench->participants = calloc(count, sizeof(*bench->participants));
	ours = calloc(bench->rounds, sizeof(*ours));
	bare = calloc(bench->rounds, sizeof(*bare));
	if (bench->participants == NULL || ours == NULL || bare == NULL)
		err(1, "calloc");
	device_open(bench);
	start_appvssd(bench);
	connect_participants(bench);
	floor_start(&floor_, count);
	(void)snapshot_us(bench);
	(void)floor_us(&floor_);
	for (i = 0; i < bench->rounds; i++) {
		ours[i] = snapshot_us(bench);
		bare[i] = floor_us(&floor_);
	}
	printf("participants=%zu appvssd_us=%.0f floor_us=%.0f ratio=%.2f "
	       "broker_rss_kib=%ld\n",
	    count, median(ours, bench->rounds), median(bare, bench->rounds),
	    median(ours, bench->rounds) / median(bare, bench->rounds),
	    resident_kib(broker_pid(bench->server)));
	(void)fflush(stdout);
	floor_stop(&floor_, count);
	(void)kill(bench->server, SIGTERM);
	(void)waitpid(bench->server, NULL, 0);
	for (j = 0; j < count; j++)
		(void)close(bench->participants[j].fd);
	(void)close(bench->device_fd);
	(void)close(bench->listen_fd);
	(void)close(bench->pipe_fds[0]);
	(void)close(bench->pipe_fds[1]);
	(void)close(bench->epoll_fd);
	free(bench->participants);
	free(ours);
	free(bare);
	(void)snprintf(command, sizeof(command), "rm -rf %s", bench->dir);
	(void)!system(command);
}

int
main(int argc, char *argv[])
{
	struct bench bench = { .rounds = 21 };
	struct rlimit files;
	int choice;

	bench.appvssd = realpath("appvssd/appvssd", NULL);
	bench.history = realpath("appvssd/appvssd-history", NULL);
	while ((choice = getopt(argc, argv, "r:p:h:")) != -1) {
		switch (choice) {
		case 'r':
			bench.rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			bench.appvssd = realpath(optarg, NULL);
			break;
		case 'h':
			bench.history = realpath(optarg, NULL);
			break;
		default:
			return (64);
		}
	}
	if (optind == argc || bench.rounds == 0 || bench.appvssd == NULL ||
	    bench.history == NULL)
		errx(64,
		    "usage: fanout [-r ROUNDS] [-p APPVSSD] "
		    "[-h APPVSSD-HISTORY] PARTICIPANTS...");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	for (; optind < argc; optind++) {
		size_t count = strtoul(argv[optind], NULL, 10);

		if (3 * count + 100 > files.rlim_cur) {
			printf(
			    "participants=%zu skipped: only %lu descriptors\n",
			    count, (unsigned long)files.rlim_cur);
			continue;
		}
		measure(&bench, count);
	}
	return (0);
}
