/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the Hyper-V host on the VSS channel: what a request asks for, and
 * the bytes of its reply.  Pure: no lock, no clock, no allocation, no I/O.  The
 * only place where bytes of the host become values.  The host is not trusted:
 * the received length is the truth, every field is checked against it, and a
 * request is copied, so that a later message cannot change a pending one.
 *
 * Layout of an integration-component message (little-endian, packed): pipe
 * flags u32, pipe size u32, framework version u16.u16, type u16, message
 * version u16.u16, data size u16, status u32, transaction id u8, flags u8,
 * reserved u16; at 28 the body: for VSS the operation u8, 7 reserved bytes and
 * feature flags u32; for a negotiation two counts u16, reserved u32 and the
 * offered versions, framework ones first.
 */
#ifndef HV_APPVSS_MSG_H
#define HV_APPVSS_MSG_H

#ifdef _KERNEL
#include <sys/param.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#define HV_APPVSS_MSG_HEADER	28  /* bytes before the body */
#define HV_APPVSS_MSG_VSS	40  /* header and VSS body */
#define HV_APPVSS_MSG_NEGOTIATE 44  /* a negotiation's reply */
#define HV_APPVSS_MSG_MAX	128 /* bytes of a request that are kept */

/* Hyper-V status codes, the reply's status. */
#define HV_APPVSS_STATUS_OK	       0x00000000u
#define HV_APPVSS_STATUS_FAIL	       0x80004005u
#define HV_APPVSS_STATUS_NOT_SUPPORTED 0x80070032u

/* Versions, major in the high half: they compare as numbers. */
#define HV_APPVSS_VERSION(major, minor) \
	(((uint32_t)(major) << 16) | (uint32_t)(minor))
#define HV_APPVSS_FRAMEWORK_MAX HV_APPVSS_VERSION(3, 0)
#define HV_APPVSS_MESSAGE_MAX	HV_APPVSS_VERSION(5, 0)
/* FREEZE and THAW exist from this message version on. */
#define HV_APPVSS_MESSAGE_FREEZE HV_APPVSS_VERSION(5, 0)

enum hv_appvss_msg_kind {
	HV_APPVSS_MSG_DROP,   /* too short or itself a reply: no answer */
	HV_APPVSS_MSG_ANSWER, /* answered at once, with msg.status */
	HV_APPVSS_MSG_CHECK,  /* the others go through the request queue */
	HV_APPVSS_MSG_FREEZE,
	HV_APPVSS_MSG_THAW,
};

/* A private copy of a request: enough to build its reply at any later time. */
struct hv_appvss_msg {
	enum hv_appvss_msg_kind kind;
	uint32_t status; /* of an ANSWER: the status to reply with */
	bool negotiated; /* the two versions below were agreed on */
	uint32_t framework_version;
	uint32_t message_version;
	uint16_t length; /* bytes in use */
	uint8_t bytes[HV_APPVSS_MSG_MAX];
};

/*
 * Decodes length received bytes into *msg and returns msg->kind.
 * message_version is the agreed one, or 0 before a negotiation: below 5.0,
 * FREEZE and THAW are not supported.  Longer requests are cut to
 * HV_APPVSS_MSG_MAX and answered FAIL, except a negotiation, of which only the
 * reply's bytes are kept.
 */
enum hv_appvss_msg_kind hv_appvss_msg_decode(struct hv_appvss_msg *msg,
    const void *bytes, size_t length, uint32_t message_version);

/*
 * Turns msg into its reply, in place: status, flags, and for the two requests
 * that have them the feature flags.  Returns the bytes to send.
 */
size_t hv_appvss_msg_reply(struct hv_appvss_msg *msg, uint32_t status);

#endif /* HV_APPVSS_MSG_H */
