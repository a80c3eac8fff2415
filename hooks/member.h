/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A script as a participant: the callbacks that libappvss calls, and the
 * answers that go back.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "script.h"
#include "sdk/appvss.h"

/* What the members of one runner share. */
struct member_shared {
	const struct options *options;
	struct appvss *handle;
	struct frozen_list list;
	bool stopping; /* freezes are refused */
	/*
	 * Until then file systems may be frozen although no script is: the log
	 * stays held.
	 */
	int64_t quiet_until_ms;
	int64_t rescan_at_ms;
};

struct member {
	struct script script;
	struct member_shared *shared;		/* borrowed */
	struct appvss_participant *participant; /* NULL: not registered */
	bool denied;   /* the broker refused it just now */
	bool fallback; /* registered with the default order instead */
};

/* Registers it; 0 or a negative enum appvss_error. */
int member_register(struct member *member);
void member_unregister(struct member *member);

/* If its order was refused: registers it anew with the default one. */
void member_retry_denied(struct member *member);

/* Passes an answer of the script on. */
void member_answer(struct member *member, enum script_answer answer);

#endif /* MEMBER_H */
