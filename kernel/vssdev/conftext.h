/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a configuration file, made ready for libConfuse.  That counts
 * lines wrongly behind a comment, and takes a comment or a section that is
 * never closed for the end of the file, so that whatever follows is lost in
 * silence.  So comments are taken out here, and what is never closed is told.
 *
 * Knows the marks of libConfuse's grammar, and no word of any file.
 */
#ifndef CONFTEXT_H
#define CONFTEXT_H

#include <stddef.h>
#include <stdio.h>

#define CONFTEXT_MAX_BYTES (1024 * 1024) /* longer files are refused */

/*
 * Blanks out all comments, in place, and leaves every line where it is.  NULL,
 * or what is wrong, in words, and in *line where.
 */
const char *conftext_blank(char *text, size_t length, unsigned *line)
    __attribute__((warn_unused_result));

struct conftext {
	FILE *stream; /* owned: for cfg_parse_fp */
	char *text;   /* owned: what stream reads */
	unsigned line;
	const char *problem; /* of line; NULL: errno says it */
};

/*
 * Reads all of file (borrowed).  0, or -1 with problem and line, or errno;
 * conftext_close also after a failure.
 */
int conftext_open(struct conftext *conf, FILE *file);
void conftext_close(struct conftext *conf);

#endif /* CONFTEXT_H */
