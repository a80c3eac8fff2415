/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history process, spawned on a directory of its own, fed with lines, and
 * its file looked at with SQLite.
 */
#ifndef HISTORY_RIG_H
#define HISTORY_RIG_H

#include <sys/types.h>

#define RUN_1 "RUN run=1 at_ms=1000 boot_id=b1 generation=g1 version=v\n"
#define RUN_2 "RUN run=2 at_ms=2000 boot_id=b2 generation=g1 version=v\n"

extern char rig_directory[];
extern char rig_path[64];
extern pid_t rig_child;
extern int rig_sock;

/* A fixture: the directory. */
void rig_setup(void);
void rig_teardown(void);

void rig_start(void);
/* With more arguments; NULL ends them. */
void rig_start_with(const char *const *more);
void rig_put(const char *text);
/* The next answer without its LF; "" at the end of the connection. */
const char *rig_answer(void);
/* Reads answers until this one. */
void rig_await(const char *wanted);
/* Closes the connection; the exit status. */
int rig_finish(void);
void rig_kill(void);

/* One value of the file, as text. */
const char *rig_query(const char *sql);
/* Several statements. */
void rig_exec(const char *sql);
/* Waits until the query gives that value. */
void rig_await_value(const char *sql, const char *wanted);
/* How many files of the directory have a name with this in it. */
int rig_count_files(const char *part);
void rig_write_file(const char *text);

#endif /* HISTORY_RIG_H */
