/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver in a simulated kernel, for its tests: see vss_rig.h.
 */
#include <check.h>
#include <poll.h>

#include "kernel/hv_snapshot.h"
#include "vss_rig.h"

struct vss_rig rig;
void
rig_setup(void)
{
	rig.channel = sim_channel_create(sim_guid_vss);
	rig.host = sim_host_create(rig.channel);
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, rig.channel,
			     &rig.device),
	    0);
	ck_assert_int_eq(sim_sysctl_set("limit_ms", VSS_RIG_LIMIT_MS), 0);
}

void
rig_teardown(void)
{
	if (rig.app != NULL)
		sim_close(rig.app);
	if (rig.fs != NULL)
		sim_close(rig.fs);
	if (rig.device != NULL)
		ck_assert_int_eq(sim_device_detach(rig.device), 0);
	ck_assert_uint_eq(sim_host_strays(rig.host), 0);
	sim_host_destroy(rig.host);
	sim_channel_destroy(rig.channel);
	ck_assert_uint_eq(sim_malloc_count(), 0);
}

void
rig_open_app(void)
{
	ck_assert_int_eq(sim_open(APP_VSS_DEV_NAME, SIM_READ | SIM_WRITE,
			     &rig.app),
	    0);
}

void
rig_open_fs(void)
{
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_READ | SIM_WRITE,
			     &rig.fs),
	    0);
}

void
rig_close_file(struct sim_file **file)
{
	sim_close(*file);
	*file = NULL;
}

uint64_t
rig_ask(enum sim_host_op op)
{
	uint64_t id = 0;

	ck_assert_int_eq(sim_host_ask(rig.host, op, &id), 0);
	return (id);
}

/* The reply to id, which is well formed and has this status. */
void
rig_expect(uint64_t id, uint32_t status)
{
	ck_assert(sim_host_wait(rig.host, id, VSS_RIG_PATIENT_MS, &rig.reply));
	ck_assert_msg(rig.reply.fault == NULL, "reply: %s", rig.reply.fault);
	ck_assert_uint_eq(rig.reply.status, status);
}

uint64_t
rig_reads(struct sim_file *file, uint32_t op)
{
	struct hv_vss_opt_msg msg;

	ck_assert_int_eq(sim_poll(file, POLLIN, VSS_RIG_PATIENT_MS), POLLIN);
	ck_assert_int_eq(sim_ioctl(file, IOCHVVSSREAD, &msg), 0);
	ck_assert_uint_eq(msg.opt, op);
	ck_assert_uint_eq(msg.status, VSS_SUCCESS);
	ck_assert_uint_eq(sim_poll(file, POLLIN, 0), 0);
	return (msg.msgid);
}

int
rig_writes(struct sim_file *file, uint32_t op, uint64_t msgid, uint32_t status)
{
	struct hv_vss_opt_msg msg = { .opt = op,
		.status = status,
		.msgid = msgid };

	return (sim_ioctl(file, IOCHVVSSWRITE, &msg));
}

uint64_t
rig_serve(struct sim_file *file, uint32_t op, uint32_t status)
{
	uint64_t msgid = rig_reads(file, op);

	ck_assert_int_eq(rig_writes(file, op, msgid, status), 0);
	return (msgid);
}

void
rig_nothing_waits(struct sim_file *file)
{
	struct hv_vss_opt_msg msg;

	ck_assert_int_eq(sim_poll(file, POLLIN, 0), 0);
	ck_assert_int_eq(sim_ioctl(file, IOCHVVSSREAD, &msg), 0);
	ck_assert_uint_eq(msg.opt, HV_VSS_NONE);
	ck_assert_uint_eq(msg.status, VSS_FAIL);
}
