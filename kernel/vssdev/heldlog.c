/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of a program that lives while file systems are frozen: see heldlog.h.
 * Every line goes through the ring, so that one order holds for all; what the
 * descriptor does not take at once stays there.  Never blocks on a full pipe,
 * never allocates.
 */
#include <sys/types.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "heldlog.h"

#define PROGRAM_MAX	32
#define CUT_MARK	"..."
#define WRITE_TIMEOUT_S 5

/* In the ring, before each line's bytes. */
struct record {
	uint16_t length;
	uint16_t level;
};

static struct {
	char ring[HELDLOG_RING_BYTES];
	size_t first; /* offset of the oldest record */
	size_t used;  /* bytes of all records */
	char program[PROGRAM_MAX];
	uint64_t dropped;
	uint64_t dropped_told; /* of these, counted in a line already */
	int fd;
	enum heldlog_level max_level;
	heldlog_waits *waits;
	void *waits_arg;
	bool held;
	bool to_syslog;
} the_log = { .fd = -1 };

static const char *const level_names[] = {
	[HELDLOG_ERROR] = "error",
	[HELDLOG_WARN] = "warn",
	[HELDLOG_INFO] = "info",
	[HELDLOG_DEBUG] = "debug",
};

static const int syslog_levels[] = {
	[HELDLOG_ERROR] = LOG_ERR,
	[HELDLOG_WARN] = LOG_WARNING,
	[HELDLOG_INFO] = LOG_INFO,
	[HELDLOG_DEBUG] = LOG_DEBUG,
};

static void
ring_put(size_t offset, const void *bytes, size_t length)
{
	size_t start, until_end;

	start = (the_log.first + offset) % HELDLOG_RING_BYTES;
	until_end = HELDLOG_RING_BYTES - start;
	if (length <= until_end) {
		memcpy(the_log.ring + start, bytes, length);
		return;
	}
	memcpy(the_log.ring + start, bytes, until_end);
	memcpy(the_log.ring, (const char *)bytes + until_end,
	    length - until_end);
}

static void
ring_get(size_t offset, void *bytes, size_t length)
{
	size_t start, until_end;

	start = (the_log.first + offset) % HELDLOG_RING_BYTES;
	until_end = HELDLOG_RING_BYTES - start;
	if (length <= until_end) {
		memcpy(bytes, the_log.ring + start, length);
		return;
	}
	memcpy(bytes, the_log.ring + start, until_end);
	memcpy((char *)bytes + until_end, the_log.ring, length - until_end);
}

static void
ring_drop_first(void)
{
	struct record record;
	size_t size;

	ring_get(0, &record, sizeof(record));
	size = sizeof(record) + record.length;
	the_log.first = (the_log.first + size) % HELDLOG_RING_BYTES;
	the_log.used -= size;
}

static void
ring_append(enum heldlog_level level, const char *line, size_t length)
{
	struct record record;

	while (the_log.used + sizeof(record) + length > HELDLOG_RING_BYTES) {
		ring_drop_first();
		the_log.dropped++;
	}
	record.length = (uint16_t)length;
	record.level = (uint16_t)level;
	ring_put(the_log.used, &record, sizeof(record));
	ring_put(the_log.used + sizeof(record), line, length);
	the_log.used += sizeof(record) + length;
}

/* A pipe that has room for PIPE_BUF bytes takes a whole line at once. */
static bool
takes_a_line(int timeout_ms)
{
	struct pollfd pfd = { .fd = the_log.fd, .events = POLLOUT };

	return (poll(&pfd, 1, timeout_ms) == 1);
}

/* False: the rest has to wait. */
static bool
write_line(const char *line, size_t length)
{
	ssize_t written;
	size_t done;

	for (done = 0; done < length; done += (size_t)written) {
		written = write(the_log.fd, line + done, length - done);
		if (written >= 0)
			continue;
		written = 0;
		if (errno == EINTR)
			continue;
		/* Half a line that cannot be finished is worse than a wait. */
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (done == 0)
				return (false);
			if (takes_a_line(WRITE_TIMEOUT_S * 1000))
				continue;
		}
		the_log.dropped++;
		return (true);
	}
	return (true);
}

static void
ring_flush(void)
{
	char line[HELDLOG_LINE_MAX + 1];
	struct record record;

	while (the_log.used > 0) {
		ring_get(0, &record, sizeof(record));
		ring_get(sizeof(record), line, record.length);
		if (the_log.to_syslog) {
			syslog(syslog_levels[record.level], "%.*s",
			    (int)record.length, line);
		} else {
			line[record.length] = '\n';
			if (!takes_a_line(0) ||
			    !write_line(line, record.length + 1u))
				return;
		}
		ring_drop_first();
	}
}

/* Returns the bytes that it put into line, at most HELDLOG_LINE_MAX. */
static size_t
put_head(char *line, enum heldlog_level level, const char *event)
{
	struct timespec now;
	struct tm utc;
	char stamp[32];
	int length;

	if (the_log.to_syslog) {
		length = snprintf(line, HELDLOG_LINE_MAX, "level=%s event=%s",
		    level_names[level], event);
	} else {
		/* Not localtime: that may read a file. */
		(void)clock_gettime(CLOCK_REALTIME, &now);
		(void)gmtime_r(&now.tv_sec, &utc);
		(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
		length = snprintf(line, HELDLOG_LINE_MAX,
		    "time=%s.%03ldZ program=%s pid=%ld level=%s event=%s",
		    stamp, now.tv_nsec / 1000000, the_log.program,
		    (long)getpid(), level_names[level], event);
	}
	if (length < 0)
		return (0);
	return (
	    length < HELDLOG_LINE_MAX ? (size_t)length : HELDLOG_LINE_MAX - 1u);
}

/* One event stays one line, whoever forgot heldlog_quote. */
static void
keep_line(enum heldlog_level level, char *line, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		if (line[i] < ' ' || line[i] >= 0x7f)
			line[i] = '?';
	}
	ring_append(level, line, length);
}

static void
log_line(enum heldlog_level level, const char *event, const char *format,
    va_list args)
{
	char line[HELDLOG_LINE_MAX + 1];
	size_t head, length;
	int wanted;

	head = put_head(line, level, event);
	length = head;
	if (format[0] != '\0' && head + 1 < HELDLOG_LINE_MAX) {
		line[head++] = ' ';
		wanted = vsnprintf(line + head, HELDLOG_LINE_MAX + 1u - head,
		    format, args);
		length = head + (wanted > 0 ? (size_t)wanted : 0);
		if (length > HELDLOG_LINE_MAX) {
			length = HELDLOG_LINE_MAX;
			/* analyze: the length counts, not a zero. */
			memcpy(line + length - strlen(CUT_MARK), CUT_MARK,
			    strlen(CUT_MARK));
		}
	}
	keep_line(level, line, length);
}

static void __attribute__((format(printf, 3, 4)))
log_own_line(enum heldlog_level level, const char *event, const char *format,
    ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, event, format, args);
	va_end(args);
}

/* Writes what can be written, then says what could not be kept. */
static void
flush(void)
{
	ring_flush();
	if (the_log.used == 0 && the_log.dropped != the_log.dropped_told) {
		log_own_line(HELDLOG_WARN, "log_dropped", "lines=%" PRIu64,
		    the_log.dropped - the_log.dropped_told);
		the_log.dropped_told = the_log.dropped;
		ring_flush();
	}
	if (the_log.used > 0 && the_log.waits != NULL)
		the_log.waits(the_log.waits_arg, the_log.fd);
}

static void
log_open(int fd, const char *program, enum heldlog_level max_level)
{
	the_log.first = 0;
	the_log.used = 0;
	the_log.dropped = 0;
	the_log.dropped_told = 0;
	the_log.fd = fd;
	the_log.max_level = max_level;
	the_log.held = false;
	the_log.waits = NULL;
	(void)snprintf(the_log.program, sizeof(the_log.program), "%s", program);
}

void
heldlog_open(int fd, const char *program, enum heldlog_level max_level)
{
	log_open(fd, program, max_level);
	the_log.to_syslog = false;
}

void
heldlog_open_syslog(const char *program, enum heldlog_level max_level)
{
	log_open(-1, program, max_level);
	the_log.to_syslog = true;
	/* Connected now: a later connect could meet a frozen file system. */
	openlog(the_log.program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
heldlog_set_level(enum heldlog_level max_level)
{
	the_log.max_level = max_level;
}

void
heldlog_reopen(int fd)
{
	the_log.fd = fd;
	heldlog_flush();
}

void
heldlog_on_wait(heldlog_waits *waits, void *arg)
{
	the_log.waits = waits;
	the_log.waits_arg = arg;
}

void
heldlog_flush(void)
{
	int saved_errno = errno;

	if (!the_log.held)
		flush();
	errno = saved_errno;
}

void
heldlog_hold(bool held)
{
	the_log.held = held;
	heldlog_flush();
}

void
heldlog_drain(int timeout_ms)
{
	const int64_t end_at_ms = clock_now_ms() + timeout_ms;
	int64_t left_ms;

	while (!the_log.held && the_log.used > 0) {
		left_ms = end_at_ms - clock_now_ms();
		if (left_ms <= 0 || !takes_a_line((int)left_ms))
			return;
		flush();
	}
}

void
heldlog_pass(enum heldlog_level level, const char *line)
{
	char copy[HELDLOG_LINE_MAX + 1];

	if (the_log.fd == -1 && !the_log.to_syslog)
		return;
	(void)snprintf(copy, sizeof(copy), "%s", line);
	keep_line(level, copy, strlen(copy));
	heldlog_flush();
}

void
heldlog(enum heldlog_level level, const char *event, const char *format, ...)
{
	int saved_errno = errno;
	va_list args;

	if (level > the_log.max_level ||
	    (the_log.fd == -1 && !the_log.to_syslog))
		return;
	va_start(args, format);
	log_line(level, event, format, args);
	va_end(args);
	heldlog_flush();
	errno = saved_errno;
}

static bool
is_plain(const char *text)
{
	const char *c;

	for (c = text; *c != '\0'; c++) {
		if (*c <= ' ' || *c >= 0x7f || *c == '"' || *c == '\\' ||
		    *c == '=')
			return (false);
	}
	return (c != text);
}

const char *
heldlog_quote(const char *text, char *out, unsigned size)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c;
	unsigned used;

	if (size == 0)
		return ("");
	if (is_plain(text)) {
		(void)snprintf(out, size, "%s", text);
		return (out);
	}
	if (size < 3) {
		out[0] = '\0';
		return (out);
	}
	used = 0;
	out[used++] = '"';
	/* Room for the longest escape, the closing quote and the end. */
	for (; *text != '\0' && used + 4 + 2 <= size; text++) {
		c = (unsigned char)*text;
		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			out[used++] = (char)c;
			continue;
		}
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = hex[c >> 4];
		out[used++] = hex[c & 0xf];
	}
	out[used++] = '"';
	out[used] = '\0';
	return (out);
}

uint64_t
heldlog_dropped(void)
{
	return (the_log.dropped);
}
