/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new configuration for the running broker: read and judged here, where it
 * may wait for a disk or for accounts, handed over as a text, and taken over by
 * the parent once the broker says that it runs with it.  All or nothing.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "parent.h"
#include "privsep.h"
#include "textfd.h"

/* Logs every mistake, and keeps the first one. */
struct first {
	char text[512];
	bool any;
};

static void
note_mistake(void *arg, const char *text)
{
	struct first *first = arg;
	char quoted[HELDLOG_LINE_MAX];

	heldlog(HELDLOG_ERROR, "config_mistake", "text=%s",
	    heldlog_quote(text, quoted, sizeof(quoted)));
	if (!first->any)
		(void)snprintf(first->text, sizeof(first->text), "%s", text);
	first->any = true;
}

/* Lends fd. */
static int
send_text(struct parent *parent, const struct privsep_msg *msg,
    const char *text, size_t length)
{
	int fd, result;

	fd = textfd_make(text, length);
	if (fd == -1)
		return (-1);
	result = privsep_send(parent->broker_fd, msg, &fd, 1);
	(void)close(fd);
	return (result);
}

static void
say_failed(const char *what)
{
	heldlog(HELDLOG_ERROR, "reload_failed", "at=%s text=\"%s\"", what,
	    strerror(errno));
}

static void
refuse(struct parent *parent, uint32_t again, const char *text)
{
	const struct privsep_msg msg = { .type = PRIVSEP_BAD_CONFIG,
		.again = again };

	heldlog(HELDLOG_ERROR, "reload_refused", "%s",
	    "text=\"the configuration before stays\"");
	if (again != 0 && parent->broker_fd != -1 &&
	    send_text(parent, &msg, text, strlen(text)) != 0)
		say_failed("answer");
}

static int
hand_over(struct parent *parent, const struct config *next, uint32_t again)
{
	const struct privsep_msg msg = { .type = PRIVSEP_CONFIG,
		.again = again,
		.serial = parent->config_serial + 1 };
	size_t length;
	char *text = NULL;
	FILE *file;
	int result;

	file = open_memstream(&text, &length);
	if (file == NULL)
		return (-1);
	result = config_print(next, file);
	if (fclose(file) != 0)
		result = -1;
	if (result == 0)
		result = send_text(parent, &msg, text, length);
	free(text);
	/* One that was not handed over is not answered: that before may be. */
	if (result == 0)
		parent->config_serial++;
	return (result);
}

static void
drop_next(struct parent *parent)
{
	config_fini(&parent->next_config);
	parent->has_next = false;
}

static void
adopt_next(struct parent *parent)
{
	config_adopt(parent->config, &parent->next_config);
	parent->has_next = false;
	parent->log.level = (int)parent->config->log_level;
	heldlog_set_level((enum heldlog_level)parent->config->log_level);
	heldlog(HELDLOG_INFO, "reloaded", "participants=%zu access=%zu",
	    parent->config->nparticipants, parent->config->naccess);
}

void
parent_reload(struct parent *parent, uint32_t again)
{
	struct first first = { .any = false };
	const struct config_complaints complaints = { note_mistake, &first };
	struct config next;

	heldlog(HELDLOG_INFO, "reload", "by=%s",
	    again == 0 ? "signal" : "client");
	if (config_read(&next, parent->source, &complaints) != 0) {
		refuse(parent, again, first.text);
		return;
	}
	if (config_default_access(&next, parent->account.socket_gid) != 0)
		note_mistake(&first, "out of memory");
	else
		(void)config_compare(parent->config, &next, &complaints);
	if (first.any) {
		config_fini(&next);
		refuse(parent, again, first.text);
		return;
	}
	if (parent->broker_fd != -1 && hand_over(parent, &next, again) != 0) {
		say_failed("broker");
		config_fini(&next);
		refuse(parent, again, "the broker does not listen");
		return;
	}
	drop_next(parent);
	parent->next_config = next;
	parent->has_next = true;
	/* Without a broker nobody has to agree. */
	if (parent->broker_fd == -1)
		adopt_next(parent);
}

void
parent_reload_done(struct parent *parent, uint32_t serial, bool applied)
{
	/* Another one is under way if it is not the last. */
	if (!parent->has_next || serial != parent->config_serial)
		return;
	if (applied)
		adopt_next(parent);
	else
		drop_next(parent);
}

void
parent_reload_settle(struct parent *parent)
{
	if (parent->has_next)
		adopt_next(parent);
}
