/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the driver tells its administrator, devd(8) and openers that ask, and
 * how it stands a bad place on the bus.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_snapshot.h"
#include "vss_rig.h"

static void
expect_notification(unsigned count, const char *begin)
{
	char text[256];

	/* The reply goes out first: wait until the driver is done with it. */
	(void)sim_sysctl_number("requests");
	ck_assert_uint_eq(sim_devctl_count(), count);
	sim_devctl_last(text, sizeof(text));
	ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "\"%s\"", text);
}

START_TEST(result_ioctl)
{
	struct hv_vss_result result = { 0 };
	uint64_t id, msgid;

	rig_open_fs();
	id = rig_ask(SIM_HOST_FREEZE);
	result.msgid = rig_serve(rig.fs, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_expect(id, 0);
	ck_assert_int_eq(sim_ioctl(rig.fs, IOCHVVSSRESULT, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_SUCCESS);
	id = rig_ask(SIM_HOST_THAW);
	msgid = rig_reads(rig.fs, HV_VSS_THAW);
	rig_expect(id, VSS_RIG_FAIL);
	result.msgid = msgid;
	ck_assert_int_eq(sim_ioctl(rig.fs, IOCHVVSSRESULT, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_TIMEOUT);
	ck_assert_uint_eq(result.status, VSS_RIG_FAIL);
	ck_assert_uint_ge(result.elapsed_us, VSS_RIG_LIMIT_MS * 1000 - 1000);
	result.msgid = msgid + 1;
	ck_assert_int_eq(sim_ioctl(rig.fs, IOCHVVSSRESULT, &result), 0);
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
	ck_assert_int_eq(sim_device_attach(sim_driver_hv_appvss, rig.channel,
			     &second),
	    ENXIO);

	ck_assert_int_eq(sim_sysctl_set("limit_ms", 99), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("limit", 601), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("limit", -1), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("limit", 20), 0);
	ck_assert_uint_eq(sim_sysctl_number("limit_ms"), 20000);
	ck_assert_int_eq(sim_sysctl_set("app_required", 2), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("requests", 0), EPERM);

	rig_open_fs();
	id = rig_ask(SIM_HOST_CHECK);
	rig_serve(rig.fs, HV_VSS_CHECK, VSS_FAIL);
	rig_expect(id, VSS_RIG_FAIL);
	expect_notification(1,
	    "!system=HV_APPVSS subsystem=CHECK type=fail msgid=");
	ck_assert_int_eq(sim_sysctl_get("last_result", text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "op=CHECK told=fail"));
}
END_TEST

START_TEST(notifications_and_counters)
{
	uint64_t id, msgid;

	rig_open_app();
	rig_open_fs();
	rig_expect(rig_ask(SIM_HOST_NEGOTIATE), 0);
	ck_assert_uint_eq(sim_devctl_count(), 0);
	id = rig_ask(SIM_HOST_FREEZE);
	rig_serve(rig.app, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_serve(rig.fs, HV_VSS_FREEZE, VSS_SUCCESS);
	rig_expect(id, 0);
	expect_notification(1,
	    "!system=HV_APPVSS subsystem=FREEZE type=success msgid=1 "
	    "elapsed_us=");
	id = rig_ask(SIM_HOST_THAW);
	rig_serve(rig.fs, HV_VSS_THAW, VSS_SUCCESS);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);
	rig_expect(id, 0);
	expect_notification(2,
	    "!system=HV_APPVSS subsystem=THAW type=success msgid=2 ");
	id = rig_ask(SIM_HOST_FREEZE);
	msgid = rig_reads(rig.app, HV_VSS_FREEZE);
	rig_expect(id, VSS_RIG_FAIL);
	expect_notification(3,
	    "!system=HV_APPVSS subsystem=FREEZE type=timeout msgid=3 ");
	ck_assert_int_eq(rig_writes(rig.app, HV_VSS_FREEZE, msgid, 0),
	    ETIMEDOUT);
	rig_serve(rig.app, HV_VSS_THAW, VSS_SUCCESS);
	expect_notification(4,
	    "!system=HV_APPVSS subsystem=THAW type=fail msgid=4 ");
	ck_assert_uint_eq(sim_sysctl_number("requests"), 3);
	ck_assert_uint_eq(sim_sysctl_number("successes"), 2);
	ck_assert_uint_eq(sim_sysctl_number("failures"), 1);
	ck_assert_uint_eq(sim_sysctl_number("timeouts"), 1);
	ck_assert_uint_eq(sim_sysctl_number("late_answers"), 1);
	ck_assert_uint_eq(sim_sysctl_number("own_thaws"), 1);
	/* The one that was thawed counts: the host had its snapshot. */
	ck_assert_uint_eq(sim_sysctl_number("snapshots"), 1);
}
END_TEST

/* How many lines one failed and one answered request bring at a level. */
static unsigned
count_lines(int level)
{
	uint64_t id;
	unsigned before;

	ck_assert_int_eq(sim_sysctl_set("log_level", level), 0);
	before = sim_log_count();
	rig_expect(rig_ask(SIM_HOST_CHECK), VSS_RIG_FAIL);
	rig_open_fs();
	id = rig_ask(SIM_HOST_CHECK);
	rig_serve(rig.fs, HV_VSS_CHECK, VSS_SUCCESS);
	rig_expect(id, 0);
	rig_close_file(&rig.fs);
	return (sim_log_count() - before);
}

START_TEST(log_level)
{
	ck_assert_uint_eq(sim_sysctl_number("log_level"), 1);
	ck_assert_uint_eq(count_lines(0), 0);
	ck_assert_uint_eq(count_lines(1), 1);
	ck_assert_uint_eq(count_lines(2), 4);
	ck_assert_uint_eq(count_lines(3), 7);
	ck_assert_int_eq(sim_sysctl_set("log_level", 4), EINVAL);
	ck_assert_int_eq(sim_sysctl_set("log_level", -1), EINVAL);
	ck_assert_uint_eq(sim_sysctl_number("log_level"), 3);
}
END_TEST

static void
rig_setup_stopped(void)
{
	sim_clock_stop();
	rig_setup();
}

/* CHECKs that fail, as nobody has the devices open.  Lines in the log so far.
 */
static unsigned
fail_checks(unsigned count)
{
	uint64_t id;

	while (count-- > 0) {
		id = rig_ask(SIM_HOST_CHECK);
		ck_assert(sim_host_wait(rig.host, id, -1, &rig.reply));
		ck_assert_uint_eq(rig.reply.status, VSS_RIG_FAIL);
	}
	/* The reply goes out first: wait until the driver is done with it. */
	(void)sim_sysctl_number("requests");
	return (sim_log_count());
}

/* A host that asks in vain again and again does not fill the log. */
START_TEST(log_rate)
{
	ck_assert_uint_eq(fail_checks(1000), 10);
	sim_clock_advance(999);
	ck_assert_uint_eq(fail_checks(1), 10);
	sim_clock_advance(1);
	/* Its own line, after one that tells how many were left out. */
	ck_assert_uint_eq(fail_checks(1), 12);
	sim_clock_advance(1000);
	ck_assert_uint_eq(fail_checks(1), 13);
	ck_assert_uint_eq(sim_sysctl_number("failures"), 1003);
}
END_TEST

START_TEST(damaged_and_full_rings)
{
	static const uint8_t huge[65536];
	uint64_t id;

	sim_channel_set_full(rig.channel, true);
	id = rig_ask(SIM_HOST_DM_INFO);
	ck_assert(!sim_host_wait(rig.host, id, 50, &rig.reply));
	sim_host_forget(rig.host, id);
	sim_channel_set_full(rig.channel, false);
	rig_expect(rig_ask(SIM_HOST_DM_INFO), 0);
	ck_assert_uint_eq(sim_sysctl_number("send_errors"), 1);
	/* Longer than the ring: nothing can be read from here on. */
	ck_assert_int_eq(sim_channel_send(rig.channel, huge, sizeof(huge), 9),
	    0);
	id = rig_ask(SIM_HOST_DM_INFO);
	ck_assert(!sim_host_wait(rig.host, id, 50, &rig.reply));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vss_driver_admin");
	TCase *tcase = tcase_create("admin"),
	      *stopped = tcase_create("stopped");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, result_ioctl);
	tcase_add_test(tcase, administration);
	tcase_add_test(tcase, notifications_and_counters);
	tcase_add_test(tcase, log_level);
	tcase_add_test(tcase, damaged_and_full_rings);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(stopped, rig_setup_stopped, rig_teardown);
	tcase_set_timeout(stopped, 60);
	tcase_add_test(stopped, log_rate);
	suite_add_tcase(suite, stopped);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
