/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads race on the driver: a host that does not wait, both openers with
 * good and bad manners, a kqueue watcher, the limit, an administrator, and
 * detach and attach all the while.  Meant for ThreadSanitizer and
 * AddressSanitizer; checks by itself that every request is answered once, that
 * it all comes to rest, and that nothing is left allocated.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_snapshot.h"
#include "kernel/sim/host.h"
#include "kernel/sim/sim.h"

#define CYCLES	   50 /* of attach and detach */
#define LIMIT_MS   100
#define BURST	   8
#define PATIENT_MS 20000

static struct vmbus_channel *channel;
static bool finished;					   /* atomic */
static unsigned detaches;				   /* atomic */
static unsigned long answered, lost, taken, late, refused; /* atomic */

static void
die(const char *message)
{
	printf("FAILED: %s\n", message);
	fflush(stdout);
	_Exit(1);
}

static bool
done(void)
{
	return (__atomic_load_n(&finished, __ATOMIC_ACQUIRE));
}

static void
count(unsigned long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* A small generator for each thread: rand_r without its name. */
static unsigned
chance(unsigned *seed, unsigned of)
{
	*seed = *seed * 1664525u + 1013904223u;
	return ((*seed >> 16) % of);
}

static void
answer(struct sim_file *file, unsigned *seed)
{
	struct hv_vss_opt_msg msg;

	if (sim_ioctl(file, IOCHVVSSREAD, &msg) != 0 || msg.opt == HV_VSS_NONE)
		return;
	switch (chance(seed, 12)) {
	case 0: /* forgets it */
		return;
	case 1: /* about at the limit */
		(void)poll(NULL, 0, LIMIT_MS - 5 + (int)chance(seed, 10));
		break;
	case 2:
		msg.status = VSS_FAIL;
		break;
	case 3:
		msg.opt = chance(seed, 5);
		break;
	case 4:
		msg.msgid += chance(seed, 3);
		break;
	default:
		break;
	}
	switch (sim_ioctl(file, IOCHVVSSWRITE, &msg)) {
	case 0:
		count(&taken);
		break;
	case ETIMEDOUT:
		count(&late);
		break;
	case EINVAL:
	case ESRCH:
	case ENXIO:
		count(&refused);
		break;
	default:
		die("an error that is not documented");
	}
}

static void *
opener_main(void *arg)
{
	const char *name = arg;
	unsigned seed = (unsigned)name[3], rounds;
	struct sim_knote *kn = NULL;
	struct sim_file *file;
	unsigned flags;
	int64_t data;
	int revents;

	while (!done()) {
		if (sim_open(name, SIM_READ | SIM_WRITE, &file) != 0) {
			(void)poll(NULL, 0, 1);
			continue;
		}
		if (chance(&seed, 2) == 0 && sim_kq_add(file, &kn) != 0)
			kn = NULL;
		for (rounds = chance(&seed, 40); rounds > 0; rounds--) {
			if (kn != NULL)
				revents = sim_kq_wait(kn, 10, &flags, &data) &&
					(flags & 0x8000) != 0 ?
				    POLLHUP :
				    0;
			else
				revents = sim_poll(file, POLLIN, 10);
			if ((revents & POLLHUP) != 0)
				break;
			answer(file, &seed);
		}
		if (kn != NULL)
			sim_kq_delete(kn);
		kn = NULL;
		sim_close(file);
	}
	return (NULL);
}

/* Tries to take the slot, asks for results, reads sysctls. */
static void *
intruder_main(void *arg)
{
	static const char *const names[] = { "last_result", "requests",
		"successes", "failures", "timeouts", "late_answers",
		"own_thaws", "msg_version", "limit", "app_required",
		"log_level", "app_open", "fs_open" };
	struct hv_vss_result result;
	unsigned seed = 5;
	size_t i;
	struct sim_file *file;
	char text[128];

	(void)arg;
	while (!done()) {
		if (sim_open(chance(&seed, 2) ? APP_VSS_DEV_NAME :
						FS_VSS_DEV_NAME,
			chance(&seed, 4) ? SIM_READ : SIM_WRITE, &file) == 0) {
			result.msgid = chance(&seed, 100);
			(void)sim_ioctl(file, IOCHVVSSRESULT, &result);
			(void)sim_poll(file, POLLIN, 1);
			sim_close(file);
		}
		(void)sim_sysctl_set("app_required", (int)chance(&seed, 2));
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			(void)sim_sysctl_get(names[i], text, sizeof(text));
		(void)poll(NULL, 0, 1);
	}
	return (NULL);
}

/* False if the device went after the request, and no answer had come. */
static bool
wait_reply(struct sim_host *host, uint64_t id, unsigned asked_in)
{
	struct sim_host_reply reply;
	unsigned slices = 0;
	bool over;

	for (;;) {
		/* First this: what detach answered is there to be read. */
		over = __atomic_load_n(&detaches, __ATOMIC_ACQUIRE) != asked_in;
		if (sim_host_wait(host, id, 5, &reply))
			break;
		if (over) {
			sim_host_forget(host, id);
			return (false);
		}
		if (++slices > PATIENT_MS / 5)
			die("a request without an answer");
	}
	if (reply.fault != NULL)
		die(reply.fault);
	return (true);
}

static void *
host_main(void *arg)
{
	struct sim_host *host = arg;
	uint64_t ids[BURST];
	unsigned asked, i, burst, epoch, seed = 99;

	while (!done()) {
		epoch = __atomic_load_n(&detaches, __ATOMIC_ACQUIRE);
		burst = chance(&seed, 3) == 0 ? 1 + chance(&seed, BURST) : 1;
		for (asked = 0; asked < burst; asked++)
			if (sim_host_ask(host,
				chance(&seed, 8) == 0 ?
				    chance(&seed, SIM_HOST_CHECK) :
				    SIM_HOST_CHECK + chance(&seed, 3),
				&ids[asked]) != 0)
				break;
		for (i = 0; i < asked; i++)
			count(wait_reply(host, ids[i], epoch) ? &answered :
								&lost);
		if (asked == 0)
			(void)poll(NULL, 0, 1);
	}
	return (NULL);
}

static struct sim_device *
attach(void)
{
	struct sim_device *device;

	if (sim_device_attach(sim_driver_hv_appvss, channel, &device) != 0)
		die("attach");
	if (sim_sysctl_set("limit_ms", LIMIT_MS) != 0)
		die("limit");
	if (sim_sysctl_set("log_level", 0) != 0)
		die("log level");
	return (device);
}

/* Once everybody has gone, each request is answered. */
static void
check_rest(struct sim_host *host)
{
	struct sim_device *device = attach();
	struct sim_host_reply reply;
	uint64_t id;
	unsigned op;

	if (sim_host_strays(host) != 0)
		die("a reply that no request had, or a second one");
	for (op = SIM_HOST_NEGOTIATE; op < SIM_HOST_RAW; op++)
		if (sim_host_ask(host, op, &id) != 0 ||
		    !sim_host_wait(host, id, PATIENT_MS, &reply))
			die("no answer at rest");
	if (sim_device_detach(device) != 0)
		die("detach");
	if (sim_malloc_count() != 0)
		die("memory is left");
}

int
main(void)
{
	static char app[] = APP_VSS_DEV_NAME, fs[] = FS_VSS_DEV_NAME;
	struct sim_host *host;
	struct sim_device *device;
	pthread_t threads[4];
	unsigned cycle, seed = 1, i;

	channel = sim_channel_create(sim_guid_vss);
	host = sim_host_create(channel);
	if (pthread_create(&threads[0], NULL, opener_main, app) != 0 ||
	    pthread_create(&threads[1], NULL, opener_main, fs) != 0 ||
	    pthread_create(&threads[2], NULL, intruder_main, NULL) != 0 ||
	    pthread_create(&threads[3], NULL, host_main, host) != 0)
		die("threads");
	for (cycle = 0; cycle < CYCLES; cycle++) {
		device = attach();
		(void)poll(NULL, 0,
		    (int)chance(&seed, cycle % 4 == 0 ? 5 * LIMIT_MS : 30));
		if (sim_device_detach(device) != 0)
			die("detach");
		__atomic_add_fetch(&detaches, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&finished, true, __ATOMIC_RELEASE);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	/* A reply may have come after its request was given up. */
	check_rest(host);
	printf("%lu replies, %lu requests lost in a detach; "
	       "answers: %lu taken, %lu late, %lu refused\n",
	    answered, lost, taken, late, refused);
	sim_host_destroy(host);
	sim_channel_destroy(channel);
	return (answered != 0 && taken != 0 ? 0 : 1);
}
