/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text on a descriptor, in memory and not on a disk: what the parent hands to
 * the broker and is longer than a message.  Reading it waits for nobody.
 */
#ifndef TEXTFD_H
#define TEXTFD_H

#include <stddef.h>

/* A close-on-exec descriptor, or -1 with errno. */
int textfd_make(const char *text, size_t length);
/*
 * The text, owned and NUL-terminated; NULL with errno, EFBIG if it is longer
 * than max.  fd is only lent.
 */
char *textfd_read(int fd, size_t max, size_t *length);

#endif /* TEXTFD_H */
