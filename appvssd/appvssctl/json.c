/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON objects, one a line.  Bytes that are not UTF-8 become U+FFFD, so that
 * every line is valid whatever a participant said.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

size_t
text_utf8_length(const unsigned char *bytes)
{
	size_t length;
	uint32_t c;

	if (bytes[0] < 0x80)
		return (1);
	if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf) {
		length = 2;
		c = bytes[0] & 0x1f;
	} else if ((bytes[0] & 0xf0) == 0xe0) {
		length = 3;
		c = bytes[0] & 0x0f;
	} else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4) {
		length = 4;
		c = bytes[0] & 0x07;
	} else {
		return (0);
	}
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return (0);
		c = c << 6 | (bytes[i] & 0x3f);
	}
	if ((length == 3 && c < 0x800) || (length == 4 && c < 0x10000) ||
	    c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return (0);
	return (length);
}

/* DEL and C1 are escaped too: somebody will look at it in a terminal. */
static void
put_string(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;

	putchar('"');
	while (*bytes != '\0') {
		size_t length = text_utf8_length(bytes);

		if (length == 0) {
			fputs("\\ufffd", stdout);
			bytes++;
		} else if (length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0) {
			printf("\\u%04x", bytes[1]);
			bytes += 2;
		} else if (*bytes < 0x20 || *bytes == 0x7f) {
			printf("\\u%04x", *bytes++);
		} else {
			if (*bytes == '"' || *bytes == '\\')
				putchar('\\');
			fwrite(bytes, 1, length, stdout);
			bytes += length;
		}
	}
	putchar('"');
}

static void
put_key(struct text_json *json, const char *key)
{
	fputs(json->began ? ",\"" : "\"", stdout);
	json->began = true;
	fputs(key, stdout);
	fputs("\":", stdout);
}

void
text_json_begin(struct text_json *json)
{
	json->began = false;
	putchar('{');
}

void
text_json_string(struct text_json *json, const char *key, const char *value)
{
	put_key(json, key);
	put_string(value);
}

void
text_json_int(struct text_json *json, const char *key, int64_t value)
{
	put_key(json, key);
	printf("%" PRId64, value);
}

void
text_json_uint(struct text_json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	printf("%" PRIu64, value);
}

void
text_json_time(struct text_json *json, const char *key, int64_t ms)
{
	if (ms < 0)
		text_json_null(json, key);
	else
		text_json_int(json, key, ms);
}

void
text_json_bool(struct text_json *json, const char *key, bool value)
{
	put_key(json, key);
	fputs(value ? "true" : "false", stdout);
}

void
text_json_null(struct text_json *json, const char *key)
{
	put_key(json, key);
	fputs("null", stdout);
}

void
text_json_list(struct text_json *json, const char *key,
    const char *const *values, size_t count)
{
	put_key(json, key);
	putchar('[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			putchar(',');
		put_string(values[i]);
	}
	putchar(']');
}

void
text_json_end(struct text_json *json)
{
	(void)json;
	fputs("}\n", stdout);
}
