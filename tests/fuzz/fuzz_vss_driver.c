/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any sequence of what a host, openers, time and an administrator do to the
 * driver, in a simulated kernel whose clock stands.  The oracle:
 *  - every request of a host is answered once, at the limit at the latest, or
 *    its host or the module has gone;
 *  - poll(2), kqueue(2) and READ agree on whether a request waits;
 *  - an answer is taken, or fails with one of the documented errors;
 *  - whoever has read a FREEZE is offered a THAW once all has come to rest;
 *  - nothing stays allocated.
 *
 * Each step takes two bytes of the input: what, and with what.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_appvss_sim/hv_appvss_sim.h"
#include "kernel/hv_snapshot.h"
#include "kernel/sim/sim.h"

#define STEPS_MAX 512
#define FILES	  4 /* two devices, two open files of each */
#define LIMIT_MS  1000
#define KQ_EOF	  0x8000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct opener {
	struct sim_file *file; /* NULL: not open */
	struct sim_knote *kn;
	bool writer;
	bool dead; /* of a module that was unloaded */
	struct hv_vss_opt_msg msg;
	bool frozen; /* has read FREEZE, not undone it, not read THAW */
};

static struct opener openers[FILES];
static struct sim_file *control;
static bool control_dead;
/* A request that the host waits for, by its number. */
static bool owed[STEPS_MAX + 1];
static int64_t asked_at_ms[STEPS_MAX + 1];
static uint32_t next_id;
static int64_t now_ms;

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static const char *
device_name(unsigned i)
{
	return (i % 2 == 0 ? APP_VSS_DEV_NAME : FS_VSS_DEV_NAME);
}

static void
take_replies(void)
{
	struct hv_appvss_sim_packet packet;

	while (control != NULL && !control_dead &&
	    sim_ioctl(control, HV_APPVSS_SIM_RECEIVE, &packet) == 0) {
		require(packet.id < next_id && owed[packet.id]);
		owed[packet.id] = false;
		require(packet.bytes[25] == 5 &&
		    packet.bytes[24] == (uint8_t)packet.id);
	}
}

static void
forget_requests(void)
{
	memset(owed, 0, sizeof(owed));
}

static void
close_control(void)
{
	if (control != NULL)
		sim_close(control);
	control = NULL;
	forget_requests();
}

static void
open_control(void)
{
	close_control();
	require(
	    sim_open(HV_APPVSS_SIM_NAME, SIM_READ | SIM_WRITE, &control) == 0);
	control_dead = false;
}

static void
host_asks(uint8_t operation)
{
	struct hv_appvss_sim_packet packet;

	if (control == NULL || control_dead)
		return;
	memset(&packet, 0, sizeof(packet));
	packet.id = next_id;
	packet.length = 40;
	packet.bytes[12] = 5;
	packet.bytes[14] = 5;
	packet.bytes[18] = 12;
	packet.bytes[24] = (uint8_t)next_id;
	packet.bytes[25] = 3;
	packet.bytes[28] = operation;
	owed[next_id] = true;
	asked_at_ms[next_id] = now_ms;
	next_id++;
	require(sim_ioctl(control, HV_APPVSS_SIM_SEND, &packet) == 0);
}

static void
pass_time(int ms)
{
	uint32_t id;

	/* In steps, as a clock does: a timer must not see two limits at once.
	 */
	while (ms > 0) {
		sim_clock_advance(ms < 100 ? ms : 100);
		now_ms += ms < 100 ? ms : 100;
		ms -= 100;
		take_replies();
		for (id = 0; id < next_id; id++)
			require(
			    !owed[id] || now_ms - asked_at_ms[id] <= LIMIT_MS);
	}
}

static void
opener_close(struct opener *o)
{
	if (o->kn != NULL)
		sim_kq_delete(o->kn);
	if (o->file != NULL)
		sim_close(o->file);
	memset(o, 0, sizeof(*o));
}

static void
opener_open(unsigned i, bool writer)
{
	struct opener *o = &openers[i], *other = &openers[(i + 2) % FILES];
	bool busy = other->file != NULL && other->writer && !other->dead;
	int error;

	opener_close(o);
	error = sim_open(device_name(i), SIM_READ | (writer ? SIM_WRITE : 0),
	    &o->file);
	if (writer && busy) {
		require(error == EBUSY);
		o->file = NULL;
		return;
	}
	require(error == 0);
	o->writer = writer;
}

/* Whether a request waits: three ways to ask, and one answer. */
static bool
opener_waits(struct opener *o)
{
	unsigned flags = 0;
	int64_t data = 0;
	int revents;
	bool kq;

	revents = sim_poll(o->file, POLLIN, 0);
	require(((revents & POLLHUP) != 0) == o->dead);
	if (o->kn != NULL) {
		kq = sim_kq_wait(o->kn, 0, &flags, &data);
		require(kq == (revents != 0));
		if (kq)
			require(((flags & KQ_EOF) != 0) == o->dead);
	}
	if (!o->writer)
		require(revents == 0 || o->dead);
	return (revents == POLLIN);
}

static void
opener_read(struct opener *o)
{
	struct hv_vss_opt_msg msg;
	bool waits;
	int error;

	if (o->file == NULL)
		return;
	waits = opener_waits(o);
	error = sim_ioctl(o->file, IOCHVVSSREAD, &msg);
	require(error == (o->dead ? ENXIO : 0));
	if (error != 0)
		return;
	require(waits == (msg.opt != HV_VSS_NONE));
	require(msg.status == (waits ? VSS_SUCCESS : VSS_FAIL));
	if (!waits)
		return;
	o->msg = msg;
	if (msg.opt == HV_VSS_FREEZE)
		o->frozen = true;
	else if (msg.opt == HV_VSS_THAW)
		o->frozen = false;
	require(!opener_waits(o));
}

/* how: 0 and 1 honest, the rest not. */
static void
opener_answer(struct opener *o, unsigned how)
{
	struct hv_vss_opt_msg msg = o->msg;
	int error;

	if (o->file == NULL)
		return;
	msg.status = how == 1 ? VSS_FAIL : VSS_SUCCESS;
	if (how == 2)
		msg.opt++;
	if (how == 3)
		msg.msgid++;
	if (how == 4)
		msg.msgid--;
	if (how == 5)
		msg.status = 0x100;
	error = sim_ioctl(o->file, IOCHVVSSWRITE, &msg);
	if (o->dead)
		require(error == ENXIO);
	else if (!o->writer)
		require(error == EACCES);
	else
		require(error == 0 || error == EINVAL || error == ESRCH ||
		    error == ETIMEDOUT);
	if (how >= 2)
		require(error != 0);
	/* Whoever says FAIL has undone it. */
	if (error == 0 && how == 1 && msg.opt == HV_VSS_FREEZE)
		o->frozen = false;
}

static void
opener_watch(struct opener *o)
{
	int error;

	if (o->file == NULL)
		return;
	if (o->kn != NULL) {
		sim_kq_delete(o->kn);
		o->kn = NULL;
		return;
	}
	error = sim_kq_add(o->file, &o->kn);
	if (o->dead)
		require(error == ENXIO);
	else
		require(error == (o->writer ? 0 : EACCES));
	if (error != 0)
		o->kn = NULL;
}

static void
opener_ask_result(struct opener *o, uint64_t msgid)
{
	struct hv_vss_result result = { .msgid = msgid };
	int error;

	if (o->file == NULL)
		return;
	error = sim_ioctl(o->file, IOCHVVSSRESULT, &result);
	require(error == (o->dead ? ENXIO : 0));
	if (error == 0)
		require(result.msgid == msgid &&
		    result.told >= VSS_TOLD_PENDING &&
		    result.told <= VSS_TOLD_FORGOTTEN);
}

static void
load(void)
{
	require(sim_module_load(sim_module_hv_appvss_sim) == 0);
	require(sim_sysctl_set("log_level", 0) == 0);
	require(sim_sysctl_set("limit_ms", LIMIT_MS) == 0);
}

static void
unload(void)
{
	unsigned i;

	require(sim_module_unload(sim_module_hv_appvss_sim) == 0);
	require(sim_malloc_count() == 0);
	control_dead = true;
	forget_requests();
	for (i = 0; i < FILES; i++) {
		openers[i].dead = openers[i].file != NULL;
		openers[i].frozen = false;
	}
}

static void
step(uint8_t what, uint8_t with)
{
	static const uint8_t operations[] = { 2, 5, 6, 3, 7, 5, 6, 2 };
	struct opener *o = &openers[with % FILES];

	switch (what % 12) {
	case 0:
		host_asks(operations[with % sizeof(operations)]);
		break;
	case 1:
		opener_open(with % FILES, with < 192);
		break;
	case 2:
		opener_close(o);
		break;
	case 3:
	case 4:
		opener_read(o);
		break;
	case 5:
	case 6:
		opener_answer(o, with < 160 ? 0 : with / FILES % 6);
		break;
	case 7:
		pass_time(with < 128 ? with : with * 8);
		break;
	case 8:
		opener_watch(o);
		break;
	case 9:
		opener_ask_result(o, with / FILES);
		break;
	case 10:
		(void)sim_sysctl_set("app_required", with & 1);
		break;
	case 11:
		if (with < 64) {
			unload();
			load();
		} else {
			open_control();
		}
		break;
	}
	take_replies();
}

/* Everybody behaves from here on: nobody stays frozen. */
static void
come_to_rest(void)
{
	unsigned i, round;

	if (control == NULL || control_dead)
		open_control();
	for (round = 0; round < 4; round++) {
		if (round == 1)
			host_asks(6);
		for (i = 0; i < 4 * FILES; i++)
			if (openers[i % FILES].file != NULL) {
				opener_read(&openers[i % FILES]);
				opener_answer(&openers[i % FILES], 0);
			}
		pass_time(LIMIT_MS + 1);
	}
	for (i = 0; i < next_id; i++)
		require(!owed[i]);
	for (i = 0; i < FILES; i++)
		require(!openers[i].frozen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool stopped;
	unsigned i;

	if (!stopped)
		sim_clock_stop();
	stopped = true;
	next_id = 0;
	now_ms = 0;
	load();
	open_control();
	for (i = 0; i + 1 < size && i < 2 * (STEPS_MAX - 8); i += 2)
		step(data[i], data[i + 1]);
	come_to_rest();
	close_control();
	unload();
	for (i = 0; i < FILES; i++)
		opener_close(&openers[i]);
	sim_filters_free();
	return (0);
}
