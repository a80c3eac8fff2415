/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of history files on any bytes: four that say how long the database
 * is (little-endian), the database, and the journal beside it, if anything is
 * left.  The oracle: an error has a text; what is read has its final zeros, and
 * is the same when it is asked again; nothing is written to the file.
 *
 * Built with libFuzzer by "make fuzz-history"; replay.c runs the corpus through
 * the same function in "make check".
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appvssd/history_read.h"

#define LIST_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/dev/shm/appvss-fuzz.XXXXXX";
static char elsewhere[] = "/tmp/appvss-fuzz.XXXXXX";
static char *place;
static char database[64], journal[80];

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
remove_place(void)
{
	(void)unlink(journal);
	(void)unlink(database);
	(void)rmdir(place);
}

/* In memory, where there is such a place. */
static void
make_place(void)
{
	place = mkdtemp(directory);
	if (place == NULL)
		place = mkdtemp(elsewhere);
	require(place != NULL);
	snprintf(database, sizeof(database), "%s/history.db", place);
	snprintf(journal, sizeof(journal), "%s-journal", database);
	require(atexit(remove_place) == 0);
}

static void
put_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd != -1);
	require(write(fd, data, size) == (ssize_t)size);
	require(close(fd) == 0);
}

/* Opened for reading, it is as it was. */
static void
check_file(const uint8_t *data, size_t size)
{
	uint8_t *now = malloc(size + 1);
	int fd = open(database, O_RDONLY | O_CLOEXEC);

	require(now != NULL && fd != -1);
	require(read(fd, now, size + 1) == (ssize_t)size);
	require(memcmp(now, data, size) == 0);
	close(fd);
	free(now);
}

#define REQUIRE_TEXT(array) \
	require(memchr((array), '\0', sizeof(array)) != NULL)

static void
check_detail(const struct history_detail *detail)
{
	size_t i;

	REQUIRE_TEXT(detail->run.boot_id);
	for (i = 0; i < detail->nstates; i++) {
		REQUIRE_TEXT(detail->states[i].state);
		REQUIRE_TEXT(detail->states[i].host);
	}
	for (i = 0; i < detail->nparts; i++) {
		REQUIRE_TEXT(detail->parts[i].name);
		REQUIRE_TEXT(detail->parts[i].text);
	}
	for (i = 0; i < detail->nevents; i++)
		REQUIRE_TEXT(detail->events[i].text);
}

static void
find(struct history *history, int64_t id)
{
	struct history_detail detail;
	enum history_error result;

	result = history_find(history, id, &detail);
	if (result == HISTORY_OK) {
		require(id == 0 || detail.txn.id == id);
		check_detail(&detail);
		history_detail_fini(&detail);
	} else if (result != HISTORY_E_NONE) {
		require(history_error_text(history)[0] != '\0');
	}
}

/* What monitoring asks for. */
static void
ask_monitor(struct history *history)
{
	const struct history_filter some = { .app = "db" };
	struct history_flush *flushes = NULL;
	struct history_tally *tallies = NULL;
	struct history_summary summary;
	size_t count = 0, i;

	if (history_summary(history, NULL, &summary) == HISTORY_OK)
		REQUIRE_TEXT(summary.newest.op);
	if (history_tallies(history, 0, &tallies, &count) == HISTORY_OK) {
		for (i = 0; i < count; i++)
			REQUIRE_TEXT(tallies[i].outcome);
		free(tallies);
	}
	if (history_flushes(history, &some, &flushes, &count) == HISTORY_OK)
		free(flushes);
}

static void
ask(struct history *history)
{
	const struct history_filter any = { 0 };
	const struct history_filter some = { .since_ms = 1,
		.outcome = "done",
		.consistency = "application",
		.app = "db",
		.source = "device" };
	struct history_txn *again = NULL, *txns = NULL;
	struct history_evidence evidence;
	enum history_error result;
	size_t count = 0, i, second = 0;

	result = history_list(history, &any, LIST_MAX, &txns, &count);
	if (result == HISTORY_OK) {
		require(count <= LIST_MAX);
		require(history_list(history, &any, LIST_MAX, &again,
			    &second) == HISTORY_OK);
		require(count == second);
		for (i = 0; i < count; i++) {
			require(again[i].n == txns[i].n);
			REQUIRE_TEXT(txns[i].last.consistency);
			if (txns[i].id != 0)
				find(history, txns[i].id);
		}
		free(again);
		free(txns);
	} else {
		require(history_error_text(history)[0] != '\0');
	}
	txns = NULL;
	if (history_list(history, &some, LIST_MAX, &txns, &count) == HISTORY_OK)
		free(txns);
	find(history, 0);
	ask_monitor(history);
	result = history_prove(history, &evidence);
	if (result == HISTORY_OK) {
		check_detail(&evidence.detail);
		history_detail_fini(&evidence.detail);
	} else {
		require(history_error_text(history)[0] != '\0');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[HISTORY_ERROR_SIZE] = "";
	struct history *history = NULL;
	size_t length;

	if (size < 4)
		return (0);
	if (place == NULL)
		make_place();
	length = (size_t)data[0] | (size_t)data[1] << 8 |
	    (size_t)data[2] << 16 | (size_t)data[3] << 24;
	data += 4;
	size -= 4;
	if (length > size)
		length = size;
	put_file(database, data, length);
	(void)unlink(journal);
	if (length < size)
		put_file(journal, data + length, size - length);
	if (history_open(&history, database, error) == HISTORY_OK) {
		ask(history);
		history_close(history);
	} else {
		require(history == NULL && error[0] != '\0' &&
		    memchr(error, '\0', sizeof(error)) != NULL);
	}
	check_file(data, length);
	return (0);
}
