/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Hyper-V host's side of the VSS messages; the layout is that of
 * hv_appvss_msg.h, written here a second time on purpose, so that a mistake of
 * the driver's decoder is not repeated by the test.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "sim.h"
#include "sim_wait.h"

struct outstanding {
	uint64_t id; /* 0: free */
	enum sim_host_op op;
	uint8_t transaction;
	int64_t asked_at_ns;
	bool replied;
	struct sim_host_reply reply;
};

struct sim_host {
	struct sim_link link;
	uint64_t next_id;
	unsigned strays;
	struct outstanding table[SIM_HOST_OUTSTANDING_MAX];
};

struct sim_host *
sim_host_create_link(const struct sim_link *link)
{
	struct sim_host *host = calloc(1, sizeof(*host));

	if (host != NULL) {
		host->link = *link;
		host->next_id = 1;
	}
	return (host);
}

static int
channel_send(void *arg, const void *bytes, size_t length, uint64_t id)
{
	return (sim_channel_send(arg, bytes, length, id));
}

static bool
channel_receive(void *arg, void *bytes, size_t size, size_t *length,
    uint64_t *id, int timeout_ms)
{
	return (sim_channel_receive(arg, bytes, size, length, id, timeout_ms));
}

struct sim_host *
sim_host_create(struct vmbus_channel *channel)
{
	struct sim_link link = { channel_send, channel_receive, channel };

	return (sim_host_create_link(&link));
}

void
sim_host_destroy(struct sim_host *host)
{
	free(host);
}

const char *
sim_host_op_name(enum sim_host_op op)
{
	switch (op) {
	case SIM_HOST_NEGOTIATE:
		return ("NEGOTIATE");
	case SIM_HOST_DM_INFO:
		return ("DM_INFO");
	case SIM_HOST_CHECK:
		return ("CHECK");
	case SIM_HOST_FREEZE:
		return ("FREEZE");
	case SIM_HOST_THAW:
		return ("THAW");
	case SIM_HOST_RAW:
		return ("RAW");
	}
	return ("?");
}

static struct outstanding *
find(struct sim_host *host, uint64_t id)
{
	unsigned i;

	for (i = 0; i < SIM_HOST_OUTSTANDING_MAX; i++)
		if (host->table[i].id == id)
			return (&host->table[i]);
	return (NULL);
}

static int
ask(struct sim_host *host, enum sim_host_op op, const uint8_t *bytes,
    size_t length, uint64_t *idp)
{
	struct outstanding *entry = find(host, 0);
	int error;

	if (entry == NULL)
		return (ENOBUFS);
	memset(entry, 0, sizeof(*entry));
	entry->op = op;
	entry->transaction = length > 24 ? bytes[24] : 0;
	entry->asked_at_ns = sim_now_ns();
	error = host->link.send(host->link.arg, bytes, length, host->next_id);
	if (error != 0)
		return (error);
	entry->id = host->next_id++;
	*idp = entry->id;
	return (0);
}

static size_t
make_message(uint8_t *bytes, enum sim_host_op op, uint8_t transaction)
{
	/* Framework 1.0, 3.0; message 1.0, 3.0, 4.0, 5.0. */
	static const uint8_t versions[] = { 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0,
		3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0 };
	static const uint8_t operations[] = {
		[SIM_HOST_DM_INFO] = 3,
		[SIM_HOST_CHECK] = 2,
		[SIM_HOST_FREEZE] = 5,
		[SIM_HOST_THAW] = 6,
	};
	size_t length = 40;

	memset(bytes, 0, 128);
	bytes[0] = 1;
	bytes[24] = transaction;
	bytes[25] = 3;
	if (op == SIM_HOST_NEGOTIATE) {
		bytes[28] = 2;
		bytes[30] = 4;
		memcpy(bytes + 36, versions, sizeof(versions));
		length = 36 + sizeof(versions);
	} else {
		bytes[8] = 3;
		bytes[12] = 5;
		bytes[14] = 5;
		bytes[28] = operations[op];
	}
	bytes[4] = (uint8_t)(length - 8);
	bytes[18] = (uint8_t)(length - 28);
	return (length);
}

int
sim_host_ask(struct sim_host *host, enum sim_host_op op, uint64_t *idp)
{
	uint8_t bytes[128];
	size_t length;

	length = make_message(bytes, op, (uint8_t)(host->next_id * 7));
	return (ask(host, op, bytes, length, idp));
}

int
sim_host_ask_raw(struct sim_host *host, const void *bytes, size_t length,
    uint64_t *idp)
{
	return (ask(host, SIM_HOST_RAW, bytes, length, idp));
}

static const char *
find_fault(const struct outstanding *entry, const struct sim_host_reply *reply)
{
	const uint8_t *b = reply->bytes;

	if (reply->length < 28)
		return ("it has no header");
	if (b[25] != 5)
		return ("its flags are not those of a response");
	if (b[24] != entry->transaction)
		return ("its transaction id is another one");
	if (entry->op == SIM_HOST_NEGOTIATE &&
	    (reply->length < 44 || b[28] != 1 || b[29] != 0 || b[30] != 1 ||
		b[31] != 0 || b[36] != 3 || b[40] != 5))
		return ("it agrees on other versions than 3.0 and 5.0");
	if (entry->op == SIM_HOST_CHECK && (reply->length < 40 || b[36] != 5))
		return ("its feature flags are wrong");
	if (entry->op == SIM_HOST_DM_INFO && (reply->length < 40 || b[36] != 0))
		return ("its feature flags are wrong");
	return (NULL);
}

/* Takes one reply in; false when none came until the deadline. */
static bool
take_reply(struct sim_host *host, int timeout_ms)
{
	uint8_t bytes[SIM_HOST_MESSAGE_MAX];
	struct sim_host_reply *reply;
	struct outstanding *entry;
	uint64_t id;
	size_t length;

	if (!host->link.receive(host->link.arg, bytes, sizeof(bytes), &length,
		&id, timeout_ms))
		return (false);
	entry = id != 0 ? find(host, id) : NULL;
	if (entry == NULL || entry->replied) {
		host->strays++;
		return (true);
	}
	reply = &entry->reply;
	entry->replied = true;
	reply->op = entry->op;
	reply->elapsed_us = (sim_now_ns() - entry->asked_at_ns) / 1000;
	reply->length = length;
	memcpy(reply->bytes, bytes,
	    length < sizeof(reply->bytes) ? length : sizeof(reply->bytes));
	if (length >= 28)
		reply->status = (uint32_t)bytes[20] | (uint32_t)bytes[21] << 8 |
		    (uint32_t)bytes[22] << 16 | (uint32_t)bytes[23] << 24;
	reply->fault = find_fault(entry, reply);
	return (true);
}

bool
sim_host_wait(struct sim_host *host, uint64_t id, int timeout_ms,
    struct sim_host_reply *reply)
{
	struct sim_deadline deadline = sim_deadline_after_ms(timeout_ms);
	struct outstanding *entry = id != 0 ? find(host, id) : NULL;
	int64_t left_ms;

	if (entry == NULL)
		return (false);
	while (!entry->replied) {
		if (deadline.at_ns == -1) {
			if (!take_reply(host, -1))
				return (false);
			continue;
		}
		left_ms = (deadline.at_ns - sim_now_ns()) / 1000000;
		if (left_ms < 0 || !take_reply(host, (int)left_ms + 1))
			return (false);
	}
	*reply = entry->reply;
	entry->id = 0;
	return (true);
}

void
sim_host_forget(struct sim_host *host, uint64_t id)
{
	struct outstanding *entry = id != 0 ? find(host, id) : NULL;

	if (entry != NULL)
		entry->id = 0;
}

uint64_t
sim_host_oldest(const struct sim_host *host)
{
	uint64_t oldest = 0;
	unsigned i;

	for (i = 0; i < SIM_HOST_OUTSTANDING_MAX; i++)
		if (host->table[i].id != 0 &&
		    (oldest == 0 || host->table[i].id < oldest))
			oldest = host->table[i].id;
	return (oldest);
}

unsigned
sim_host_strays(struct sim_host *host)
{
	while (take_reply(host, 0))
		;
	return (host->strays);
}
