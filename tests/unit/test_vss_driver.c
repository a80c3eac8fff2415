/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The faults of FreeBSD's base driver that this one must not have: each has a
 * test that is named after it, and fails on a driver that has the fault.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_snapshot.h"
#include "vss_rig.h"

#define KQ_EOF 0x8000u

START_TEST(whole_snapshot)
{
	uint64_t id;

	rig_open_app();
	rig_open_fs();
	rig_expect(rig_ask(SIM_HOST_NEGOTIATE), 0);
	rig_expect(rig_ask(SIM_HOST_DM_INFO), 0);
	id = rig_ask(SIM_HOST_CHECK);
	rig_serve(rig.app, HV_VSS_CHECK, VSS_SUCCESS);
	rig_serve(rig.fs, HV_VSS_CHECK, VSS_SUCCESS);
	rig_expect(id, 0);
	id = rig_ask(SIM_HOST_FREEZE);
	rig_serve(rig.app, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_serve(rig.fs, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_expect(id, 0);
	id = rig_ask(SIM_HOST_THAW);
	rig_serve(rig.fs, HV_VSS_THAW, VSS_SUCCESS);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);
	rig_expect(id, 0);
	ck_assert_uint_eq(sim_sysctl_number("requests"), 3);
	ck_assert_uint_eq(sim_sysctl_number("successes"), 3);
	ck_assert_uint_eq(sim_sysctl_number("failures"), 0);
}
END_TEST

START_TEST(fault_1_later_message_does_not_spoil_pending_reply)
{
	uint64_t id, other;

	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_CHECK);
	rig_reads(rig.app, HV_VSS_CHECK);
	other = rig_ask(SIM_HOST_FREEZE);
	rig_expect(other, VSS_RIG_FAIL);
	rig_expect(rig_ask(SIM_HOST_DM_INFO), 0);
	rig_close_file(&rig.fs);
	/* The transaction id and the flags are those of the CHECK. */
	rig_expect(id, VSS_RIG_FAIL);
}
END_TEST

START_TEST(fault_2_lengths_are_checked)
{
	uint8_t bytes[64] = { [12] = 5, [25] = 3, [28] = 5 };
	uint64_t id;
	size_t length;

	for (length = 0; length <= 24; length += 8)
		ck_assert_int_eq(sim_host_ask_raw(rig.host, bytes, length, &id),
		    0);
	/* In order: its answer says that those before were looked at. */
	bytes[28] = 2;
	ck_assert_int_eq(sim_host_ask_raw(rig.host, bytes, 32, &id), 0);
	rig_expect(id, VSS_RIG_FAIL);
	bytes[18] = 200;
	ck_assert_int_eq(sim_host_ask_raw(rig.host, bytes, 40, &id), 0);
	rig_expect(id, VSS_RIG_FAIL);
	ck_assert_uint_eq(sim_sysctl_number("dropped"), 4);
	/* None of it was taken for a request. */
	ck_assert_uint_eq(sim_sysctl_number("requests"), 0);
}
END_TEST

START_TEST(fault_3_everything_is_answered)
{
	uint8_t bytes[40] = { [12] = 5, [25] = 3, [28] = 7 };
	uint64_t id, unknown;

	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_CHECK);
	rig_expect(rig_ask(SIM_HOST_THAW), VSS_RIG_FAIL);
	rig_expect(rig_ask(SIM_HOST_CHECK), VSS_RIG_FAIL);
	ck_assert_int_eq(sim_host_ask_raw(rig.host, bytes, 40, &unknown), 0);
	rig_expect(unknown, 0x80070032u);
	rig_serve(rig.app, HV_VSS_CHECK, VSS_SUCCESS);
	rig_serve(rig.fs, HV_VSS_CHECK, VSS_SUCCESS);
	rig_expect(id, 0);
}
END_TEST

START_TEST(fault_4_answers_are_checked)
{
	uint64_t id, msgid;

	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_FREEZE);
	msgid = rig_reads(rig.app, HV_VSS_FREEZE);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_CHECK, msgid, 0), EINVAL);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_NONE, msgid, 0), EINVAL);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_COUNT, msgid, 0), EINVAL);
	ck_assert_int_eq(rig_writes(rig.app, UINT32_MAX, msgid, 0), EINVAL);
	/* Looked at before the msgid is. */
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_COUNT, msgid + 1, 0),
	    EINVAL);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 0x100),
	    EINVAL);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 2), EINVAL);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid + 1, 0),
	    ESRCH);
	ck_assert_int_eq(rig_writes(rig.fs, HV_VSS_FREEZE, msgid, 0), ESRCH);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 0), 0);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 0), ESRCH);
	rig_serve(rig.fs, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_expect(id, 0);
}
END_TEST

/* Answers at about the limit: what the opener and the host hear agrees. */
START_TEST(fault_5_answer_and_limit_race)
{
	struct hv_vss_opt_msg msg;
	unsigned late = 0, missed = 0, round;
	uint64_t id;
	int error;

	ck_assert_int_eq(sim_sysctl_set("limit_ms", 100), 0);
	rig_open_fs();
	for (round = 0; round < 12; round++) {
		id = rig_ask(SIM_HOST_CHECK);
		(void)sim_poll(rig.fs, POLLIN, 1000);
		ck_assert_int_eq(sim_ioctl(rig.fs, IOCHVVSSREAD, &msg), 0);
		if (msg.opt == HV_VSS_NONE) {
			/* On a busy machine the limit was first. */
			rig_expect(id, VSS_RIG_FAIL);
			missed++;
			continue;
		}
		(void)poll(NULL, 0, 97 + (int)round % 6);
		error = rig_writes(rig.fs, HV_VSS_CHECK, msg.msgid,
		    VSS_SUCCESS);
		ck_assert(error == 0 || error == ETIMEDOUT);
		rig_expect(id, error == 0 ? 0 : VSS_RIG_FAIL);
		late += error != 0;
	}
	ck_assert_uint_eq(sim_sysctl_number("late_answers"), late);
	ck_assert_uint_eq(sim_sysctl_number("timeouts"), late + missed);
	ck_assert_uint_lt(missed, round);
}
END_TEST

START_TEST(fault_6_late_answer_fails)
{
	uint64_t id, msgid;

	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_FREEZE);
	msgid = rig_reads(rig.app, HV_VSS_FREEZE);
	rig_expect(id, VSS_RIG_FAIL);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 0),
	    ETIMEDOUT);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 0), ESRCH);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);
	rig_nothing_waits(rig.fs);
}
END_TEST

START_TEST(fault_7_close_ends_request)
{
	uint64_t id;

	/* A limit that the test would not live to see. */
	ck_assert_int_eq(sim_sysctl_set("limit", 600), 0);
	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_CHECK);
	rig_serve(rig.app, HV_VSS_CHECK, VSS_SUCCESS);
	rig_reads(rig.fs, HV_VSS_CHECK);
	rig_close_file(&rig.fs);
	rig_expect(id, VSS_RIG_FAIL);

	rig_open_fs();
	id = rig_ask(SIM_HOST_CHECK);
	rig_reads(rig.app, HV_VSS_CHECK);
	rig_close_file(&rig.app);
	rig_serve(rig.fs, HV_VSS_CHECK, VSS_SUCCESS);
	rig_expect(id, 0);

	ck_assert_int_eq(sim_sysctl_set("app_required", 1), 0);
	rig_open_app();
	id = rig_ask(SIM_HOST_FREEZE);
	rig_reads(rig.app, HV_VSS_FREEZE);
	rig_close_file(&rig.app);
	rig_expect(id, VSS_RIG_FAIL);
	rig_nothing_waits(rig.fs);
}
END_TEST

/* The application's success finds nobody to go on to. */
START_TEST(fault_8_file_system_opener_is_gone)
{
	uint64_t id, msgid;

	ck_assert_int_eq(sim_sysctl_set("limit", 600), 0);
	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_FREEZE);
	msgid = rig_reads(rig.app, HV_VSS_FREEZE);
	rig_close_file(&rig.fs);
	rig_expect(id, VSS_RIG_FAIL);
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 0),
	    ETIMEDOUT);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);
	/* Nor is the next request stranded. */
	rig_expect(rig_ask(SIM_HOST_CHECK), VSS_RIG_FAIL);
	rig_nothing_waits(rig.app);
}
END_TEST

static bool detached; /* atomic */

/* In the middle of a close, until the end of the device waits for it. */
static void
hold_close(void)
{
	sim_set_destructor_hook(NULL);
	while (sim_sleepers() == 0 &&
	    !__atomic_load_n(&detached, __ATOMIC_ACQUIRE))
		(void)poll(NULL, 0, 1);
	ck_assert(!__atomic_load_n(&detached, __ATOMIC_ACQUIRE));
}

static void *
close_fs(void *arg)
{
	(void)arg;
	rig_close_file(&rig.fs);
	return (NULL);
}

START_TEST(fault_13_detach_waits_for_close)
{
	struct sim_file *fs;
	pthread_t thread;

	rig_open_fs();
	fs = rig.fs;
	sim_set_destructor_hook(hold_close);
	ck_assert_int_eq(pthread_create(&thread, NULL, close_fs, NULL), 0);
	/* It has left the device's list when READ finds no private data. */
	while (sim_ioctl(fs, IOCHVVSSRESULT,
		   &(struct hv_vss_result) { .msgid = 1 }) == 0)
		(void)poll(NULL, 0, 1);
	ck_assert_int_eq(sim_device_detach(rig.device), 0);
	__atomic_store_n(&detached, true, __ATOMIC_RELEASE);
	rig.device = NULL;
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(fault_14_application_is_told_of_failure)
{
	uint64_t id;

	ck_assert_int_eq(sim_sysctl_set("limit", 600), 0);
	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_FREEZE);
	rig_serve(rig.app, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_close_file(&rig.fs);
	rig_expect(id, VSS_RIG_FAIL);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);

	rig_open_fs();
	id = rig_ask(SIM_HOST_FREEZE);
	rig_serve(rig.app, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_serve(rig.fs, HV_VSS_FREEZE, VSS_FAIL);
	rig_expect(id, VSS_RIG_FAIL);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);

	ck_assert_int_eq(sim_sysctl_set("limit_ms", VSS_RIG_LIMIT_MS), 0);
	id = rig_ask(SIM_HOST_FREEZE);
	rig_serve(rig.app, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_expect(id, VSS_RIG_FAIL);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);
	rig_nothing_waits(rig.fs);
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
	rig_open_fs();
	ck_assert_uint_eq(sim_sysctl_number("fs_open"), 1);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), EBUSY);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_READ, &second), 0);
	sim_close(second);
	id = rig_ask(SIM_HOST_CHECK);
	ck_assert_int_eq(sim_poll(rig.fs, POLLIN, VSS_RIG_PATIENT_MS), POLLIN);
	rig_nothing_waits(reader);
	ck_assert_int_eq(sim_kq_add(reader, &kn), EACCES);
	msgid = rig_reads(rig.fs, HV_VSS_CHECK);
	ck_assert_int_eq(rig_writes(reader, HV_VSS_CHECK, msgid, 0), EACCES);
	ck_assert_int_eq(sim_ioctl(reader, IOCHVVSSRESULT, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_PENDING);
	sim_close(reader);
	ck_assert_int_eq(rig_writes(rig.fs, HV_VSS_CHECK, msgid, 0), 0);
	rig_expect(id, 0);

	/* A copy of the descriptor keeps the slot. */
	sim_dup(rig.fs);
	sim_close(rig.fs);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), EBUSY);
	rig_close_file(&rig.fs);
	rig_open_fs();
}
END_TEST

START_TEST(fault_10_kqueue)
{
	struct sim_knote *kn;
	unsigned flags = 0;
	int64_t data = 0;
	uint64_t id;

	rig_open_fs();
	ck_assert_int_eq(sim_kq_add(rig.fs, &kn), 0);
	ck_assert(!sim_kq_wait(kn, 0, &flags, &data));
	id = rig_ask(SIM_HOST_CHECK);
	ck_assert(sim_kq_wait(kn, VSS_RIG_PATIENT_MS, &flags, &data));
	ck_assert_int_eq(data, sizeof(struct hv_vss_opt_msg));
	ck_assert_uint_eq(flags & KQ_EOF, 0);
	rig_serve(rig.fs, HV_VSS_CHECK, VSS_SUCCESS);
	ck_assert(!sim_kq_wait(kn, 0, &flags, &data));
	rig_expect(id, 0);
	/* The end of the device is an event, and the knote outlives it. */
	ck_assert_int_eq(sim_device_detach(rig.device), 0);
	rig.device = NULL;
	ck_assert(sim_kq_wait(kn, VSS_RIG_PATIENT_MS, &flags, &data));
	ck_assert_uint_ne(flags & KQ_EOF, 0);
	sim_kq_delete(kn);
}
END_TEST

START_TEST(fault_11_unknown_ioctls)
{
	char data[256] = "";

	rig_open_fs();
	ck_assert_int_eq(sim_ioctl(rig.fs, 0x40407605, data), ENOTTY);
	ck_assert_int_eq(sim_ioctl(rig.fs, 0x20007602, data), ENOTTY);
	/* FIONBIO and FIOASYNC: fcntl(F_SETFL) must work. */
	ck_assert_int_eq(sim_ioctl(rig.fs, 0x8004667e, data), 0);
	ck_assert_int_eq(sim_ioctl(rig.fs, 0x8004667d, data), 0);
}
END_TEST

START_TEST(fault_12_msgids)
{
	uint64_t id, msgid, last = 0;
	unsigned i;

	rig_open_fs();
	for (i = 0; i < 40; i++) {
		id = rig_ask(SIM_HOST_CHECK);
		msgid = rig_serve(rig.fs, HV_VSS_CHECK, VSS_SUCCESS);
		ck_assert_uint_gt(msgid, last);
		last = msgid;
		rig_expect(id, 0);
	}
}
END_TEST

static void *
poll_for_end(void *arg)
{
	int *revents = arg;

	*revents = sim_poll(rig.app, POLLIN, -1);
	return (NULL);
}

START_TEST(fault_13_detach_with_a_request_and_openers)
{
	struct hv_vss_opt_msg msg = { 0 };
	struct sim_file *second;
	pthread_t thread;
	char text[32];
	uint64_t id;
	int revents = 0;

	rig_open_app();
	rig_open_fs();
	id = rig_ask(SIM_HOST_FREEZE);
	rig_reads(rig.app, HV_VSS_FREEZE);
	ck_assert_int_eq(pthread_create(&thread, NULL, poll_for_end, &revents),
	    0);
	ck_assert_int_eq(sim_device_detach(rig.device), 0);
	pthread_join(thread, NULL);
	ck_assert_int_ne(revents & POLLHUP, 0);
	rig_expect(id, VSS_RIG_FAIL);
	ck_assert_int_eq(sim_ioctl(rig.app, IOCHVVSSREAD, &msg), ENXIO);
	ck_assert_int_eq(sim_ioctl(rig.fs, IOCHVVSSWRITE, &msg), ENXIO);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), ENOENT);
	ck_assert_int_eq(sim_sysctl_get("requests", text, sizeof(text)),
	    ENOENT);
	/* It comes back while the old descriptors are still open. */
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, rig.channel,
			     &rig.device),
	    0);
	ck_assert_int_eq(sim_open(FS_VSS_DEV_NAME, SIM_WRITE, &second), 0);
	sim_close(second);
}
END_TEST

START_TEST(fault_15_answers_before_any_opener)
{
	rig_expect(rig_ask(SIM_HOST_NEGOTIATE), 0);
	rig_expect(rig_ask(SIM_HOST_DM_INFO), 0);
	rig_expect(rig_ask(SIM_HOST_CHECK), VSS_RIG_FAIL);
	rig_expect(rig_ask(SIM_HOST_FREEZE), VSS_RIG_FAIL);
	rig_expect(rig_ask(SIM_HOST_THAW), VSS_RIG_FAIL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vss_driver");
	TCase *tcase = tcase_create("driver");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
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
	tcase_add_test(tcase, fault_8_file_system_opener_is_gone);
	tcase_add_test(tcase, fault_9_access_mode);
	tcase_add_test(tcase, fault_10_kqueue);
	tcase_add_test(tcase, fault_11_unknown_ioctls);
	tcase_add_test(tcase, fault_12_msgids);
	tcase_add_test(tcase, fault_13_detach_with_a_request_and_openers);
	tcase_add_test(tcase, fault_13_detach_waits_for_close);
	tcase_add_test(tcase, fault_14_application_is_told_of_failure);
	tcase_add_test(tcase, fault_15_answers_before_any_opener);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
