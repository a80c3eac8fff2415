/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history process's answer to QUERY: a bounded page, made whole before any
 * of it is sent, so that nothing is locked while it goes.
 */
#ifndef HISTORY_QUERY_H
#define HISTORY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history_db.h"
#include "sdk/wire.h"

/* Room for so many bytes of lines, the last line's included. */
#define HISTORY_PAGE_BYTES (256 * 1024)

struct sqlite3;

enum history_query_kind {
	HISTORY_QUERY_TXNS,   /* transactions, newest first */
	HISTORY_QUERY_TXN,    /* one with everything; id 0: the newest freeze */
	HISTORY_QUERY_EVENTS, /* events, newest first */
};

struct history_query {
	uint64_t number; /* 0: there is none */
	enum history_query_kind kind;
	int64_t id;
	int64_t before;		      /* below this one */
	size_t skip;		      /* items of a transaction */
	size_t limit;		      /* items of the page */
	char name[WIRE_NAME_MAX + 1]; /* of a participant, or "" */
};

struct history_page {
	size_t length;
	char bytes[HISTORY_PAGE_BYTES];
};

/* What a QUERY line asks for.  False: its kind is none. */
bool history_query_take(struct history_query *query,
    const struct wire_msg *msg);

/*
 * Fills the page with ITEM lines and DONE; db NULL: an empty file.  stops is
 * asked every few milliseconds.  RETRY: it said true, and the page is nothing.
 * DAMAGED: the file is to be set aside.
 */
enum historydb_result history_query_run(struct sqlite3 *db,
    const struct history_query *query, bool (*stops)(void *arg), void *arg,
    struct history_page *page);

/* A page that is DONE with this code, and nothing else. */
void history_query_refuse(const struct history_query *query, const char *code,
    struct history_page *page);

#endif /* HISTORY_QUERY_H */
