/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public functions of a participant: register and unregister it, answer for
 * it.  What an answer does is operation.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

_Static_assert(APPVSS_NAME_MAX == WIRE_NAME_MAX, "one limit of names");
_Static_assert(APPVSS_TEXT_MAX == PROTO_TEXT_MAX, "one limit of texts");

void
participant_report(struct appvss_participant *participant, int error,
    const char *text)
{
	if (participant->is_leaving ||
	    (participant->has_status && participant->reported_error == error))
		return;
	participant->has_status = true;
	participant->reported_error = error;
	if (participant->callbacks.status == NULL)
		return;
	client_unlock(participant->handle);
	participant->callbacks.status(participant, error, text,
	    participant->arg);
	client_lock(participant->handle);
}

static bool
are_valid(const struct appvss_options *options,
    const struct appvss_callbacks *callbacks)
{
	static const struct wire_key_def name_def = { "name", WIRE_NAME, 0, 0 };

	return (options != NULL && callbacks != NULL &&
	    callbacks->freeze != NULL && callbacks->thaw != NULL &&
	    options->name != NULL &&
	    wire_suits_type(&name_def, options->name, strlen(options->name)) &&
	    options->order >= 0 && options->order <= 99 &&
	    (options->wants_check <= 0 || callbacks->check != NULL) &&
	    options->freeze_ms <= PROTO_BUDGET_MS_MAX &&
	    options->thaw_ms <= PROTO_BUDGET_MS_MAX);
}

static bool
has_name(const struct appvss *handle, const char *name)
{
	const struct appvss_participant *participant;

	TAILQ_FOREACH(participant, &handle->participants, link)
		if (!participant->is_leaving &&
		    strcmp(participant->name, name) == 0)
			return (true);
	return (false);
}

/* What is said to people of it: "PROGRAM VERSION", or what there is of that. */
static void
set_program(struct appvss_participant *participant,
    const struct appvss_options *options)
{
	const char *program = options->program, *version = options->version;

	if (program == NULL && version != NULL)
		program = session_program_name();
	snprintf(participant->program, sizeof(participant->program), "%s%s%s",
	    program != NULL ? program : "", version != NULL ? " " : "",
	    version != NULL ? version : "");
}

static struct appvss_participant *
create_participant(struct appvss *handle, const struct appvss_options *options,
    const struct appvss_callbacks *callbacks, void *arg)
{
	struct appvss_participant *participant;

	participant = calloc(1, sizeof(*participant));
	if (participant == NULL)
		return (NULL);
	participant->handle = handle;
	participant->callbacks = *callbacks;
	participant->arg = arg;
	snprintf(participant->name, sizeof(participant->name), "%s",
	    options->name);
	set_program(participant, options);
	participant->order = options->order;
	participant->required = options->required;
	participant->wants_check = options->wants_check != 0 &&
	    callbacks->check != NULL;
	participant->freeze_ms = options->freeze_ms != 0 ?
	    options->freeze_ms :
	    APPVSS_FREEZE_MS_DEFAULT;
	participant->thaw_ms = options->thaw_ms != 0 ? options->thaw_ms :
						       APPVSS_THAW_MS_DEFAULT;
	participant->registration = REG_NONE;
	participant->register_backoff_ms = CLIENT_BACKOFF_MIN_MS;
	participant->phase = PHASE_IDLE;
	participant->thaw_retry_ms = CLIENT_THAW_RETRY_MIN_MS;
	return (participant);
}

static int
register_locked(struct appvss *handle, const struct appvss_options *options,
    const struct appvss_callbacks *callbacks, void *arg,
    struct appvss_participant **participantp)
{
	struct appvss_participant *participant;

	if (handle->is_closing)
		return (APPVSS_E_CLOSED);
	if (has_name(handle, options->name))
		return (APPVSS_E_NAME_TAKEN);
	participant = create_participant(handle, options, callbacks, arg);
	if (participant == NULL)
		return (APPVSS_E_NOMEM);
	TAILQ_INSERT_TAIL(&handle->participants, participant, link);
	*participantp = participant;
	session_register(handle, client_now_ms());
	return (APPVSS_OK);
}

int
appvss_register(struct appvss *handle, const struct appvss_options *options,
    const struct appvss_callbacks *callbacks, void *arg,
    struct appvss_participant **participantp)
{
	int error;

	if (participantp == NULL)
		return (APPVSS_E_INVAL);
	*participantp = NULL;
	error = client_check(handle);
	if (error != APPVSS_OK)
		return (error);
	if (!are_valid(options, callbacks))
		return (APPVSS_E_INVAL);
	client_lock(handle);
	error = register_locked(handle, options, callbacks, arg, participantp);
	client_unlock_changed(handle);
	return (error);
}

void
participant_destroy(struct appvss_participant *participant)
{
	struct appvss *handle = participant->handle;

	participant->is_leaving = true;
	operation_leave(participant);
	(void)session_unregister(participant);
	TAILQ_REMOVE(&handle->participants, participant, link);
	if (participant->is_gone != NULL) {
		*participant->is_gone = true;
		(void)pthread_cond_broadcast(&handle->reaped);
	}
	free(participant);
}

/*
 * Inside of a dispatch, and so inside of a callback, somebody may still use it:
 * then the end of the dispatch destroys it.
 */
void
appvss_unregister(struct appvss_participant *participant)
{
	struct appvss *handle;
	bool is_gone = false, is_closing = false;

	if (participant == NULL || client_is_foreign(participant->handle))
		return;
	handle = participant->handle;
	client_lock(handle);
	if (participant->is_leaving) {
		client_unlock(handle);
		return;
	}
	participant->is_leaving = true;
	if (client_is_elsewhere(handle)) {
		/* analyze: who sets it takes it away, before this returns. */
		participant->is_gone = &is_gone;
		client_wake(handle);
		while (!is_gone)
			(void)pthread_cond_wait(&handle->reaped,
			    &handle->mutex);
	} else if (!handle->is_dispatching) {
		handle->is_dispatching = true;
		participant_destroy(participant);
		client_reap(handle);
		handle->is_dispatching = false;
		is_closing = handle->is_closing;
		if (is_closing)
			client_shut(handle);
	}
	client_unlock(handle);
	if (is_closing)
		client_free(handle);
}

/* Takes the lock if it may be used. */
static int
lock_participant(struct appvss_participant *participant)
{
	int error;

	if (participant == NULL)
		return (APPVSS_E_INVAL);
	error = client_check(participant->handle);
	if (error != APPVSS_OK)
		return (error);
	client_lock(participant->handle);
	if (!participant->is_leaving)
		return (APPVSS_OK);
	client_unlock(participant->handle);
	return (APPVSS_E_INVAL);
}

static int
answer(struct appvss_participant *participant, bool is_ready, const char *text)
{
	int error;

	error = lock_participant(participant);
	if (error != APPVSS_OK)
		return (error);
	error = operation_answer(participant, is_ready, text);
	client_unlock_changed(participant->handle);
	return (error);
}

int
appvss_ready(struct appvss_participant *participant, const char *text)
{
	return (answer(participant, true, text));
}

int
appvss_fail(struct appvss_participant *participant, const char *text)
{
	return (answer(participant, false, text));
}

int
appvss_answer_ticket(struct appvss_participant *participant, uint64_t ticket,
    enum appvss_answer what, const char *text)
{
	int error;

	if (what != APPVSS_READY && what != APPVSS_FAIL)
		return (APPVSS_E_INVAL);
	error = lock_participant(participant);
	if (error != APPVSS_OK)
		return (error);
	error = ticket == participant->ticket ?
	    operation_answer(participant, what == APPVSS_READY, text) :
	    APPVSS_E_STALE;
	client_unlock_changed(participant->handle);
	return (error);
}

int
appvss_progress(struct appvss_participant *participant, unsigned percent,
    uint32_t remaining_ms, const char *text)
{
	int error;

	if (percent > 100 || remaining_ms > PROTO_MS_MAX)
		return (APPVSS_E_INVAL);
	error = lock_participant(participant);
	if (error != APPVSS_OK)
		return (error);
	error = operation_progress(participant, percent, remaining_ms, text);
	client_unlock_changed(participant->handle);
	return (error);
}

void
appvss_set_text(struct appvss_participant *participant, const char *text)
{
	if (lock_participant(participant) != APPVSS_OK)
		return;
	snprintf(participant->text, sizeof(participant->text), "%s",
	    text != NULL ? text : "");
	client_unlock(participant->handle);
}

const char *
appvss_get_name(const struct appvss_participant *participant)
{
	return (participant != NULL ? participant->name : "");
}

/* In a child the lock may be held by a thread that is not there. */
int
appvss_is_frozen(const struct appvss_participant *participant)
{
	bool is_frozen;

	if (participant == NULL)
		return (0);
	if (client_is_foreign(participant->handle))
		return (operation_is_frozen(participant));
	client_lock(participant->handle);
	is_frozen = operation_is_frozen(participant);
	client_unlock(participant->handle);
	return (is_frozen);
}
