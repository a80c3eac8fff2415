/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ledger: a program whose every word can be checked.  It commits rows with the
 * numbers 1, 2, 3, ... to a SQLite database, and after each COMMIT has returned
 * it appends the number to a file that lies elsewhere.  A snapshot of the
 * database is good if its last row is the number on the last line before
 * "frozen N" of that file: not one more, not one less.
 *
 * Table: ledger(number INTEGER PRIMARY KEY, unix_ms INTEGER).
 * File: one line a number; "frozen N" before freeze is answered with ready,
 * "thawed REASON" at thaw.
 *
 * Three lines are the point for a reader who wants to copy it: stop in
 * on_freeze(), go on in on_thaw(), and dispatch between transactions.
 */
#include <appvss.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct ledger {
	const char *db_path;
	const char *out_path;
	const char *socket_path;
	const char *name;
	const char *freeze_fail; /* a fault to show: the text of a refusal */
	bool freeze_hang;	 /* a fault to show: freeze is never answered */
	int order;
	int required;
	int64_t rate; /* rows a second; 0: as many as it can */

	sqlite3 *db;
	sqlite3_stmt *insert;
	int out_fd;
	int64_t number; /* the last one that was committed */
	bool frozen;	/* the database must not be touched */
	int64_t next_at_ms;
	int64_t slice_at_ms; /* since when rows of this second are counted */
	int64_t slice_rows;
};

static volatile sig_atomic_t stop_asked;

enum long_option {
	OPTION_DB = 256,
	OPTION_OUT,
	OPTION_SOCKET,
	OPTION_NAME,
	OPTION_REQUIRED,
	OPTION_ORDER,
	OPTION_RATE,
	OPTION_FREEZE_FAIL,
	OPTION_FREEZE_HANG,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "db", required_argument, NULL, OPTION_DB },
	{ "out", required_argument, NULL, OPTION_OUT },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "required", no_argument, NULL, OPTION_REQUIRED },
	{ "order", required_argument, NULL, OPTION_ORDER },
	{ "rate", required_argument, NULL, OPTION_RATE },
	{ "freeze-fail", required_argument, NULL, OPTION_FREEZE_FAIL },
	{ "freeze-hang", no_argument, NULL, OPTION_FREEZE_HANG },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static void
print_usage(FILE *stream)
{
	(void)fprintf(stream,
	    "usage: ledger --db PATH --out FILE [--socket PATH] "
	    "[--name NAME]\n"
	    "              [--required] [--order N] [--rate ROWS]\n"
	    "              [--freeze-fail TEXT] [--freeze-hang]\n"
	    "\n"
	    "Commits numbered rows to the SQLite database PATH and appends "
	    "each number\n"
	    "that was committed to FILE.  Stops while a snapshot is taken.\n"
	    "\n"
	    "  --rate ROWS         at most so many rows a second (0: no "
	    "limit)\n"
	    "  --freeze-fail TEXT  a fault to show: refuses each freeze with "
	    "TEXT\n"
	    "  --freeze-hang       a fault to show: never answers a "
	    "freeze\n");
}

static void
on_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* One write(2) a line, so that a reader never sees half of one. */
static void
note(const struct ledger *ledger, const char *line)
{
	size_t length = strlen(line);

	if (write(ledger->out_fd, line, length) != (ssize_t)length)
		err(EX_IOERR, "%s", ledger->out_path);
}

static _Noreturn void
die_of_sqlite(const struct ledger *ledger, const char *what)
{
	errx(EX_IOERR, "%s: %s: %s", ledger->db_path, what,
	    sqlite3_errmsg(ledger->db));
}

/* ---- the database ---- */

static void
execute(const struct ledger *ledger, const char *sql)
{
	if (sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die_of_sqlite(ledger, sql);
}

static void
open_database(struct ledger *ledger)
{
	sqlite3_stmt *last;

	if (sqlite3_open(ledger->db_path, &ledger->db) != SQLITE_OK)
		die_of_sqlite(ledger, "open");
	(void)sqlite3_busy_timeout(ledger->db, 1000);
	execute(ledger, "PRAGMA journal_mode = WAL");
	/* Each COMMIT is on disk when it returns. */
	execute(ledger, "PRAGMA synchronous = FULL");
	execute(ledger,
	    "CREATE TABLE IF NOT EXISTS ledger ("
	    "number INTEGER PRIMARY KEY, unix_ms INTEGER NOT NULL)");
	if (sqlite3_prepare_v2(ledger->db,
		"SELECT coalesce(max(number), 0) FROM ledger", -1, &last,
		NULL) != SQLITE_OK ||
	    sqlite3_step(last) != SQLITE_ROW)
		die_of_sqlite(ledger, "last number");
	ledger->number = sqlite3_column_int64(last, 0);
	(void)sqlite3_finalize(last);
	if (sqlite3_prepare_v2(ledger->db, "INSERT INTO ledger VALUES (?1, ?2)",
		-1, &ledger->insert, NULL) != SQLITE_OK)
		die_of_sqlite(ledger, "prepare");
}

static void
commit_row(struct ledger *ledger)
{
	char line[32];
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)sqlite3_bind_int64(ledger->insert, 1, ledger->number + 1);
	(void)sqlite3_bind_int64(ledger->insert, 2,
	    (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	execute(ledger, "BEGIN IMMEDIATE");
	if (sqlite3_step(ledger->insert) != SQLITE_DONE)
		die_of_sqlite(ledger, "insert");
	(void)sqlite3_reset(ledger->insert);
	execute(ledger, "COMMIT");
	ledger->number++;
	(void)snprintf(line, sizeof(line), "%" PRId64 "\n", ledger->number);
	note(ledger, line);
}

/* Brings everything from the write-ahead log into the database file. */
static bool
checkpoint(struct ledger *ledger)
{
	int in_log, moved;

	return (sqlite3_wal_checkpoint_v2(ledger->db, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, &in_log, &moved) == SQLITE_OK);
}

/* ---- the participant ---- */

/* Runs between two transactions, so there is none to finish. */
static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct ledger *ledger = arg;
	char line[48];

	(void)request;
	if (ledger->freeze_fail != NULL) {
		appvss_set_text(participant, ledger->freeze_fail);
		return (APPVSS_FAIL);
	}
	if (!checkpoint(ledger)) {
		appvss_set_text(participant, sqlite3_errmsg(ledger->db));
		return (APPVSS_FAIL);
	}
	ledger->frozen = true;
	(void)snprintf(line, sizeof(line), "frozen %" PRId64 "\n",
	    ledger->number);
	note(ledger, line);
	return (ledger->freeze_hang ? APPVSS_PENDING : APPVSS_READY);
}

static const char *
reason_word(enum appvss_reason reason)
{
	switch (reason) {
	case APPVSS_REASON_NONE:
		return ("none");
	case APPVSS_REASON_DONE:
		return ("done");
	case APPVSS_REASON_ABORTED:
		return ("aborted");
	case APPVSS_REASON_EXPIRED:
		return ("expired");
	case APPVSS_REASON_LOST:
		return ("lost");
	}
	return ("unknown");
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct ledger *ledger = arg;
	char line[48];

	(void)participant;
	(void)snprintf(line, sizeof(line), "thawed %s\n",
	    reason_word(request->reason));
	note(ledger, line);
	ledger->frozen = false;
	return (APPVSS_READY);
}

static void
on_status(struct appvss_participant *participant, int error, const char *text,
    void *arg)
{
	(void)arg;
	warnx("%s: %s%s%s", appvss_get_name(participant),
	    error == APPVSS_OK ? "registered" : appvss_strerror(error),
	    *text == '\0' ? "" : ": ", text);
}

static struct appvss *
join(struct ledger *ledger)
{
	static const struct appvss_callbacks callbacks = { .freeze = on_freeze,
		.thaw = on_thaw,
		.status = on_status };
	struct appvss_options options;
	struct appvss_participant *participant;
	struct appvss *handle;
	int error;

	appvss_options_init(&options);
	options.name = ledger->name;
	options.program = "ledger, an example of appvss";
	options.order = ledger->order;
	options.required = ledger->required;
	error = appvss_open(&handle, ledger->socket_path);
	if (error == APPVSS_OK)
		error = appvss_register(handle, &options, &callbacks, ledger,
		    &participant);
	if (error != APPVSS_OK)
		errx(EX_UNAVAILABLE, "appvss: %s", appvss_strerror(error));
	return (handle);
}

/* ---- the loop ---- */

/* When the next row may be written, by --rate. */
static void
set_next_row(struct ledger *ledger)
{
	int64_t now = now_ms();

	if (ledger->rate == 0)
		return;
	if (now - ledger->slice_at_ms >= 1000) {
		ledger->slice_at_ms = now;
		ledger->slice_rows = 0;
	}
	ledger->slice_rows++;
	ledger->next_at_ms = ledger->slice_at_ms +
	    ledger->slice_rows * 1000 / ledger->rate;
}

/* Sleeps until the library or the next row needs attention. */
static void
wait_for_events(struct ledger *ledger, struct appvss *handle,
    const sigset_t *unblocked)
{
	struct timespec timeout;
	struct pollfd fd = { appvss_get_fd(handle), appvss_get_events(handle),
		0 };
	int64_t wait_ms = appvss_get_timeout_ms(handle), row_ms;

	if (!ledger->frozen) {
		row_ms = ledger->next_at_ms - now_ms();
		if (row_ms < 0)
			row_ms = 0;
		if (wait_ms == -1 || row_ms < wait_ms)
			wait_ms = row_ms;
	}
	timeout.tv_sec = (time_t)(wait_ms / 1000);
	timeout.tv_nsec = (long)(wait_ms % 1000) * 1000000;
	(void)ppoll(&fd, 1, wait_ms == -1 ? NULL : &timeout, unblocked);
}

static void
loop(struct ledger *ledger, struct appvss *handle, const sigset_t *unblocked)
{
	int error;

	ledger->slice_at_ms = ledger->next_at_ms = now_ms();
	for (;;) {
		wait_for_events(ledger, handle, unblocked);
		if (stop_asked)
			return;
		error = appvss_dispatch(handle);
		if (error != APPVSS_OK)
			errx(EX_UNAVAILABLE, "appvss: %s",
			    appvss_strerror(error));
		if (ledger->frozen || now_ms() < ledger->next_at_ms)
			continue;
		commit_row(ledger);
		set_next_row(ledger);
	}
}

static void
block_signals(sigset_t *unblocked)
{
	struct sigaction action;
	sigset_t blocked;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGINT);
	/* Caught in ppoll(2) only: never inside of a transaction. */
	(void)sigprocmask(SIG_BLOCK, &blocked, unblocked);
	(void)sigdelset(unblocked, SIGTERM);
	(void)sigdelset(unblocked, SIGINT);
}

static int64_t
parse_number(const char *option, const char *text, int64_t max)
{
	long long value;
	char *end;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || value < 0 ||
	    value > max)
		errx(EX_USAGE,
		    "--%s: \"%s\" is not a number from 0 to %" PRId64, option,
		    text, max);
	return (value);
}

static void
parse_options(int argc, char **argv, struct ledger *ledger)
{
	int option;

	while (
	    (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_DB:
			ledger->db_path = optarg;
			break;
		case OPTION_OUT:
			ledger->out_path = optarg;
			break;
		case OPTION_SOCKET:
			ledger->socket_path = optarg;
			break;
		case OPTION_NAME:
			ledger->name = optarg;
			break;
		case OPTION_REQUIRED:
			ledger->required = 1;
			break;
		case OPTION_ORDER:
			ledger->order = (int)parse_number("order", optarg, 99);
			break;
		case OPTION_RATE:
			ledger->rate = parse_number("rate", optarg, 1000000);
			break;
		case OPTION_FREEZE_FAIL:
			ledger->freeze_fail = optarg;
			break;
		case OPTION_FREEZE_HANG:
			ledger->freeze_hang = true;
			break;
		case 'h':
		case OPTION_HELP:
			print_usage(stdout);
			exit(EX_OK);
		default:
			print_usage(stderr);
			exit(EX_USAGE);
		}
	}
	if (optind != argc || ledger->db_path == NULL ||
	    ledger->out_path == NULL) {
		print_usage(stderr);
		exit(EX_USAGE);
	}
}

int
main(int argc, char **argv)
{
	struct ledger ledger = { .name = "ledger",
		.order = APPVSS_ORDER_DEFAULT };
	struct appvss *handle;
	sigset_t unblocked;
	bool was_frozen;

	parse_options(argc, argv, &ledger);
	ledger.out_fd = open(ledger.out_path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (ledger.out_fd == -1)
		err(EX_CANTCREAT, "%s", ledger.out_path);
	block_signals(&unblocked);
	open_database(&ledger);
	handle = join(&ledger);
	loop(&ledger, handle, &unblocked);
	was_frozen = ledger.frozen;
	appvss_close(handle);
	/*
	 * Closing would write, and sleep until the disk thaws.  Everything is
	 * in the database file already.
	 */
	if (was_frozen)
		_exit(EX_OK);
	(void)sqlite3_finalize(ledger.insert);
	(void)sqlite3_close(ledger.db);
	return (EX_OK);
}
