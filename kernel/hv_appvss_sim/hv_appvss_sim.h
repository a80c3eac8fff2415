/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control node of hv_appvss_sim(4): how a program plays the Hyper-V host.
 * It sends the bytes that a host would put on the VSS channel, and takes the
 * bytes of the driver's replies.
 *
 * One program at a time has the node open; it is readable to poll(2) while a
 * reply waits.  No call blocks.
 */
#ifndef HV_APPVSS_SIM_H
#define HV_APPVSS_SIM_H

#include <sys/types.h>

#ifdef __FreeBSD__
#include <sys/ioccom.h>
#endif
#ifndef _KERNEL
#include <stdint.h>
#endif

#define HV_APPVSS_SIM_NAME	  "hv_appvss_sim"
#define HV_APPVSS_SIM_BYTES_MAX	  4096 /* of one message */
#define HV_APPVSS_SIM_REPLIES_MAX 64   /* not taken; more are not sent */

struct hv_appvss_sim_packet {
	uint32_t id;	 /* of a request, chosen by the host; its reply's too */
	uint32_t length; /* bytes in use */
	uint8_t bytes[HV_APPVSS_SIM_BYTES_MAX];
};

/*
 * SEND gives the driver a message; as on a real channel, its length is rounded
 * up to a multiple of 8.  EINVAL: length is too large.
 *
 * RECEIVE takes the oldest reply.  EAGAIN: there is none.
 */
#ifdef __FreeBSD__
#define HV_APPVSS_SIM_SEND    _IOW('v', 16, struct hv_appvss_sim_packet)
#define HV_APPVSS_SIM_RECEIVE _IOR('v', 17, struct hv_appvss_sim_packet)
#else
/* FreeBSD's encoding: Linux's macros of the same names give other numbers. */
#define HV_APPVSS_SIM_SEND    0x90087610UL
#define HV_APPVSS_SIM_RECEIVE 0x50087611UL
#endif

_Static_assert(sizeof(struct hv_appvss_sim_packet) == 4104, "packet ABI");
_Static_assert(HV_APPVSS_SIM_SEND == 0x90087610UL, "send ioctl ABI");
_Static_assert(HV_APPVSS_SIM_RECEIVE == 0x50087611UL, "receive ioctl ABI");

#endif /* HV_APPVSS_SIM_H */
