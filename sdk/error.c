/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constant words and the defaults of libappvss.
 */
#include <string.h>

#include "appvss.h"

const char *
appvss_strerror(int error)
{
	switch (error) {
	case APPVSS_OK:
		return ("success");
	case APPVSS_E_INVAL:
		return ("invalid argument or state");
	case APPVSS_E_NOMEM:
		return ("out of memory");
	case APPVSS_E_NAME_TAKEN:
		return ("the name is taken by another connection");
	case APPVSS_E_DENIED:
		return ("denied by the broker's configuration");
	case APPVSS_E_LIMIT:
		return ("a limit of the broker is reached");
	case APPVSS_E_PROTOCOL:
		return ("protocol error or unsupported version");
	case APPVSS_E_UNAVAILABLE:
		return ("the broker is not available");
	case APPVSS_E_STALE:
		return ("the transaction is over or already answered");
	case APPVSS_E_SYSTEM:
		return ("system error");
	case APPVSS_E_CLOSED:
		return ("the handle was closed");
	case APPVSS_E_FORKED:
		return ("the handle belongs to the process that was forked");
	case APPVSS_E_NOT_FOUND:
		return ("no such transaction is recorded");
	default:
		return ("unknown error");
	}
}

const char *
appvss_version(void)
{
	return (APPVSS_VERSION);
}

void
appvss_options_init(struct appvss_options *options)
{
	memset(options, 0, sizeof(*options));
	options->order = APPVSS_ORDER_DEFAULT;
	options->freeze_ms = APPVSS_FREEZE_MS_DEFAULT;
	options->thaw_ms = APPVSS_THAW_MS_DEFAULT;
	options->wants_check = -1;
}

void
appvss_query_init(struct appvss_query *query, enum appvss_question question)
{
	memset(query, 0, sizeof(*query));
	query->question = question;
	query->rows_max = APPVSS_ROWS_DEFAULT;
	query->timeout_ms = APPVSS_QUERY_MS_DEFAULT;
}
