/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root parent: opens what needs root, hands it to the broker, and restarts
 * the broker and the history process when they end.  It knows nothing of
 * transactions.  It may block on a frozen disk: nobody waits for it.
 *
 * For main.c and the parent_*.c files only.
 */
#ifndef PARENT_H
#define PARENT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "parent_backoff.h"

/* Who the children run as. */
struct parent_account {
	uid_t uid;
	gid_t gid;
	gid_t socket_gid;
	bool change; /* false: we are not root, and stay who we are */
};

/* The listening socket; made before the broker, so that it outlives it. */
struct parent_socket {
	int fd;
	int lock_fd;	  /* says that it is served */
	const char *path; /* borrowed */
	dev_t dev;	  /* what was made, so that only that is removed */
	ino_t ino;
};

/* Where lines go, and where those of the children come from. */
struct parent_log {
	char *path;	 /* of a file, owned until the end; otherwise NULL */
	int fd;		 /* -1 for syslog(3) */
	int level;	 /* enum heldlog_level */
	int children_fd; /* a pipe: the standard error of all children */
	int children_write_fd;
	int broker_fd; /* the broker's lines, one a message; or -1 */
	unsigned used;
	char line[1100]; /* that has not come whole from the pipe */
};

/* A child process; pid is 0 when there is none. */
struct parent_child {
	pid_t pid;
	struct parent_backoff backoff;
};

struct parent {
	struct config *config;		    /* borrowed; replaced by a reload */
	const struct config_source *source; /* borrowed */
	struct parent_account account;
	struct parent_socket socket;
	struct parent_log log;
	int wake_fd; /* the self-pipe */
	int wake_write_fd;
	int ready_fd; /* told when the broker listens; -1: nobody waits */

	struct parent_child broker;
	int broker_fd;	     /* privsep.h's channel; -1 without a broker */
	bool broker_listens; /* it said that its start-up is complete */
	bool broker_finished;
	bool broker_killed;
	uint64_t kill_at_ms; /* 0: nobody intends to */

	struct parent_child history;
	pid_t leaving; /* the history process of a broker that has ended */
	uint64_t leaving_until_ms;

	bool device_wanted;
	uint32_t device_tries; /* that failed, since the last success */
	int device_error;      /* the last one logged */
	struct parent_backoff device_backoff;

	/* Handed over to the broker, which has not said that it runs yet. */
	struct config next_config;
	bool has_next;
	uint32_t config_serial; /* of the last one that was handed over */

	bool stopping;
	bool shutdown_sent;
	uint64_t history_until_ms; /* while stopping, after the broker */
};

/* parent.c: runs until a signal says stop.  Returns the exit status. */
int parent_run(struct parent *parent);

/*
 * parent_setup.c.  All say what is wrong on standard error, and return 0 or
 * an exit status of sysexits(3).
 */
int parent_find_account(const struct config *config,
    struct parent_account *account);
int parent_make_history_dir(const struct config *config,
    const struct parent_account *account);
int parent_write_pidfile(const char *path);

/* parent_socket.c: as above. */
int parent_socket_open(const struct config *config,
    const struct parent_account *account, struct parent_socket *sock);
/* For whoever tries to serve it too.  0, or -1 with errno. */
int parent_socket_note_pid(const struct parent_socket *sock);
/* Removes it too, if it is still ours. */
void parent_socket_close(struct parent_socket *sock);
/* The directory of path, in out of at least PATH_MAX bytes. */
void parent_dirname(const char *path, char *out, size_t size);

/*
 * parent_trust.c: as above; EX_NOPERM if others than root, the user and who
 * runs this could change it.  what stands before the path in the message.
 */
int parent_trust_directory(const char *what, const char *path,
    const struct parent_account *account);
/* The history's directory, file and journal, as far as they are there. */
int parent_trust_history(const struct config *config,
    const struct parent_account *account);

/* parent_log.c: as above. */
int parent_log_open(struct parent_log *log, const struct config *config);
/* In the parent itself. */
void parent_log_start(const struct parent_log *log);
/* The last line was written. */
void parent_log_close(struct parent_log *log);
/*
 * Opens the file once more, after a rotation has renamed it.  If it cannot, it
 * says so in the one that is open.
 */
void parent_log_reopen(struct parent_log *log);
/* For a new broker: the descriptor that it logs to, or -1 with errno. */
int parent_log_make_channel(struct parent_log *log);
/*
 * In a child: its standard error and its heldlog (line_fd; -1: standard error
 * too) from now on.  0, or -1 with errno.
 */
int parent_log_start_child(const struct parent_log *log, const char *program,
    int line_fd);
/* Pass on what has come, a bounded part of it. */
void parent_log_read_broker(struct parent_log *log);
void parent_log_read_children(struct parent_log *log);
/* The broker has ended: the rest of its lines. */
void parent_log_end_broker(struct parent_log *log);

/* parent_child.c: 0, or -1 after logging. */
int parent_start_broker(struct parent *parent);
int parent_start_history(struct parent *parent);

/* parent_device.c: opens the device if it is wanted and due. */
void parent_try_device(struct parent *parent, uint64_t now_ms);
/* The broker lost it. */
void parent_want_device(struct parent *parent, uint64_t now_ms);
/* There is a new broker. */
void parent_reset_device(struct parent *parent, uint64_t now_ms);

/*
 * parent_reload.c: reads the configuration again and hands it to the broker;
 * again says which RELOAD of a client asked for it, 0: a signal.
 */
void parent_reload(struct parent *parent, uint32_t again);
/* The broker has taken over what was handed to it, or could not. */
void parent_reload_done(struct parent *parent, uint32_t serial, bool applied);
/* There is no broker: the next one begins with what the last one was given. */
void parent_reload_settle(struct parent *parent);

#endif /* PARENT_H */
