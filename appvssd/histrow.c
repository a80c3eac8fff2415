/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodes the rows of the history.  Pure: no I/O, no clock, no state.
 */
#include <stddef.h>
#include <string.h>

#include "histq.h"
#include "histrow.h"
#include "histwire.h"

static void
begin_row(struct wire_line *line, enum histwire_row verb, uint64_t seq)
{
	wire_begin(line, &histwire_row_grammar, verb);
	wire_put_uint(line, HK_SEQ, seq);
}

/* A value that is empty is left out: words and names cannot be empty. */
static void
put_optional(struct wire_line *line, enum histwire_key key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		wire_put_text(line, key, value);
}

static void
put_time(struct wire_line *line, enum histwire_key key, uint32_t at_ms)
{
	if (at_ms != HISTQ_NEVER)
		wire_put_uint(line, key, at_ms);
}

/* Puts the first max_bytes of a text; out is as large, and a NUL. */
static void
put_cut(struct wire_line *line, enum histwire_key key, const char *text,
    char *out, size_t max_bytes)
{
	size_t length;

	if (text == NULL)
		return;
	length = strnlen(text, max_bytes);
	memcpy(out, text, length);
	out[length] = '\0';
	put_optional(line, key, out);
}

void
histrow_encode_run(struct wire_line *line, const struct histq_run *run)
{
	wire_begin(line, &histwire_row_grammar, HR_RUN);
	wire_put_uint(line, HK_RUN, run->run);
	wire_put_uint(line, HK_AT_MS, run->started_at_ms);
	put_optional(line, HK_BOOT_ID, run->boot_id);
	put_optional(line, HK_GENERATION, run->generation);
	put_optional(line, HK_VERSION, run->version);
}

void
histrow_encode_begin(struct wire_line *line, uint64_t seq,
    const struct histq_begin *row)
{
	begin_row(line, HR_BEGIN, seq);
	wire_put_uint(line, HK_ID, row->id);
	wire_put_uint(line, HK_AT_MS, row->at_ms);
	put_optional(line, HK_OP, row->op);
	put_optional(line, HK_SOURCE, row->source);
	wire_put_uint(line, HK_MSGID, row->msgid);
}

static void
put_counted(struct wire_line *line, const struct histq_driver *row)
{
	wire_put_uint(line, HK_INSTANCE, row->instance & INT64_MAX);
	wire_put_uint(line, HK_SNAPSHOTS, row->snapshots & INT64_MAX);
}

void
histrow_encode_state(struct wire_line *line, uint64_t seq,
    const struct histq_state *row)
{
	begin_row(line, HR_STATE, seq);
	wire_put_uint(line, HK_ID, row->id);
	wire_put_uint(line, HK_AT_MS, row->at_ms);
	wire_put_text(line, HK_STATE, row->state);
	put_optional(line, HK_CONSISTENCY, row->consistency);
	put_optional(line, HK_REASON, row->reason);
	put_optional(line, HK_CULPRIT, row->culprit);
	put_optional(line, HK_HOST, row->host);
	wire_put_uint(line, HK_ELAPSED_MS, row->elapsed_ms);
	wire_put_uint(line, HK_LATE_MS, row->late_ms);
	if (row->counted != NULL)
		put_counted(line, row->counted);
}

static void
encode_part(struct wire_line *line, uint64_t seq, const struct histq_part *row,
    size_t text_max)
{
	char program[HISTWIRE_PROGRAM_MAX + 1];
	char text[HISTWIRE_TEXT_MAX + 1];

	begin_row(line, HR_PART, seq);
	wire_put_uint(line, HK_ID, row->id);
	wire_put_text(line, HK_PHASE, row->phase);
	wire_put_text(line, HK_NAME, row->name);
	put_optional(line, HK_RESULT, row->result);
	put_optional(line, HK_THAW, row->thaw);
	wire_put_uint(line, HK_PID, row->pid);
	wire_put_uint(line, HK_UID, row->uid);
	wire_put_uint(line, HK_ORDER, row->order);
	wire_put_uint(line, HK_REQUIRED, row->required);
	put_time(line, HK_TOLD_AT_MS, row->told_at_ms);
	put_time(line, HK_READY_AT_MS, row->ready_at_ms);
	put_time(line, HK_THAW_TOLD_AT_MS, row->thaw_told_at_ms);
	put_time(line, HK_THAWED_AT_MS, row->thawed_at_ms);
	put_cut(line, HK_PROGRAM, row->program, program, HISTWIRE_PROGRAM_MAX);
	put_cut(line, HK_TEXT, row->text, text, text_max);
}

/* Names, words and numbers take less than half of a row. */
_Static_assert(4 * HISTWIRE_PROGRAM_MAX <= HISTROW_BYTES_MAX / 2,
    "without its text every row fits");

/* A text that fits: an escape takes four bytes for one. */
void
histrow_encode_part(struct wire_line *line, uint64_t seq,
    const struct histq_part *row)
{
	size_t text_max = HISTWIRE_TEXT_MAX;

	do {
		encode_part(line, seq, row, text_max);
		text_max /= 2;
	} while (line->length >= HISTROW_BYTES_MAX);
}

/* --- rows of the proof --------------------------------------------------- */

/* Of the rest of such a row. */
#define HELD_OTHER_BYTES 80
#define HELD_WIRE_MAX	 (HISTROW_BYTES_MAX - HELD_OTHER_BYTES)
/*
 * Of the parts of more than one participant.  What a row of the table has above
 * 1002 bytes, the numbers before the parts included, takes SQLite a whole page.
 */
#define HELD_SEVERAL_MAX 960

/* An element of the list that is being made; too long: it is full. */
struct element {
	size_t length;
	size_t wire_length;
	bool full;
	char bytes[HISTWIRE_PARTS_MAX];
};

static void
put_byte(struct element *element, unsigned char byte)
{
	if (element->length == sizeof(element->bytes)) {
		element->full = true;
		return;
	}
	element->bytes[element->length++] = (char)byte;
	/* How the line escapes it. */
	if (byte == '"' || byte == '\\')
		element->wire_length += 2;
	else
		element->wire_length += byte < 0x80 ? 1 : 4;
}

static void
put_number(struct element *element, uint64_t number)
{
	char digits[20];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	while (count > 0)
		put_byte(element, (unsigned char)digits[--count]);
}

/* The first max_bytes of a text, as a string of JSON. */
static void
put_string(struct element *element, const char *text, size_t max_bytes)
{
	static const char hex[] = "0123456789abcdef";
	const char *at;

	put_byte(element, '"');
	for (at = text; *at != '\0' && (size_t)(at - text) < max_bytes; at++) {
		unsigned char byte = (unsigned char)*at;

		if (byte < ' ' || byte == 0x7f) {
			for (const char *u = "\\u00"; *u != '\0'; u++)
				put_byte(element, (unsigned char)*u);
			put_byte(element, (unsigned char)hex[byte >> 4]);
			put_byte(element, (unsigned char)hex[byte & 15]);
			continue;
		}
		if (byte == '"' || byte == '\\')
			put_byte(element, '\\');
		put_byte(element, byte);
	}
	put_byte(element, '"');
}

static void
put_since(struct element *element, uint32_t at_ms)
{
	put_byte(element, ',');
	if (at_ms != HISTQ_NEVER)
		put_number(element, at_ms);
	else
		for (const char *at = "null"; *at != '\0'; at++)
			put_byte(element, (unsigned char)*at);
}

static void
put_element(struct element *element, const struct histq_part *part,
    size_t text_max)
{
	element->length = 0;
	element->wire_length = 0;
	element->full = false;
	put_byte(element, '[');
	put_string(element, part->name, WIRE_NAME_MAX);
	put_byte(element, ',');
	put_number(element, part->order);
	put_byte(element, ',');
	put_number(element, part->required);
	put_since(element, part->told_at_ms);
	put_since(element, part->ready_at_ms);
	put_byte(element, ',');
	put_number(element, part->pid);
	put_byte(element, ',');
	put_number(element, part->uid);
	if (part->program != NULL && text_max > 0) {
		put_byte(element, ',');
		put_string(element, part->program, HISTWIRE_PROGRAM_MAX);
		if (part->text != NULL && part->text[0] != '\0') {
			put_byte(element, ',');
			put_string(element, part->text, text_max);
		}
	}
	put_byte(element, ']');
}

/* Whether it has room behind that many bytes, with what stands around it. */
static bool
element_fits(const struct element *element, size_t length, size_t wire_length)
{
	return (!element->full &&
	    length + element->length + 2 <= HISTWIRE_PARTS_MAX &&
	    wire_length + element->wire_length + 2 <= HELD_WIRE_MAX);
}

bool
histrow_held_add(struct histrow_held *held, const struct histq_part *part)
{
	size_t text_max = HISTWIRE_TEXT_MAX;
	struct element element;

	put_element(&element, part, text_max);
	while (!element_fits(&element, 0, 0) && text_max > 0) {
		text_max /= 2;
		put_element(&element, part, text_max);
	}
	if (!element_fits(&element, held->length, held->wire_length) ||
	    (held->length > 0 &&
		held->length + element.length + 2 > HELD_SEVERAL_MAX))
		return (false);
	held->parts[held->length] = held->length == 0 ? '[' : ',';
	memcpy(held->parts + held->length + 1, element.bytes, element.length);
	held->length += 1 + element.length;
	held->wire_length += 1 + element.wire_length;
	return (true);
}

void
histrow_encode_held(struct wire_line *line, uint64_t seq,
    struct histrow_held *held)
{
	char parts[HISTWIRE_PARTS_MAX + 1];

	if (held->length == 0)
		held->parts[held->length++] = '[';
	memcpy(parts, held->parts, held->length);
	parts[held->length] = ']';
	parts[held->length + 1] = '\0';
	begin_row(line, HR_HELD, seq);
	wire_put_uint(line, HK_ID, held->id);
	wire_put_uint(line, HK_PROOF, held->proof);
	wire_put_text(line, HK_PARTS, parts);
	held->length = 0;
	held->wire_length = 0;
}

void
histrow_encode_event(struct wire_line *line, uint64_t seq,
    const struct histrow_event *row)
{
	char text[HISTWIRE_TEXT_MAX + 1];
	size_t text_max = HISTWIRE_TEXT_MAX;

	do {
		begin_row(line, HR_EVENT, seq);
		wire_put_uint(line, HK_AT_MS, row->at_ms);
		wire_put_text(line, HK_KIND, row->kind);
		wire_put_uint(line, HK_ID, row->id);
		put_cut(line, HK_TEXT, row->text, text, text_max);
		text_max /= 2;
	} while (line->length >= HISTROW_BYTES_MAX);
}

void
histrow_encode_known(struct wire_line *line, uint64_t seq, uint64_t at_ms,
    const char *name, const char *program, int64_t uid)
{
	char cut[HISTWIRE_PROGRAM_MAX + 1];

	begin_row(line, HR_KNOWN, seq);
	wire_put_uint(line, HK_AT_MS, at_ms);
	wire_put_text(line, HK_NAME, name);
	put_cut(line, HK_PROGRAM, program, cut, HISTWIRE_PROGRAM_MAX);
	if (uid >= 0)
		wire_put_uint(line, HK_UID, (uint64_t)uid);
}

void
histrow_encode_forget(struct wire_line *line, uint64_t seq, uint64_t at_ms,
    const char *name)
{
	begin_row(line, HR_FORGET, seq);
	wire_put_uint(line, HK_AT_MS, at_ms);
	wire_put_text(line, HK_NAME, name);
}

void
histrow_encode_driver(struct wire_line *line, uint64_t seq, uint64_t at_ms,
    const struct histq_driver *row)
{
	begin_row(line, HR_DRIVER, seq);
	wire_put_uint(line, HK_AT_MS, at_ms);
	put_counted(line, row);
	if (!row->guess)
		wire_put_uint(line, HK_OWN, row->own);
}

void
histrow_encode_keep(struct wire_line *line, uint32_t days, uint32_t count)
{
	wire_begin(line, &histwire_row_grammar, HR_KEEP);
	wire_put_uint(line, HK_KEEP_DAYS, days);
	wire_put_uint(line, HK_KEEP_COUNT, count);
}

void
histrow_encode_end(struct wire_line *line, uint64_t seq, uint64_t at_ms)
{
	begin_row(line, HR_END, seq);
	wire_put_uint(line, HK_AT_MS, at_ms);
}
