# SPDX-License-Identifier: BSD-2-Clause
"""The programs of one machine, two file systems of its own, and their repair.

Freezes nothing but the two images that it has made below the directory of the
test, whose shell script thaws and unmounts whatever is left there.  Does not
judge: it raises Failure for what never comes about, and the oracle for the rest.
"""

import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import time

from host import Failure, Host
from peers import KEYS, Peers

# On a machine that is not slow; see World.slower.
DRIVER_MS = 1000
FS_LIMIT_MS = 500
SLOW_FSYNC_MS = 40
LOG_LINES = 12
# Told to end, before or after it could; the device is taken, or is gone.
SECOND_ENDS = (0, -signal.SIGTERM, os.EX_TEMPFAIL, os.EX_UNAVAILABLE,
               os.EX_NOINPUT)
HOLD_MS = 700
SETTLE_S = 40
LEDGERS = ("ledger", "needed")
RAW = ("raw", "must", "late")
ALL_NAMES = LEDGERS + RAW + ("hook",)

CONFIG = """user = "root"
history_program = "{root}/appvssd/appvssd-history"
driver_ms = 1000
fs_ms = 400
margin_ms = 50
check_ms = 300
freeze_ms = 350
commit_ms = 150
thaw_ms = 350
hold_ms = {hold}
slice_ms = 250
pause_ms = 400
rearm_ms = 200
retry_ms = 50
retry_max_ms = 200
hello_ms = 500
stall_ms = 700
linger_ms = 100
participant "needed" {{ user = "root" required = true order = 10 }}
participant "must" {{ user = "root" required = {must} freeze_ms = 200 }}
participant "raw" {{ user = "root" required = {raw} freeze_ms = 200 }}
participant "late" {{ user = "root" order = 60 freeze_ms = 200 }}
{more}
"""

VARIANTS = {
    "default": {}, "short": {"hold": 300}, "strict": {"raw": "true"},
    "lax": {"must": "false"}, "broken": {"more": "hold_ms = never"},
    "restart": {"more": 'history_path = "/nowhere/history.db"'},
}

SCRIPT = """#!/bin/sh
read -r mood <{dir}/script.mood
echo "$1 $APPVSS_TRANSACTION $PPID" >>{dir}/calls
case $1-$mood in
freeze-hang) exec sleep 60 ;;
freeze-veto) echo no >&2; exit 1 ;;
*-slow) sleep 0.05 ;;
esac
"""


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def comm(pid):
    try:
        with open("/proc/%d/comm" % pid) as file:
            return file.read().strip()
    except OSError:
        return ""


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def copy_sparse(source, target):
    with open(source, "rb") as image, open(target, "wb") as out:
        size = os.fstat(image.fileno()).st_size
        out.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(image.fileno(), at, os.SEEK_DATA)
            except OSError:
                return  # only a hole is left
            end = os.lseek(image.fileno(), at, os.SEEK_HOLE)
            out.seek(at)
            while at < end:
                at += os.sendfile(out.fileno(), image.fileno(), at, end - at)


class World:
    def __init__(self, directory, shim, patience_s=SETTLE_S, slower=1):
        """slower: by what all limits of the programs are multiplied."""
        self.dir, self.shim, self.patience_s = directory, shim, patience_s
        self.slower, self.driver_ms = slower, DRIVER_MS * slower
        self.pids = os.environ.get("TEST_DIR", directory)
        self.root = os.getcwd()
        self.programs, self.logs, self.every_log = {}, {}, []
        self.stopped, self.gone = [], []
        self.jobs, self.seconds = [], []
        self.generation = self.ordered = 0
        self.hand = subprocess.Popen(["sh"], stdin=subprocess.PIPE, text=True)
        self.tired, self.expected = set(), set()
        os.makedirs(self.dir, exist_ok=True)
        self.mounts = [self.make_mount(name, size)
                       for name, size in (("data", 16), ("hist", 8))]
        self.history = self.mounts[1] + "/history.db"
        self.socket = self.dir + "/socket"
        self.write_config("default")
        self.set_shim(0, 0)
        os.makedirs(self.dir + "/vss.d", mode=0o755)
        os.makedirs(self.dir + "/run", mode=0o700)
        with open(self.dir + "/vss.d/hook", "w") as script:
            script.write(SCRIPT.format(dir=self.dir))
        os.chmod(self.dir + "/vss.d/hook", 0o755)
        open(self.dir + "/calls", "w").close()
        self.set_script("ready")
        self.host = Host(self)
        self.host.ask("negotiate")
        for name in ("daemon", "parent", "hooks") + LEDGERS:
            self.start_program(name)
        self.peers = Peers(self.socket, RAW)

    # ---- file systems ----

    def make_mount(self, name, size_mb):
        image, point = "%s/%s.img" % (self.dir, name), self.dir + "/" + name
        with open(image, "wb") as file:
            file.truncate(size_mb << 20)
        self.run("mkfs.ext4", "-q", "-F", image)
        os.mkdir(point)
        self.run("mount", "-t", "ext4", "-o", "loop", image, point)
        return point

    def run(self, *command, timeout=30):
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=timeout, check=False)
        if done.returncode != 0:
            raise Failure("%s: %s%s" % (" ".join(command), done.stdout,
                                        done.stderr))
        return done.stdout

    def shell(self, text):
        """In the background, one after the other: it may sleep on a disk."""
        self.ordered += 1
        self.hand.stdin.write("(%s) >/dev/null 2>&1; : >%s/hand.%d\n" %
                              (text, self.dir, self.ordered))
        self.hand.stdin.flush()

    def shell_done(self):
        return self.ordered == 0 or os.path.exists(
            "%s/hand.%d" % (self.dir, self.ordered))

    def copy(self):
        to = self.dir + "/copy"
        shutil.rmtree(to, ignore_errors=True)
        os.mkdir(to)
        for name in ("data.img", "hist.img"):
            copy_sparse("%s/%s" % (self.dir, name), "%s/%s" % (to, name))

    # ---- programs ----

    def start(self, name, command, stdin=subprocess.DEVNULL, **env):
        self.generation += 1
        log = "%s/%s.%d.log" % (self.dir, name, self.generation)
        with open(log, "wb") as out:
            self.programs[name] = subprocess.Popen(
                command, stdin=stdin, stdout=out, stderr=out, env=dict(
                    os.environ, CAMPAIGN=self.dir, **env))
        with open("%s/%s.pid" % (self.pids, name), "w") as file:
            file.write("%d\n" % self.programs[name].pid)
        self.logs[name] = log
        self.every_log.append(log)
        return log

    def daemon_command(self, runtime_dir):
        return ["kernel/hv_vss_daemon/hv_vss_daemon", "-n", "--device",
                self.dir + "/hv_fsvss_dev", "--mount", self.mounts[0],
                "--mount", self.mounts[1], "--runtime-dir", runtime_dir,
                "--limit-ms", str(FS_LIMIT_MS * self.slower)]

    def start_program(self, name):
        if name == "daemon":
            self.start(name, self.daemon_command(self.dir))
        elif name == "parent":
            self.start(name, [
                "appvssd/appvssd", "--foreground", "--config",
                self.dir + "/appvssd.conf", "--device",
                self.dir + "/hv_appvss_dev", "--socket", self.socket,
                "--history", self.history], LD_PRELOAD=self.shim,
                CLOCK_SHIM=self.dir + "/clock",
                ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") +
                ":verify_asan_link_order=0")
        elif name == "hooks":
            self.start(name, [
                "hooks/appvss-hooks", "--foreground", "--dir",
                self.dir + "/vss.d", "--socket", self.socket,
                "--runtime-dir", self.dir + "/run", "--freeze-ms",
                str(250 * self.slower)])
        else:
            self.start(name, [
                "examples/ledger", "--db",
                "%s/%s.db" % (self.mounts[0], name), "--out",
                "%s/%s.out" % (self.dir, name), "--socket", self.socket,
                "--name", name, "--rate", "200"])

    def processes(self):
        """The number of each process that is there, by name."""
        found = {name: process.pid for name, process in self.programs.items()
                 if process.poll() is None}
        for child in children(found.get("parent", 0)):
            name = comm(child)
            found["broker" if name == "appvssd-broker" else "history"] = child
        for owner, name in (("daemon", "guardian"), ("hooks", "runner")):
            for child in children(found.get(owner, 0)):
                found[name] = child
        return found

    def kill(self, *names):
        pids = self.processes()
        self.expected |= set(names)
        killed = [name for name in names if name in pids]
        for name in names:
            if name in pids and len(names) > 1:
                send(pids[name], signal.SIGSTOP)
        for name in names:
            if name in pids:
                send(pids[name], signal.SIGKILL)
        self.gone += [pids[name] for name in names if name in pids]
        for owner, owned in (("parent", ("broker", "history")),
                             ("hooks", ("runner",)),
                             ("daemon", ("guardian",))):
            if owner in names:
                self.gone += [pids[name] for name in owned if name in pids]
            elif any(name in names for name in owned):
                self.tired.add(owner)
        return killed

    def stop(self, name):
        pid = self.processes().get(name)
        self.expected.add(name)
        if pid:
            self.stopped.append(pid)
            send(pid, signal.SIGSTOP)
        return pid

    def go_on(self):
        for pid in self.stopped:
            send(pid, signal.SIGCONT)
        self.stopped = []

    # ---- what a schedule changes ----

    def write_config(self, variant):
        words = dict({"hold": HOLD_MS, "must": "true", "raw": "false",
                      "more": "", "root": self.root}, **VARIANTS[variant])
        path = self.dir + "/appvssd.conf"
        with open(path + ".new", "w") as out:
            out.write(re.sub(r"_ms = (\d+)", self.longer,
                             CONFIG.format(**words)))
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)

    def longer(self, setting):
        return "_ms = %d" % (int(setting[1]) * self.slower)

    def set_shim(self, clock_s=None, fsync_ms=None):
        mode = "r+b" if os.path.exists(self.dir + "/clock") else "wb"
        with open(self.dir + "/clock", mode) as file:
            for at, number in ((0, clock_s), (8, fsync_ms)):
                if number is not None:
                    file.seek(at)
                    file.write(struct.pack("=q", number))

    def set_script(self, mood):
        with open(self.dir + "/script.mood.new", "w") as file:
            file.write(mood + "\n")
        os.rename(self.dir + "/script.mood.new", self.dir + "/script.mood")

    def set_history(self, what):
        if what == "slow":
            self.set_shim(fsync_ms=SLOW_FSYNC_MS)
            return
        if what == "heal":
            self.set_shim(fsync_ms=0)
        point, path = self.mounts[1], self.history
        self.shell({
            "full": "dd if=/dev/zero of=%s/filler bs=64k" % point,
            "readonly": "chattr +i %s %s" % (path, point),
            "corrupt": "dd if=/dev/urandom of=%s bs=4096 count=3 "
                       "conv=notrunc" % path,
            "heal": "chattr -i %s %s; rm -f %s/filler" % (point, path, point),
        }[what])

    # ---- waiting ----

    def until(self, condition, what, seconds=None):
        end = time.monotonic() + (seconds or self.patience_s)
        pause = 0.002
        while not condition():
            if time.monotonic() > end:
                raise Failure("still not: %s" % (what() if callable(what)
                                                 else what))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.03)

    def ask(self, line):
        """One request to the broker; the lines of its answer, or none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            try:
                sock.connect(self.socket)
                sock.sendall(b"HELLO version=1\n" + line.encode() + b"\n")
                data = b""
                while not re.search(rb"^(END|OK|ERROR) .*\n", data, re.M):
                    ready, _, _ = select.select([sock], [], [], 5)
                    got = sock.recv(65536) if ready else b""
                    if not got:
                        return []
                    data += got
            except OSError:
                return []
        return [(words.split(" ", 1)[0], dict(KEYS.findall(words)))
                for words in data.decode().splitlines()]

    def status(self):
        """The broker, its participants and their debts; or nothing."""
        items = [keys for verb, keys in self.ask("STATUS") if verb == "ITEM"]
        brokers = [keys for keys in items if keys["kind"] == "broker"]
        return (brokers[0] if brokers else {},
                {keys["name"]: keys for keys in items
                 if keys["kind"] == "participant"},
                [keys["name"] for keys in items if keys["kind"] == "debt"])

    def thawed(self):
        """Whether both file systems can be written."""
        job = subprocess.Popen(["touch"] + [point + "/probe"
                                            for point in self.mounts])
        self.jobs.append(job)
        try:
            return job.wait(self.patience_s) == 0
        except subprocess.TimeoutExpired:
            return False

    def start_second(self):
        """Another hv_vss_daemon, which finds the device taken, or takes it."""
        directory = self.dir + "/second"
        self.expected.add("second")
        os.makedirs(directory, exist_ok=True)
        log = open("%s/second.%d.log" % (self.dir, self.generation), "ab")
        self.seconds.append(subprocess.Popen(
            self.daemon_command(directory), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, env=dict(os.environ, CAMPAIGN=self.dir)))
        log.close()

    def log_ends(self):
        """The last lines of each program's log."""
        ends = []
        for name, log in sorted(self.logs.items()):
            with open(log, errors="replace") as file:
                lines = file.read().splitlines()[-LOG_LINES:]
            ends += ["%s: %s" % (name, line) for line in lines]
        return ends

    def end_seconds(self):
        for process in self.seconds:
            process.terminate()
        for process in self.seconds:
            try:
                status = process.wait(SETTLE_S)
            except subprocess.TimeoutExpired:
                raise Failure("the second daemon does not end") from None
            if status not in SECOND_ENDS:
                raise Failure("the second daemon ended with %d" % status)
        self.seconds = []

    def left_behind(self):
        """Processes of this world that have no place in it."""
        known = set(self.processes().values())
        mark = ("CAMPAIGN=" + self.dir).encode()
        left = []
        for word in os.listdir("/proc"):
            if not word.isdigit() or int(word) in known:
                continue
            try:
                with open("/proc/%s/environ" % word, "rb") as file:
                    if mark in file.read().split(b"\0") and alive(int(word)):
                        left.append((int(word), comm(int(word))))
            except OSError:
                pass
        return left

    def descriptors(self):
        return {name: (pid, len(os.listdir("/proc/%d/fd" % pid)))
                for name, pid in self.processes().items()}

    # ---- repair ----

    def revive(self):
        """Starts what has ended, as a service manager does."""
        for name, process in self.programs.items():
            code = process.poll()
            if code is None or (code == -9 and name in self.expected):
                continue
            # It ends with its guardian, or when its device is taken: perhaps
            # by one that was killed, of whose end the simulator learns late.
            if name != "daemon" or "guardian" not in self.expected and not (
                    code == os.EX_TEMPFAIL and
                    self.expected & {"second", "daemon"}):
                raise Failure("%s has ended with %d" % (name, code))
        if self.programs["daemon"].pid in self.gone:
            self.programs["daemon"].wait(SETTLE_S)
        dead = [name for name, process in self.programs.items()
                if process.poll() is not None]
        if "daemon" in dead:
            # First of all: who sleeps on the disk ends when it thaws.
            self.run("kernel/hv_vss_daemon/hv_vss_daemon", "--thaw",
                     "--runtime-dir", self.dir)
        self.until(lambda: not any(alive(pid) for pid in self.gone),
                   lambda: "the end of %r" % [
                       (pid, comm(pid)) for pid in self.gone if alive(pid)])
        self.gone = []
        if "host" in dead:
            self.host = Host(self)
            self.host.ask("negotiate")
        for name in dead:
            if name != "host":
                self.start_program(name)
        return dead

    def rest(self):
        """Who was restarted by another is started anew: it backs off."""
        for name in self.tired & {"parent", "hooks"}:
            self.end(name)
            self.start_program(name)
        self.tired = set()

    def end(self, name):
        process = self.programs[name]
        process.terminate()
        try:
            status = process.wait(SETTLE_S)
        except subprocess.TimeoutExpired:
            raise Failure("%s does not end" % name) from None
        if name in ("parent", "hooks", "daemon") and status != 0:
            raise Failure("%s ended with %d" % (name, status))

    def at_rest(self):
        """Whether all are there and idle; who has ended late is started."""
        return not self.revive() and self.ready() and self.daemon_ready()

    def ready(self):
        broker, participants, debts = self.status()
        return (broker.get("state") == "idle" and not debts and
                broker.get("queued") == "0" and
                broker.get("device") == "open" and
                broker.get("history") == "ok" and
                all(participants.get(name, {}).get("present") == "1"
                    for name in ALL_NAMES))

    def history_answers(self):
        """Not only the broker, which may not know yet that it has ended."""
        return any(verb == "END" for verb, _ in self.ask("HISTORY limit=1"))

    def daemon_ready(self):
        with open(self.logs["daemon"]) as log:
            lines = re.findall("started|device_lost|device_opened",
                               log.read())
        return bool(lines) and lines[-1] != "device_lost"

    def close(self):
        """Everything ends; what does not is left to the test's script."""
        self.go_on()
        try:
            self.peers.stop()
        except AttributeError:
            pass
        for process in [*self.programs.values(), *self.seconds]:
            process.kill()
        for pid in self.gone:
            send(pid, signal.SIGKILL)
        for point in self.mounts:
            subprocess.run(["fsfreeze", "-u", point], check=False,
                           stderr=subprocess.DEVNULL)
        self.hand.stdin.close()
        for process in [*self.programs.values(), *self.jobs, *self.seconds,
                        self.hand]:
            process.wait(SETTLE_S)
        for pid, _ in self.left_behind():
            send(pid, signal.SIGKILL)
        self.until(lambda: not self.left_behind(),
                   lambda: "the end of %r" % self.left_behind())
        for point in self.mounts:
            self.run("chattr", "-i", point)
            self.until(lambda p=point: subprocess.run(
                ["umount", p], check=False,
                stderr=subprocess.DEVNULL).returncode == 0, "umount")
        shutil.rmtree(self.dir)
