/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoder and encoder of the host's messages: see the header.  Reads and
 * writes single bytes only, never a structure laid over the host's bytes.
 */
#ifdef _KERNEL
#include <sys/param.h>
#include <sys/systm.h>
#else
#include <string.h>
#endif

#include "hv_appvss_msg.h"

enum {
	OFF_PIPE_SIZE = 4,
	OFF_TYPE = 12,
	OFF_DATA_SIZE = 18,
	OFF_STATUS = 20,
	OFF_FLAGS = 25,
	OFF_OPERATION = 28,
	OFF_FRAMEWORK_COUNT = 28,
	OFF_MESSAGE_COUNT = 30,
	OFF_FEATURES = 36,
	OFF_VERSIONS = 36,
};

enum { TYPE_NEGOTIATE = 0, TYPE_VSS = 5 };

enum { FLAG_TRANSACTION = 1, FLAG_RESPONSE = 4 };

enum {
	OPERATION_HOT_BACKUP = 2,
	OPERATION_GET_DM_INFO = 3,
	OPERATION_FREEZE = 5,
	OPERATION_THAW = 6,
};

/* HOT_BACKUP's answer: the snapshot needs no recovery by the host. */
#define FEATURE_NO_AUTO_RECOVERY 5

static uint16_t
get16(const uint8_t *p)
{
	return ((uint16_t)(p[0] | (p[1] << 8)));
}

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)get16(p) | ((uint32_t)get16(p + 2) << 16));
}

static void
put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static void
put32(uint8_t *p, uint32_t value)
{
	put16(p, (uint16_t)value);
	put16(p + 2, (uint16_t)(value >> 16));
}

/* On the wire the major number is the low half. */
static uint32_t
get_version(const uint8_t *p)
{
	return (HV_APPVSS_VERSION(get16(p), get16(p + 2)));
}

static void
put_version(uint8_t *p, uint32_t version)
{
	put16(p, (uint16_t)(version >> 16));
	put16(p + 2, (uint16_t)version);
}

/* The highest of count versions that is not above limit. */
static bool
select_version(const uint8_t *p, size_t count, uint32_t limit,
    uint32_t *selected)
{
	uint32_t version;
	bool found = false;
	size_t i;

	for (i = 0; i < count; i++) {
		version = get_version(p + 4 * i);
		if (version <= limit && (!found || version > *selected)) {
			*selected = version;
			found = true;
		}
	}
	return (found);
}

/*
 * Both counts 0 and "not supported" is the answer when no offered version
 * fits.  The pipe size shrinks or grows with the message, so that it goes on
 * meaning whatever the host took it to mean.
 */
static void
decode_negotiate(struct hv_appvss_msg *msg, const uint8_t *bytes, size_t length)
{
	size_t framework_count, message_count, offered;
	uint32_t pipe_size;

	if (length < OFF_VERSIONS) {
		msg->status = HV_APPVSS_STATUS_FAIL;
		return;
	}
	framework_count = get16(bytes + OFF_FRAMEWORK_COUNT);
	message_count = get16(bytes + OFF_MESSAGE_COUNT);
	offered = 4 * (framework_count + message_count);
	if (offered > length - OFF_VERSIONS) {
		msg->status = HV_APPVSS_STATUS_FAIL;
		return;
	}
	msg->negotiated = select_version(bytes + OFF_VERSIONS, framework_count,
			      HV_APPVSS_FRAMEWORK_MAX,
			      &msg->framework_version) &&
	    select_version(bytes + OFF_VERSIONS + 4 * framework_count,
		message_count, HV_APPVSS_MESSAGE_MAX, &msg->message_version);
	if (!msg->negotiated) {
		msg->framework_version = 0;
		msg->message_version = 0;
		msg->status = HV_APPVSS_STATUS_NOT_SUPPORTED;
	}

	pipe_size = get32(bytes + OFF_PIPE_SIZE);
	put32(msg->bytes + OFF_PIPE_SIZE, pipe_size + 8 - (uint32_t)offered);
	put16(msg->bytes + OFF_DATA_SIZE,
	    HV_APPVSS_MSG_NEGOTIATE - HV_APPVSS_MSG_HEADER);
	put16(msg->bytes + OFF_FRAMEWORK_COUNT, msg->negotiated ? 1 : 0);
	put16(msg->bytes + OFF_MESSAGE_COUNT, msg->negotiated ? 1 : 0);
	put_version(msg->bytes + OFF_VERSIONS, msg->framework_version);
	put_version(msg->bytes + OFF_VERSIONS + 4, msg->message_version);
	msg->length = HV_APPVSS_MSG_NEGOTIATE;
}

/*
 * The data size may be smaller than the body (only what was received is read),
 * but a message that claims more than was received is malformed.
 */
static void
decode_vss(struct hv_appvss_msg *msg, size_t length, uint32_t message_version)
{
	bool old = message_version != 0 &&
	    message_version < HV_APPVSS_MESSAGE_FREEZE;

	if (length <= OFF_OPERATION || length > HV_APPVSS_MSG_MAX ||
	    get16(msg->bytes + OFF_DATA_SIZE) > length - HV_APPVSS_MSG_HEADER) {
		msg->status = HV_APPVSS_STATUS_FAIL;
		return;
	}
	switch (msg->bytes[OFF_OPERATION]) {
	case OPERATION_HOT_BACKUP:
		msg->status = HV_APPVSS_STATUS_FAIL;
		if (length >= HV_APPVSS_MSG_VSS)
			msg->kind = HV_APPVSS_MSG_CHECK;
		return;
	case OPERATION_GET_DM_INFO:
		msg->status = length >= HV_APPVSS_MSG_VSS ?
		    HV_APPVSS_STATUS_OK :
		    HV_APPVSS_STATUS_FAIL;
		return;
	case OPERATION_FREEZE:
		if (!old)
			msg->kind = HV_APPVSS_MSG_FREEZE;
		break;
	case OPERATION_THAW:
		if (!old)
			msg->kind = HV_APPVSS_MSG_THAW;
		break;
	default:
		break;
	}
	msg->status = HV_APPVSS_STATUS_NOT_SUPPORTED;
}

enum hv_appvss_msg_kind
hv_appvss_msg_decode(struct hv_appvss_msg *msg, const void *data, size_t length,
    uint32_t message_version)
{
	const uint8_t *bytes = data;

	memset(msg, 0, sizeof(*msg));
	msg->kind = HV_APPVSS_MSG_DROP;
	if (length < HV_APPVSS_MSG_HEADER ||
	    (bytes[OFF_FLAGS] & FLAG_RESPONSE) != 0)
		return (msg->kind);
	msg->length = (uint16_t)(length < HV_APPVSS_MSG_MAX ?
		length :
		HV_APPVSS_MSG_MAX);
	memcpy(msg->bytes, bytes, msg->length);
	msg->kind = HV_APPVSS_MSG_ANSWER;
	msg->status = HV_APPVSS_STATUS_OK;
	switch (get16(bytes + OFF_TYPE)) {
	case TYPE_NEGOTIATE:
		decode_negotiate(msg, bytes, length);
		break;
	case TYPE_VSS:
		decode_vss(msg, length, message_version);
		break;
	default:
		msg->status = HV_APPVSS_STATUS_NOT_SUPPORTED;
		break;
	}
	return (msg->kind);
}

size_t
hv_appvss_msg_reply(struct hv_appvss_msg *msg, uint32_t status)
{
	if (get16(msg->bytes + OFF_TYPE) == TYPE_VSS &&
	    msg->length >= HV_APPVSS_MSG_VSS) {
		if (msg->bytes[OFF_OPERATION] == OPERATION_HOT_BACKUP)
			put32(msg->bytes + OFF_FEATURES,
			    FEATURE_NO_AUTO_RECOVERY);
		else if (msg->bytes[OFF_OPERATION] == OPERATION_GET_DM_INFO)
			put32(msg->bytes + OFF_FEATURES, 0);
	}
	put32(msg->bytes + OFF_STATUS, status);
	msg->bytes[OFF_FLAGS] = FLAG_TRANSACTION | FLAG_RESPONSE;
	return (msg->length);
}
