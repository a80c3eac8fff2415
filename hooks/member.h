/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A script as a participant: the callbacks that libappvss calls, and the
 * answers that go back.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "hookdir.h"
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
	int64_t rescan_at_ms; /* CLOCK_NEVER_MS: when the directory changes */
};

struct member {
	struct script script;
	struct check check;
	struct hookdir_entry entry;   /* as it was read last */
	struct directive asked;	      /* what it was registered with */
	struct member_shared *shared; /* borrowed */
	struct appvss_participant *participant; /* NULL: not registered */
	bool denied;	    /* the broker refused it just now */
	bool is_new_chance; /* another broker than the one that refused */
	bool fallback;	    /* registered as optional with the default order */
};

/*
 * Makes member, all zeroes, from what the directory holds, and registers it.
 * False: it did not work, and was logged; member_fini all the same.
 */
bool member_init(struct member *member, struct member_shared *shared,
    const struct hookdir_entry *entry);
/* Unregisters it first if is_leaving; else the broker is to miss it. */
void member_fini(struct member *member, bool is_leaving);

/* While idle: takes on what has changed of its file. */
void member_update(struct member *member, const struct hookdir_entry *entry);

/*
 * If its order or being required was refused: registers it anew without.  With
 * is_new_chance: the broker may allow it now, so asks once more.
 */
void member_retry(struct member *member, bool is_new_chance);

/* Takes the steps that are due, and passes answers on. */
void member_tick(struct member *member, int64_t now_ms);

/* Nothing runs for it, and nothing is owed. */
bool member_is_idle(const struct member *member);

#endif /* MEMBER_H */
