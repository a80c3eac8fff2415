/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user ABI of the two VSS devices, shared by the driver and by the
 * programs that open them.  Binary-identical to the header of the same name in
 * FreeBSD's base system; the extension at the end is appvss's own.
 *
 * A device is opened for reading and writing by one program at a time; a second
 * open fails with EBUSY.  poll(2) says readable while a request waits.
 */
#ifndef HV_SNAPSHOT_H
#define HV_SNAPSHOT_H

#include <sys/types.h>

#ifdef __FreeBSD__
#include <sys/ioccom.h>
#endif
#ifndef _KERNEL
#include <stdint.h>
#endif

#define FS_VSS_DEV_NAME	 "hv_fsvss_dev"	 /* opened by hv_vss_daemon */
#define APP_VSS_DEV_NAME "hv_appvss_dev" /* opened by appvssd */
#define VSS_DEV(name)	 "/dev/" name

/* hv_vss_opt_msg.status */
#define VSS_SUCCESS 0x00000000u
#define VSS_FAIL    0x00000001u

/* hv_vss_opt_msg.opt */
enum hv_vss_op_t {
	HV_VSS_NONE = 0,
	HV_VSS_CHECK,
	HV_VSS_FREEZE,
	HV_VSS_THAW,
	HV_VSS_COUNT
};

/*
 * One request, as read, and its answer, as written back with status set.
 * opt and msgid must be returned unchanged.
 */
struct hv_vss_opt_msg {
	uint32_t opt;	 /* enum hv_vss_op_t */
	uint32_t status; /* VSS_SUCCESS or VSS_FAIL */
	uint64_t msgid;	 /* names the request; unique while the driver lives */
	uint8_t reserved[48]; /* zero */
} __attribute__((packed));

/*
 * IOCHVVSSREAD takes the waiting request.  With nothing waiting it returns 0
 * with status VSS_FAIL and opt HV_VSS_NONE.
 *
 * IOCHVVSSWRITE answers a request.  Errors of appvss's driver: EACCES (not
 * opened for writing), EINVAL (opt or status is not one of the values above, or
 * not the operation of that msgid), ETIMEDOUT (the answer came too late: the
 * host has been told FAIL, and the answerer must undo what it did), ESRCH (no
 * such request, or answered before), ENXIO (the device has gone; a little later
 * the system itself says ENOTTY).  The driver of the base system returns 0 for
 * a late answer.
 */
#ifdef __FreeBSD__
#define IOCHVVSSREAD  _IOR('v', 2, struct hv_vss_opt_msg)
#define IOCHVVSSWRITE _IOW('v', 3, struct hv_vss_opt_msg)
#else
/* FreeBSD's encoding: Linux's macros of the same names give other numbers. */
#define IOCHVVSSREAD  0x40407602UL
#define IOCHVVSSWRITE 0x80407603UL
#endif

/*
 * Extension: what the host was told at last for a msgid.  The base system's
 * driver does not have it and returns 0 for any ioctl that it does not know,
 * without touching the argument: so a caller sets told to VSS_TOLD_NOTHING
 * first, and takes that value for "unknown".
 */
enum hv_vss_told {
	VSS_TOLD_NOTHING = 0, /* left by the caller; never set by the driver */
	VSS_TOLD_PENDING,     /* the request is not finished */
	VSS_TOLD_SUCCESS,
	VSS_TOLD_FAIL,	    /* application or file systems failed */
	VSS_TOLD_TIMEOUT,   /* the driver's limit passed; the host was told FAIL
			     */
	VSS_TOLD_FORGOTTEN, /* a msgid too old, or never given out */
};

struct hv_vss_result {
	uint64_t msgid;	     /* in */
	uint32_t told;	     /* out: enum hv_vss_told */
	uint32_t status;     /* out: Hyper-V status sent to the host */
	uint64_t elapsed_us; /* out: from the host's request to the reply */
	uint8_t reserved[8]; /* zero */
} __attribute__((packed));

#ifdef __FreeBSD__
#define IOCHVVSSRESULT _IOWR('v', 4, struct hv_vss_result)
#else
#define IOCHVVSSRESULT 0xc0207604UL
#endif

_Static_assert(sizeof(struct hv_vss_opt_msg) == 64, "message ABI");
_Static_assert(sizeof(struct hv_vss_result) == 32, "result ABI");
_Static_assert(IOCHVVSSREAD == 0x40407602UL, "read ioctl ABI");
_Static_assert(IOCHVVSSWRITE == 0x80407603UL, "write ioctl ABI");
_Static_assert(IOCHVVSSRESULT == 0xc0207604UL, "result ioctl ABI");

#endif /* HV_SNAPSHOT_H */
