/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder and encoder of the socket protocol, and of what broker and
 * history process say to each other, against any bytes.  The oracle: what is
 * decoded can be encoded, what is encoded decodes to the same values, and the
 * same values make the same line; a line is printable ASCII.
 *
 * The first byte chooses the side.  Built with libFuzzer by "make fuzz-wire";
 * replay.c runs the corpus through the same function in "make check".
 */
#include <stdlib.h>
#include <string.h>

#include "appvssd/histwire.h"
#include "sdk/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wire_msg first, second;
static struct wire_line line, again;

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
encode(const struct wire_grammar *grammar, const struct wire_msg *msg,
    struct wire_line *out)
{
	unsigned key;

	wire_begin(out, grammar, msg->verb);
	for (key = 0; key < grammar->nkeys; key++) {
		if (!wire_has(msg, key))
			continue;
		if (grammar->keys[key].type == WIRE_UINT)
			wire_put_uint(out, key, wire_get_uint(msg, key, 0));
		else
			wire_put_text(out, key, wire_get_text(msg, key, NULL));
	}
	require(wire_end(out) == WIRE_OK);
}

static void
compare(const struct wire_grammar *grammar)
{
	unsigned key;

	require(first.verb == second.verb && first.present == second.present);
	for (key = 0; key < grammar->nkeys; key++) {
		if (!wire_has(&first, key))
			continue;
		if (grammar->keys[key].type == WIRE_UINT)
			require(wire_get_uint(&first, key, 0) ==
			    wire_get_uint(&second, key, 1));
		else
			require(strcmp(wire_get_text(&first, key, ""),
				    wire_get_text(&second, key, "-")) == 0);
	}
}

static void
check_error(const struct wire_grammar *grammar, enum wire_error error)
{
	require(first.present == 0);
	require(first.verb <= grammar->nverbs);
	require(strlen(first.culprit) <= WIRE_NAME_MAX);
	require(strcmp(wire_error_word(error), "ok") != 0);
}

static const struct wire_grammar *
choose_grammar(uint8_t byte)
{
	switch (byte) {
	case 'b':
		return (&proto_broker_grammar);
	case 'r':
		return (&histwire_row_grammar);
	case 'a':
		return (&histwire_answer_grammar);
	default:
		return (&proto_client_grammar);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wire_grammar *grammar;
	enum wire_error error;
	size_t i;

	if (size == 0)
		return (0);
	grammar = choose_grammar(data[0]);
	error = wire_decode(grammar, (const char *)data + 1, size - 1, &first);
	if (error != WIRE_OK) {
		check_error(grammar, error);
		return (0);
	}
	encode(grammar, &first, &line);
	require(line.length <= WIRE_LINE_MAX &&
	    line.bytes[line.length - 1] == '\n');
	for (i = 0; i < line.length - 1; i++)
		require(line.bytes[i] >= ' ' && line.bytes[i] < 0x7f);
	require(
	    wire_decode(grammar, line.bytes, line.length, &second) == WIRE_OK);
	compare(grammar);
	encode(grammar, &second, &again);
	require(again.length == line.length &&
	    memcmp(again.bytes, line.bytes, line.length) == 0);
	return (0);
}
