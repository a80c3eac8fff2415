/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any messages of a host against the driver: first the decoder alone, then the
 * whole core behind the control node, with both devices open and nobody who
 * answers.  The oracle: a message gets one reply, of the right form, at once or
 * when the limit passes, or is too short to get one; nothing is left at the
 * end.
 *
 * The input is a list of messages, each after a byte with its length in units
 * of 4.  The simulated kernel's clock stands: replay.c sees the same.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_appvss/hv_appvss_msg.h"
#include "kernel/hv_appvss_sim/hv_appvss_sim.h"
#include "kernel/hv_snapshot.h"
#include "kernel/sim/sim.h"

#define MESSAGES_MAX 32
#define LIMIT_MS     1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim_file *control, *app, *fs;
/* By number: what is owed, and the byte that a reply must bring back. */
static bool owed[MESSAGES_MAX];
static uint8_t transaction[MESSAGES_MAX];

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_reply(const uint8_t *bytes, size_t length, uint8_t id)
{
	require(length >= HV_APPVSS_MSG_HEADER && length <= HV_APPVSS_MSG_MAX);
	require(bytes[24] == id && bytes[25] == 5);
	require(bytes[23] == 0 || bytes[23] == 0x80);
}

/* The decoder alone, with every agreed version that makes a difference. */
static void
check_decoder(const uint8_t *bytes, size_t length)
{
	static const uint32_t versions[] = { 0, HV_APPVSS_VERSION(4, 0),
		HV_APPVSS_VERSION(5, 0) };
	struct hv_appvss_msg msg;
	enum hv_appvss_msg_kind kind;
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		kind = hv_appvss_msg_decode(&msg, bytes, length, versions[i]);
		require(kind == msg.kind);
		require((kind == HV_APPVSS_MSG_DROP) ==
		    (length < HV_APPVSS_MSG_HEADER || (bytes[25] & 4) != 0));
		if (kind == HV_APPVSS_MSG_DROP)
			continue;
		require(msg.length <= HV_APPVSS_MSG_MAX);
		require(msg.negotiated ||
		    (msg.framework_version == 0 && msg.message_version == 0));
		require(msg.framework_version <= HV_APPVSS_FRAMEWORK_MAX);
		require(msg.message_version <= HV_APPVSS_MESSAGE_MAX);
		if (versions[i] == HV_APPVSS_VERSION(4, 0))
			require(kind != HV_APPVSS_MSG_FREEZE &&
			    kind != HV_APPVSS_MSG_THAW);
		check_reply(msg.bytes, hv_appvss_msg_reply(&msg, msg.status),
		    bytes[24]);
	}
}

static void
take_replies(void)
{
	struct hv_appvss_sim_packet packet;
	int error;

	while (
	    (error = sim_ioctl(control, HV_APPVSS_SIM_RECEIVE, &packet)) == 0) {
		require(packet.id < MESSAGES_MAX && owed[packet.id]);
		owed[packet.id] = false;
		check_reply(packet.bytes, packet.length,
		    transaction[packet.id]);
	}
	require(error == EAGAIN);
}

static void
send_message(unsigned id, const uint8_t *bytes, size_t length)
{
	struct hv_appvss_sim_packet packet;
	uint64_t dropped = sim_sysctl_number("dropped");

	memset(&packet, 0, sizeof(packet));
	packet.id = id;
	packet.length = (uint32_t)length;
	memcpy(packet.bytes, bytes, length);
	owed[id] = true;
	transaction[id] = length > 24 ? bytes[24] : 0;
	require(sim_ioctl(control, HV_APPVSS_SIM_SEND, &packet) == 0);
	if (sim_sysctl_number("dropped") != dropped)
		owed[id] = false;
	take_replies();
}

static void
start(void)
{
	static bool stopped;

	if (!stopped)
		sim_clock_stop();
	stopped = true;
	require(sim_module_load(sim_module_hv_appvss_sim) == 0);
	require(sim_sysctl_set("log_level", 0) == 0);
	require(sim_sysctl_set("limit_ms", LIMIT_MS) == 0);
	require(
	    sim_open(HV_APPVSS_SIM_NAME, SIM_READ | SIM_WRITE, &control) == 0);
	require(sim_open(APP_VSS_DEV_NAME, SIM_READ | SIM_WRITE, &app) == 0);
	require(sim_open(FS_VSS_DEV_NAME, SIM_READ | SIM_WRITE, &fs) == 0);
	memset(owed, 0, sizeof(owed));
}

static void
end(void)
{
	unsigned id;

	sim_clock_advance(LIMIT_MS + 1);
	take_replies();
	for (id = 0; id < MESSAGES_MAX; id++)
		require(!owed[id]);
	require(sim_sysctl_number("send_errors") == 0);
	require(sim_sysctl_number("requests") ==
	    sim_sysctl_number("successes") + sim_sysctl_number("failures"));
	sim_close(control);
	sim_close(app);
	sim_close(fs);
	require(sim_module_unload(sim_module_hv_appvss_sim) == 0);
	require(sim_malloc_count() == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	size_t length;
	unsigned id;

	start();
	for (id = 0; id < MESSAGES_MAX && size > 0; id++) {
		length = (size_t)data[0] * 4;
		data++;
		size--;
		if (length > size)
			length = size;
		/* So that a sanitizer sees what is read beyond its end. */
		copy = malloc(length > 0 ? length : 1);
		require(copy != NULL);
		memcpy(copy, data, length);
		check_decoder(copy, length);
		send_message(id, copy, length);
		free(copy);
		data += length;
		size -= length;
	}
	end();
	return (0);
}
