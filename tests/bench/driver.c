/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long the driver takes for a request in the simulated kernel: from the
 * host's message to its reply, with openers that answer at once; beside a
 * floor: the same number of wake-ups and answers between three bare threads,
 * through condition variables.  No system call of a device is in it.
 *
 * usage: driver [--json] [ROUNDS]
 */
#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/hv_snapshot.h"
#include "kernel/sim/host.h"
#include "kernel/sim/sim.h"

#define PATIENT_MS 15000
#define OPENERS	   2
#define ROUNDS_MAX 100000

/* A bare relay: whose turn it is, host, application, file systems. */
struct relay {
	pthread_mutex_t mutex;
	pthread_cond_t changed[OPENERS + 1];
	unsigned turn;
	bool over;
};

struct server {
	pthread_t thread;
	struct sim_file *file;
	struct relay *relay;
	unsigned number; /* 1.. */
};

static double
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3);
}

static int
compare(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;

	return (one < other ? -1 : one > other);
}

static double
median(double *times, unsigned count)
{
	qsort(times, count, sizeof(*times), compare);
	return (times[count / 2]);
}

/* Until the device is gone from under it. */
static void *
serve_driver(void *arg)
{
	const struct server *server = arg;
	struct hv_vss_opt_msg msg;

	for (;;) {
		if (sim_poll(server->file, POLLIN, PATIENT_MS) != POLLIN)
			continue;
		if (sim_ioctl(server->file, IOCHVVSSREAD, &msg) != 0)
			return (NULL);
		if (msg.status != VSS_SUCCESS)
			continue;
		(void)sim_ioctl(server->file, IOCHVVSSWRITE, &msg);
	}
}

static void
await_turn(struct relay *relay, unsigned number)
{
	while (relay->turn != number && !relay->over)
		(void)pthread_cond_wait(&relay->changed[number], &relay->mutex);
}

static void
pass_turn(struct relay *relay, unsigned number)
{
	relay->turn = number;
	(void)pthread_cond_signal(&relay->changed[number]);
}

static void *
serve_relay(void *arg)
{
	const struct server *server = arg;
	struct relay *relay = server->relay;

	(void)pthread_mutex_lock(&relay->mutex);
	for (;;) {
		await_turn(relay, server->number);
		if (relay->over)
			break;
		pass_turn(relay, (server->number + 1) % (OPENERS + 1));
	}
	(void)pthread_mutex_unlock(&relay->mutex);
	return (NULL);
}

static double
time_relay(struct relay *relay)
{
	const double began = now_us();

	(void)pthread_mutex_lock(&relay->mutex);
	pass_turn(relay, 1);
	await_turn(relay, 0);
	(void)pthread_mutex_unlock(&relay->mutex);
	return (now_us() - began);
}

static double
time_driver(struct sim_host *host, enum sim_host_op op)
{
	const double began = now_us();
	struct sim_host_reply reply;
	uint64_t id;

	if (sim_host_ask(host, op, &id) != 0 ||
	    !sim_host_wait(host, id, PATIENT_MS, &reply))
		errx(1, "no reply");
	if (reply.fault != NULL || reply.status != 0)
		errx(1, "the driver does not say yes");
	return (now_us() - began);
}

static void
start(struct server *server, void *(*serve)(void *))
{
	if (pthread_create(&server->thread, NULL, serve, server) != 0)
		errx(1, "pthread_create");
}

static void
stop_relay(struct relay *relay, struct server *servers)
{
	unsigned i;

	(void)pthread_mutex_lock(&relay->mutex);
	relay->over = true;
	for (i = 0; i <= OPENERS; i++)
		(void)pthread_cond_broadcast(&relay->changed[i]);
	(void)pthread_mutex_unlock(&relay->mutex);
	for (i = 0; i < OPENERS; i++)
		(void)pthread_join(servers[i].thread, NULL);
}

static void
print(bool json, const char *request, double floor_us, double driver_us,
    unsigned rounds)
{
	printf(json ? "{\"bench\": \"driver\", \"request\": \"%s\", "
		      "\"floor_us\": %.1f, \"driver_us\": %.1f, "
		      "\"ratio\": %.2f, \"rounds\": %u}\n" :
		      "driver request=%s floor_us=%.1f driver_us=%.1f "
		      "ratio=%.2f rounds=%u\n",
	    request, floor_us, driver_us, driver_us / floor_us, rounds);
}

int
main(int argc, char *argv[])
{
	static const enum sim_host_op ops[] = { SIM_HOST_CHECK, SIM_HOST_FREEZE,
		SIM_HOST_THAW };
	static const char *const names[] = { "check", "freeze", "thaw" };
	static double times[4][ROUNDS_MAX];
	const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
	struct relay relay = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct server bare[OPENERS], openers[OPENERS];
	struct vmbus_channel *channel = sim_channel_create(sim_guid_vss);
	struct sim_host *host = sim_host_create(channel);
	struct sim_device *device;
	unsigned i, j, rounds = 2001;

	if (argc > 1 + json)
		rounds = (unsigned)strtoul(argv[1 + json], NULL, 10);
	if (rounds == 0 || rounds > ROUNDS_MAX)
		errx(64, "usage: driver [--json] [ROUNDS]");
	if (sim_device_attach(sim_driver_hv_appvss, channel, &device) != 0 ||
	    sim_open(APP_VSS_DEV_NAME, SIM_READ | SIM_WRITE,
		&openers[0].file) != 0 ||
	    sim_open(FS_VSS_DEV_NAME, SIM_READ | SIM_WRITE, &openers[1].file) !=
		0)
		errx(1, "no driver");
	(void)time_driver(host, SIM_HOST_NEGOTIATE);
	for (i = 0; i <= OPENERS; i++)
		(void)pthread_cond_init(&relay.changed[i], NULL);
	for (i = 0; i < OPENERS; i++) {
		bare[i] = (struct server) { .relay = &relay, .number = i + 1 };
		start(&bare[i], serve_relay);
		start(&openers[i], serve_driver);
	}
	for (i = 0; i < rounds; i++) {
		for (j = 0; j < 3; j++)
			times[j][i] = time_driver(host, ops[j]);
		times[3][i] = time_relay(&relay);
	}
	for (j = 0; j < 3; j++)
		print(json, names[j], median(times[3], rounds),
		    median(times[j], rounds), rounds);
	stop_relay(&relay, bare);
	/* The openers' threads end with the process. */
	return (0);
}
