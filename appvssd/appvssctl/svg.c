/* SPDX-License-Identifier: BSD-2-Clause */
/* See svg.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appvssd/history_read.h"
#include "path.h"
#include "show.h"
#include "svg.h"
#include "text.h"
#include "timeline.h"
#include "why.h"

#define WIDTH	    1000
#define LEFT	    220 /* where the axis begins */
#define AXIS_WIDTH  740
#define TOP	    124 /* of the first row */
#define ROW_HEIGHT  44
#define BAR_HEIGHT  16
#define TICKS	    5
#define FOOT_HEIGHT 62
#define NAME_LENGTH 26 /* characters that have room */

static const char style[] =
    "<style>text{font:13px sans-serif;fill:#222}.h{font-size:17px}"
    ".s{font-size:11px;fill:#555}.b{font-weight:bold}.bad{fill:#b3261e}"
    ".grid{stroke:#ddd}.mark{stroke:#555;stroke-dasharray:3 3}"
    ".freezing{fill:#e9a23b}.failed{fill:#d2483f}.held{fill:#3f74c8}"
    ".thawing{fill:#54a66a}.slow{stroke:#222;stroke-width:2}</style>\n";

/* At most so many characters; what is cut off ends with an ellipsis. */
static void
put_text(FILE *out, const char *text, size_t max)
{
	const unsigned char *bytes = (const unsigned char *)text;

	for (; *bytes != '\0'; max--) {
		size_t length = text_utf8_length(bytes);

		if (max == 0) {
			fputs("\u2026", out);
			return;
		}
		if (length == 0 || *bytes < 0x20 || *bytes == 0x7f)
			fputs("\ufffd", out);
		else if (*bytes == '&')
			fputs("&amp;", out);
		else if (*bytes == '<')
			fputs("&lt;", out);
		else if (*bytes == '>')
			fputs("&gt;", out);
		else if (*bytes == '"')
			fputs("&quot;", out);
		else
			fwrite(bytes, 1, length, out);
		bytes += length == 0 ? 1 : length;
	}
}

static double
x_of(int64_t at_ms, int64_t end_ms)
{
	if (at_ms < 0)
		at_ms = 0;
	if (at_ms > end_ms)
		at_ms = end_ms;
	return (LEFT + (double)at_ms / (double)end_ms * AXIS_WIDTH);
}

static void
put_bar(FILE *out, const char *class, int y, double from, double to,
    const char *title)
{
	/* What happened is seen, however short it was. */
	if (to < from + 1)
		to = from + 1;
	fprintf(out,
	    "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\""
	    " height=\"%d\"><title>%s</title></rect>\n",
	    class, from, y, to - from, BAR_HEIGHT, title);
}

/* From one time to another, said when the pointer is over it. */
static void
put_span(FILE *out, const char *class, const char *what, int y, int64_t from_ms,
    int64_t to_ms, int64_t end_ms)
{
	char title[128], duration[TEXT_DURATION_SIZE];

	if (to_ms < from_ms)
		to_ms = from_ms;
	snprintf(title, sizeof(title), "%s %s", what,
	    text_duration(to_ms - from_ms, duration));
	put_bar(out, class, y, x_of(from_ms, end_ms), x_of(to_ms, end_ms),
	    title);
}

static int64_t
first_known(int64_t a, int64_t b, int64_t c)
{
	return (a >= 0 ? a : b >= 0 ? b : c);
}

static void
put_bars(FILE *out, const struct history_part *part, int y, int64_t end_ms,
    bool check, bool slow)
{
	const bool froze = part->ready_at_ms >= 0 &&
	    strcmp(part->result, "failed") != 0;
	const int64_t thaw_ms = first_known(part->thaw_told_at_ms, end_ms, 0);

	if (part->told_at_ms < 0)
		return;
	if (froze && !check)
		put_span(out, "held", "held for", y, part->ready_at_ms, thaw_ms,
		    end_ms);
	if (part->thaw_told_at_ms >= 0)
		put_span(out, "thawing", "thawing for", y, thaw_ms,
		    first_known(part->thawed_at_ms, end_ms, 0), end_ms);
	put_span(out,
	    slow      ? froze ? "freezing slow" : "failed slow" :
		froze ? "freezing" :
			"failed",
	    check ? "checking for" : "freezing for", y, part->told_at_ms,
	    first_known(part->ready_at_ms, check ? -1 : part->thaw_told_at_ms,
		end_ms),
	    end_ms);
}

static void
put_part(FILE *out, const struct history_part *part, int y, int64_t end_ms,
    bool check, bool slow)
{
	const char *why = why_participant(part);

	fprintf(out, "<text class=\"%s\" x=\"12\" y=\"%d\">", slow ? "b" : "n",
	    y + 13);
	put_text(out, part->name, NAME_LENGTH);
	fprintf(out, "</text>\n<text class=\"%s\" x=\"12\" y=\"%d\">",
	    why == NULL ? "s" : "s bad", y + 29);
	fprintf(out, "order %" PRId64 ", %s", part->order,
	    part->required ? "required" : "optional");
	fprintf(out, "</text>\n<text class=\"%s\" x=\"%d\" y=\"%d\">",
	    why == NULL ? "s" : "s bad", LEFT, y + 29);
	put_text(out, why == NULL ? part->result : why, 80);
	if (part->text[0] != '\0') {
		fputs(": ", out);
		put_text(out, part->text, 60);
	}
	fputs("</text>\n", out);
	put_bars(out, part, y, end_ms, check, slow);
}

static void
put_axis(FILE *out, int bottom, int64_t end_ms)
{
	for (int i = 0; i <= TICKS; i++) {
		const int64_t at_ms = end_ms * i / TICKS;
		char duration[TEXT_DURATION_SIZE];

		fprintf(out,
		    "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\""
		    " y2=\"%d\"/>\n<text class=\"s\" text-anchor=\"middle\""
		    " x=\"%.1f\" y=\"%d\">%s</text>\n",
		    x_of(at_ms, end_ms), TOP - 8, x_of(at_ms, end_ms), bottom,
		    x_of(at_ms, end_ms), TOP - 14,
		    text_duration(at_ms, duration));
	}
}

/* When it was held, and when it was over. */
static void
put_states(FILE *out, const struct history_detail *detail, int bottom,
    int64_t end_ms)
{
	for (size_t i = 0; i < detail->nstates; i++) {
		const struct history_state *state = &detail->states[i];
		const double x = x_of(state->elapsed_ms, end_ms);

		if (state->by_run != detail->txn.run || state->elapsed_ms < 0)
			continue;
		fprintf(out,
		    "<line class=\"mark\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\""
		    " y2=\"%d\"/>\n<text class=\"s\" text-anchor=\"%s\""
		    " x=\"%.1f\" y=\"%d\">",
		    x, TOP - 8, x, bottom + 4,
		    x > WIDTH - 100 ? "end" : "middle", x, bottom + 16);
		put_text(out, state->state, NAME_LENGTH);
		fputs("</text>\n", out);
	}
}

static void
put_legend(FILE *out, int y, bool check)
{
	static const struct {
		const char *class;
		const char *text;
	} entries[] = { { "freezing", "freezing" }, { "held", "held" },
		{ "thawing", "thawing" }, { "failed", "not ready" },
		{ "freezing slow", "critical path" } };
	int x = LEFT;

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		if (check && (i == 1 || i == 2))
			continue;
		fprintf(out,
		    "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"12\""
		    " height=\"12\"/><text class=\"s\" x=\"%d\" y=\"%d\">%s"
		    "</text>\n",
		    entries[i].class, x, y, x + 18, y + 10,
		    check && i == 0 ? "checking" : entries[i].text);
		x += 110;
	}
}

static void
put_heading(FILE *out, const struct history_detail *detail)
{
	const struct history_txn *txn = &detail->txn;
	char at[TEXT_TIME_SIZE];

	fprintf(out,
	    "<text class=\"h b\" x=\"12\" y=\"28\">Transaction %" PRId64 ": ",
	    txn->id);
	put_text(out, txn->op, NAME_LENGTH);
	fputs(", ", out);
	put_text(out, show_outcome(txn), NAME_LENGTH);
	if (strcmp(txn->op, "check") != 0) {
		fputs(", consistency ", out);
		put_text(out,
		    txn->last.consistency[0] == '\0' ? "none" :
						       txn->last.consistency,
		    NAME_LENGTH);
	}
	fprintf(out, "</text>\n<text x=\"12\" y=\"50\">%s, asked by ",
	    text_time(txn->at_ms, true, at));
	put_text(out, txn->source, NAME_LENGTH);
	fputs("; host: ", out);
	put_text(out, show_host(&txn->last), 80);
	fputs("</text>\n<text x=\"12\" y=\"70\">", out);
	put_text(out, why_transaction(detail), 200);
	fputs("</text>\n", out);
}

static bool
is_on_path(const struct path *path, const struct history_part *part)
{
	for (size_t i = 0; i < path->count; i++)
		if (path->steps[i].part == part)
			return (true);
	return (false);
}

void
svg_write(const struct history_detail *detail, FILE *out)
{
	const bool check = strcmp(detail->txn.op, "check") == 0;
	const int64_t end_ms = timeline_end(detail);
	const int bottom = TOP + (int)detail->nparts * ROW_HEIGHT;
	struct path path;

	path_find(detail, &path);
	fprintf(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\""
	    " height=\"%d\" viewBox=\"0 0 %d %d\">\n",
	    WIDTH, bottom + FOOT_HEIGHT, WIDTH, bottom + FOOT_HEIGHT);
	fputs(style, out);
	fprintf(out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
	    WIDTH, bottom + FOOT_HEIGHT);
	put_heading(out, detail);
	put_axis(out, bottom, end_ms);
	for (size_t i = 0; i < detail->nparts; i++)
		put_part(out, &detail->parts[i], TOP + (int)i * ROW_HEIGHT,
		    end_ms, check, is_on_path(&path, &detail->parts[i]));
	put_states(out, detail, bottom, end_ms);
	put_legend(out, bottom + 32, check);
	fputs("</svg>\n", out);
	path_fini(&path);
}
