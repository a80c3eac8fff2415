/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole driver in the simulated kernel.  The first tests are named after
 * the faults of FreeBSD's base driver that this one must not have.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_snapshot.h"
#include "kernel/sim/host.h"
#include "kernel/sim/sim.h"

#define LIMIT_MS   300	/* of the driver, in these tests */
#define PATIENT_MS 5000 /* for what happens at once */
#define FAIL	   0x80004005u
#define KQ_EOF	   0x8000u

static struct vmbus_channel *channel;
static struct sim_host *host;
static struct sim_device *device;
static struct sim_file *app, *fs;
static struct sim_host_reply reply;

static void
setup(void)
{
	channel = sim_channel_create(sim_guid_vss);
	host = sim_host_create(channel);
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, channel,
			     &device),
	    0);
	ck_assert_int_eq(sim_sysctl_set("limit_ms", LIMIT_MS), 0);
}

static void
teardown(void)
{
	if (app != NULL)
		sim_close(app);
	if (fs != NULL)
		sim_close(fs);
	if (device != NULL)
		ck_assert_int_eq(sim_device_detach(device), 0);
	ck_assert_uint_eq(sim_host_strays(host), 0);
	sim_host_destroy(host);
	sim_channel_destroy(channel);
	ck_assert_uint_eq(sim_malloc_count(), 0);
}

static void
open_app(void)
{
	ck_assert_int_eq(sim_open(APP_VSS_DEV_NAME, SIM_READ | SIM_WRITE, &app),
	    0);
}

static void
open_fs(void)
{
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_READ | SIM_WRITE, &fs),
	    0);
}

static void
close_file(struct sim_file **file)
{
	sim_close(*file);
	*file = NULL;
}

static uint64_t
ask(enum sim_host_op op)
{
	uint64_t id = 0;

	ck_assert_int_eq(sim_host_ask(host, op, &id), 0);
	return (id);
}

/* The reply to id, which is well formed and has this status. */
static void
expect(uint64_t id, uint32_t status)
{
	ck_assert(sim_host_wait(host, id, PATIENT_MS, &reply));
	ck_assert_msg(reply.fault == NULL, "reply: %s", reply.fault);
	ck_assert_uint_eq(reply.status, status);
}

static uint64_t
reads(struct sim_file *file, uint32_t op)
{
	struct hv_vss_opt_msg msg;

	ck_assert_int_eq(sim_poll(file, POLLIN, PATIENT_MS), POLLIN);
	ck_assert_int_eq(sim_ioctl(file, IOCHVVSSREAD, &msg), 0);
	ck_assert_uint_eq(msg.opt, op);
	ck_assert_uint_eq(msg.status, VSS_SUCCESS);
	ck_assert_uint_eq(sim_poll(file, POLLIN, 0), 0);
	return (msg.msgid);
}

static int
writes(struct sim_file *file, uint32_t op, uint64_t msgid, uint32_t status)
{
	struct hv_vss_opt_msg msg = { .opt = op,
		.status = status,
		.msgid = msgid };

	return (sim_ioctl(file, IOCHVVSSWRITE, &msg));
}

static uint64_t
serve(struct sim_file *file, uint32_t op, uint32_t status)
{
	uint64_t msgid = reads(file, op);

	ck_assert_int_eq(writes(file, op, msgid, status), 0);
	return (msgid);
}

static void
nothing_waits(struct sim_file *file)
{
	struct hv_vss_opt_msg msg;

	ck_assert_int_eq(sim_poll(file, POLLIN, 0), 0);
	ck_assert_int_eq(sim_ioctl(file, IOCHVVSSREAD, &msg), 0);
	ck_assert_uint_eq(msg.opt, HV_VSS_NONE);
	ck_assert_uint_eq(msg.status, VSS_FAIL);
}

START_TEST(whole_snapshot)
{
	uint64_t id;

	open_app();
	open_fs();
	expect(ask(SIM_HOST_NEGOTIATE), 0);
	expect(ask(SIM_HOST_DM_INFO), 0);
	id = ask(SIM_HOST_CHECK);
	serve(app, HV_VSS_CHECK, VSS_SUCCESS);
	serve(fs, HV_VSS_CHECK, VSS_SUCCESS);
	expect(id, 0);
	id = ask(SIM_HOST_FREEZE);
	serve(app, HV_VSS_FREEZE, VSS_SUCCESS);
	serve(fs, HV_VSS_FREEZE, VSS_SUCCESS);
	expect(id, 0);
	id = ask(SIM_HOST_THAW);
	serve(fs, HV_VSS_THAW, VSS_SUCCESS);
	serve(app, HV_VSS_THAW, VSS_SUCCESS);
	expect(id, 0);
	ck_assert_uint_eq(sim_sysctl_number("requests"), 3);
	ck_assert_uint_eq(sim_sysctl_number("successes"), 3);
	ck_assert_uint_eq(sim_sysctl_number("failures"), 0);
}
END_TEST

START_TEST(fault_1_later_message_does_not_spoil_pending_reply)
{
	uint64_t id, other;

	open_app();
	open_fs();
	id = ask(SIM_HOST_CHECK);
	reads(app, HV_VSS_CHECK);
	other = ask(SIM_HOST_FREEZE);
	expect(other, FAIL);
	expect(ask(SIM_HOST_DM_INFO), 0);
	close_file(&fs);
	/* The transaction id and the flags are those of the CHECK. */
	expect(id, FAIL);
}
END_TEST

START_TEST(fault_2_lengths_are_checked)
{
	uint8_t bytes[64] = { [12] = 5, [25] = 3, [28] = 5 };
	uint64_t id;
	size_t length;

	for (length = 0; length <= 24; length += 8)
		ck_assert_int_eq(sim_host_ask_raw(host, bytes, length, &id), 0);
	/* In order: its answer says that those before were looked at. */
	bytes[28] = 2;
	ck_assert_int_eq(sim_host_ask_raw(host, bytes, 32, &id), 0);
	expect(id, FAIL);
	bytes[18] = 200;
	ck_assert_int_eq(sim_host_ask_raw(host, bytes, 40, &id), 0);
	expect(id, FAIL);
	ck_assert_uint_eq(sim_sysctl_number("dropped"), 4);
}
END_TEST

START_TEST(fault_3_everything_is_answered)
{
	uint8_t bytes[40] = { [12] = 5, [25] = 3, [28] = 7 };
	uint64_t id, unknown;

	open_app();
	open_fs();
	id = ask(SIM_HOST_CHECK);
	expect(ask(SIM_HOST_THAW), FAIL);
	expect(ask(SIM_HOST_CHECK), FAIL);
	ck_assert_int_eq(sim_host_ask_raw(host, bytes, 40, &unknown), 0);
	expect(unknown, 0x80070032u);
	serve(app, HV_VSS_CHECK, VSS_SUCCESS);
	serve(fs, HV_VSS_CHECK, VSS_SUCCESS);
	expect(id, 0);
}
END_TEST

START_TEST(fault_4_answers_are_checked)
{
	uint64_t id, msgid;

	open_app();
	open_fs();
	id = ask(SIM_HOST_FREEZE);
	msgid = reads(app, HV_VSS_FREEZE);
	ck_assert_int_eq(writes(app, HV_VSS_CHECK, msgid, 0), EINVAL);
	ck_assert_int_eq(writes(app, HV_VSS_NONE, msgid, 0), EINVAL);
	ck_assert_int_eq(writes(app, HV_VSS_COUNT, msgid, 0), EINVAL);
	ck_assert_int_eq(writes(app, UINT32_MAX, msgid, 0), EINVAL);
	ck_assert_int_eq(writes(app, HV_VSS_FREEZE, msgid, 0x100), EINVAL);
	ck_assert_int_eq(writes(app, HV_VSS_FREEZE, msgid, 2), EINVAL);
	ck_assert_int_eq(writes(app, HV_VSS_FREEZE, msgid + 1, 0), ESRCH);
	ck_assert_int_eq(writes(fs, HV_VSS_FREEZE, msgid, 0), ESRCH);
	ck_assert_int_eq(writes(app, HV_VSS_FREEZE, msgid, 0), 0);
	ck_assert_int_eq(writes(app, HV_VSS_FREEZE, msgid, 0), ESRCH);
	serve(fs, HV_VSS_FREEZE, VSS_SUCCESS);
	expect(id, 0);
}
END_TEST

/* Answers at about the limit: what the opener and the host hear agrees. */
START_TEST(fault_5_answer_and_limit_race)
{
	uint64_t id, msgid;
	unsigned late = 0, round;
	int error;

	ck_assert_int_eq(sim_sysctl_set("limit_ms", 100), 0);
	open_fs();
	for (round = 0; round < 12; round++) {
		id = ask(SIM_HOST_CHECK);
		msgid = reads(fs, HV_VSS_CHECK);
		(void)poll(NULL, 0, 97 + (int)round % 6);
		error = writes(fs, HV_VSS_CHECK, msgid, VSS_SUCCESS);
		ck_assert(error == 0 || error == ETIMEDOUT);
		expect(id, error == 0 ? 0 : FAIL);
		late += error != 0;
	}
	ck_assert_uint_eq(sim_sysctl_number("late_answers"), late);
	ck_assert_uint_eq(sim_sysctl_number("timeouts"), late);
}
END_TEST

START_TEST(fault_6_late_answer_fails)
{
	uint64_t id, msgid;

	open_app();
	open_fs();
	id = ask(SIM_HOST_FREEZE);
	msgid = reads(app, HV_VSS_FREEZE);
	expect(id, FAIL);
	ck_assert_int_eq(writes(app, HV_VSS_FREEZE, msgid, 0), ETIMEDOUT);
	ck_assert_int_eq(writes(app, HV_VSS_FREEZE, msgid, 0), ESRCH);
	serve(app, HV_VSS_THAW, VSS_SUCCESS);
	nothing_waits(fs);
}
END_TEST

START_TEST(fault_7_close_ends_request)
{
	uint64_t id;

	/* A limit that the test would not live to see. */
	ck_assert_int_eq(sim_sysctl_set("limit", 600), 0);
	open_app();
	open_fs();
	id = ask(SIM_HOST_CHECK);
	serve(app, HV_VSS_CHECK, VSS_SUCCESS);
	reads(fs, HV_VSS_CHECK);
	close_file(&fs);
	expect(id, FAIL);

	open_fs();
	id = ask(SIM_HOST_CHECK);
	reads(app, HV_VSS_CHECK);
	close_file(&app);
	serve(fs, HV_VSS_CHECK, VSS_SUCCESS);
	expect(id, 0);

	ck_assert_int_eq(sim_sysctl_set("app_required", 1), 0);
	open_app();
	id = ask(SIM_HOST_FREEZE);
	reads(app, HV_VSS_FREEZE);
	close_file(&app);
	expect(id, FAIL);
	nothing_waits(fs);
}
END_TEST

START_TEST(fault_8_and_14_application_is_thawed)
{
	uint64_t id;

	ck_assert_int_eq(sim_sysctl_set("limit", 600), 0);
	open_app();
	open_fs();
	id = ask(SIM_HOST_FREEZE);
	serve(app, HV_VSS_FREEZE, VSS_SUCCESS);
	close_file(&fs);
	expect(id, FAIL);
	serve(app, HV_VSS_THAW, VSS_SUCCESS);

	open_fs();
	id = ask(SIM_HOST_FREEZE);
	serve(app, HV_VSS_FREEZE, VSS_SUCCESS);
	serve(fs, HV_VSS_FREEZE, VSS_FAIL);
	expect(id, FAIL);
	serve(app, HV_VSS_THAW, VSS_SUCCESS);

	ck_assert_int_eq(sim_sysctl_set("limit_ms", LIMIT_MS), 0);
	id = ask(SIM_HOST_FREEZE);
	serve(app, HV_VSS_FREEZE, VSS_SUCCESS);
	expect(id, FAIL);
	serve(app, HV_VSS_THAW, VSS_SUCCESS);
	nothing_waits(fs);
	ck_assert_uint_eq(sim_sysctl_number("own_thaws"), 3);
}
END_TEST

START_TEST(fault_9_access_mode)
{
	struct sim_file *reader, *second;
	struct hv_vss_result result = { .msgid = 1 };
	struct sim_knote *kn;
	uint64_t id, msgid;

	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_READ, &reader), 0);
	ck_assert_uint_eq(sim_sysctl_number("fs_open"), 0);
	open_fs();
	ck_assert_uint_eq(sim_sysctl_number("fs_open"), 1);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), EBUSY);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_READ, &second), 0);
	sim_close(second);
	id = ask(SIM_HOST_CHECK);
	ck_assert_int_eq(sim_poll(fs, POLLIN, PATIENT_MS), POLLIN);
	nothing_waits(reader);
	ck_assert_int_eq(sim_kq_add(reader, &kn), EACCES);
	msgid = reads(fs, HV_VSS_CHECK);
	ck_assert_int_eq(writes(reader, HV_VSS_CHECK, msgid, 0), EACCES);
	ck_assert_int_eq(sim_ioctl(reader, IOCHVVSSRESULT, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_PENDING);
	sim_close(reader);
	ck_assert_int_eq(writes(fs, HV_VSS_CHECK, msgid, 0), 0);
	expect(id, 0);

	/* A copy of the descriptor keeps the slot. */
	sim_dup(fs);
	sim_close(fs);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), EBUSY);
	close_file(&fs);
	open_fs();
}
END_TEST

START_TEST(fault_10_kqueue)
{
	struct sim_knote *kn;
	unsigned flags = 0;
	int64_t data = 0;
	uint64_t id;

	open_fs();
	ck_assert_int_eq(sim_kq_add(fs, &kn), 0);
	ck_assert(!sim_kq_wait(kn, 0, &flags, &data));
	id = ask(SIM_HOST_CHECK);
	ck_assert(sim_kq_wait(kn, PATIENT_MS, &flags, &data));
	ck_assert_int_eq(data, sizeof(struct hv_vss_opt_msg));
	ck_assert_uint_eq(flags & KQ_EOF, 0);
	serve(fs, HV_VSS_CHECK, VSS_SUCCESS);
	ck_assert(!sim_kq_wait(kn, 0, &flags, &data));
	expect(id, 0);
	/* The end of the device is an event, and the knote outlives it. */
	ck_assert_int_eq(sim_device_detach(device), 0);
	device = NULL;
	ck_assert(sim_kq_wait(kn, PATIENT_MS, &flags, &data));
	ck_assert_uint_ne(flags & KQ_EOF, 0);
	sim_kq_delete(kn);
}
END_TEST

START_TEST(fault_11_unknown_ioctls)
{
	char data[256] = "";

	open_fs();
	ck_assert_int_eq(sim_ioctl(fs, 0x40407605, data), ENOTTY);
	ck_assert_int_eq(sim_ioctl(fs, 0x20007602, data), ENOTTY);
	/* FIONBIO and FIOASYNC: fcntl(F_SETFL) must work. */
	ck_assert_int_eq(sim_ioctl(fs, 0x8004667e, data), 0);
	ck_assert_int_eq(sim_ioctl(fs, 0x8004667d, data), 0);
}
END_TEST

START_TEST(fault_12_msgids)
{
	uint64_t id, msgid, last = 0;
	unsigned i;

	open_fs();
	for (i = 0; i < 40; i++) {
		id = ask(SIM_HOST_CHECK);
		msgid = serve(fs, HV_VSS_CHECK, VSS_SUCCESS);
		ck_assert_uint_gt(msgid, last);
		last = msgid;
		expect(id, 0);
	}
}
END_TEST

static void *
poll_for_end(void *arg)
{
	int *revents = arg;

	*revents = sim_poll(app, POLLIN, -1);
	return (NULL);
}

START_TEST(fault_13_detach_with_a_request_and_openers)
{
	struct hv_vss_opt_msg msg = { 0 };
	struct sim_file *second;
	pthread_t thread;
	uint64_t id;
	int revents = 0;

	open_app();
	open_fs();
	id = ask(SIM_HOST_FREEZE);
	reads(app, HV_VSS_FREEZE);
	ck_assert_int_eq(pthread_create(&thread, NULL, poll_for_end, &revents),
	    0);
	ck_assert_int_eq(sim_device_detach(device), 0);
	pthread_join(thread, NULL);
	ck_assert_int_ne(revents & POLLHUP, 0);
	expect(id, FAIL);
	ck_assert_int_eq(sim_ioctl(app, IOCHVVSSREAD, &msg), ENXIO);
	ck_assert_int_eq(sim_ioctl(fs, IOCHVVSSWRITE, &msg), ENXIO);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), ENOENT);
	/* It comes back while the old descriptors are still open. */
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, channel,
			     &device),
	    0);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), 0);
	sim_close(second);
}
END_TEST

START_TEST(fault_15_answers_before_any_opener)
{
	expect(ask(SIM_HOST_NEGOTIATE), 0);
	expect(ask(SIM_HOST_DM_INFO), 0);
	expect(ask(SIM_HOST_CHECK), FAIL);
	expect(ask(SIM_HOST_FREEZE), FAIL);
	expect(ask(SIM_HOST_THAW), FAIL);
}
END_TEST

START_TEST(result_ioctl)
{
	struct hv_vss_result result = { 0 };
	uint64_t id, msgid;

	open_fs();
	id = ask(SIM_HOST_FREEZE);
	result.msgid = serve(fs, HV_VSS_FREEZE, VSS_SUCCESS);
	expect(id, 0);
	ck_assert_int_eq(sim_ioctl(fs, IOCHVVSSRESULT, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_SUCCESS);
	id = ask(SIM_HOST_THAW);
	msgid = reads(fs, HV_VSS_THAW);
	expect(id, FAIL);
	result.msgid = msgid;
	ck_assert_int_eq(sim_ioctl(fs, IOCHVVSSRESULT, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_TIMEOUT);
	ck_assert_uint_eq(result.status, FAIL);
	ck_assert_uint_ge(result.elapsed_us, LIMIT_MS * 1000 - 1000);
	result.msgid = msgid + 1;
	ck_assert_int_eq(sim_ioctl(fs, IOCHVVSSRESULT, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_FORGOTTEN);
}
END_TEST

START_TEST(administration)
{
	struct sim_device *second;
	struct vmbus_channel *other;
	char text[128];
	uint64_t id;

	/* Another driver has the devices: refused, not a panic. */
	other = sim_channel_create(sim_guid_vss);
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, other,
			     &second),
	    EEXIST);
	sim_channel_destroy(other);
	other = sim_channel_create((const uint8_t[16]) { 1 });
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, other,
			     &second),
	    ENXIO);
	sim_channel_destroy(other);
	sim_hint_disable("hv_appvss");
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, channel,
			     &second),
	    ENXIO);

	ck_assert_int_eq(sim_sysctl_set("limit_ms", 99), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("limit", 601), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("limit", -1), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("limit", 20), 0);
	ck_assert_uint_eq(sim_sysctl_number("limit_ms"), 20000);
	ck_assert_int_eq(sim_sysctl_set("app_required", 2), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("requests", 0), EPERM);

	open_fs();
	id = ask(SIM_HOST_CHECK);
	serve(fs, HV_VSS_CHECK, VSS_FAIL);
	expect(id, FAIL);
	ck_assert_uint_eq(sim_devctl_count(), 1);
	sim_devctl_last(text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "subsystem=CHECK type=fail msgid="));
	ck_assert_int_eq(sim_sysctl_get("last_result", text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "op=CHECK told=fail"));
}
END_TEST

START_TEST(damaged_and_full_rings)
{
	static const uint8_t huge[65536];
	uint64_t id;

	sim_channel_set_full(channel, true);
	id = ask(SIM_HOST_DM_INFO);
	ck_assert(!sim_host_wait(host, id, 50, &reply));
	sim_host_forget(host, id);
	sim_channel_set_full(channel, false);
	expect(ask(SIM_HOST_DM_INFO), 0);
	ck_assert_uint_eq(sim_sysctl_number("send_errors"), 1);
	/* Longer than the ring: nothing can be read from here on. */
	ck_assert_int_eq(sim_channel_send(channel, huge, sizeof(huge), 9), 0);
	id = ask(SIM_HOST_DM_INFO);
	ck_assert(!sim_host_wait(host, id, 50, &reply));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vss_driver");
	TCase *tcase = tcase_create("driver");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, whole_snapshot);
	tcase_add_test(tcase,
	    fault_1_later_message_does_not_spoil_pending_reply);
	tcase_add_test(tcase, fault_2_lengths_are_checked);
	tcase_add_test(tcase, fault_3_everything_is_answered);
	tcase_add_test(tcase, fault_4_answers_are_checked);
	tcase_add_test(tcase, fault_5_answer_and_limit_race);
	tcase_add_test(tcase, fault_6_late_answer_fails);
	tcase_add_test(tcase, fault_7_close_ends_request);
	tcase_add_test(tcase, fault_8_and_14_application_is_thawed);
	tcase_add_test(tcase, fault_9_access_mode);
	tcase_add_test(tcase, fault_10_kqueue);
	tcase_add_test(tcase, fault_11_unknown_ioctls);
	tcase_add_test(tcase, fault_12_msgids);
	tcase_add_test(tcase, fault_13_detach_with_a_request_and_openers);
	tcase_add_test(tcase, fault_15_answers_before_any_opener);
	tcase_add_test(tcase, result_ioctl);
	tcase_add_test(tcase, administration);
	tcase_add_test(tcase, damaged_and_full_rings);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
