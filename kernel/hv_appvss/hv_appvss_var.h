/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the core share: its state and its lock.  Private to
 * hv_appvss_core.c, hv_appvss_dev.c and hv_appvss_sysctl.c.
 *
 * Locking: one mutex, core->mtx, guards everything in the core but what is set
 * once at attach.  It is held while replies are sent, while pollers and knotes
 * are woken and in the callout; nothing sleeps with it.
 */
#ifndef HV_APPVSS_VAR_H
#define HV_APPVSS_VAR_H

#include <sys/param.h>
#include <sys/callout.h>
#include <sys/conf.h>
#include <sys/event.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/mutex.h>
#include <sys/selinfo.h>
#include <sys/sysctl.h>
#include <sys/time.h>

#include "hv_appvss_core.h"
#include "hv_appvss_msg.h"
#include "hv_appvss_queue.h"

#define HV_APPVSS_LIMIT_MS     15000 /* both stages of an operation */
#define HV_APPVSS_LIMIT_MS_MIN 100
#define HV_APPVSS_LIMIT_MS_MAX 600000

MALLOC_DECLARE(M_HV_APPVSS);

/* What is logged: each level includes those before it. */
enum hv_appvss_log_level {
	HV_APPVSS_LOG_ERROR,   /* the driver cannot do its work */
	HV_APPVSS_LOG_FAILURE, /* a request failed, an answer was late */
	HV_APPVSS_LOG_RESULT,  /* every request's end, who opens and closes */
	HV_APPVSS_LOG_MESSAGE, /* every message, read and answer */
};
#define HV_APPVSS_LOG_DEFAULT HV_APPVSS_LOG_FAILURE
#define HV_APPVSS_LOG_MAX     HV_APPVSS_LOG_MESSAGE
/* Lines of that level in one second; more are counted and left out. */
#define HV_APPVSS_LOG_FAILURES_MAX 10

struct hv_appvss_dev {
	struct hv_appvss_core *core;
	enum hv_appvss_dev_id id;
	struct cdev *cdev;
	struct selinfo selinfo;	      /* its knlist uses core->mtx */
	struct hv_appvss_file *owner; /* the one opener that may write */
	struct filterops *filterops;  /* see hv_appvss_kq_abandon */
	unsigned int knotes;	      /* that use filterops */
};

/* One open file of a device, freed by its cdevpriv destructor. */
struct hv_appvss_file {
	struct hv_appvss_dev *dev;
	bool may_write;
};

struct hv_appvss_counters {
	uint64_t requests; /* CHECK, FREEZE, THAW of the host */
	uint64_t successes;
	uint64_t failures; /* answered FAIL, the next one included */
	uint64_t timeouts;
	uint64_t late_answers;
	uint64_t own_thaws;
	uint64_t snapshots; /* FREEZEs that the host was told success for */
	uint64_t dropped;   /* messages that cannot be answered */
	uint64_t send_errors;
};

struct hv_appvss_core {
	struct mtx mtx;
	const char *name; /* borrowed */
	hv_appvss_send_t *send;
	void *send_arg;
	struct sysctl_ctx_list sysctl_ctx;

	uint64_t instance;  /* from when its counters count: us since boot */
	bool gone;	    /* stopped: no reply, no new opener */
	unsigned int files; /* open files whose destructor has not run */
	uint32_t limit_ms;
	bool app_required;
	enum hv_appvss_log_level log_level;
	struct timeval log_second; /* of ppsratecheck(9), with the next one */
	int log_count;
	unsigned int log_left_out;  /* since the last line of a failure */
	uint32_t framework_version; /* agreed with the host, or 0 */
	uint32_t message_version;

	struct callout timer;
	struct hv_appvss_queue queue;
	struct hv_appvss_msg saved; /* the pending request, if there is one */
	uint64_t saved_xactid;
	struct hv_appvss_dev devs[HV_APPVSS_DEVS];
	struct hv_appvss_counters counters;
	struct hv_appvss_result last; /* msgid 0: none yet */
};

/*
 * Gives an event of a device or of the timer to the queue and carries out what
 * follows.  With the mutex held.
 */
enum hv_appvss_verdict hv_appvss_core_event(struct hv_appvss_core *core,
    struct hv_appvss_event event);

/*
 * A line of the kernel's log, if the level asks for it: with the mutex held, or
 * before anybody else knows of the core.
 */
void hv_appvss_log(struct hv_appvss_core *core, enum hv_appvss_log_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The words of hv_appvss(4) and of the devctl notifications. */
const char *hv_appvss_op_name(enum hv_vss_op_t op);
const char *hv_appvss_told_name(enum hv_vss_told told);

/* hv_appvss_dev.c: both devices.  create: 0 or an errno value. */
int hv_appvss_devs_create(struct hv_appvss_core *core);
void hv_appvss_devs_destroy(struct hv_appvss_core *core);

/* hv_appvss_sysctl.c; tree is borrowed. */
void hv_appvss_sysctl_create(struct hv_appvss_core *core,
    struct sysctl_oid *tree);

#endif /* HV_APPVSS_VAR_H */
