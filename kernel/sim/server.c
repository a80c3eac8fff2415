/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of the simulated devices: see server.h.
 *
 * The pipe of a client is kept as poll(2) on the device would be: one byte in
 * it while the device is readable, its write end closed when the device has
 * gone.  Two threads do that, after each ioctl and after each wake-up, with
 * client->lock; the pipe itself says what is in it, since the client has it
 * too.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/vssdev/passfd.h"
#include "kernel/vssdev/vssdev.h"
#include "server.h"
#include "sim.h"

#define SEND_TIMEOUT_S	2   /* a client that does not read is dropped */
#define ACCEPT_RETRY_MS 100 /* without a descriptor left */

struct client {
	struct sim_server *server;
	struct client *next;
	pthread_t thread;
	bool done; /* atomic: thread has ended */
	int fd;

	/* From here on valid once the device is open. */
	struct sim_file *file;
	pthread_t level_thread;
	bool stopping; /* atomic */
	pthread_mutex_t lock;
	int pipe_read, pipe_write; /* -1: closed; lock */
};

struct sim_server {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *device;
	int fd;
	int stop_pipe[2];
	pthread_t thread;
	struct client *clients; /* of the accepting thread, then of stop */
};

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
level_sync(struct client *client)
{
	struct pollfd pfd;
	char byte[16];
	int revents;

	pthread_mutex_lock(&client->lock);
	revents = sim_poll(client->file, POLLIN, 0);
	pfd = (struct pollfd) { .fd = client->pipe_read, .events = POLLIN };
	if ((revents & (POLLHUP | POLLNVAL)) != 0) {
		close_fd(&client->pipe_write);
	} else if (client->pipe_write != -1 && poll(&pfd, 1, 0) != -1) {
		if ((revents & POLLIN) != 0 && pfd.revents == 0)
			(void)!write(client->pipe_write, "r", 1);
		else if (revents == 0 && pfd.revents != 0)
			(void)!read(client->pipe_read, byte, sizeof(byte));
	}
	pthread_mutex_unlock(&client->lock);
}

static void *
level_main(void *arg)
{
	struct client *client = arg;
	uint64_t seen;

	while (!__atomic_load_n(&client->stopping, __ATOMIC_ACQUIRE)) {
		seen = sim_wakeups();
		level_sync(client);
		if (!__atomic_load_n(&client->stopping, __ATOMIC_ACQUIRE))
			sim_wait_wakeup(seen, -1);
	}
	return (NULL);
}

static int
client_open(struct client *client, const struct vssdev_request *request)
{
	uint32_t flags;
	int error, fds[2];

	if (client->file != NULL || request->length != sizeof(flags))
		return (EINVAL);
	memcpy(&flags, request->data, sizeof(flags));
	if ((flags & ~(VSSDEV_READ | VSSDEV_WRITE)) != 0 || flags == 0)
		return (EINVAL);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return (errno);
	error = sim_open(client->server->device,
	    ((flags & VSSDEV_READ) != 0 ? SIM_READ : 0) |
		((flags & VSSDEV_WRITE) != 0 ? SIM_WRITE : 0),
	    &client->file);
	if (error == 0) {
		client->pipe_read = fds[0];
		client->pipe_write = fds[1];
		if (pthread_create(&client->level_thread, NULL, level_main,
			client) == 0)
			return (0);
		error = EAGAIN;
		sim_close(client->file);
		client->file = NULL;
	}
	close(fds[0]);
	close(fds[1]);
	client->pipe_read = client->pipe_write = -1;
	return (error);
}

static int
client_ioctl(struct client *client, const struct vssdev_request *request,
    struct vssdev_reply *reply)
{
	size_t size = (request->number >> 16) & 0x1fff;
	int error;

	if (client->file == NULL)
		return (EBADF);
	if (size > VSSDEV_DATA_MAX)
		return (ENOTTY);
	/* The driver sees size bytes; what the client left out is zero. */
	memcpy(reply->data, request->data, request->length);
	error = sim_ioctl(client->file, (unsigned long)request->number,
	    reply->data);
	if (error == 0)
		reply->length = (uint32_t)size;
	level_sync(client);
	return (error);
}

/* The name has its NUL, and so has the text. */
static int
client_sysctl(const struct vssdev_request *request, struct vssdev_reply *reply)
{
	const char *name = (const char *)request->data;
	int error;

	if (request->length == 0 || name[request->length - 1] != '\0')
		return (EINVAL);
	error = sim_sysctl_get(name, (char *)reply->data, sizeof(reply->data));
	reply->length = sizeof(reply->data);
	return (error);
}

static int
send_reply(struct client *client, const struct vssdev_reply *reply, int pass_fd)
{
	union passfd_control control;
	struct iovec iov = { (void *)(uintptr_t)reply, sizeof(*reply) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass_fd != -1)
		passfd_put(&header, &control, pass_fd);
	return (sendmsg(client->fd, &header, MSG_NOSIGNAL) ==
		    (ssize_t)sizeof(*reply) ?
		0 :
		-1);
}

/* One request; -1 when the connection is over or breaks the protocol. */
static int
client_serve(struct client *client)
{
	struct vssdev_request request;
	struct vssdev_reply reply;
	ssize_t received;
	int pass_fd = -1;

	do
		received = recv(client->fd, &request, sizeof(request), 0);
	while (received == -1 && errno == EINTR);
	if (received != (ssize_t)sizeof(request) ||
	    request.length > VSSDEV_DATA_MAX)
		return (-1);
	memset(&reply, 0, sizeof(reply));
	switch (request.command) {
	case VSSDEV_OPEN:
		reply.error = client_open(client, &request);
		if (reply.error == 0)
			pass_fd = client->pipe_read;
		break;
	case VSSDEV_IOCTL:
		reply.error = client_ioctl(client, &request, &reply);
		break;
	case VSSDEV_SYSCTL:
		reply.error = client_sysctl(&request, &reply);
		break;
	default:
		return (-1);
	}
	if (reply.error != 0)
		memset(reply.data, 0, sizeof(reply.data));
	return (send_reply(client, &reply, pass_fd));
}

static void *
client_main(void *arg)
{
	struct client *client = arg;

	while (client_serve(client) == 0)
		;
	if (client->file != NULL) {
		__atomic_store_n(&client->stopping, true, __ATOMIC_RELEASE);
		sim_notify();
		pthread_join(client->level_thread, NULL);
		sim_close(client->file);
	}
	close_fd(&client->pipe_read);
	close_fd(&client->pipe_write);
	/* The descriptor stays until the join: stop may shut it down. */
	shutdown(client->fd, SHUT_RDWR);
	__atomic_store_n(&client->done, true, __ATOMIC_RELEASE);
	return (NULL);
}

static void
client_add(struct sim_server *server, int fd)
{
	struct timeval timeout = { .tv_sec = SEND_TIMEOUT_S };
	struct client *client;
	unsigned count = 0;

	for (client = server->clients; client != NULL; client = client->next)
		count++;
	client = count < SIM_CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (client == NULL) {
		close(fd);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
	    sizeof(timeout));
	client->server = server;
	client->fd = fd;
	client->pipe_read = client->pipe_write = -1;
	pthread_mutex_init(&client->lock, NULL);
	if (pthread_create(&client->thread, NULL, client_main, client) != 0) {
		close(fd);
		free(client);
		return;
	}
	client->next = server->clients;
	server->clients = client;
}

/* Frees the clients that are done, or all, waiting for them. */
static void
clients_reap(struct sim_server *server, bool all)
{
	struct client **link = &server->clients, *client;

	while ((client = *link) != NULL) {
		if (!all && !__atomic_load_n(&client->done, __ATOMIC_ACQUIRE)) {
			link = &client->next;
			continue;
		}
		*link = client->next;
		shutdown(client->fd, SHUT_RDWR);
		pthread_join(client->thread, NULL);
		close(client->fd);
		pthread_mutex_destroy(&client->lock);
		free(client);
	}
}

static void *
server_main(void *arg)
{
	struct sim_server *server = arg;
	struct pollfd pfds[2] = {
		{ .fd = server->fd, .events = POLLIN },
		{ .fd = server->stop_pipe[0], .events = POLLIN },
	};
	int fd;

	while (poll(pfds, 2, -1) == -1 || pfds[1].revents == 0) {
		fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
		clients_reap(server, false);
		if (fd != -1)
			client_add(server, fd);
		else if (errno == EMFILE || errno == ENFILE)
			(void)poll(&pfds[1], 1, ACCEPT_RETRY_MS);
	}
	return (NULL);
}

/* 0 if nothing is at path any more. */
static int
remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int error, fd;

	if (lstat(address->sun_path, &st) != 0)
		return (errno == ENOENT ? 0 : errno);
	if (!S_ISSOCK(st.st_mode))
		return (EEXIST);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return (errno);
	error = connect(fd, (const struct sockaddr *)address,
		    sizeof(*address)) == 0 ?
	    EADDRINUSE :
	    0;
	close(fd);
	if (error == 0 && unlink(address->sun_path) != 0)
		error = errno;
	return (error);
}

static int
server_listen(struct sim_server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int error;

	memcpy(address.sun_path, server->path, sizeof(address.sun_path));
	error = remove_stale(&address);
	if (error != 0)
		return (error);
	server->fd = socket(AF_UNIX,
	    SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd == -1)
		return (errno);
	/* As /dev: root only, or whoever runs the simulator. */
	mask = umask(077);
	error = bind(server->fd, (const struct sockaddr *)&address,
		    sizeof(address)) == 0 ?
	    0 :
	    errno;
	umask(mask);
	if (error == 0 && listen(server->fd, SIM_CLIENTS_MAX) != 0) {
		error = errno;
		unlink(server->path);
	}
	return (error);
}

int
sim_server_start(const char *path, const char *device,
    struct sim_server **serverp)
{
	struct sim_server *server;
	int error;

	server = calloc(1, sizeof(*server));
	if (server == NULL)
		return (ENOMEM);
	server->fd = server->stop_pipe[0] = server->stop_pipe[1] = -1;
	server->device = device;
	error = ENAMETOOLONG;
	if (strlen(path) < sizeof(server->path)) {
		strcpy(server->path, path);
		error = server_listen(server);
		if (error == 0 && pipe2(server->stop_pipe, O_CLOEXEC) != 0)
			error = errno;
		if (error == 0)
			error = pthread_create(&server->thread, NULL,
			    server_main, server);
	}
	if (error != 0) {
		close_fd(&server->fd);
		close_fd(&server->stop_pipe[0]);
		close_fd(&server->stop_pipe[1]);
		free(server);
		return (error);
	}
	*serverp = server;
	return (0);
}

void
sim_server_stop(struct sim_server *server)
{
	unlink(server->path);
	close_fd(&server->stop_pipe[1]);
	pthread_join(server->thread, NULL);
	clients_reap(server, true);
	close_fd(&server->fd);
	close_fd(&server->stop_pipe[0]);
	free(server);
}
