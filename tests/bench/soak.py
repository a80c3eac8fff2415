#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Thousands of snapshots of two file systems with 20 participants, of which 19
use libappvss and one is a script: nothing may grow, and nothing get slower.

What the processes have is taken after the first hundred, after each tenth part
and at the end, when all is quiet.  The verdict is of

    allocated memory, from the first hundred on, if there are ALLOCATED_FROM
    resident memory, from the middle on, if there are RESIDENT_FROM: rings that
        are allocated from the beginning have been filled once by then
    descriptors, files, processes, and what the history says

Times are shown, and no verdict depends on them.  Exit status: 0, or 1 if
something has grown.

usage: soak.py [--json] SNAPSHOTS DIRECTORY MOUNT MOUNT
"""

import argparse
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, "tests/integration")
sys.path.insert(0, "tests/bench")
from broker_rig import await_true  # noqa: E402
from programs import Programs, ms, tree  # noqa: E402

PARTICIPANTS = 20
PARTS = 10
EDGE = 100  # snapshots at the beginning and at the end
ALLOCATED_FROM = 1000
RESIDENT_FROM = 4000
# Page sizes, as memory is taken.  A byte lost in each snapshot is more.
ALLOCATED_MAX_KIB = 4
RESIDENT_MAX_KIB = 8
# SQLite's cache of pages fills with the file: 2000 KiB and what goes with it.
HISTORY_CACHE_KIB = 2600
SETTLED = 4  # equal looks in a row
SETTLE_S = 20

Usage = collections.namedtuple("Usage", "rss_kib data_kib heap_kib fds cpu_ms")


def usage_of(pid):
    with open("/proc/%d/status" % pid) as status:
        text = status.read()
    heap = 0
    with open("/proc/%d/maps" % pid) as maps:
        for line in maps:
            if line.rstrip().endswith("[heap]"):
                begin, end = line.split(" ")[0].split("-")
                heap += int(end, 16) - int(begin, 16)
    with open("/proc/%d/schedstat" % pid) as schedstat:
        cpu_ms = int(schedstat.read().split()[0]) / 1e6
    # What is in memory and no file: the pages of a library come and go.
    resident, allocated = (
        int(re.search(r"^%s:\s*(\d+)" % key, text, re.M).group(1))
        for key in ("RssAnon", "VmData"))
    return Usage(resident, allocated, heap // 1024,
                 len(os.listdir("/proc/%d/fd" % pid)), cpu_ms)


def name_of(pid):
    with open("/proc/%d/comm" % pid) as comm:
        return comm.read().strip()


class Soak:
    def __init__(self, options):
        self.options = options
        self.total = options.snapshots
        self.edge = min(EDGE, max(1, self.total // 2))
        self.history = options.mounts[0] + "/history.db"
        count = PARTS if self.total >= PARTS * PARTS else 1
        self.parts = [(self.total * part // count,
                       self.total * (part + 1) // count)
                      for part in range(count)]
        self.freeze_ms, self.thaw_ms = [], []
        self.samples = []  # (snapshots done, {name: Usage}, files)
        self.failed = False

    def start(self):
        self.programs = Programs(self.options.directory, self.options.mounts,
                                 history=self.history)
        script = self.options.directory + "/vss.d/script"
        with open(script, "w") as out:
            out.write("#!/bin/sh\n:\n")
        os.chmod(script, 0o755)
        self.programs.hooks(1)
        self.programs.members(PARTICIPANTS - 1)
        self.pids = self.find_processes()

    def find_processes(self):
        """By name; of two with one name the parent is first."""
        pids = {}
        for child in self.programs.started:
            for pid in tree(child.pid):
                name = name_of(pid)
                pids[name + "-child" if name in pids else name] = pid
        return pids

    def files(self):
        return sorted(os.path.join(path, name) for path, _, names in
                      os.walk(self.options.directory) for name in names)

    def sample(self):
        """Waits until nobody has more than before, or stays as it is."""
        seen, same, end = None, 0, time.monotonic() + SETTLE_S
        while same < SETTLED and time.monotonic() < end:
            time.sleep(0.05)
            usages = {name: usage_of(pid) for name, pid in self.pids.items()}
            files = self.files()
            now = {name: usage.fds for name, usage in usages.items()}, files
            same = same + 1 if now == seen and self.is_as_before(*now) else 0
            seen = now
        self.samples.append((len(self.thaw_ms), usages, files))

    def is_as_before(self, fds, files):
        """On a busy machine it lasts until everybody has come to rest."""
        if len(self.samples) < 2:
            return True
        _, usages, before = self.samples[1]
        return set(files) <= set(before) and \
            all(fds[name] <= usages[name].fds for name in fds)

    def snapshots(self):
        marks = {self.edge} | {end for _, end in self.parts}
        self.sample()
        for done in range(1, self.total + 1):
            self.freeze_ms.append(ms(self.programs.ask, "freeze"))
            self.thaw_ms.append(ms(self.programs.ask, "thaw"))
            if done in marks:
                self.sample()
                self.progress(done)

    def progress(self, done):
        if sys.stderr.isatty():
            print("%d of %d" % (done, self.total), end="\r", file=sys.stderr)

    # --- what is shown ----------------------------------------------------

    def show(self, **row):
        if self.options.json:
            print(json.dumps(dict(bench="soak", **row)), flush=True)
        else:
            print(" ".join("%s=%s" % item for item in row.items()), flush=True)

    def show_latency(self, what, begin, end):
        row = {"snapshots": "%d-%d" % (begin + 1, end), "part": what}
        for name, times in (("freeze", self.freeze_ms),
                            ("thaw", self.thaw_ms)):
            times = sorted(times[begin:end])
            row[name + "_median_ms"] = round(statistics.median(times), 2)
            row[name + "_p99_ms"] = round(times[len(times) * 99 // 100], 2)
        self.show(**row)

    def show_latencies(self):
        self.show_latency("first", 0, self.edge)
        for begin, end in self.parts:
            self.show_latency("part", begin, end)
        self.show_latency("last", self.total - self.edge, self.total)

    def show_processes(self):
        """Each as a row of what it had at each sample."""
        counts = [count for count, _, _ in self.samples]
        for name in self.pids:
            usages = [sample[name] for _, sample, _ in self.samples]
            for what in ("rss_kib", "data_kib", "heap_kib", "fds"):
                self.show_row(name, what, counts,
                              [getattr(usage, what) for usage in usages])
            self.show_row(name, "cpu_ms_each", counts[1:],
                          [round((after.cpu_ms - before.cpu_ms) /
                                 (counts[i + 1] - counts[i]), 2)
                           for i, (before, after) in
                           enumerate(zip(usages, usages[1:]))])

    def show_row(self, name, what, counts, values):
        if self.options.json:
            self.show(process=name, what=what, snapshots=counts, values=values)
        else:
            print("%-20s %-12s" % (name, what),
                  *("%7s" % value for value in values), flush=True)

    # --- the verdict ------------------------------------------------------

    def judge(self, what, good, found, limit):
        self.failed = self.failed or not good
        self.show(verdict=what, found=found, limit=limit,
                  result="ok" if good else "FAILED")

    def sample_from(self, count):
        return next(sample for sample in self.samples if sample[0] >= count)

    def judge_growth(self, what, since, limits):
        _, before, _ = self.sample_from(since)
        _, after, _ = self.samples[-1]
        for name in self.pids:
            grown = getattr(after[name], what) - getattr(before[name], what)
            limit = limits.get(name, limits[""])
            self.judge("%s:%s" % (what, name), grown <= limit, grown, limit)

    def judge_processes(self):
        self.judge_growth("fds", self.edge, {"": 0})
        if self.total >= ALLOCATED_FROM:
            limits = {"": ALLOCATED_MAX_KIB,
                      "appvssd-history": HISTORY_CACHE_KIB}
            self.judge_growth("data_kib", self.edge, limits)
            self.judge_growth("heap_kib", self.edge, limits)
        if self.total >= RESIDENT_FROM:
            self.judge_growth("rss_kib", self.total // 2,
                              {"": RESIDENT_MAX_KIB})
        _, _, files = self.sample_from(self.edge)
        _, _, files_now = self.samples[-1]
        left = sorted(set(files_now) - set(files))
        self.judge("files", not left, len(left), 0)
        for path in left:
            print("left: " + path, file=sys.stderr)
        self.judge("processes", self.find_processes() == self.pids,
                   len(self.find_processes()), len(self.pids))

    def asked_history(self):
        done = subprocess.run(
            ["appvssd/appvssctl/appvssctl", "--history", self.history,
             "--json", "history", "-n", str(2 * self.total)],
            stdout=subprocess.PIPE, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def judge_history(self):
        rows = [row for row in self.asked_history() if row["op"] == "freeze"]
        good = [row for row in rows if row["consistency"] == "application"]
        self.judge("history", len(rows) == self.total, len(rows), self.total)
        self.judge("application_consistent", len(good) == self.total,
                   len(good), self.total)

    def run(self):
        self.start()
        size_before = os.path.getsize(self.history)
        began = time.monotonic()
        self.snapshots()
        self.show_latencies()
        if not self.options.json:
            print("%-33s" % "snapshots",
                  *("%7d" % count for count, _, _ in self.samples))
        self.show_processes()
        self.show(seconds=round(time.monotonic() - began, 1),
                  history_bytes_each=(os.path.getsize(self.history) -
                                      size_before) // self.total)
        self.judge_processes()
        await_true(lambda: len(self.asked_history()) >= self.total,
                   "in the history")
        self.judge_history()
        self.programs.stop()
        return 1 if self.failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("snapshots", type=int)
    parser.add_argument("directory")
    parser.add_argument("mounts", nargs=2)
    sys.exit(Soak(parser.parse_args()).run())


main()
