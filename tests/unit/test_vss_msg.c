/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host messages: negotiation, requests, replies, and whatever a hostile host
 * may send instead.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_appvss/hv_appvss_msg.h"

#define V(major, minor) HV_APPVSS_VERSION(major, minor)

struct packet {
	size_t length;
	uint8_t bytes[512];
};

static void
put16(uint8_t *p, unsigned value)
{
	p[0] = value & 0xff;
	p[1] = value >> 8 & 0xff;
}

static unsigned
get16(const uint8_t *p)
{
	return (p[0] | p[1] << 8);
}

static uint32_t
get32(const uint8_t *p)
{
	return (get16(p) | (uint32_t)get16(p + 2) << 16);
}

static struct packet
vss_packet(uint8_t operation)
{
	struct packet packet = { .length = 40 };

	packet.bytes[0] = 1;
	packet.bytes[4] = 32;
	packet.bytes[12] = 5;
	packet.bytes[18] = 12;
	packet.bytes[24] = 77;
	packet.bytes[25] = 3;
	packet.bytes[28] = operation;
	put16(packet.bytes + 36, 0xbeef);
	return (packet);
}

/* nframework and nmessage versions out of one list, major high. */
static struct packet
negotiate_packet(unsigned nframework, unsigned nmessage,
    const uint32_t *versions)
{
	struct packet packet = { .length = 36 };
	unsigned i;

	packet.bytes[4] = (uint8_t)(28 + 4 * (nframework + nmessage));
	packet.bytes[25] = 3;
	put16(packet.bytes + 18, 8 + 4 * (nframework + nmessage));
	put16(packet.bytes + 28, nframework);
	put16(packet.bytes + 30, nmessage);
	for (i = 0; i < nframework + nmessage; i++) {
		put16(packet.bytes + packet.length, versions[i] >> 16);
		put16(packet.bytes + packet.length + 2, versions[i] & 0xffff);
		packet.length += 4;
	}
	return (packet);
}

static struct hv_appvss_msg
decode(const struct packet *packet)
{
	struct hv_appvss_msg msg;

	hv_appvss_msg_decode(&msg, packet->bytes, packet->length, 0);
	return (msg);
}

START_TEST(negotiates_highest_supported)
{
	static const uint32_t versions[] = { V(1, 0), V(3, 0), V(4, 0), V(3, 1),
		V(4, 9), V(6, 0), V(5, 0), V(5, 1) };
	struct packet packet = negotiate_packet(4, 4, versions);
	struct hv_appvss_msg msg = decode(&packet);

	ck_assert_int_eq(msg.kind, HV_APPVSS_MSG_ANSWER);
	ck_assert(msg.negotiated);
	ck_assert_uint_eq(msg.framework_version, V(3, 0));
	ck_assert_uint_eq(msg.message_version, V(5, 0));
	ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_OK);
	ck_assert_uint_eq(hv_appvss_msg_reply(&msg, msg.status), 44);
	ck_assert_uint_eq(get16(msg.bytes + 28), 1);
	ck_assert_uint_eq(get16(msg.bytes + 30), 1);
	ck_assert_uint_eq(get16(msg.bytes + 36), 3);
	ck_assert_uint_eq(get16(msg.bytes + 38), 0);
	ck_assert_uint_eq(get16(msg.bytes + 40), 5);
	ck_assert_uint_eq(get16(msg.bytes + 18), 16);
	ck_assert_uint_eq(get32(msg.bytes + 4), 36);
	ck_assert_uint_eq(msg.bytes[25], 5);
}
END_TEST

START_TEST(negotiates_minor_after_major)
{
	static const uint32_t versions[] = { V(1, 9), V(2, 258), V(2, 2),
		V(4, 2), V(3, 65535), V(4, 3) };
	struct packet packet = negotiate_packet(3, 3, versions);
	struct hv_appvss_msg msg = decode(&packet);

	ck_assert_uint_eq(msg.framework_version, V(2, 258));
	ck_assert_uint_eq(msg.message_version, V(4, 3));
	hv_appvss_msg_reply(&msg, msg.status);
	ck_assert_uint_eq(get16(msg.bytes + 36), 2);
	ck_assert_uint_eq(get16(msg.bytes + 38), 258);
	ck_assert_uint_eq(get16(msg.bytes + 40), 4);
	ck_assert_uint_eq(get16(msg.bytes + 42), 3);
}
END_TEST

START_TEST(refuses_versions_that_do_not_fit)
{
	static const uint32_t versions[] = { V(3, 0), V(6, 0) };
	struct packet packet = negotiate_packet(1, 1, versions);
	struct hv_appvss_msg msg = decode(&packet);

	ck_assert(!msg.negotiated);
	ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_NOT_SUPPORTED);
	ck_assert_uint_eq(hv_appvss_msg_reply(&msg, msg.status), 44);
	ck_assert_uint_eq(get32(msg.bytes + 28), 0);
	ck_assert_uint_eq(get32(msg.bytes + 36), 0);
	ck_assert_uint_eq(get32(msg.bytes + 40), 0);
	packet = negotiate_packet(0, 0, versions);
	msg = decode(&packet);
	ck_assert(!msg.negotiated);
	ck_assert_uint_eq(hv_appvss_msg_reply(&msg, msg.status), 44);
}
END_TEST

START_TEST(bounds_negotiation_counts)
{
	static const uint32_t versions[] = { V(3, 0), V(5, 0) };
	struct packet packet = negotiate_packet(1, 1, versions);
	struct hv_appvss_msg msg;

	put16(packet.bytes + 28, 2);
	msg = decode(&packet);
	ck_assert_int_eq(msg.kind, HV_APPVSS_MSG_ANSWER);
	ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_FAIL);
	put16(packet.bytes + 28, 0xffff);
	put16(packet.bytes + 30, 0xffff);
	msg = decode(&packet);
	ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_FAIL);
	packet.length = 35;
	ck_assert_uint_eq(decode(&packet).status, HV_APPVSS_STATUS_FAIL);
}
END_TEST

START_TEST(decodes_operations)
{
	static const struct {
		uint8_t operation;
		enum hv_appvss_msg_kind kind;
		uint32_t status;
	} rows[] = {
		{ 0, HV_APPVSS_MSG_ANSWER, HV_APPVSS_STATUS_NOT_SUPPORTED },
		{ 1, HV_APPVSS_MSG_ANSWER, HV_APPVSS_STATUS_NOT_SUPPORTED },
		{ 2, HV_APPVSS_MSG_CHECK, 0 },
		{ 3, HV_APPVSS_MSG_ANSWER, HV_APPVSS_STATUS_OK },
		{ 4, HV_APPVSS_MSG_ANSWER, HV_APPVSS_STATUS_NOT_SUPPORTED },
		{ 5, HV_APPVSS_MSG_FREEZE, 0 },
		{ 6, HV_APPVSS_MSG_THAW, 0 },
		{ 7, HV_APPVSS_MSG_ANSWER, HV_APPVSS_STATUS_NOT_SUPPORTED },
		{ 8, HV_APPVSS_MSG_ANSWER, HV_APPVSS_STATUS_NOT_SUPPORTED },
		{ 255, HV_APPVSS_MSG_ANSWER, HV_APPVSS_STATUS_NOT_SUPPORTED },
	};
	struct packet packet;
	struct hv_appvss_msg msg;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		packet = vss_packet(rows[i].operation);
		msg = decode(&packet);
		ck_assert_int_eq(msg.kind, rows[i].kind);
		if (msg.kind == HV_APPVSS_MSG_ANSWER)
			ck_assert_uint_eq(msg.status, rows[i].status);
	}
}
END_TEST

START_TEST(freeze_needs_message_version_5)
{
	struct packet packet = vss_packet(5);
	struct hv_appvss_msg msg;

	ck_assert_int_eq(hv_appvss_msg_decode(&msg, packet.bytes, 40, V(4, 9)),
	    HV_APPVSS_MSG_ANSWER);
	ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_NOT_SUPPORTED);
	ck_assert_int_eq(hv_appvss_msg_decode(&msg, packet.bytes, 40, V(5, 0)),
	    HV_APPVSS_MSG_FREEZE);
	packet = vss_packet(2);
	ck_assert_int_eq(hv_appvss_msg_decode(&msg, packet.bytes, 40, V(4, 0)),
	    HV_APPVSS_MSG_CHECK);
}
END_TEST

START_TEST(reply_keeps_the_request_and_sets_its_fields)
{
	struct packet packet = vss_packet(2);
	struct hv_appvss_msg msg = decode(&packet);
	size_t i;

	/* The host's buffer is used for its next message meanwhile. */
	memset(packet.bytes, 0xee, sizeof(packet.bytes));
	ck_assert_uint_eq(hv_appvss_msg_reply(&msg, HV_APPVSS_STATUS_FAIL), 40);
	packet = vss_packet(2);
	for (i = 0; i < 36; i++)
		if ((i < 20 || i > 23) && i != 25)
			ck_assert_uint_eq(msg.bytes[i], packet.bytes[i]);
	ck_assert_uint_eq(get32(msg.bytes + 20), HV_APPVSS_STATUS_FAIL);
	ck_assert_uint_eq(msg.bytes[25], 5);
	ck_assert_uint_eq(get32(msg.bytes + 36), 5);

	packet = vss_packet(3);
	msg = decode(&packet);
	hv_appvss_msg_reply(&msg, msg.status);
	ck_assert_uint_eq(get32(msg.bytes + 36), 0);

	packet = vss_packet(5);
	msg = decode(&packet);
	hv_appvss_msg_reply(&msg, HV_APPVSS_STATUS_OK);
	ck_assert_uint_eq(get32(msg.bytes + 36), 0xbeef);
}
END_TEST

START_TEST(checks_every_length)
{
	struct packet packet = vss_packet(2);
	struct hv_appvss_msg msg;
	uint8_t i;

	for (packet.length = 0; packet.length < 28; packet.length++)
		ck_assert_int_eq(decode(&packet).kind, HV_APPVSS_MSG_DROP);
	for (; packet.length < 40; packet.length++) {
		msg = decode(&packet);
		ck_assert_int_eq(msg.kind, HV_APPVSS_MSG_ANSWER);
		ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_FAIL);
		ck_assert_uint_eq(hv_appvss_msg_reply(&msg, msg.status),
		    packet.length);
	}
	ck_assert_int_eq(decode(&packet).kind, HV_APPVSS_MSG_CHECK);
	packet.length = HV_APPVSS_MSG_MAX;
	ck_assert_int_eq(decode(&packet).kind, HV_APPVSS_MSG_CHECK);
	packet.length = HV_APPVSS_MSG_MAX + 1;
	msg = decode(&packet);
	ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_FAIL);
	ck_assert_uint_eq(hv_appvss_msg_reply(&msg, msg.status),
	    HV_APPVSS_MSG_MAX);

	/* Short in itself, too: no room for the flags of the answer. */
	for (i = 2; i <= 3; i++) {
		packet = vss_packet(i);
		packet.length = 36;
		put16(packet.bytes + 18, 8);
		msg = decode(&packet);
		ck_assert_int_eq(msg.kind, HV_APPVSS_MSG_ANSWER);
		ck_assert_uint_eq(msg.status, HV_APPVSS_STATUS_FAIL);
	}
	packet = vss_packet(5);
	put16(packet.bytes + 18, 13);
	ck_assert_uint_eq(decode(&packet).status, HV_APPVSS_STATUS_FAIL);
	packet = vss_packet(5);
	packet.bytes[25] = 4;
	ck_assert_int_eq(decode(&packet).kind, HV_APPVSS_MSG_DROP);
	packet = vss_packet(5);
	packet.bytes[12] = 2;
	ck_assert_uint_eq(decode(&packet).status,
	    HV_APPVSS_STATUS_NOT_SUPPORTED);
}
END_TEST

/* Random bytes: the sanitizers are the oracle for memory, this for the rest. */
START_TEST(survives_random_messages)
{
	struct packet packet;
	struct hv_appvss_msg msg;
	uint8_t *exact;
	unsigned round;
	size_t i, length;

	srandom(20);
	for (round = 0; round < 200000; round++) {
		packet.length = (size_t)random() % 160;
		for (i = 0; i < packet.length; i++)
			packet.bytes[i] = (uint8_t)random();
		packet.bytes[12] = random() % 3 == 0 ? 0 : 5;
		packet.bytes[13] = 0;
		packet.bytes[25] &= 3;
		packet.bytes[28] &= 15;
		packet.bytes[29] &= random() % 2 ? 0 : 255;
		packet.bytes[30] &= 15;
		packet.bytes[31] = 0;
		/* A block of its own, so that a read behind it is seen. */
		exact = malloc(packet.length + 1);
		ck_assert_ptr_nonnull(exact);
		memcpy(exact + 1, packet.bytes, packet.length);
		hv_appvss_msg_decode(&msg, exact + 1, packet.length, 0);
		free(exact);
		if (msg.kind == HV_APPVSS_MSG_DROP)
			continue;
		length = hv_appvss_msg_reply(&msg, HV_APPVSS_STATUS_FAIL);
		ck_assert_uint_ge(length, HV_APPVSS_MSG_HEADER);
		ck_assert_uint_le(length, HV_APPVSS_MSG_MAX);
		ck_assert_uint_eq(msg.bytes[25], 5);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vss_msg");
	TCase *tcase = tcase_create("msg");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, negotiates_highest_supported);
	tcase_add_test(tcase, negotiates_minor_after_major);
	tcase_add_test(tcase, refuses_versions_that_do_not_fit);
	tcase_add_test(tcase, bounds_negotiation_counts);
	tcase_add_test(tcase, decodes_operations);
	tcase_add_test(tcase, freeze_needs_message_version_5);
	tcase_add_test(tcase, reply_keeps_the_request_and_sets_its_fields);
	tcase_add_test(tcase, checks_every_length);
	tcase_add_test(tcase, survives_random_messages);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
