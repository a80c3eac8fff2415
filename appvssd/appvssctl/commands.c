/* SPDX-License-Identifier: BSD-2-Clause */
/* See commands.h. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"

#define BIT(name) OPTION_BIT(OPTION_##name)
#define BITS_FILTER                                                  \
	(BIT(SINCE) | BIT(UNTIL) | BIT(OUTCOME) | BIT(CONSISTENCY) | \
	    BIT(APP) | BIT(SOURCE))

/* A name that is NULL: a heading of the list. */
static const struct command commands[] = {
	{ .summary = "What happened:" },
	{ "last", "[--svg FILE]",
	    "the newest snapshot, why it is what it is, as a timeline",
	    "worth   application-consistent, or what it is instead\n"
	    "why     in words; below it who was not ready, what that one said,\n"
	    "        and when it was ready last\n"
	    "since   how many in a row, and the last good one\n"
	    "next    what to do, so that the next one is better\n"
	    "The bars show who was slow.  Drills are no snapshots, and passed over:\n"
	    "appvssctl show ID.\n"
	    "--svg writes a picture for a browser instead.\n",
	    BIT(SVG), 0, 0, ctl_last },
	{ "history", "[-n N] [FILTER...]",
	    "the newest transactions, one a line",
	    "  -n N               that many; 20\n"
	    "  --since TIME, --until TIME\n"
	    "                     2026-01-31, \"2026-01-31 08:00\", with Z or\n"
	    "                     +02:00 if not local, or how long ago: 2h, 3d\n"
	    "  --outcome WORD     done, aborted, expired, superseded, lost,\n"
	    "                     interrupted, held or unfinished\n"
	    "  --consistency WORD application (good), filesystem (somebody was\n"
	    "                     missing or failed) or none (not usable)\n"
	    "  --app NAME         that had a part in it\n"
	    "  --source NAME      device (the host) or requestor (appvssctl)\n"
	    "  --stats            with --app: how long that one took, day by day;\n"
	    "                     of 30 days, or as --since and --until say\n",
	    BIT(STATS) | BIT(LIMIT) | BITS_FILTER, 0, 0, ctl_list },
	{ "show", "ID|last [--svg FILE]", "one transaction, the same way",
	    "ID is the first column of history; for the rest see last --help.\n"
	    "--svg writes a picture for a browser instead.\n",
	    BIT(SVG), 1, 1, ctl_show },
	{ "provenance", "[--live]",
	    "what the history says of the disk that it lies on",
	    "--live compares with the running machine, as is done for the\n"
	    "default history anyway.  Exit status 0: captured while held,\n"
	    "application-consistent; 1: not, or nothing can be told.\n",
	    BIT(LIVE), 0, 0, ctl_provenance },
	{ .summary = "How it is:" },
	{ "status", "", "what appvssd is doing, and its participants",
	    "A participant is an application that is asked before each\n"
	    "snapshot.  REQUIRED: without it there is none.  PRESENT no: it is\n"
	    "known and not there, and no snapshot is application-consistent\n"
	    "until it returns, or \"appvssctl forget NAME\".  RESULT, FLUSH and\n"
	    "TEXT are of its last freeze.\n",
	    0, 0, 0, ctl_status },
	{ "apps", "", "the participants alone",
	    "As status shows them: see its help.\n", 0, 0, 0, ctl_apps },
	{ "watch", "[-n N]", "every event as it happens, one a line",
	    "Who is told what, what it answers, how it ends.  Ends after N\n"
	    "events, or when appvssd does.\n",
	    BIT(LIMIT), 0, 0, ctl_watch },
	{ "doctor", "[FILES...]",
	    "what would make the next snapshot fail, and how to mend it",
	    "Each line is ok, note, warning or error; below it stands what\n"
	    "mends it.  Changes and freezes nothing; run it as root.  Exit\n"
	    "status 0: all is well; 1: a warning; 2: an error, with which\n"
	    "snapshots fail or lie.\n"
	    "  --config FILE      of appvssd\n"
	    "  --daemon-config FILE, --runtime-dir DIR\n"
	    "                     of hv_vss_daemon\n"
	    "  --hooks-dir DIR    of appvss-hooks\n",
	    BIT(CONFIG) | BIT(DAEMON_CONFIG) | BIT(RUNTIME_DIR) |
		BIT(HOOKS_DIR),
	    0, 0, ctl_doctor },
	{ .summary = "For monitoring:" },
	{ "check", "[--warning AGE] [--critical AGE] [--source NAME]",
	    "a plugin's one line and exit status: is all well?",
	    "AGE is that of the last application-consistent snapshot: seconds,\n"
	    "or 26h (the default to warn), 2d2h (to be critical).  Exit status\n"
	    "0: OK, 1: WARNING, 2: CRITICAL, 3: UNKNOWN.\n",
	    BIT(WARNING) | BIT(CRITICAL) | BIT(SOURCE), 0, 0, ctl_check },
	{ "metrics", "[--output FILE]",
	    "OpenMetrics text for a collector that reads files",
	    "FILE is replaced as a whole.  --json makes no difference.\n",
	    BIT(OUTPUT), 0, 0, ctl_metrics },
	{ .summary = "To do something:" },
	{ "drill",
	    "[--fs MOUNT] [--repeat N] [--hold SECONDS] "
	    "[--require-application]",
	    "rehearse: freeze and thaw the applications",
	    "A whole transaction without a host; then its timeline.  The\n"
	    "applications are really frozen, for --hold seconds (0 unless\n"
	    "said), --repeat times (once).  Exit status 0: a snapshot could\n"
	    "have been taken; 69: a required participant would have vetoed\n"
	    "it, or with --require-application any would have failed it.\n"
	    "--fs has hv_vss_daemon freeze that file system as well (root);\n"
	    "it thaws before the applications.  --runtime-dir DIR: where the\n"
	    "daemon's control socket is.\n",
	    BIT(FS) | BIT(RUNTIME_DIR) | BIT(REPEAT) | BIT(HOLD) | BIT(REQUIRE),
	    0, 0, ctl_drill },
	{ "run", "[--hold SECONDS] [--require-application] -- COMMAND...",
	    "freeze the applications, run COMMAND, thaw them",
	    "Exit status: that of COMMAND; 75 if the hold was lost while it\n"
	    "ran, and what it made must not be used; 69 if nothing could be\n"
	    "frozen and it was not run.  --hold is how long it may take, up to\n"
	    "hold_max_ms of appvssd.conf(5).  Without --require-application it\n"
	    "is run as well if optional participants failed.\n",
	    BIT(HOLD) | BIT(REQUIRE), 1, -1, ctl_run },
	{ "freeze", "[--hold SECONDS] [--require-application]",
	    "freeze the applications until thaw; prints an ID",
	    "For agents that call one program before and another after their\n"
	    "snapshot.  Only the limit guards it: whoever does not thaw in time\n"
	    "has no snapshot.\n",
	    BIT(HOLD) | BIT(REQUIRE), 0, 0, ctl_freeze },
	{ "thaw", "ID", "end what freeze began",
	    "Exit status 0: the hold was good until now; 75: it was lost, and\n"
	    "the snapshot must not be used.\n",
	    0, 1, 1, ctl_thaw },
	{ "forget", "NAME", "forget a participant that will not come back",
	    "Until then one that went away without leaving counts as missing,\n"
	    "and no snapshot is application-consistent.\n",
	    0, 1, 1, ctl_forget },
	{ "reload", "", "read the configuration again",
	    "Waits for the end of a transaction that runs.  If anything is\n"
	    "wrong with the configuration, the one before stays.\n",
	    0, 0, 0, ctl_reload },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct command *
commands_find(const char *name)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++) {
		if (commands[i].name != NULL &&
		    strcmp(commands[i].name, name) == 0)
			return (&commands[i]);
	}
	return (NULL);
}

static void
print_list(void)
{
	size_t i;

	fputs("usage: appvssctl [--socket PATH] [--history FILE] [--json] "
	      "COMMAND\n\n"
	      "A snapshot is application-consistent if every application that "
	      "takes part (a\nparticipant) had its data in order for it, and "
	      "waited until it was taken.\n"
	      "  Why was the last one not, since when, what to do?  "
	      "appvssctl last\n"
	      "  Will the next one be?                              "
	      "appvssctl doctor\n",
	    stdout);
	for (i = 0; i < NCOMMANDS; i++) {
		const struct command *command = &commands[i];

		if (command->name == NULL)
			printf("\n%s\n", command->summary);
		else
			printf("  %-10s %-8s %s\n", command->name,
			    strlen(command->usage) > 8 ? "..." : command->usage,
			    command->summary);
	}
	fputs("\nappvssctl COMMAND --help says more of one.\n", stdout);
}

void
commands_print_help(const struct command *command)
{
	if (command == NULL) {
		print_list();
	} else {
		printf("usage: appvssctl %s%s%s\n\n  %s\n", command->name,
		    command->usage[0] == '\0' ? "" : " ", command->usage,
		    command->summary);
		if (command->help != NULL)
			printf("\n%s", command->help);
	}
	fputs(options_help, stdout);
}
