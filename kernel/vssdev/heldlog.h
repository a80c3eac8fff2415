/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of a program that lives while file systems are frozen: key=value
 * lines, one line an event.  While held, lines stay in a bounded ring in memory
 * and nothing is written to any descriptor; on release they are written in
 * order, followed by a line that counts the dropped ones.  A full pipe does not
 * block either: its lines wait in the ring for the next call.
 *
 * One log for each process, as with syslog(3): the state is kept in heldlog.c,
 * the only module that may.  Allocates nothing after heldlog_open.
 */
#ifndef HELDLOG_H
#define HELDLOG_H

#include <stdbool.h>
#include <stdint.h>

#define HELDLOG_LINE_MAX   1024 /* longer lines are cut, marked with "..." */
#define HELDLOG_RING_BYTES (256 * 1024) /* oldest lines are dropped first */

enum heldlog_level { HELDLOG_ERROR, HELDLOG_WARN, HELDLOG_INFO, HELDLOG_DEBUG };

/*
 * Starts logging to fd (borrowed; -1 drops everything), with program as the
 * name in each line; lines above max_level are left out.
 */
void heldlog_open(int fd, const char *program, enum heldlog_level max_level);

/*
 * The same with syslog(3), facility daemon, for a program without a terminal.
 * The line then leaves out time, program and pid: syslog has them.
 */
void heldlog_open_syslog(const char *program, enum heldlog_level max_level);

/* Lines above max_level are left out from now on. */
void heldlog_set_level(enum heldlog_level max_level);

/* While held is true nothing is written.  Releasing writes the ring out. */
void heldlog_hold(bool held);

/* Logs to another descriptor from now on; lines that wait go there too. */
void heldlog_reopen(int fd);

/*
 * waits is called whenever lines have to stay because fd takes no more.  It may
 * watch fd until there is room, and call heldlog_flush then: otherwise they
 * wait for the next event.  NULL: nobody watches.
 */
typedef void heldlog_waits(void *arg, int fd);
void heldlog_on_wait(heldlog_waits *waits, void *arg);

/* Writes out what can be written, unless held. */
void heldlog_flush(void);

/*
 * The same before an exit, waiting for room until timeout_ms have passed.
 * Nothing is written and nothing waited for while held.
 */
void heldlog_drain(int timeout_ms);

/*
 * Logs one event.  event is a word; format makes the key=value pairs behind it.
 * A text from a peer goes through heldlog_quote first.  Keeps errno.
 */
void heldlog(enum heldlog_level level, const char *event, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/*
 * Takes over a line that another process has made with this module, without its
 * LF; what is not printable becomes a question mark.
 */
void heldlog_pass(enum heldlog_level level, const char *line);

/*
 * Writes text into out as a value: bare if it is a plain word, otherwise in
 * double quotes with control characters, quotes and non-ASCII bytes escaped as
 * \xHH.  Cut to size.  Returns out.
 */
const char *heldlog_quote(const char *text, char *out, unsigned size);

/* Lines dropped since the start. */
uint64_t heldlog_dropped(void);

#endif /* HELDLOG_H */
