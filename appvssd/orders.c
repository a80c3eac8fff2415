/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parent sends and is told: see orders.h.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/vssdev/heldlog.h"
#include "logwatch.h"
#include "orders.h"

struct orders {
	struct event *event;
	struct logwatch *logwatch;
	const struct orders_callbacks *callbacks;
	void *arg;
	int fd;
};

static void
orders_on_message(struct orders *orders, const struct privsep_msg *msg,
    const int *fds)
{
	unsigned i;

	switch ((enum privsep_type)msg->type) {
	case PRIVSEP_DEVICE:
		if (msg->nfds > 0) {
			orders->callbacks->device(orders->arg, fds, msg->nfds);
			return;
		}
		break;
	case PRIVSEP_HISTORY:
		if (msg->nfds == 1) {
			orders->callbacks->history(orders->arg, fds[0]);
			return;
		}
		break;
	case PRIVSEP_CONFIG:
		if (msg->nfds == 1) {
			orders->callbacks->config(orders->arg, fds[0],
			    msg->serial, msg->again);
			return;
		}
		break;
	case PRIVSEP_BAD_CONFIG:
		if (msg->nfds == 1) {
			orders->callbacks->bad_config(orders->arg, fds[0],
			    msg->again);
			return;
		}
		break;
	case PRIVSEP_NO_DEVICE:
		orders->callbacks->no_device(orders->arg);
		break;
	case PRIVSEP_SHUTDOWN:
		orders->callbacks->stop(orders->arg);
		break;
	case PRIVSEP_WANT_DEVICE:
	case PRIVSEP_LISTENING:
	case PRIVSEP_FINISHED:
	case PRIVSEP_WANT_CONFIG:
	case PRIVSEP_APPLIED:
	case PRIVSEP_NOT_APPLIED:
		break;
	}
	for (i = 0; i < msg->nfds; i++)
		(void)close(fds[i]);
}

static void
orders_on_readable(int fd, short what, void *arg)
{
	struct orders *orders = arg;
	struct privsep_msg msg;
	int fds[PRIVSEP_FDS_MAX], received;

	(void)what;
	received = privsep_receive(fd, &msg, fds);
	if (received == 1) {
		orders_on_message(orders, &msg, fds);
		return;
	}
	if (received == -1 && errno == EAGAIN)
		return;
	/* Without its parent nobody could restart it: thaw, and end. */
	(void)event_del(orders->event);
	heldlog(HELDLOG_ERROR, "parent_gone", "pid=%d", (int)getpid());
	orders->callbacks->stop(orders->arg);
}

struct orders *
orders_create(struct event_base *base, int fd,
    const struct orders_callbacks *callbacks, void *arg)
{
	struct orders *orders;

	orders = calloc(1, sizeof(*orders));
	if (orders == NULL) {
		(void)close(fd);
		return (NULL);
	}
	orders->fd = fd;
	orders->callbacks = callbacks;
	orders->arg = arg;
	orders->event = event_new(base, fd, EV_READ | EV_PERSIST,
	    orders_on_readable, orders);
	orders->logwatch = logwatch_create(base);
	if (orders->event == NULL || orders->logwatch == NULL ||
	    event_add(orders->event, NULL) == -1) {
		orders_destroy(orders);
		errno = ENOMEM;
		return (NULL);
	}
	return (orders);
}

void
orders_destroy(struct orders *orders)
{
	if (orders->event != NULL)
		event_free(orders->event);
	if (orders->logwatch != NULL)
		logwatch_destroy(orders->logwatch);
	(void)close(orders->fd);
	free(orders);
}

void
orders_report(struct orders *orders, enum privsep_type type)
{
	(void)orders_report_serial(orders, type, 0);
}

int
orders_report_serial(struct orders *orders, enum privsep_type type,
    uint32_t serial)
{
	struct privsep_msg msg = { .type = (uint32_t)type, .serial = serial };

	if (privsep_send(orders->fd, &msg, NULL, 0) == 0)
		return (0);
	heldlog(HELDLOG_WARN, "parent_silent", "error=\"%s\"", strerror(errno));
	return (-1);
}
