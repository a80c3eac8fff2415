#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads OpenMetrics text from a file and prints its samples, one a line.  Takes
nothing that the format's grammar does not: metadata in their order and before
the samples, families in one piece, no sample twice, the suffixes of types and
units, and the end.

usage: openmetrics.py FILE
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(
    r"(%s)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\n]|\\[\\\"n])*\",?)*)\})?"
    r" (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|NaN|[+-]Inf)" % NAME)
LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\n]|\\[\\\"n])*)\"")
META = re.compile(r"# (TYPE|UNIT|HELP) (%s) (.+)" % NAME)
SUFFIXES = {"gauge": [""], "counter": ["_total", "_created"]}

with open(sys.argv[1], encoding="utf-8", newline="") as file:
    text = file.read()


def bad(line, why):
    sys.exit("%s: %r" % (why, line))


if not text.endswith("\n"):
    bad(text[-20:], "the last line has no end")
lines = text[:-1].split("\n")
if lines.pop() != "# EOF":
    bad(lines[-1:], "no end")
seen, samples = set(), set()
family, meta, in_samples = None, {}, False
for line in lines:
    if line.startswith("#"):
        match = META.fullmatch(line) or bad(line, "not metadata")
        key, name, value = match.groups()
        if name != family:
            if name in seen:
                bad(line, "a family in two pieces")
            seen.add(name)
            family, meta, in_samples = name, {}, False
        if in_samples:
            bad(line, "metadata behind samples")
        if key in meta:
            bad(line, "said twice")
        if key == "TYPE" and value not in SUFFIXES:
            bad(line, "a type that is not expected")
        if key == "UNIT" and not name.endswith("_" + value):
            bad(line, "the name does not end with its unit")
        meta[key] = value
        continue
    match = SAMPLE.fullmatch(line) or bad(line, "not a sample")
    name, labels, value = match.groups()
    if family is None or "TYPE" not in meta:
        bad(line, "a sample without a type")
    if name not in [family + suffix for suffix in SUFFIXES[meta["TYPE"]]]:
        bad(line, "not a sample of " + family)
    in_samples = True
    pairs = LABEL.findall(labels or "")
    if len(dict(pairs)) != len(pairs):
        bad(line, "a label twice")
    if (labels or "") != ",".join('%s="%s"' % pair for pair in pairs):
        bad(line, "labels")
    if (name, tuple(sorted(pairs))) in samples:
        bad(line, "a sample twice")
    samples.add((name, tuple(sorted(pairs))))
    if meta["TYPE"] == "counter" and float(value) < 0:
        bad(line, "a negative counter")
    print(line)
