#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whole snapshots of a real file system, beside what they cannot be faster
than.

    hooks   1, 5 and 20 scripts of 100 ms: FREEZE of the host to its reply, with
            appvss-hooks; one script and a bare freeze; all of them started at
            once and a bare freeze; qemu-ga with the same scripts in its
            fsfreeze-hook
    stall   longest pause of a writer that calls fsync all the time: a snapshot
            around a copy; a bare freeze around the same copy
    window  with 0 and 100 participants of libappvss: FREEZE, THAW, and from the
            release by appvssd to THAW's answer; a bare freeze and thaw
    idle    how often the processes, 5 scripts and 20 other participants, wake
            when nothing is asked

Rounds are interleaved, medians are compared.  snapshot.sh makes the mount and
undoes everything.

usage: snapshot.py [--json] [-r ROUNDS] DIRECTORY MOUNT IMAGE
"""

import argparse
import fcntl
import json
import os
import queue
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, "tests/integration")
sys.path.insert(0, "tests/bench")
from broker_rig import Client, fail  # noqa: E402
from programs import Programs, ms, tree  # noqa: E402

FIFREEZE = 0xC0045877
FITHAW = 0xC0045878
SCRIPT_MS = 100
IDLE_S = 10


class Releases(threading.Thread):
    """When appvssd has released the host's request, as subscribers are told."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.client = Client(path)
        self.client.ask("SUBSCRIBE", "OK verb=SUBSCRIBE")
        self.times = queue.Queue()
        self.start()

    def run(self):
        line = self.client.line()
        while line is not None:
            if line.startswith("EVENT ") and " kind=held " in line + " ":
                self.times.put(time.monotonic())
            line = self.client.line()

    def last(self):
        return self.times.get(timeout=30)


class Agent:
    """qemu-ga, which may freeze nothing but what it is told by name."""

    def __init__(self, path, mount):
        self.mount = mount
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)
        self.lines = self.sock.makefile()

    def ask(self, command, **arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self.sock.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self.lines.readline())
        if "return" not in answer:
            fail("qemu-ga: %r" % answer)
        return answer["return"]

    def freeze(self):
        if self.ask("guest-fsfreeze-freeze-list",
                    mountpoints=[self.mount]) != 1:
            fail("qemu-ga has not frozen one file system")

    def thaw(self):
        self.ask("guest-fsfreeze-thaw")


class Bare:
    """What fsfreeze(8) does."""

    def __init__(self, mount):
        self.fd = os.open(mount, os.O_RDONLY | os.O_DIRECTORY)

    def freeze(self):
        fcntl.ioctl(self.fd, FIFREEZE, 0)

    def thaw(self):
        fcntl.ioctl(self.fd, FITHAW, 0)

    def close(self):
        os.close(self.fd)


class Writer:
    """A process that writes and calls fsync; tells its longest pause."""

    PROGRAM = """
import os, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
print("go", flush=True)
longest, last = 0.0, time.monotonic()
os.set_blocking(0, False)
while True:
    os.pwrite(fd, b"x" * 4096, 0)
    os.fsync(fd)
    now = time.monotonic()
    longest, last = max(longest, now - last), now
    try:
        if not os.read(0, 1):
            break
    except BlockingIOError:
        pass
print(longest * 1000, flush=True)
"""

    def __init__(self, mount):
        self.child = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM, mount + "/written"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.child.stdout.readline()

    def stall_ms(self):
        self.child.stdin.close()
        stall = float(self.child.stdout.readline())
        self.child.wait()
        return stall


class Bench:
    def __init__(self, options):
        self.options = options
        self.dir = options.directory
        self.mount = options.mount

    def programs(self, name, config=""):
        path = "%s/%s" % (self.dir, name)
        os.makedirs(path)
        return Programs(path, [self.mount], config)

    def show(self, bench, **numbers):
        for key, value in numbers.items():
            if isinstance(value, list):
                numbers[key] = round(statistics.median(value), 2)
            elif isinstance(value, float):
                numbers[key] = round(value, 2)
        if self.options.json:
            print(json.dumps(dict(bench=bench, **numbers)), flush=True)
        else:
            print(bench, *("%s=%s" % item for item in numbers.items()),
                  flush=True)

    @staticmethod
    def write_scripts(path, count):
        for i in range(count):
            script = "%s/script%d" % (path, i)
            with open(script, "w") as out:
                out.write('#!/bin/sh\n[ "$1" = thaw ] || sleep %g\n' %
                          (SCRIPT_MS / 1000))
            os.chmod(script, 0o755)

    @staticmethod
    def spawn_ms(scripts):
        """What nobody can be faster than on this machine."""
        done = subprocess.run(["tests/bench/spawn", *scripts], check=True,
                              stdout=subprocess.PIPE)
        return float(done.stdout)

    def hooks(self, count):
        programs = self.programs("hooks%d" % count)
        scripts = programs.dir + "/vss.d"
        self.write_scripts(scripts, count)
        names = ["%s/script%d" % (scripts, i) for i in range(count)]
        programs.hooks(count)
        bare = Bare(self.mount)
        agent = None
        if os.path.exists(self.dir + "/qga.sock"):
            # What its hook runs, one after the other.
            shutil.copytree(scripts, self.dir + "/hook.d",
                            dirs_exist_ok=True)
            agent = Agent(self.dir + "/qga.sock", self.mount)
        floor, together, ours, theirs = [], [], [], []
        for _ in range(self.options.rounds):
            together.append(self.spawn_ms(names) + ms(bare.freeze))
            bare.thaw()
            floor.append(self.spawn_ms(names[:1]) + ms(bare.freeze))
            bare.thaw()
            ours.append(ms(programs.ask, "freeze"))
            programs.ask("thaw")
            if agent:
                theirs.append(ms(agent.freeze))
                agent.thaw()
        bare.close()
        programs.stop()
        middle = statistics.median(ours)
        numbers = dict(scripts=count, slowest_ms=floor, together_ms=together,
                       appvss_ms=ours, ratio=middle / statistics.median(floor),
                       together_ratio=middle / statistics.median(together))
        if agent:
            numbers.update(qemu_ga_ms=theirs)
        self.show("hooks", rounds=self.options.rounds, **numbers)

    def copy(self):
        with open(self.options.image, "rb") as image:
            with open(self.dir + "/copy.img", "wb") as copy:
                shutil.copyfileobj(image, copy, 1 << 20)

    def stall(self):
        programs = self.programs("stall")
        programs.members(1)
        bare = Bare(self.mount)
        floor, ours = [], []
        for _ in range(self.options.rounds):
            writer = Writer(self.mount)
            bare.freeze()
            self.copy()
            bare.thaw()
            floor.append(writer.stall_ms())
            writer = Writer(self.mount)
            programs.ask("freeze")
            self.copy()
            programs.ask("thaw")
            ours.append(writer.stall_ms())
        bare.close()
        programs.stop()
        os.unlink(self.dir + "/copy.img")
        self.show("stall", rounds=self.options.rounds, bare_ms=floor,
                  appvss_ms=ours, ratio=statistics.median(ours) /
                  statistics.median(floor))

    def window(self, count):
        programs = self.programs("window%d" % count)
        if count > 0:
            programs.members(count)
        releases = Releases(programs.socket)
        bare = Bare(self.mount)
        bare_freeze, bare_thaw, freeze, thaw = [], [], [], []
        bare_window, window = [], []
        for _ in range(5 * self.options.rounds):
            bare_freeze.append(ms(bare.freeze))
            bare_thaw.append(ms(bare.thaw))
            bare_window.append(bare_freeze[-1] + bare_thaw[-1])
            freeze.append(ms(programs.ask, "freeze"))
            thaw.append(ms(programs.ask, "thaw"))
            window.append((time.monotonic() - releases.last()) * 1000)
        bare.close()
        programs.stop()
        self.show("window", rounds=5 * self.options.rounds,
                  participants=count, bare_freeze_ms=bare_freeze,
                  bare_thaw_ms=bare_thaw, freeze_ms=freeze, thaw_ms=thaw,
                  bare_window_ms=bare_window, window_ms=window,
                  ratio=statistics.median(window) /
                  statistics.median(bare_window))

    @staticmethod
    def switches(pid):
        with open("/proc/%d/status" % pid) as status:
            text = status.read()
        name = re.search(r"^Name:\t(.*)$", text, re.M).group(1)
        count = re.search(r"^voluntary_ctxt_switches:\t(\d+)$", text, re.M)
        return name, int(count.group(1))

    def idle(self):
        programs = self.programs("idle")
        self.write_scripts(programs.dir + "/vss.d", 5)
        programs.hooks(5)
        programs.members(20)
        programs.ask("freeze")
        programs.ask("thaw")
        time.sleep(2)  # until what a snapshot leaves to be done is done
        before = {pid: self.switches(pid) for child in programs.started[1:]
                  for pid in tree(child.pid)}
        time.sleep(IDLE_S)
        wakeups = {}
        for pid, (name, count) in before.items():
            wakeups[name] = wakeups.get(name, 0) + \
                self.switches(pid)[1] - count
        programs.stop()
        self.show("idle", seconds=IDLE_S, **wakeups)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-r", dest="rounds", type=int, default=7)
    parser.add_argument("directory")
    parser.add_argument("mount")
    parser.add_argument("image")
    bench = Bench(parser.parse_args())
    for count in (1, 5, 20):
        bench.hooks(count)
    bench.stall()
    for count in (0, 100):
        bench.window(count)
    bench.idle()


main()
