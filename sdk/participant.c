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
	if (participant->callbacks.status != NULL)
		participant->callbacks.status(participant, error, text,
		    participant->arg);
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

int
appvss_register(struct appvss *handle, const struct appvss_options *options,
    const struct appvss_callbacks *callbacks, void *arg,
    struct appvss_participant **participantp)
{
	struct appvss_participant *participant;

	if (handle == NULL || participantp == NULL || client_is_foreign(handle))
		return (APPVSS_E_INVAL);
	*participantp = NULL;
	if (!are_valid(options, callbacks))
		return (APPVSS_E_INVAL);
	if (has_name(handle, options->name))
		return (APPVSS_E_NAME_TAKEN);
	participant = calloc(1, sizeof(*participant));
	if (participant == NULL)
		return (APPVSS_E_NOMEM);
	participant->handle = handle;
	participant->callbacks = *callbacks;
	participant->arg = arg;
	snprintf(participant->name, sizeof(participant->name), "%s",
	    options->name);
	if (options->program != NULL)
		snprintf(participant->program, sizeof(participant->program),
		    "%s", options->program);
	participant->order = options->order;
	participant->required = options->required;
	participant->freeze_ms = options->freeze_ms != 0 ?
	    options->freeze_ms :
	    APPVSS_FREEZE_MS_DEFAULT;
	participant->thaw_ms = options->thaw_ms != 0 ? options->thaw_ms :
						       APPVSS_THAW_MS_DEFAULT;
	participant->registration = REG_NONE;
	participant->register_backoff_ms = CLIENT_BACKOFF_MIN_MS;
	participant->phase = PHASE_IDLE;
	participant->thaw_retry_ms = CLIENT_THAW_RETRY_MIN_MS;
	TAILQ_INSERT_TAIL(&handle->participants, participant, link);
	*participantp = participant;
	session_register(handle, client_now_ms());
	return (APPVSS_OK);
}

void
participant_destroy(struct appvss_participant *participant)
{
	participant->is_leaving = true;
	operation_leave(participant);
	(void)session_unregister(participant);
	TAILQ_REMOVE(&participant->handle->participants, participant, link);
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

	if (participant == NULL || participant->is_leaving ||
	    client_is_foreign(participant->handle))
		return;
	handle = participant->handle;
	participant->is_leaving = true;
	if (handle->is_dispatching)
		return;
	handle->is_dispatching = true;
	participant_destroy(participant);
	client_reap(handle);
	handle->is_dispatching = false;
}

static bool
is_usable(const struct appvss_participant *participant)
{
	return (participant != NULL && !participant->is_leaving &&
	    !client_is_foreign(participant->handle));
}

int
appvss_ready(struct appvss_participant *participant, const char *text)
{
	if (!is_usable(participant))
		return (APPVSS_E_INVAL);
	return (operation_answer(participant, true, text));
}

int
appvss_fail(struct appvss_participant *participant, const char *text)
{
	if (!is_usable(participant))
		return (APPVSS_E_INVAL);
	return (operation_answer(participant, false, text));
}

int
appvss_progress(struct appvss_participant *participant, unsigned percent,
    uint32_t remaining_ms, const char *text)
{
	uint64_t id = 0;

	if (!is_usable(participant) || percent > 100 ||
	    remaining_ms > PROTO_MS_MAX)
		return (APPVSS_E_INVAL);
	switch (participant->phase) {
	case PHASE_CHECKING:
	case PHASE_FREEZING:
		id = participant->transaction;
		break;
	case PHASE_THAWING:
		if (participant->is_own_thaw)
			return (APPVSS_OK); /* nobody waits for it */
		id = participant->thaw_id;
		break;
	case PHASE_IDLE:
	case PHASE_FROZEN:
	case PHASE_STUCK:
		return (APPVSS_E_STALE);
	}
	return (session_progress(participant, id, percent, remaining_ms, text) ?
		APPVSS_OK :
		APPVSS_E_STALE);
}

void
appvss_set_text(struct appvss_participant *participant, const char *text)
{
	if (!is_usable(participant))
		return;
	snprintf(participant->text, sizeof(participant->text), "%s",
	    text != NULL ? text : "");
}

const char *
appvss_get_name(const struct appvss_participant *participant)
{
	return (participant != NULL ? participant->name : "");
}

int
appvss_is_frozen(const struct appvss_participant *participant)
{
	return (participant != NULL && operation_is_frozen(participant));
}
