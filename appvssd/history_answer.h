/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the history process says to the broker, over its socket.  The broker
 * always reads; if it is gone, the next read says so.
 */
#ifndef HISTORY_ANSWER_H
#define HISTORY_ANSWER_H

#include <stddef.h>
#include <stdint.h>

struct historydb_unsure;

void history_answer_bytes(int fd, const char *bytes, size_t length);
/* uid -1: not known. */
void history_answer_known(int fd, const char *name, const char *program,
    int64_t uid);
/* set_aside: the new name of a file, or "". */
void history_answer_ready(int fd, uint64_t last_id, const char *set_aside,
    const struct historydb_unsure *unsure);
void history_answer_ack(int fd, uint64_t seq);

#endif /* HISTORY_ANSWER_H */
