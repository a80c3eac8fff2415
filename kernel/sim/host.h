/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Hyper-V host on its end of a VSS channel, or of whatever carries the same
 * messages: asks, and matches replies with requests.  Checks the form of every
 * reply.  One thread at a time, but for creation.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmbus_channel;
struct sim_host;

/* How a host reaches the driver.  arg is for the functions. */
struct sim_link {
	/* 0 or an errno value. */
	int (*send)(void *arg, const void *bytes, size_t length, uint64_t id);
	/*
	 * Takes a reply, its length cut to size.  False after timeout_ms (-1:
	 * never), or when no reply will come any more.
	 */
	bool (*receive)(void *arg, void *bytes, size_t size, size_t *length,
	    uint64_t *id, int timeout_ms);
	void *arg;
};

#define SIM_HOST_OUTSTANDING_MAX 64 /* requests without a reply */
#define SIM_HOST_MESSAGE_MAX	 4096

enum sim_host_op {
	SIM_HOST_NEGOTIATE,
	SIM_HOST_DM_INFO,
	SIM_HOST_CHECK,
	SIM_HOST_FREEZE,
	SIM_HOST_THAW,
	SIM_HOST_RAW,
};

struct sim_host_reply {
	enum sim_host_op op;
	uint32_t status;   /* of the reply; 0 is success */
	const char *fault; /* NULL, or what is wrong with its form */
	int64_t elapsed_us;
	size_t length;
	uint8_t bytes[128]; /* its beginning */
};

/* Borrows channel; copies link.  NULL: no memory. */
struct sim_host *sim_host_create(struct vmbus_channel *channel);
struct sim_host *sim_host_create_link(const struct sim_link *link);
void sim_host_destroy(struct sim_host *host);

/* Asks.  0 and the request's id in *idp; or an errno value (ENOBUFS). */
int sim_host_ask(struct sim_host *host, enum sim_host_op op, uint64_t *idp);
int sim_host_ask_raw(struct sim_host *host, const void *bytes, size_t length,
    uint64_t *idp);

/*
 * Waits for the reply to id, for ever if timeout_ms is -1.  False: none came in
 * that time; ask again, or forget the request.
 */
bool sim_host_wait(struct sim_host *host, uint64_t id, int timeout_ms,
    struct sim_host_reply *reply);

/* Gives up on id: a reply that comes later is a stray. */
void sim_host_forget(struct sim_host *host, uint64_t id);

/* The oldest request without a reply; 0: none. */
uint64_t sim_host_oldest(const struct sim_host *host);

/* Replies that nobody asked for, or for the second time, so far. */
unsigned sim_host_strays(struct sim_host *host);

const char *sim_host_op_name(enum sim_host_op op);

#endif /* HOST_H */
