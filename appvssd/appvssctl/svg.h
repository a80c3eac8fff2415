/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timeline of a transaction as a picture.
 */
#ifndef SVG_H
#define SVG_H

#include <stdio.h>

struct history_detail;

/* SVG, in UTF-8 whatever the locale; texts of others are escaped. */
void svg_write(const struct history_detail *detail, FILE *out);

#endif /* SVG_H */
