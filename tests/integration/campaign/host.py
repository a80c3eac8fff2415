# SPDX-License-Identifier: BSD-2-Clause
"""The simulated Hyper-V host: told what to ask, and what it was answered."""

import re
import subprocess

# What a host may ask of other systems: operation 7, which we do not support.
UNKNOWN = "raw 01000000 20000000 03000000 0500 05000000 0c00 00000000 7703 " \
    "0000 0700000000000000 00000000"


class Failure(Exception):
    """A promise that was not kept."""


class Late(Failure):
    """Something took too long; the machine may be the reason."""


class Host:
    """The simulated host: what it was asked to do, and its replies."""

    def __init__(self, world):
        self.log = world.start("host", ["kernel/sim/hv_vss_sim", "-d",
                                        world.dir, "--limit-ms",
                                        str(world.driver_ms)], subprocess.PIPE)
        self.process = world.programs["host"]
        self.file = open(self.log, encoding="utf-8")
        self.rest = ""
        self.asked = []     # operations, in the order of their replies
        self.replies = []   # (operation, good, milliseconds)
        self.lines = []
        self.overlap_ms = 0
        world.until(lambda: "ready" in self.poll(), "the host's start")

    def write(self, text):
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
            return True
        except OSError:
            return False

    def ask(self, op):
        self.write(UNKNOWN if op == "raw" else op)
        self.asked.append(op)

    def overlap(self, first, pause_ms, second):
        self.write("async %s\nsleep %d\nasync %s\nwait" %
                   (first, pause_ms, second))
        self.asked += [first, second]
        self.overlap_ms = max(self.overlap_ms, pause_ms)

    def poll(self):
        self.rest += self.file.read()
        *lines, self.rest = self.rest.split("\n")
        for line in lines:
            found = re.match(r"reply op=(\w+) status=(\S+) elapsed_ms=(\S+)",
                             line)
            if found:
                self.replies.append((found[1].lower(), int(found[2], 16) == 0,
                                     float(found[3])))
            elif line.startswith("noreply"):
                self.replies.append(("noreply", False, 1e9))
        self.lines += lines
        return self.lines

    def answered(self):
        self.poll()
        return len(self.replies) >= len(self.asked)

    @property
    def frozen(self):
        """Whether it was told of a freeze, and of no thaw since."""
        told = [(op, good) for op, good, _ in self.replies
                if op in ("freeze", "thaw")]
        return told[-1:] == [("freeze", True)]
