/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv_appvss_sim, the module with a simulated host, in the simulated kernel: its
 * control node used well and badly.  The driver behind it is that of
 * test_vss_driver.c.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_appvss_sim/hv_appvss_sim.h"
#include "kernel/hv_snapshot.h"
#include "kernel/sim/sim.h"

#define PATIENT_MS 5000
#define FAIL	   0x80004005u
#define CHECK	   2
#define DM_INFO	   3
#define FREEZE	   5
#define THAW	   6

static struct sim_file *control, *app, *fs;

static void
open_file(const char *name, struct sim_file **file)
{
	ck_assert_int_eq(sim_open(name, SIM_READ | SIM_WRITE, file), 0);
}

static void
close_file(struct sim_file **file)
{
	if (*file != NULL)
		sim_close(*file);
	*file = NULL;
}

static void
setup(void)
{
	ck_assert_int_eq(sim_module_load(sim_module_hv_appvss_sim), 0);
	open_file(HV_APPVSS_SIM_NAME, &control);
	open_file(APP_VSS_DEV_NAME, &app);
	open_file(FS_VSS_DEV_NAME, &fs);
}

static void
teardown(void)
{
	close_file(&control);
	close_file(&app);
	close_file(&fs);
	ck_assert_int_eq(sim_module_unload(sim_module_hv_appvss_sim), 0);
	ck_assert_uint_eq(sim_malloc_count(), 0);
}

static void
ask(uint32_t id, uint8_t operation)
{
	struct hv_appvss_sim_packet packet = { .id = id, .length = 40 };

	packet.bytes[12] = 5;
	packet.bytes[14] = 5;
	packet.bytes[18] = 12;
	packet.bytes[24] = (uint8_t)id;
	packet.bytes[25] = 3;
	packet.bytes[28] = operation;
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_SEND, &packet), 0);
}

static void
expect(uint32_t id, uint32_t status)
{
	struct hv_appvss_sim_packet packet;
	uint32_t got;

	ck_assert_int_eq(sim_poll(control, POLLIN, PATIENT_MS), POLLIN);
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_RECEIVE, &packet), 0);
	ck_assert_uint_eq(packet.id, id);
	ck_assert_uint_eq(packet.length, 40);
	ck_assert_uint_eq(packet.bytes[24], (uint8_t)id);
	ck_assert_uint_eq(packet.bytes[25], 5);
	memcpy(&got, packet.bytes + 20, sizeof(got));
	ck_assert_uint_eq(got, status);
}

static void
expect_nothing(void)
{
	struct hv_appvss_sim_packet packet;

	ck_assert_int_eq(sim_poll(control, POLLIN, 0), 0);
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_RECEIVE, &packet),
	    EAGAIN);
}

static uint64_t
reads(struct sim_file *file, uint32_t op)
{
	struct hv_vss_opt_msg msg;

	ck_assert_int_eq(sim_poll(file, POLLIN, PATIENT_MS), POLLIN);
	ck_assert_int_eq(sim_ioctl(file, IOCHVVSSREAD, &msg), 0);
	ck_assert_uint_eq(msg.opt, op);
	return (msg.msgid);
}

static void
serve(struct sim_file *file, uint32_t op)
{
	struct hv_vss_opt_msg msg = { .opt = op };

	msg.msgid = reads(file, op);
	ck_assert_int_eq(sim_ioctl(file, IOCHVVSSWRITE, &msg), 0);
}

START_TEST(whole_snapshot)
{
	ask(7, CHECK);
	serve(app, HV_VSS_CHECK);
	expect_nothing();
	serve(fs, HV_VSS_CHECK);
	expect(7, 0);
	ask(8, FREEZE);
	serve(app, HV_VSS_FREEZE);
	serve(fs, HV_VSS_FREEZE);
	expect(8, 0);
	ask(UINT32_MAX, THAW);
	serve(fs, HV_VSS_THAW);
	serve(app, HV_VSS_THAW);
	expect(UINT32_MAX, 0);
	expect_nothing();
	ck_assert_uint_eq(sim_sysctl_number("successes"), 3);
	/* It was thawed: the end of the host is no event. */
	close_file(&control);
	ck_assert_int_eq(sim_poll(fs, POLLIN, 0), 0);
	ck_assert_uint_eq(sim_sysctl_number("requests"), 3);
}
END_TEST

START_TEST(host_that_goes_thaws)
{
	ask(1, FREEZE);
	serve(app, HV_VSS_FREEZE);
	serve(fs, HV_VSS_FREEZE);
	expect(1, 0);
	close_file(&control);
	serve(fs, HV_VSS_THAW);
	serve(app, HV_VSS_THAW);

	/* In the middle of a freeze too. */
	open_file(HV_APPVSS_SIM_NAME, &control);
	expect_nothing();
	ask(1, FREEZE);
	serve(app, HV_VSS_FREEZE);
	close_file(&control);
	serve(app, HV_VSS_THAW);

	/* Once: the next one has nothing frozen. */
	open_file(HV_APPVSS_SIM_NAME, &control);
	ck_assert_uint_eq(sim_sysctl_number("requests"), 4);
	close_file(&control);
	ck_assert_uint_eq(sim_sysctl_number("requests"), 4);
}
END_TEST

START_TEST(replies_are_for_their_own_host)
{
	ask(1, CHECK);
	ask(2, DM_INFO);
	reads(app, HV_VSS_CHECK);
	close_file(&control);
	open_file(HV_APPVSS_SIM_NAME, &control);
	/* Neither what waited nor what comes now has this host's name. */
	close_file(&fs);
	expect_nothing();
	ask(1, DM_INFO);
	expect(1, 0);
	expect_nothing();
}
END_TEST

START_TEST(control_node_is_checked)
{
	static struct hv_appvss_sim_packet packet;
	struct sim_file *second;
	unsigned i;

	ck_assert_int_eq(sim_open(HV_APPVSS_SIM_NAME, SIM_READ | SIM_WRITE,
			     &second),
	    EBUSY);
	ck_assert_int_eq(sim_open(HV_APPVSS_SIM_NAME, SIM_READ, &second),
	    EACCES);
	ck_assert_int_eq(sim_open(HV_APPVSS_SIM_NAME, SIM_WRITE, &second),
	    EACCES);
	packet.length = HV_APPVSS_SIM_BYTES_MAX + 1;
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_SEND, &packet),
	    EINVAL);
	packet.length = UINT32_MAX;
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_SEND, &packet),
	    EINVAL);
	/* Replies, and what is too short to be more, are not answered. */
	for (i = 0; i <= 48; i += 8) {
		memset(packet.bytes, 0xff, sizeof(packet.bytes));
		packet.length = i;
		ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_SEND,
				     &packet),
		    0);
	}
	packet.length = HV_APPVSS_SIM_BYTES_MAX;
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_SEND, &packet), 0);
	ck_assert_int_eq(sim_ioctl(control, IOCHVVSSREAD, &packet), ENOTTY);
	expect_nothing();
	ck_assert_int_eq(sim_poll(control, POLLOUT, 0), POLLOUT);
}
END_TEST

START_TEST(replies_that_nobody_takes)
{
	uint32_t id;

	unsigned lines = sim_log_count();

	for (id = 1; id <= HV_APPVSS_SIM_REPLIES_MAX + 100; id++)
		ask(id, DM_INFO);
	ck_assert_uint_eq(sim_sysctl_number("send_errors"), 100);
	/* 1, 2, 4, ... 64. */
	ck_assert_uint_eq(sim_log_count() - lines, 7);
	for (id = 1; id <= HV_APPVSS_SIM_REPLIES_MAX; id++)
		expect(id, 0);
	expect_nothing();
	ask(1, DM_INFO);
	expect(1, 0);
}
END_TEST

START_TEST(padding_is_zero)
{
	struct hv_appvss_sim_packet packet = { .id = 1, .length = 29 };

	/* A FREEZE cut short; what follows in the caller's memory is not it. */
	packet.bytes[12] = 5;
	packet.bytes[25] = 3;
	packet.bytes[28] = 5;
	memset(packet.bytes + 29, 0xee, 11);
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_SEND, &packet), 0);
	serve(app, HV_VSS_FREEZE);
	serve(fs, HV_VSS_FREEZE);
	ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_RECEIVE, &packet), 0);
	ck_assert_uint_eq(packet.length, 32);
	ck_assert_uint_eq(packet.bytes[29], 0);
	ck_assert_uint_eq(packet.bytes[32], 0);
}
END_TEST

START_TEST(unload_with_openers)
{
	struct hv_appvss_sim_packet packet = { 0 };
	struct sim_knote *kn;
	unsigned flags;
	int64_t data;
	unsigned round;

	ck_assert_int_eq(sim_kq_add(fs, &kn), 0);
	ask(1, FREEZE);
	reads(app, HV_VSS_FREEZE);
	for (round = 0; round < 3; round++) {
		ck_assert_int_eq(sim_module_unload(sim_module_hv_appvss_sim),
		    0);
		ck_assert_int_eq(sim_ioctl(control, HV_APPVSS_SIM_SEND,
				     &packet),
		    ENXIO);
		ck_assert_int_ne(sim_poll(app, POLLIN, 0) & POLLHUP, 0);
		ck_assert(sim_kq_wait(kn, PATIENT_MS, &flags, &data));
		ck_assert_uint_ne(flags & 0x8000u, 0);
		ck_assert_int_eq(sim_module_load(sim_module_hv_appvss_sim), 0);
	}
	sim_kq_delete(kn);
}
END_TEST

START_TEST(refuses_beside_another_driver)
{
	struct vmbus_channel *channel;
	struct sim_device *device;

	channel = sim_channel_create(sim_guid_vss);
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, channel,
			     &device),
	    EEXIST);
	ck_assert_int_eq(sim_module_unload(sim_module_hv_appvss_sim), 0);
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, channel,
			     &device),
	    0);
	ck_assert_int_eq(sim_module_load(sim_module_hv_appvss_sim), EEXIST);
	ck_assert_int_eq(sim_device_detach(device), 0);
	sim_channel_destroy(channel);
	ck_assert_int_eq(sim_module_load(sim_module_hv_appvss_sim), 0);
}
END_TEST

static bool finished; /* atomic */

static bool
done(void)
{
	return (__atomic_load_n(&finished, __ATOMIC_ACQUIRE));
}

/* A host that comes and goes, and asks whatever comes to its mind. */
static void *
race_host(void *arg)
{
	static const uint8_t operations[] = { CHECK, FREEZE, THAW, DM_INFO, 9 };
	struct hv_appvss_sim_packet packet, reply;
	struct sim_file *file;
	unsigned i, turn = 0;

	(void)arg;
	memset(&packet, 0, sizeof(packet));
	packet.length = 40;
	packet.bytes[12] = 5;
	packet.bytes[25] = 3;
	while (!done()) {
		if (sim_open(HV_APPVSS_SIM_NAME, SIM_READ | SIM_WRITE, &file) !=
		    0)
			continue;
		for (i = turn++ % 7; i > 0; i--) {
			packet.id++;
			packet.bytes[28] = operations[packet.id % 5];
			(void)sim_ioctl(file, HV_APPVSS_SIM_SEND, &packet);
			(void)sim_poll(file, POLLIN, 2);
			(void)sim_ioctl(file, HV_APPVSS_SIM_RECEIVE, &reply);
		}
		sim_close(file);
	}
	return (NULL);
}

static void *
race_opener(void *arg)
{
	struct hv_vss_opt_msg msg;
	struct sim_file *file;
	unsigned i, turn = 0;

	while (!done()) {
		if (sim_open(arg, SIM_READ | SIM_WRITE, &file) != 0)
			continue;
		for (i = turn++ % 9; i > 0; i--) {
			(void)sim_poll(file, POLLIN, 2);
			if (sim_ioctl(file, IOCHVVSSREAD, &msg) == 0 &&
			    msg.opt != HV_VSS_NONE)
				(void)sim_ioctl(file, IOCHVVSSWRITE, &msg);
		}
		sim_close(file);
	}
	return (NULL);
}

/* Two hosts, both openers, and the module comes and goes all the while. */
START_TEST(threads_race)
{
	static char app_name[] = APP_VSS_DEV_NAME, fs_name[] = FS_VSS_DEV_NAME;
	pthread_t threads[4];
	unsigned cycle, i;

	close_file(&control);
	close_file(&app);
	close_file(&fs);
	ck_assert_int_eq(pthread_create(&threads[0], NULL, race_host, NULL), 0);
	ck_assert_int_eq(pthread_create(&threads[1], NULL, race_host, NULL), 0);
	ck_assert_int_eq(pthread_create(&threads[2], NULL, race_opener,
			     app_name),
	    0);
	ck_assert_int_eq(pthread_create(&threads[3], NULL, race_opener,
			     fs_name),
	    0);
	for (cycle = 0; cycle < 40; cycle++) {
		ck_assert_int_eq(sim_sysctl_set("log_level", 0), 0);
		ck_assert_int_eq(sim_sysctl_set("limit_ms", 100), 0);
		(void)poll(NULL, 0, (int)(cycle * 7 % 20));
		ck_assert_int_eq(sim_module_unload(sim_module_hv_appvss_sim),
		    0);
		ck_assert_int_eq(sim_module_load(sim_module_hv_appvss_sim), 0);
	}
	__atomic_store_n(&finished, true, __ATOMIC_RELEASE);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vss_module");
	TCase *tcase = tcase_create("module");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, whole_snapshot);
	tcase_add_test(tcase, host_that_goes_thaws);
	tcase_add_test(tcase, replies_are_for_their_own_host);
	tcase_add_test(tcase, control_node_is_checked);
	tcase_add_test(tcase, replies_that_nobody_takes);
	tcase_add_test(tcase, padding_is_zero);
	tcase_add_test(tcase, unload_with_openers);
	tcase_add_test(tcase, refuses_beside_another_driver);
	tcase_add_test(tcase, threads_race);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
