/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Participants between their clients and the transaction: see participants.h.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "access.h"
#include "client.h"
#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "participants.h"
#include "roles.h"
#include "sdk/proto.h"
#include "txn.h"

#define PARTICIPANTS_MS_DEFAULT 5000
/* Of so many PROGRESS lines in a transaction the last is shown, of no more. */
#define PARTICIPANTS_PROGRESS_SHOWN_MAX 256

static void
participants_send_ok(struct client *client, const char *verb, const char *name)
{
	struct wire_line line;

	wire_begin(&line, &proto_broker_grammar, PB_OK);
	wire_put_text(&line, PK_VERB, verb);
	if (name != NULL)
		wire_put_text(&line, PK_NAME, name);
	client_send(client, &line);
}

/*
 * Whether the name is somebody else's who had it last.  A binding says whose a
 * name is, whoever had it: access.h knows.
 */
static bool
participants_is_others(const struct participants *participants,
    const struct registry_entry *entry, uid_t uid)
{
	return (!entry->leaving && entry->has_uid && entry->uid != uid &&
	    uid != 0 && config_find(participants->config, entry->name) == NULL);
}

/* Whether client may take the name; sends the ERROR if not. */
static bool
participants_may_register(struct participants *participants,
    struct client *client, const char *name, const struct registry_entry *entry)
{
	const struct peercred *cred = client_cred(client);
	const char *code, *text;

	code = text = NULL;
	if (entry != NULL && entry->owner != NULL && entry->owner != client) {
		code = "name_taken";
		text = "another connection has this name";
	} else if (entry != NULL &&
	    participants_is_others(participants, entry, cred->uid)) {
		code = "denied";
		text = "the name belongs to another user";
	} else if (entry == NULL &&
	    participants->registry.count >= participants->config->max_names) {
		code = "limit";
		text = "too many participants are known";
	} else if (entry == NULL &&
	    registry_count_uid(&participants->registry, cred->uid) >=
		participants->config->max_names_per_uid) {
		code = "limit";
		text = "too many participants of this user are known";
	}
	if (code == NULL)
		return (true);
	client_send_error(client, code, "REGISTER", name, text);
	return (false);
}

/* True: the history does not know it like this. */
static bool
participants_enter(struct registry_entry *entry, struct client *client,
    const struct access_grant *asked, const struct access_grant *grant,
    const struct wire_msg *msg)
{
	const struct peercred *cred = client_cred(client);
	const char *program;
	bool news;

	news = !entry->known || !entry->has_uid || entry->uid != cred->uid;
	registry_own(entry, client, client_tag(client));
	entry->has_uid = true;
	entry->uid = cred->uid;
	entry->pid = cred->pid;
	entry->leaving = false;
	entry->asked = *asked;
	entry->grant = *grant;
	entry->wants_check = wire_get_uint(msg, PK_CHECK, 0) != 0;
	program = wire_get_text(msg, PK_PROGRAM, client_program(client));
	if (strcmp(entry->program, program) != 0)
		news = true;
	entry->known = true;
	registry_set_program(entry, program);
	return (news);
}

void
participants_on_register(struct participants *participants,
    struct client *client, const struct wire_msg *msg)
{
	const char *name = wire_get_text(msg, PK_NAME, "");
	struct access_grant grant = {
		.order = (unsigned)wire_get_uint(msg, PK_ORDER,
		    ACCESS_ORDER_DEFAULT),
		.required = wire_get_uint(msg, PK_REQUIRED, 0) != 0,
		.freeze_ms = (uint32_t)wire_get_uint(msg, PK_FREEZE_MS,
		    PARTICIPANTS_MS_DEFAULT),
		.thaw_ms = (uint32_t)wire_get_uint(msg, PK_THAW_MS,
		    PARTICIPANTS_MS_DEFAULT),
	};
	const struct access_grant asked = grant;
	struct registry_entry *entry;
	const char *why;

	entry = registry_find(&participants->registry, name);
	if (!participants_may_register(participants, client, name, entry))
		return;
	if (roles_register(participants->roles, client, name, &grant, &why) ==
	    -1) {
		client_send_error(client, "denied", "REGISTER", name, why);
		return;
	}
	if (entry == NULL)
		entry = registry_add(&participants->registry, name, "");
	if (entry == NULL) {
		client_send_error(client, "limit", "REGISTER", name,
		    "out of memory");
		return;
	}
	if (participants_enter(entry, client, &asked, &grant, msg))
		participants_save_entry(participants, entry);
	heldlog(HELDLOG_INFO, "registered",
	    "name=%s uid=%u pid=%d order=%u required=%d", entry->name,
	    (unsigned)entry->uid, (int)entry->pid, entry->grant.order,
	    entry->grant.required || entry->grant.expect);
	participants_send_ok(client, "REGISTER", name);
	participants->upcalls->news(participants->arg, "registered", entry);
}

void
participants_leave(struct participants *participants,
    struct registry_entry *entry)
{
	struct txn_event event = { .type = TXN_EV_GONE, .part = entry->part };

	registry_disown(entry);
	/* Its library thaws it by itself when the broker is gone for it. */
	registry_settle(&participants->registry, entry);
	entry->part = SIZE_MAX;
	if (event.part != SIZE_MAX)
		participants->upcalls->event(participants->arg, &event);
	participants->upcalls->news(participants->arg, "absent", entry);
}

/* Forgets it, unless the configuration goes on expecting it. */
static void
participants_forget(struct participants *participants,
    struct registry_entry *entry)
{
	heldlog(HELDLOG_INFO, "forgotten", "name=%s", entry->name);
	participants->upcalls->news(participants->arg, "forgotten", entry);
	entry->known = false;
	registry_set_unsaved(&participants->registry, entry, true);
	if (!entry->grant.expect)
		registry_remove(&participants->registry, entry);
	participants_save_entry(participants, entry);
}

/*
 * The client's participant of that name, or NULL.  Most clients have one, and
 * it is not searched for.
 */
static struct registry_entry *
participants_find_own(const struct participants *participants,
    struct client *client, const char *name)
{
	struct registry_entry *entry = *client_tag(client);

	if (entry == NULL || strcmp(entry->name, name) == 0)
		return (entry);
	entry = registry_find(&participants->registry, name);
	return (entry != NULL && entry->owner == client ? entry : NULL);
}

void
participants_on_unregister(struct participants *participants,
    struct client *client, const struct wire_msg *msg)
{
	const char *name = wire_get_text(msg, PK_NAME, "");
	struct registry_entry *entry;

	entry = participants_find_own(participants, client, name);
	if (entry == NULL) {
		client_send_error(client, "unknown_name", "UNREGISTER", name,
		    NULL);
		return;
	}
	participants_leave(participants, entry);
	participants_forget(participants, entry);
	participants_send_ok(client, "UNREGISTER", name);
}

void
participants_on_forget(struct participants *participants, struct client *client,
    const struct wire_msg *msg)
{
	const char *name = wire_get_text(msg, PK_NAME, "");
	struct registry_entry *entry;

	entry = registry_find(&participants->registry, name);
	if (entry == NULL || entry->leaving) {
		client_send_error(client, "unknown_name", "FORGET", name,
		    "no such participant");
	} else if (entry->owner != NULL) {
		client_send_error(client, "present", "FORGET", name,
		    "the participant is connected");
	} else if (entry->grant.expect) {
		client_send_error(client, "expected", "FORGET", name,
		    "the configuration expects this participant");
	} else {
		participants_forget(participants, entry);
		participants_send_ok(client, "FORGET", name);
	}
}

/* The operation that an answer is about; false: no such word. */
static bool
participants_parse_op(const char *word, enum txn_op *op)
{
	static const enum txn_op ops[] = { TXN_OP_CHECK, TXN_OP_FREEZE,
		TXN_OP_THAW };
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(word, txn_op_word(ops[i])) != 0)
			continue;
		*op = ops[i];
		return (true);
	}
	return (false);
}

/* What it says of its answer; only of one that somebody waits for. */
static void
participants_note_text(struct registry_entry *entry, enum txn_op op,
    const struct wire_msg *msg)
{
	const char *text = wire_get_text(msg, PK_TEXT, NULL);

	if (op == TXN_OP_THAW)
		registry_set_thaw_text(entry, text);
	else if (msg->verb == PC_FAIL || text != NULL)
		registry_set_text(entry, text);
}

/* The answer to a thaw that was sent again, or came too late before. */
static void
participants_on_debt(struct participants *participants,
    struct registry_entry *entry, bool ready)
{
	if (!ready) /* the next retry is armed already */
		return;
	registry_settle(&participants->registry, entry);
	participants->upcalls->settled(participants->arg, entry);
}

void
participants_on_answer(struct participants *participants, struct client *client,
    const struct wire_msg *msg)
{
	struct txn_event event = { .part = SIZE_MAX,
		.type = msg->verb == PC_READY ? TXN_EV_READY : TXN_EV_FAIL };
	struct registry_entry *entry;
	uint64_t id;

	entry = participants_find_own(participants, client,
	    wire_get_text(msg, PK_NAME, ""));
	id = wire_get_uint(msg, PK_ID, 0);
	if (!participants_parse_op(wire_get_text(msg, PK_OP, ""), &event.op))
		entry = NULL; /* an answer to nothing */
	if (entry != NULL && event.op == TXN_OP_THAW && entry->owes_id == id &&
	    id != 0) {
		participants_note_text(entry, event.op, msg);
		participants_on_debt(participants, entry,
		    msg->verb == PC_READY);
		return;
	}
	if (entry != NULL)
		event.part = entry->part;
	if (!participants->upcalls->expects(participants->arg, id, &event))
		return;
	registry_set_progress(entry, NULL);
	participants_note_text(entry, event.op, msg);
	participants->upcalls->event(participants->arg, &event);
}

/* It only shows: it never extends a time. */
void
participants_on_progress(struct participants *participants,
    struct client *client, const struct wire_msg *msg)
{
	const struct txn_event nothing = { .part = SIZE_MAX };
	struct registry_progress progress;
	struct registry_entry *entry;
	char text[PROTO_TEXT_MAX + 1];

	entry = participants_find_own(participants, client,
	    wire_get_text(msg, PK_NAME, ""));
	if (entry == NULL || entry->part == SIZE_MAX) {
		(void)participants->upcalls->expects(participants->arg, 0,
		    &nothing);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s",
	    wire_get_text(msg, PK_TEXT, ""));
	progress = (struct registry_progress) {
		.lines = entry->progress.lines,
		.has_percent = wire_has(msg, PK_PERCENT),
		.has_remaining = wire_has(msg, PK_REMAINING_MS),
		.percent = (unsigned)wire_get_uint(msg, PK_PERCENT, 0),
		.remaining_ms = (uint32_t)wire_get_uint(msg, PK_REMAINING_MS,
		    0),
		.text = text,
	};
	if (progress.lines >= PARTICIPANTS_PROGRESS_SHOWN_MAX)
		return;
	if (!participants->upcalls->progress(participants->arg, entry, msg))
		return;
	progress.lines++;
	registry_set_progress(entry, &progress);
}

void
participants_on_closed(struct participants *participants, struct client *client)
{
	struct registry_entry *entry;

	while ((entry = *client_tag(client)) != NULL)
		participants_leave(participants, entry);
}

static const char *
participants_thaw_reason(enum txn_outcome outcome)
{
	switch (outcome) {
	case TXN_OUTCOME_DONE:
		return ("done");
	case TXN_OUTCOME_EXPIRED:
		return ("expired");
	case TXN_OUTCOME_LOST:
		return ("lost");
	case TXN_OUTCOME_NONE:
	case TXN_OUTCOME_ABORTED:
	case TXN_OUTCOME_SUPERSEDED:
		break;
	}
	return ("aborted");
}

static void
participants_send_thaw(const struct registry_entry *entry, uint64_t id,
    const char *reason, uint32_t remaining_ms)
{
	struct wire_line line;

	wire_begin(&line, &proto_broker_grammar, PB_THAW);
	wire_put_text(&line, PK_NAME, entry->name);
	wire_put_uint(&line, PK_ID, id);
	wire_put_text(&line, PK_REASON, reason);
	wire_put_uint(&line, PK_REMAINING_MS, remaining_ms);
	client_send(entry->owner, &line);
}

/* Whether the lines of both differ by the name only. */
static bool
participants_same_line(const struct participants_told *told, uint64_t id,
    const struct txn_action *action)
{
	return (told->id == id && told->action.type == action->type &&
	    told->action.remaining_ms == action->remaining_ms &&
	    told->action.hold_ms == action->hold_ms &&
	    told->action.outcome == action->outcome);
}

/* What all who are told now have in common is made once. */
static void
participants_make_line(struct participants_told *told, uint64_t id,
    const struct txn_action *action)
{
	const enum proto_broker_verb verb = action->type == TXN_ACT_SEND_CHECK ?
	    PB_CHECK :
	    action->type == TXN_ACT_SEND_FREEZE ? PB_FREEZE :
						  PB_THAW;

	told->id = id;
	told->action = *action;
	wire_begin(&told->line, &proto_broker_grammar, verb);
	wire_put_uint(&told->line, PK_ID, id);
	if (verb == PB_THAW)
		wire_put_text(&told->line, PK_REASON,
		    participants_thaw_reason(action->outcome));
	wire_put_uint(&told->line, PK_REMAINING_MS, action->remaining_ms);
	if (verb == PB_FREEZE)
		wire_put_uint(&told->line, PK_HOLD_MS, action->hold_ms);
}

void
participants_tell(struct participants *participants,
    const struct registry_entry *entry, uint64_t id,
    const struct txn_action *action)
{
	struct participants_told *told = &participants->told;
	struct wire_line line;

	if (entry->owner == NULL)
		return;
	if (!participants_same_line(told, id, action))
		participants_make_line(told, id, action);
	wire_begin(&line, &proto_broker_grammar, told->line.verb);
	wire_put_text(&line, PK_NAME, entry->name);
	wire_put_keys_of(&line, &told->line);
	client_send(entry->owner, &line);
}

void
participants_owe(struct participants *participants,
    struct registry_entry *entry, uint64_t id, const struct txn_action *action,
    uint64_t now_ms)
{
	/* One that has gone is thawed by its own library. */
	if (entry->owner != NULL)
		registry_owe(&participants->registry, entry, id,
		    participants_thaw_reason(action->outcome), now_ms);
}

void
participants_retry(struct participants *participants, uint64_t now_ms)
{
	struct registry_entry *entry;

	if (participants->registry.owing == 0)
		return;
	for (entry = participants->registry.first; entry != NULL;
	     entry = entry->next) {
		if (entry->owes_id == 0 || entry->retry_at_ms > now_ms)
			continue;
		registry_retried(&participants->registry, entry, now_ms);
		if (entry->owner != NULL)
			participants_send_thaw(entry, entry->owes_id,
			    entry->owes_reason, entry->grant.thaw_ms);
	}
}
