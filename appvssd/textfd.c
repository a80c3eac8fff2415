/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts on descriptors: see textfd.h.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "textfd.h"

int
textfd_make(const char *text, size_t length)
{
	size_t done = 0;
	ssize_t written;
	int fd;

	fd = memfd_create("appvssd-text", MFD_CLOEXEC);
	if (fd == -1)
		return (-1);
	while (done < length) {
		written = write(fd, text + done, length - done);
		if (written == -1) {
			(void)close(fd);
			return (-1);
		}
		done += (size_t)written;
	}
	return (fd);
}

char *
textfd_read(int fd, size_t max, size_t *length)
{
	struct stat st;
	size_t done = 0;
	ssize_t got = 1;
	char *text;

	if (fstat(fd, &st) == -1)
		return (NULL);
	if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
		errno = EFBIG;
		return (NULL);
	}
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		return (NULL);
	while (done < (size_t)st.st_size && got > 0) {
		got = pread(fd, text + done, (size_t)st.st_size - done,
		    (off_t)done);
		if (got > 0)
			done += (size_t)got;
	}
	if (got == -1) {
		free(text);
		return (NULL);
	}
	text[done] = '\0';
	*length = done;
	return (text);
}
