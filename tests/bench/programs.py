# SPDX-License-Identifier: BSD-2-Clause
"""The programs between host and file system, as they are in use: what the
benchmarks share.  Whoever imports it has tests/integration in sys.path."""

import atexit
import os
import subprocess
import time

from broker_rig import Client, await_true, fail


def ms(function, *args):
    began = time.monotonic()
    function(*args)
    return (time.monotonic() - began) * 1000


class Programs:
    """Everything between host and file system, as it is in use."""

    def __init__(self, directory, mounts, config="", history=None):
        self.dir = directory
        self.started = []
        atexit.register(self.stop)
        os.makedirs(directory + "/vss.d", mode=0o755, exist_ok=True)
        os.makedirs(directory + "/run", mode=0o700, exist_ok=True)
        with open(directory + "/conf", "w") as conf:
            conf.write('user = "root"\nhistory_program = "%s"\n%s\n' %
                       (os.path.abspath("appvssd/appvssd-history"), config))
        self.sim = self.start("kernel/sim/hv_vss_sim", "-d", directory,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.host_line("ready")
        named = [word for mount in mounts for word in ("--mount", mount)]
        self.start("kernel/hv_vss_daemon/hv_vss_daemon", "-n", "--device",
                   directory + "/hv_fsvss_dev", *named,
                   "--runtime-dir", directory, "--limit-ms", "50000")
        self.socket = directory + "/sock"
        self.start("appvssd/appvssd", "--foreground", "--config",
                   directory + "/conf", "--device",
                   directory + "/hv_appvss_dev", "--socket", self.socket,
                   "--history", history or directory + "/history.db")
        self.say("wait-openers 15000")
        self.host_line("openers")
        self.ask("negotiate")
        await_true(lambda: os.path.exists(self.socket), "a socket")

    def start(self, *command, **more):
        with open(self.dir + "/log", "ab") as log:
            more.setdefault("stdin", subprocess.DEVNULL)
            more.setdefault("stdout", log)
            child = subprocess.Popen(command, stderr=log, **more)
        self.started.append(child)
        return child

    def say(self, command):
        self.sim.stdin.write(command.encode() + b"\n")
        self.sim.stdin.flush()

    def host_line(self, word):
        while True:
            line = self.sim.stdout.readline().decode()
            if not line:
                fail("the host has ended")
            if line.startswith(word):
                return line

    def ask(self, command):
        self.say(command)
        reply = self.host_line("reply")
        if "status=0x00000000" not in reply:
            fail("%s: %s" % (command, reply))

    def hooks(self, count):
        self.start("hooks/appvss-hooks", "--foreground", "--dir",
                   self.dir + "/vss.d", "--socket", self.socket,
                   "--runtime-dir", self.dir + "/run")
        client = Client(self.socket)
        await_true(lambda: len(client.status()[1]) == count, "the scripts")

    def members(self, count):
        """As many participants with a connection each."""
        child = self.start("tests/bench/members", self.socket, str(count),
                           stdout=subprocess.PIPE)
        child.stdout.readline()

    def stop(self):
        """Ends them, also after a failure; one that is frozen has 10 s."""
        while self.started:
            child = self.started.pop()
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def tree(pid):
    """A process and its children, parents first."""
    found = [pid]
    for number in found:
        with open("/proc/%d/task/%d/children" % (number, number)) as kids:
            found += [int(kid) for kid in kids.read().split()]
    return found
