/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STATUS: see status.h and appvss-protocol(7).
 */
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "registry.h"
#include "sdk/proto.h"
#include "status.h"
#include "txn.h"

/* Two texts of a participant; the line cuts what it cannot hold. */
#define STATUS_TEXT_BYTES 1100

static void
status_send_broker(const struct status *status, struct client *client)
{
	/* While held it is the limit of that, whoever thaws by himself. */
	uint64_t next_at_ms = status->txn->state == TXN_HELD ?
	    status->txn->step_at_ms :
	    txn_next_at_ms(status->txn);
	char notice[STATUS_TEXT_BYTES];
	struct wire_line line;

	wire_begin(&line, &proto_broker_grammar, PB_ITEM);
	wire_put_text(&line, PK_KIND, "broker");
	wire_put_text(&line, PK_STATE, txn_state_word(status->txn->state));
	wire_put_text(&line, PK_PROGRAM, "appvssd " APPVSS_VERSION);
	wire_put_uint(&line, PK_PID, (uint64_t)getpid());
	wire_put_text(&line, PK_DEVICE, status->device);
	wire_put_text(&line, PK_HISTORY, status->history);
	wire_put_uint(&line, PK_QUEUED, status->queued);
	wire_put_uint(&line, PK_DROPPED, status->dropped);
	wire_put_uint(&line, PK_LATE, status->late);
	if (status->txn->state != TXN_IDLE) {
		wire_put_uint(&line, PK_ID, status->txn->id);
		wire_put_uint(&line, PK_REMAINING_MS,
		    next_at_ms > status->now_ms ? next_at_ms - status->now_ms :
						  0);
	} else if (status->last_outcome != NULL) {
		wire_put_uint(&line, PK_ID, status->last_id);
	}
	if (status->last_outcome != NULL) {
		wire_put_text(&line, PK_OUTCOME, status->last_outcome);
		wire_put_text(&line, PK_CONSISTENCY, status->last_consistency);
		wire_put_uint(&line, PK_AGE_MS,
		    status->now_ms - status->last_ended_at_ms);
	}
	if (status->set_aside[0] != '\0') {
		(void)snprintf(notice, sizeof(notice),
		    "a history that could not be used was set aside as %s",
		    status->set_aside);
		wire_put_text(&line, PK_TEXT, notice);
	}
	client_send(client, &line);
}

/* What a participant is doing now. */
static const char *
status_phase_word(const struct status *status,
    const struct registry_entry *entry)
{
	const struct txn_part *part;

	if (entry->part == SIZE_MAX || status->txn->state == TXN_IDLE)
		return (entry->owner == NULL ? "absent" : "idle");
	part = &status->txn->parts[entry->part];
	switch (part->phase) {
	case TXN_PHASE_WAITING:
		return ("waiting");
	case TXN_PHASE_ASKED:
		return (
		    status->txn->op == TXN_OP_CHECK ? "checking" : "freezing");
	case TXN_PHASE_READY:
		return ("frozen");
	case TXN_PHASE_THAWING:
		return ("thawing");
	case TXN_PHASE_FINISHED:
		break;
	}
	return ("idle");
}

static void
status_send_entry(const struct status *status, struct client *client,
    const struct registry_entry *entry)
{
	struct wire_line line;
	char text[STATUS_TEXT_BYTES];

	wire_begin(&line, &proto_broker_grammar, PB_ITEM);
	wire_put_text(&line, PK_KIND, "participant");
	wire_put_text(&line, PK_NAME, entry->name);
	wire_put_text(&line, PK_PROGRAM, entry->program);
	wire_put_text(&line, PK_STATE, status_phase_word(status, entry));
	wire_put_uint(&line, PK_PRESENT, entry->owner != NULL);
	wire_put_uint(&line, PK_ORDER, entry->grant.order);
	wire_put_uint(&line, PK_REQUIRED,
	    entry->grant.required || entry->grant.expect);
	if (entry->owner != NULL)
		wire_put_uint(&line, PK_PID, (uint64_t)entry->pid);
	if (entry->has_uid)
		wire_put_uint(&line, PK_UID, (uint64_t)entry->uid);
	if (entry->result != NULL)
		wire_put_text(&line, PK_RESULT, entry->result);
	if (entry->has_flush)
		wire_put_uint(&line, PK_FLUSH_MS, entry->flush_ms);
	if (entry->progress.has_percent)
		wire_put_uint(&line, PK_PERCENT, entry->progress.percent);
	if (entry->progress.has_remaining)
		wire_put_uint(&line, PK_REMAINING_MS,
		    entry->progress.remaining_ms);
	if (entry->progress.text != NULL)
		wire_put_text(&line, PK_TEXT, entry->progress.text);
	else if (*registry_texts(entry, text, sizeof(text)) != '\0')
		wire_put_text(&line, PK_TEXT, text);
	client_send(client, &line);
	if (entry->owes_id == 0)
		return;
	wire_begin(&line, &proto_broker_grammar, PB_ITEM);
	wire_put_text(&line, PK_KIND, "debt");
	wire_put_text(&line, PK_NAME, entry->name);
	wire_put_uint(&line, PK_ID, entry->owes_id);
	wire_put_text(&line, PK_TEXT, "its thaw is not confirmed");
	client_send(client, &line);
}

void
status_send(const struct status *status, struct client *client)
{
	const struct registry_entry *entry;
	struct wire_line line;

	status_send_broker(status, client);
	for (entry = status->registry->first; entry != NULL;
	     entry = entry->next) {
		if (!entry->leaving)
			status_send_entry(status, client, entry);
	}
	wire_begin(&line, &proto_broker_grammar, PB_END);
	wire_put_text(&line, PK_VERB, "STATUS");
	client_send(client, &line);
}
