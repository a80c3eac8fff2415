/* SPDX-License-Identifier: BSD-2-Clause */
/* See findings.h. */
#include <stdarg.h>
#include <stdio.h>

#include "findings.h"
#include "text.h"

#define TEXT_SIZE 1024

static const char *
severity_word(enum severity severity)
{
	switch (severity) {
	case SEVERITY_OK:
		return ("ok");
	case SEVERITY_NOTE:
		return ("note");
	case SEVERITY_WARNING:
		return ("warning");
	case SEVERITY_ERROR:
		return ("error");
	}
	return ("error");
}

void
findings_add(struct findings *findings, enum severity severity,
    const char *about, const char *mend, const char *format, ...)
{
	const char *word = severity_word(severity);
	struct text_colour colour = text_colour(word);
	char text[TEXT_SIZE];
	struct text_json json;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (severity > findings->worst)
		findings->worst = severity;
	findings->counts[severity]++;
	if (findings->json) {
		text_json_begin(&json);
		text_json_string(&json, "severity", word);
		text_json_string(&json, "about", about);
		text_json_string(&json, "text", text);
		if (mend != NULL)
			text_json_string(&json, "mend", mend);
		else
			text_json_null(&json, "mend");
		text_json_end(&json);
		return;
	}
	printf("%s%-7s%s  %-14s ", colour.on, word, colour.off, about);
	text_print(text);
	putchar('\n');
	if (mend != NULL) {
		printf("%24s %s ", "", text_is_utf8() ? "\u2192" : "->");
		text_print(mend);
		putchar('\n');
	}
}

void
findings_end(const struct findings *findings)
{
	if (findings->json)
		return;
	printf("\n%u errors, %u warnings, %u notes, %u ok\n",
	    findings->counts[SEVERITY_ERROR],
	    findings->counts[SEVERITY_WARNING], findings->counts[SEVERITY_NOTE],
	    findings->counts[SEVERITY_OK]);
	puts(findings->counts[SEVERITY_ERROR] > 0 ?
		"the next snapshot fails, or is worth less than it says" :
		findings->counts[SEVERITY_WARNING] > 0 ?
		"the next snapshot may not be application-consistent" :
		"nothing found that keeps the next snapshot from being "
		"application-consistent");
}
