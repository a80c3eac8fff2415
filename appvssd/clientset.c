/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of connections: see clientset.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "clientset.h"
#include "config.h"
#include "listener.h"
#include "verbs.h"

struct clientset {
	struct event_base *base;
	struct listener *listener;
	const struct verbs *verbs;
	struct client **clients;
	size_t count, max;
	struct client_pool pool;
};

static void
clientset_on_message(void *arg, struct client *client,
    const struct wire_msg *msg)
{
	struct clientset *set = arg;

	verbs_on_message(set->verbs, client, msg);
}

static void
clientset_on_closed(void *arg, struct client *client)
{
	struct clientset *set = arg;
	size_t i;

	verbs_on_closed(set->verbs, client);
	listener_release(set->listener, client_cred(client)->uid);
	for (i = 0; set->clients[i] != client; i++)
		;
	set->clients[i] = set->clients[--set->count];
}

static const struct client_callbacks clientset_callbacks = {
	.message = clientset_on_message,
	.closed = clientset_on_closed,
};

static int
clientset_on_accepted(void *arg, int fd, const struct peercred *cred)
{
	struct clientset *set = arg;
	struct client **clients, *client;
	size_t max;

	if (set->count == set->max) {
		max = set->max == 0 ? 16 : set->max * 2;
		clients = realloc(set->clients, max * sizeof(*clients));
		if (clients == NULL) {
			(void)close(fd);
			return (-1);
		}
		set->clients = clients;
		set->max = max;
	}
	client = client_create(set->base, fd, cred, &set->pool,
	    &clientset_callbacks, set);
	if (client == NULL)
		return (-1);
	set->clients[set->count++] = client;
	return (0);
}

static struct listener_limits
clientset_limits(const struct config *config)
{
	return ((struct listener_limits) { config->max_clients,
	    config->max_clients_per_uid });
}

static void
clientset_set_times(struct clientset *set, const struct config *config)
{
	set->pool.hello_ms = config->hello_ms;
	set->pool.stall_ms = config->stall_ms;
	set->pool.linger_ms = config->linger_ms;
}

struct clientset *
clientset_create(struct event_base *base, int listen_fd,
    const struct config *config, const struct verbs *verbs)
{
	const struct listener_limits limits = clientset_limits(config);
	struct clientset *set;

	set = calloc(1, sizeof(*set));
	if (set == NULL) {
		(void)close(listen_fd);
		return (NULL);
	}
	set->base = base;
	clientset_set_times(set, config);
	set->verbs = verbs;
	set->listener = listener_create(base, listen_fd, &limits,
	    clientset_on_accepted, set);
	if (set->listener != NULL)
		return (set);
	free(set);
	return (NULL);
}

void
clientset_destroy(struct clientset *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		client_destroy(set->clients[i]);
	listener_destroy(set->listener);
	free(set->clients);
	free(set);
}

void
clientset_set_limits(struct clientset *set, const struct config *config)
{
	const struct listener_limits limits = clientset_limits(config);

	listener_set_limits(set->listener, &limits);
	clientset_set_times(set, config);
}

void
clientset_stop(struct clientset *set)
{
	listener_stop(set->listener);
}
