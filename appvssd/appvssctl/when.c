/* SPDX-License-Identifier: BSD-2-Clause */
/* See when.h. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "when.h"

#define YEARS_100_S (100LL * 366 * 24 * 3600) /* no duration is longer */

static int64_t
unit_s(char unit)
{
	switch (unit) {
	case 's':
		return (1);
	case 'm':
		return (60);
	case 'h':
		return (3600);
	case 'd':
		return (24 * 3600);
	case 'w':
		return (7 * 24 * 3600);
	default:
		return (0);
	}
}

int64_t
when_duration_s(const char *text)
{
	int64_t sum = 0, number;
	bool first = true;

	while (*text != '\0' || first) {
		if (!isdigit((unsigned char)*text))
			return (-1);
		for (number = 0; isdigit((unsigned char)*text); text++) {
			number = number * 10 + (*text - '0');
			if (number > YEARS_100_S)
				return (-1);
		}
		if (*text == '\0')
			return (first && number > 0 ? number : -1);
		if (unit_s(*text) == 0)
			return (-1);
		sum += number * unit_s(*text++);
		if (sum > YEARS_100_S)
			return (-1);
		first = false;
	}
	return (sum > 0 ? sum : -1);
}

/* Takes exactly count digits; -1: they are not there. */
static int
take_digits(const char **text, int count)
{
	int number = 0;

	for (int i = 0; i < count; i++) {
		if (!isdigit((unsigned char)**text))
			return (-1);
		number = number * 10 + (*(*text)++ - '0');
	}
	return (number);
}

static bool
take_char(const char **text, char wanted)
{
	if (**text != wanted)
		return (false);
	(*text)++;
	return (true);
}

static bool
take_date(const char **text, struct tm *tm)
{
	tm->tm_year = take_digits(text, 4) - 1900;
	if (tm->tm_year < 0 || !take_char(text, '-'))
		return (false);
	tm->tm_mon = take_digits(text, 2) - 1;
	if (tm->tm_mon < 0 || tm->tm_mon > 11 || !take_char(text, '-'))
		return (false);
	tm->tm_mday = take_digits(text, 2);
	return (tm->tm_mday >= 1 && tm->tm_mday <= 31);
}

static bool
take_clock(const char **text, struct tm *tm, int *ms)
{
	int scale = 100;

	tm->tm_hour = take_digits(text, 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || !take_char(text, ':'))
		return (false);
	tm->tm_min = take_digits(text, 2);
	if (tm->tm_min < 0 || tm->tm_min > 59)
		return (false);
	if (!take_char(text, ':'))
		return (true);
	tm->tm_sec = take_digits(text, 2);
	if (tm->tm_sec < 0 || tm->tm_sec > 60)
		return (false);
	if (!take_char(text, '.'))
		return (true);
	if (!isdigit((unsigned char)**text))
		return (false);
	for (; isdigit((unsigned char)**text); (*text)++, scale /= 10)
		*ms += (**text - '0') * scale;
	return (true);
}

/* "Z", "+02:00", "-0730"; then *given. */
static bool
take_offset(const char **text, bool *given, int *offset_s)
{
	int hours, minutes, sign;

	*given = **text != '\0';
	if (!*given || take_char(text, 'Z'))
		return (true);
	sign = **text == '-' ? -1 : 1;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return (false);
	hours = take_digits(text, 2);
	(void)take_char(text, ':');
	minutes = take_digits(text, 2);
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return (hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59);
}

static bool
calendar_ms(const char *text, int64_t *at_ms)
{
	struct tm tm = { .tm_isdst = -1 };
	int day, month, ms = 0, offset_s = 0;
	bool given = false;
	time_t seconds;

	if (!take_date(&text, &tm))
		return (false);
	if (*text != '\0') {
		if (!take_char(&text, 'T') && !take_char(&text, ' '))
			return (false);
		if (!take_clock(&text, &tm, &ms))
			return (false);
		(void)take_char(&text, ' ');
		if (!take_offset(&text, &given, &offset_s) || *text != '\0')
			return (false);
	}
	day = tm.tm_mday;
	month = tm.tm_mon;
	seconds = given ? timegm(&tm) : mktime(&tm);
	/* There is no 31st of February. */
	if (tm.tm_mday != day || tm.tm_mon != month)
		return (false);
	*at_ms = ((int64_t)seconds - offset_s) * 1000 + ms;
	return (true);
}

bool
when_time_ms(const char *text, int64_t now_ms, int64_t *at_ms)
{
	int64_t ago_s;

	if (strchr(text, '-') != NULL)
		return (calendar_ms(text, at_ms) && *at_ms > 0);
	ago_s = when_duration_s(text);
	*at_ms = now_ms - ago_s * 1000;
	return (ago_s > 0 && *at_ms > 0);
}

long long
when_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}
