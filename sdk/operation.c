/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Check, freeze and thaw of one participant: the only place that calls those
 * callbacks and the only one that changes a phase.  It sees to it that each
 * freeze callback is followed by a thaw callback, whatever becomes of the
 * broker, and by one more only when that failed.
 */
#include "client.h"

static void
set_phase(struct appvss_participant *participant, enum phase phase)
{
	participant->phase = phase;
}

bool
operation_is_frozen(const struct appvss_participant *participant)
{
	return (participant->phase >= PHASE_FREEZING);
}

static void
finish_thaw(struct appvss_participant *participant, bool is_ready)
{
	if (is_ready) {
		set_phase(participant, PHASE_IDLE);
		participant->thaw_retry_ms = CLIENT_THAW_RETRY_MIN_MS;
		return;
	}
	set_phase(participant, PHASE_STUCK);
	participant->thaw_retry_at_ms = CLIENT_NEVER;
	if (!participant->is_own_thaw)
		return; /* the broker will ask again */
	participant->thaw_retry_at_ms = client_now_ms() +
	    participant->thaw_retry_ms;
	participant->thaw_retry_ms *= 2;
	if (participant->thaw_retry_ms > CLIENT_THAW_RETRY_MAX_MS)
		participant->thaw_retry_ms = CLIENT_THAW_RETRY_MAX_MS;
}

int
operation_answer(struct appvss_participant *participant, bool is_ready,
    const char *text)
{
	const struct appvss *handle = participant->handle;
	unsigned verb = is_ready ? PC_READY : PC_FAIL;
	bool is_told = true;

	switch (participant->phase) {
	case PHASE_CHECKING:
		set_phase(participant, PHASE_IDLE);
		is_told = session_answer(participant, verb,
		    participant->transaction, APPVSS_CHECK, text);
		break;
	case PHASE_FREEZING:
		/*
		 * READY would be a lie when the fail-safe thaw is due: leave it
		 * to the next dispatch.
		 */
		if (handle->state != CLIENT_WELCOMED || handle->is_broken ||
		    participant->hold_until_ms <= client_now_ms())
			return (APPVSS_E_STALE);
		set_phase(participant, PHASE_FROZEN);
		is_told = session_answer(participant, verb,
		    participant->transaction, APPVSS_FREEZE, text);
		break;
	case PHASE_THAWING:
		finish_thaw(participant, is_ready);
		if (!participant->is_own_thaw)
			is_told = session_answer(participant, verb,
			    participant->thaw_id, APPVSS_THAW, text);
		break;
	case PHASE_FROZEN:
		/* It does not hold any more; its thaw comes all the same. */
		if (is_ready)
			return (APPVSS_E_STALE);
		is_told = session_answer(participant, verb,
		    participant->transaction, APPVSS_FREEZE, text);
		break;
	case PHASE_IDLE:
	case PHASE_STUCK:
		return (APPVSS_E_STALE);
	}
	return (is_told ? APPVSS_OK : APPVSS_E_STALE);
}

int
operation_progress(struct appvss_participant *participant, unsigned percent,
    uint32_t remaining_ms, const char *text)
{
	uint64_t id = 0;

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

/* The callback may have answered by itself: then its result says nothing. */
static void
call_back(struct appvss_participant *participant,
    enum appvss_answer (*callback)(struct appvss_participant *,
	const struct appvss_request *, void *),
    struct appvss_request *request)
{
	enum phase phase = participant->phase;
	enum appvss_answer answer;

	request->ticket = participant->ticket =
	    ++participant->handle->last_ticket;
	participant->text[0] = '\0';
	client_unlock(participant->handle);
	answer = callback(participant, request, participant->arg);
	client_lock(participant->handle);
	if (answer == APPVSS_PENDING || participant->phase != phase)
		return;
	/* It left from inside of the callback: its thaw is next. */
	if (participant->is_leaving && phase == PHASE_FREEZING)
		return;
	(void)operation_answer(participant, answer == APPVSS_READY,
	    participant->text);
}

void
operation_check(struct appvss_participant *participant, uint64_t id,
    uint32_t remaining_ms)
{
	struct appvss_request request = {
		.operation = APPVSS_CHECK,
		.transaction = id,
		.remaining_ms = remaining_ms,
	};

	if (operation_is_frozen(participant)) {
		(void)session_answer(participant, PC_FAIL, id, APPVSS_CHECK,
		    "still frozen by an earlier transaction");
		return;
	}
	participant->transaction = id;
	set_phase(participant, PHASE_CHECKING);
	if (participant->callbacks.check == NULL)
		(void)operation_answer(participant, true, NULL);
	else
		call_back(participant, participant->callbacks.check, &request);
}

void
operation_freeze(struct appvss_participant *participant, uint64_t id,
    uint32_t remaining_ms, uint32_t hold_ms)
{
	struct appvss_request request = {
		.operation = APPVSS_FREEZE,
		.transaction = id,
		.remaining_ms = remaining_ms,
		.hold_ms = hold_ms,
	};

	if (operation_is_frozen(participant)) {
		(void)session_answer(participant, PC_FAIL, id, APPVSS_FREEZE,
		    "still frozen by an earlier transaction");
		return;
	}
	if (remaining_ms == 0 || hold_ms == 0) {
		set_phase(participant, PHASE_IDLE);
		(void)session_answer(participant, PC_FAIL, id, APPVSS_FREEZE,
		    "the request was read too late");
		return;
	}
	participant->transaction = id;
	participant->hold_until_ms = client_now_ms() + hold_ms;
	participant->has_grace = false;
	set_phase(participant, PHASE_FREEZING);
	call_back(participant, participant->callbacks.freeze, &request);
}

static void
call_thaw(struct appvss_participant *participant, enum appvss_reason reason,
    uint32_t remaining_ms)
{
	struct appvss_request request = {
		.operation = APPVSS_THAW,
		.reason = reason,
		.transaction = participant->transaction,
		.remaining_ms = remaining_ms,
	};

	set_phase(participant, PHASE_THAWING);
	call_back(participant, participant->callbacks.thaw, &request);
}

static void
start_own_thaw(struct appvss_participant *participant)
{
	participant->is_own_thaw = true;
	call_thaw(participant, APPVSS_REASON_LOST, participant->thaw_ms);
}

void
operation_thaw(struct appvss_participant *participant, uint64_t id,
    enum appvss_reason reason, uint32_t remaining_ms)
{
	switch (participant->phase) {
	case PHASE_FREEZING:
	case PHASE_FROZEN:
		/*
		 * A late repetition of an older thaw must not undo a freeze
		 * that crossed it.
		 */
		if (id == participant->transaction)
			break;
		/* FALLTHROUGH */
	case PHASE_IDLE:
	case PHASE_CHECKING:
		(void)session_answer(participant, PC_READY, id, APPVSS_THAW,
		    NULL);
		return;
	case PHASE_THAWING:
		/* Asked again, or asked after all: one answer will do. */
		participant->is_own_thaw = false;
		participant->thaw_id = id;
		return;
	case PHASE_STUCK:
		break;
	}
	participant->is_own_thaw = false;
	participant->thaw_id = id;
	call_thaw(participant, reason, remaining_ms);
}

void
operation_lose(struct appvss_participant *participant)
{
	switch (participant->phase) {
	case PHASE_IDLE:
		return;
	case PHASE_CHECKING:
		set_phase(participant, PHASE_IDLE);
		return;
	case PHASE_FREEZING:
	case PHASE_FROZEN:
		start_own_thaw(participant);
		return;
	case PHASE_THAWING:
		participant->is_own_thaw = true;
		return;
	case PHASE_STUCK:
		participant->is_own_thaw = true;
		if (participant->thaw_retry_at_ms == CLIENT_NEVER)
			participant->thaw_retry_at_ms = client_now_ms() +
			    participant->thaw_retry_ms;
		return;
	}
}

uint64_t
operation_next_at_ms(const struct appvss_participant *participant)
{
	switch (participant->phase) {
	case PHASE_FREEZING:
	case PHASE_FROZEN:
		return (participant->hold_until_ms);
	case PHASE_STUCK:
		return (participant->thaw_retry_at_ms);
	case PHASE_IDLE:
	case PHASE_CHECKING:
	case PHASE_THAWING:
		return (CLIENT_NEVER);
	}
	return (CLIENT_NEVER);
}

void
operation_run_timers(struct appvss_participant *participant, uint64_t now_ms)
{
	if (operation_next_at_ms(participant) > now_ms)
		return;
	if (participant->phase != PHASE_STUCK && !participant->has_grace &&
	    now_ms - participant->hold_until_ms > CLIENT_PAUSE_MS) {
		participant->has_grace = true;
		participant->hold_until_ms = now_ms + CLIENT_PAUSE_GRACE_MS;
		return;
	}
	/* First the record, then the writes: the snapshot is void from here. */
	if (participant->phase != PHASE_STUCK)
		(void)session_answer(participant, PC_FAIL,
		    participant->transaction, APPVSS_FREEZE,
		    "no thaw came within the limit: thawed by itself");
	start_own_thaw(participant);
}

void
operation_leave(struct appvss_participant *participant)
{
	switch (participant->phase) {
	case PHASE_IDLE:
	case PHASE_CHECKING:
	case PHASE_THAWING: /* it was told already */
		return;
	case PHASE_FREEZING:
	case PHASE_FROZEN:
		(void)session_answer(participant, PC_FAIL,
		    participant->transaction, APPVSS_FREEZE,
		    "unregistered while frozen");
		break;
	case PHASE_STUCK:
		break;
	}
	start_own_thaw(participant);
}
