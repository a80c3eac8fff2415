/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See try.h.  Keeps the promises of the runner: a freeze or check is killed as
 * a group at its limit, or when the person gives up; a thaw never is.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "hookdir.h"
#include "script.h"
#include "signals.h"
#include "try.h"

struct trial {
	const char *operation;
	struct script script;
	struct run_command command;
	bool may_kill;
	int64_t started_at_ms;
	int64_t limit_at_ms; /* of the next step against it */
	int kills;
	bool was_left; /* a thaw that still runs */
};

/* What the runner has frozen is the runner's to thaw. */
static void
refuse_if_frozen(const char *runtime_dir, const char *name)
{
	static struct frozen_list list;
	unsigned i;

	if (frozenlist_load(&list, runtime_dir) == -1)
		err(EX_NOPERM, "%s", runtime_dir);
	for (i = 0; i < list.count; i++)
		if (strcmp(list.entries[i].name, name) == 0)
			errx(EX_TEMPFAIL,
			    "%s: appvss-hooks runs it or owes it a thaw, in "
			    "transaction %" PRIu64,
			    name, list.entries[i].transaction);
}

static void
look_up(struct trial *trial, const struct options *options, const char *name,
    struct hookdir_entry *entry)
{
	const char *why;

	memset(entry, 0, sizeof(*entry));
	if (!scan_name_ok(name))
		errx(EX_USAGE, "%s: not the name of a script", name);
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	if (hookdir_look(entry, options->directory) == -1)
		err(EX_NOINPUT, "%s/%s", options->directory, name);
	if (entry->verdict != SCAN_RUN)
		errx(EX_CONFIG, "%s/%s: %s", options->directory, name,
		    entry->why);
	if (!script_init(&trial->script, options->directory, name, NULL))
		errx(EX_USAGE, "%s/%s: too long", options->directory, name);
	why = script_set_user(&trial->script, entry->directive.user);
	if (why != NULL)
		errx(EX_CONFIG, "%s: user=%s: %s", name, entry->directive.user,
		    why);
}

static void
print_command(const struct trial *trial, const struct hookdir_entry *entry)
{
	const struct run_command *command = &trial->command;
	char words[DIRECTIVE_TEXT_MAX];

	(void)printf("%s %s\n", command->path, command->operation);
	if (directive_print(&entry->directive, words)[0] != '\0')
		(void)printf("directives: %s\n", words);
	if (!entry->directive.check && strcmp(trial->operation, "check") == 0)
		(void)printf(
		    "note: without the directive \"check\" it is never "
		    "asked this\n");
	if (command->account != NULL)
		(void)printf("USER=%s\nLOGNAME=%s\nHOME=%s\n",
		    command->account->name, command->account->name,
		    command->account->home);
	(void)printf("APPVSS_OPERATION=%s\nAPPVSS_TRANSACTION=%" PRIu64
		     "\nAPPVSS_DEADLINE_MS=%" PRId64 "\nAPPVSS_RESULT=%s\n",
	    command->operation, command->transaction, command->deadline_ms,
	    command->result);
	(void)printf("--- output:\n");
	(void)fflush(stdout);
}

/* Its limit has passed, or the person has pressed ^C. */
static void
end_it(struct trial *trial, struct run *run, int64_t now_ms)
{
	if (!trial->may_kill) {
		if (signals_stop_asked())
			trial->was_left = true;
		trial->limit_at_ms = CLOCK_NEVER_MS;
		return;
	}
	run_kill(run, trial->kills == 0 ? SIGTERM : SIGKILL);
	trial->limit_at_ms = trial->kills++ == 0 ? now_ms + SCRIPT_GRACE_MS :
						   CLOCK_NEVER_MS;
}

static void
watch(struct trial *trial)
{
	struct run *run = &trial->script.freeze_run;
	struct pollfd fds[RUN_POLL_MAX];
	bool ended = false;
	int64_t now_ms;

	while (!ended && !trial->was_left) {
		signals_wait(fds, run_fill_poll(run, fds), trial->limit_at_ms);
		run_drain(run);
		now_ms = clock_now_ms();
		if (now_ms >= trial->limit_at_ms ||
		    (signals_stop_asked() && trial->kills == 0))
			end_it(trial, run, now_ms);
		/* Killed: what is left of its group goes as well. */
		ended = run_has_ended(run) && trial->kills != 1;
	}
	if (!trial->was_left)
		run_reap(run);
}

static int
report(const struct trial *trial)
{
	const struct run *run = &trial->script.freeze_run;
	int64_t elapsed_ms = clock_now_ms() - trial->started_at_ms;
	char text[SCRIPT_TEXT_MAX];
	bool is_good = run_succeeded(run) && trial->kills == 0;

	(void)run_describe(run, text, sizeof(text));
	text[strcspn(text, ":")] = '\0';
	if (run->exec_errno != 0)
		(void)run_describe(run, text, sizeof(text));
	if (trial->was_left)
		(void)snprintf(text, sizeof(text),
		    "a thaw is not killed: it goes on as process %ld",
		    (long)run->pid);
	(void)printf("--- %s%s, after %" PRId64 " ms: %s\n",
	    trial->kills > 0 ? "killed at its limit or by you, " : "", text,
	    elapsed_ms, is_good ? "ready" : "failed");
	if (is_good && !run_output_ended(run))
		(void)printf("what it left behind has its output open\n");
	if (strcmp(trial->operation, "freeze") == 0 && run->exec_errno == 0)
		(void)printf("now run its thaw: appvss-hooks --run thaw %s\n",
		    trial->script.name);
	return (is_good ? 0 : 1);
}

int
try_run(const struct options *options, const char *operation, const char *name)
{
	static struct hookdir_entry entry;
	static struct trial trial;
	int64_t limit_ms;
	int status;

	trial.operation = operation;
	trial.may_kill = strcmp(operation, "thaw") != 0;
	look_up(&trial, options, name, &entry);
	refuse_if_frozen(options->runtime_dir, name);
	limit_ms = trial.may_kill ? options->freeze_ms : options->thaw_ms;
	if (trial.may_kill && entry.directive.timeout_ms != 0)
		limit_ms = entry.directive.timeout_ms;
	script_fill_command(&trial.script, &trial.command, operation, 0,
	    limit_ms);
	if (!trial.may_kill)
		trial.command.result = "done";
	print_command(&trial, &entry);
	signals_init();
	trial.script.freeze_run.copy_fd = STDOUT_FILENO;
	trial.started_at_ms = clock_now_ms();
	trial.limit_at_ms = trial.started_at_ms + limit_ms;
	if (run_prepare(&trial.script.freeze_run, &trial.command) == -1)
		err(EX_OSERR, "%s", name);
	run_go(&trial.script.freeze_run);
	watch(&trial);
	status = report(&trial);
	script_fini(&trial.script);
	return (status);
}
