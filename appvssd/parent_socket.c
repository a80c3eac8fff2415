/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket that clients connect to: its directory, the socket left by an
 * appvssd that was killed, and the one that an appvssd still answers on.  Must
 * not remove anything that is not a dead socket.
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "parent.h"

#define LISTEN_BACKLOG 1024
#define LOCK_TRIES     10 /* each lost to a removal */

void
parent_dirname(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		(void)snprintf(out, size, ".");
	else if (slash == path)
		(void)snprintf(out, size, "/");
	else
		(void)snprintf(out, size, "%.*s", (int)(slash - path), path);
}

/*
 * Whoever can write to the directory can put a socket of his own there, and a
 * pidfile that sends a service manager's signal elsewhere.
 */
static int
prepare_directory(const struct config *config,
    const struct parent_account *account)
{
	char path[PATH_MAX];

	parent_dirname(config->socket_path, path, sizeof(path));
	if (mkdir(path, 0755) != 0 && errno != EEXIST) {
		warn("socket directory %s", path);
		return (EX_CANTCREAT);
	}
	return (parent_trust_directory("socket directory", path, account));
}

static void
lock_path(const char *socket_path, char *path, size_t size)
{
	(void)snprintf(path, size, "%s.lock", socket_path);
}

/* The file was not removed, or replaced, between open and flock. */
static bool
is_same(int fd, const char *path)
{
	struct stat now, then;

	return (fstat(fd, &then) == 0 && lstat(path, &now) == 0 &&
	    then.st_dev == now.st_dev && then.st_ino == now.st_ino);
}

/* The other one has written its number into the lock, unless it starts now. */
static void
say_served(const char *socket_path, const char *path)
{
	char text[32] = "";
	ssize_t length;
	long pid;
	int fd;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	length = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd != -1)
		(void)close(fd);
	pid = length > 0 ? strtol(text, NULL, 10) : 0;
	if (pid > 0)
		warnx("another appvssd serves %s: process %ld", socket_path,
		    pid);
	else
		warnx("another appvssd serves %s", socket_path);
}

/*
 * Held as long as the parent runs.  Connecting alone does not tell a stale
 * socket from a live one: FreeBSD refuses connections to a full queue too.  Not
 * open for writing, which would be in a freeze's way.
 */
static int
lock_socket(struct parent_socket *sock)
{
	char path[PATH_MAX];
	int error, tries;

	lock_path(sock->path, path, sizeof(path));
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		sock->lock_fd = open(path,
		    O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (sock->lock_fd == -1) {
			warn("%s", path);
			return (EX_CANTCREAT);
		}
		if (flock(sock->lock_fd, LOCK_EX | LOCK_NB) == 0) {
			if (is_same(sock->lock_fd, path))
				return (0);
			(void)close(sock->lock_fd);
			continue;
		}
		error = errno;
		(void)close(sock->lock_fd);
		if (error != EWOULDBLOCK) {
			warnx("%s: lock: %s", path, strerror(error));
			return (EX_OSERR);
		}
		break;
	}
	say_served(sock->path, path);
	return (EX_UNAVAILABLE);
}

int
parent_socket_note_pid(const struct parent_socket *sock)
{
	char path[PATH_MAX];
	int error, fd;

	lock_path(sock->path, path, sizeof(path));
	/* Not kept open: a descriptor for writing would be in a freeze's way.
	 */
	fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	error = dprintf(fd, "%ld\n", (long)getpid()) > 0 ? 0 : errno;
	(void)close(fd);
	errno = error;
	return (error == 0 ? 0 : -1);
}

static void
unlock_socket(struct parent_socket *sock)
{
	char path[PATH_MAX];

	lock_path(sock->path, path, sizeof(path));
	if (is_same(sock->lock_fd, path))
		(void)unlink(path);
	(void)close(sock->lock_fd);
	sock->lock_fd = -1;
}

/* 0: nothing in the way any more. */
static int
remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int error, fd;

	if (lstat(address->sun_path, &st) != 0) {
		if (errno == ENOENT)
			return (0);
		warn("%s", address->sun_path);
		return (EX_OSERR);
	}
	if (!S_ISSOCK(st.st_mode)) {
		warnx("%s is not a socket: not touched", address->sun_path);
		return (EX_CANTCREAT);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		warn("socket");
		return (EX_OSERR);
	}
	error = 0;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) !=
	    0)
		error = errno;
	(void)close(fd);
	/* Anything but a refusal may be a busy listener: leave it alone. */
	if (error != ECONNREFUSED) {
		warnx("another appvssd serves %s", address->sun_path);
		return (EX_UNAVAILABLE);
	}
	if (unlink(address->sun_path) != 0) {
		warn("%s: cannot remove the stale socket", address->sun_path);
		return (EX_CANTCREAT);
	}
	return (0);
}

/* Nobody can connect before listen(2), when mode and group are set. */
static int
bind_socket(const struct config *config, const struct parent_account *account,
    const struct sockaddr_un *address, struct parent_socket *sock)
{
	struct stat st;
	mode_t saved;
	int result;

	saved = umask(~config->socket_mode & 0777);
	result = bind(sock->fd, (const struct sockaddr *)address,
	    sizeof(*address));
	(void)umask(saved);
	if (result != 0) {
		warn("bind %s", address->sun_path);
		return (EX_CANTCREAT);
	}
	if (fchownat(AT_FDCWD, address->sun_path,
		account->change ? account->uid : (uid_t)-1, account->socket_gid,
		AT_SYMLINK_NOFOLLOW) != 0 ||
	    lstat(address->sun_path, &st) != 0) {
		warn("%s: cannot give it to group %s", address->sun_path,
		    config->socket_group[0] != '\0' ? config->socket_group :
						      "of the user");
		(void)unlink(address->sun_path);
		return (EX_NOPERM);
	}
	sock->dev = st.st_dev;
	sock->ino = st.st_ino;
	if (listen(sock->fd, LISTEN_BACKLOG) != 0) {
		warn("listen %s", address->sun_path);
		(void)unlink(address->sun_path);
		return (EX_OSERR);
	}
	return (0);
}

static int
make_socket(const struct config *config, const struct parent_account *account,
    const struct sockaddr_un *address, struct parent_socket *sock)
{
	int result;

	sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (sock->fd == -1) {
		warn("socket");
		return (EX_OSERR);
	}
	result = bind_socket(config, account, address, sock);
	if (result != 0)
		(void)close(sock->fd);
	return (result);
}

int
parent_socket_open(const struct config *config,
    const struct parent_account *account, struct parent_socket *sock)
{
	struct sockaddr_un address;
	int result;

	sock->path = config->socket_path;
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	    config->socket_path);
	result = prepare_directory(config, account);
	if (result == 0)
		result = lock_socket(sock);
	if (result != 0)
		return (result);
	result = remove_stale(&address);
	if (result == 0)
		result = make_socket(config, account, &address, sock);
	if (result != 0)
		unlock_socket(sock);
	return (result);
}

/*
 * Removed while it still answers: so a new appvssd cannot have put its own
 * there between the look and the removal.
 */
void
parent_socket_close(struct parent_socket *sock)
{
	struct stat st;

	if (lstat(sock->path, &st) == 0 && st.st_dev == sock->dev &&
	    st.st_ino == sock->ino)
		(void)unlink(sock->path);
	(void)close(sock->fd);
	sock->fd = -1;
	unlock_socket(sock);
}
