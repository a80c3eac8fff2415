# SPDX-License-Identifier: BSD-2-Clause
"""Random faults under a whole snapshot, and what must hold after each of them.

usage: campaign.py [--schedules N] [--seed S] [--state FILE] [--failed DIR]
                   [SCHEDULE...]

Runs the schedules that are named, then N random ones.  With a state file it
goes on where it stopped.  A schedule that fails is made smaller as long as it
still fails, and is left in DIR.  See schedule.py for what one is.
"""

import argparse
import collections
import json
import os
import signal
import sys
import threading
import time
import traceback

import oracle
import schedule
from host import Failure, Late
from world import LEDGERS, SETTLE_S, World

WORLD_LIFE = 60       # schedules, before everything is built anew
REPEATS = 5           # of what may have failed because the machine was slow
LOST_S = 0.8          # in which a ledger thaws that has lost its broker
SLOWEST = 8           # times the usual limits
SLOW_MS = 60          # a sleep that is so much too long makes a verdict void


class Canary:
    """Sleeps for 5 ms again and again, and knows the worst of it."""

    def __init__(self):
        self.worst_ms = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            before = time.monotonic()
            time.sleep(0.005)
            late_ms = (time.monotonic() - before) * 1000 - 5
            self.worst_ms = max(self.worst_ms, late_ms)


class Runner:
    def __init__(self, directory, shim):
        self.directory, self.shim = directory, shim
        self.world = self.account = None
        self.age = 0
        self.canary = Canary()
        self.played = collections.Counter()
        self.undecided = 0
        self.patience_s = SETTLE_S
        self.slower = 1     # by how much all limits are longer
        self.log_ends = []
        self.slow = self.replies = self.good = self.txns = self.copies = 0

    # ---- the world ----

    def build(self):
        self.world = World(self.directory + "/w", self.shim, self.patience_s,
                           self.slower)
        self.age = 0
        self.settle_ready()
        self.account = oracle.Account(self.world)
        self.control()
        self.baseline = self.world.descriptors()

    def tear_down(self):
        world, self.world = self.world, None
        if world:
            world.close()

    # ---- one schedule ----

    def step(self, text):
        """Plays it; the name that it is counted by, if it came about."""
        world = self.world
        verb, *words = text.split()
        if verb == "sleep":
            time.sleep(int(words[0]) / 1000)
        elif verb == "await":
            self.await_host(self.world.driver_ms / 1000 + 1.5)
        elif verb == "host":
            return self.ask_host(words)
        elif verb == "copy":
            self.copy()
        elif verb in ("kill", "killboth"):
            return verb if self.kill(words) else None
        elif verb == "stop":
            return verb if world.stop(words[0]) else None
        elif verb == "cont":
            world.go_on()
        elif verb == "second":
            world.start_second()
            return verb
        elif verb == "peer":
            world.peers.peers[words[0]].mood = words[1]
            return "peer " + words[1]
        elif verb == "script":
            world.set_script(words[0])
            return text
        elif verb == "requestor":
            self.request(words[0])
            return text
        elif verb == "history":
            world.set_history(words[0])
            return text if words[0] != "heal" else None
        elif verb == "config":
            running = self.running()
            self.configure(words[0], words[1])
            alone = sum(s.startswith("config") for s in self.account.steps) == 1
            if words[1] == "verb" and running and alone:
                self.check_not_applied(running)
            return "config " + words[0] + " midway" * bool(running)
        elif verb == "clock":
            world.set_shim(clock_s=int(words[0]))
            return verb
        return None

    def kill(self, names):
        """Whether all of them were there."""
        world, account = self.world, self.account
        before = world.processes()
        owed = oracle.owed_by_script(account)
        killed = world.kill(*names)
        if "runner" in killed:
            account.orphans += [(number, before["runner"]) for number in owed]
        # Whose broker has vanished thaws at once, long before its own limit.
        # One that is stopped, and whose parent is killed, has not vanished.
        vanished = "broker" in killed or "parent" in killed and \
            before.get("broker") not in world.stopped
        frozen = [name for name in LEDGERS
                  if vanished and not account.hurt(name) and
                  oracle.last_frozen(world, name)]
        try:
            world.until(lambda: not any(oracle.last_frozen(world, name)
                                        for name in frozen),
                        "%r thawed without a broker" % frozen,
                        LOST_S * self.slower)
        except Failure as failure:
            raise Late(str(failure)) from None
        return len(killed) == len(names)

    def ask_host(self, words):
        host = self.world.host
        if words[0] == "overlap":
            host.overlap(words[1], int(words[2]), words[3])
            return "host overlaps"
        before = [op for op in host.asked if op in ("freeze", "thaw")][-1:]
        repeated = host.asked[-1:] == words
        host.ask(words[0])
        if words[0] == "raw":
            return "host unknown"
        if repeated:
            return "host repeats"
        if words[0] == "thaw" and before != ["freeze"]:
            return "host reorders"
        return "host omits thaw" if words == before == ["freeze"] else None

    def await_host(self, seconds):
        if self.world.host.process.pid in self.world.stopped:
            seconds = 0.1
        end = time.monotonic() + seconds
        while not self.world.host.answered() and time.monotonic() < end and \
                self.world.host.process.poll() is None:
            time.sleep(0.002)

    def copy(self):
        """Only between a good FREEZE and the next request, as a host does."""
        host = self.world.host
        if not (host.answered() and host.replies and
                host.replies[-1][:2] == ("freeze", True)):
            return
        broker = self.world.status()[0]
        rows = {name: oracle.last_frozen(self.world, name)
                for name in LEDGERS}
        self.world.copy()
        if broker.get("state") == "held":
            self.account.copied_id = int(broker["id"])
            self.account.frozen_rows = rows
            self.copies += 1

    def request(self, what):
        requestor = self.world.peers.requestor
        with self.world.peers.lock:
            if what == "drop":
                requestor.close()
            else:
                requestor.ask({"freeze": "FREEZE hold_ms=400"}.get(
                    what, what.upper()))

    def configure(self, variant, how):
        self.world.write_config(variant)
        if how == "signal":
            self.world.programs["parent"].send_signal(1)
        else:
            with self.world.peers.lock:
                self.world.peers.requestor.ask("RELOAD")

    def running(self):
        """The number of the transaction that runs, or None."""
        broker = self.world.status()[0]
        return broker["id"] if broker.get("state", "idle") != "idle" else None

    def check_not_applied(self, running):
        """A transaction ends with the configuration that it began with."""
        time.sleep(0.03)
        done = [answer for answer in self.world.peers.requestor.answers
                if answer[:2] == ("RELOAD", "OK")]
        if done and self.running() == running:
            raise Failure("reloaded in the middle of transaction " + running)

    def settle_ready(self):
        world = self.world
        world.until(world.at_rest, lambda: "everybody at rest: %r" %
                    (world.status(),))
        world.until(world.host.answered, "the host's replies")

    def grows(self):
        """The ledgers go on: that is what not being frozen is."""
        before = {n: oracle.committed(self.world, n) for n in LEDGERS}
        self.world.until(lambda: all(oracle.committed(self.world, n) >
                                     before[n] for n in LEDGERS),
                         "the ledgers go on")

    def settle(self):
        """Faults end, limits pass, the dead return; then all is judged."""
        world, account = self.world, self.account
        world.go_on()
        world.set_shim(clock_s=0)
        world.set_script("ready")
        if account.did("history", None):
            world.set_history("heal")
        self.await_host(3 * world.driver_ms / 1000)
        world.end_seconds()
        world.host.poll()
        account.host = world.host if not account.killed("host") \
            else account.host
        # appvssd does not start with a configuration that has a mistake.
        world.write_config("default")
        dead = world.revive()
        world.until(world.shell_done, "the history's disk is thawed and mended")
        if not world.thawed():
            raise Failure("a file system is still frozen")
        world.peers.reset()
        if account.did("history", "corrupt"):
            self.kill_history()
        if account.did("config", None):
            # A parent that was killed last may end only now.
            world.until(lambda: not world.revive() and any(
                verb == "OK" and "RELOAD" in keys.values()
                for verb, keys in world.ask("RELOAD")),
                        "the default configuration in force")
        world.until(lambda: not world.revive() and world.history_answers(),
                    "an answer of the history")
        self.settle_ready()
        if "host" in dead:
            account.host = world.host
            account.asked = len(world.host.asked)
            account.replied = len(world.host.replies)
        self.grows()
        world.until(lambda: not oracle.owed_by_script(account),
                    lambda: "thaws by the script of %r" %
                    oracle.owed_by_script(account))
        self.txns += len(oracle.judge(account))
        self.replies += len(account.host.replies) - account.replied
        world.rest()
        self.settle_ready()
        world.expected = set()

    def kill_history(self):
        """So that the next one looks at the file from its beginning."""
        world = self.world
        before = world.processes().get("history")
        world.kill("history")
        world.until(lambda: world.processes().get("history", before) != before,
                    "another history process")

    def control(self):
        """A snapshot without faults, which has to be good."""
        for _ in range(REPEATS):
            self.account.mark()
            self.settle_ready()
            self.world.host.ask("freeze")
            self.await_host(3 * self.world.driver_ms / 1000)
            self.step("copy")
            self.world.host.ask("thaw")
            self.await_host(3 * self.world.driver_ms / 1000)
            self.settle_ready()
            if oracle.judge_control(self.account):
                self.good += 1
                return
        raise Late("no good snapshot any more: %r" %
                   self.world.host.replies[-2 * REPEATS:])

    def check_left(self):
        """No process too many, and no descriptor."""
        world = self.world
        world.until(lambda: not world.left_behind(),
                    lambda: "the end of %r" % world.left_behind())
        usual = {name: count for name, (_, count) in self.baseline.items()}

        def same():
            now = world.descriptors()
            # The simulator closes those of former openers at the next accept.
            spare = {"host": 2}
            return all(0 <= now.get(name, (0, 0))[1] - usual[name] <=
                       spare.get(name, 0) for name in usual)
        world.until(same, lambda: "as many descriptors: %r before, %r now" %
                    (usual, world.descriptors()), 10)

    def once(self, steps):
        if self.world is None:
            self.build()
        self.canary.worst_ms = 0
        self.account.mark()
        self.account.steps = steps
        for text in steps:
            kind = self.step(text)
            if kind:
                self.played[kind] += 1
        self.played["host never thaws"] += self.world.host.frozen
        self.settle()
        self.control()
        self.check_left()
        self.age += 1
        if self.age >= WORLD_LIFE:
            self.tear_down()
            self.slower = max(1, self.slower // 2)

    def run(self, steps):
        """Failure, or None.

        What a slow machine may have done is repeated, with longer limits.
        """
        for attempt in range(REPEATS):
            try:
                self.once(steps)
                return None
            except Exception as failure:
                if not isinstance(failure, Failure):
                    traceback.print_exc()
                self.keep_logs()
                self.tear_down()
                if not isinstance(failure, Late) or \
                        self.canary.worst_ms < SLOW_MS:
                    return failure
                self.slow += 1
                print("too slow to tell (%d ms, limits times %d): %s" %
                      (self.canary.worst_ms, self.slower, failure), flush=True)
                self.slower = min(2 * self.slower, SLOWEST)
        self.undecided += 1
        return None

    def keep_logs(self):
        if not self.world:
            return
        try:
            self.log_ends = self.world.log_ends()
        except OSError as error:
            self.log_ends = [str(error)]
        keep = os.environ.get("CAMPAIGN_LOGS")
        if keep:
            os.makedirs(keep, exist_ok=True)
            os.system("cp %s/*.log %s/*.out %s/calls %s/hist/history.db* %s/" %
                      ((self.world.dir,) * 4 + (keep,)))

    def minimize(self, steps, failure, seconds):
        """What still fails of it, as far as the time allows."""
        end = time.monotonic() + seconds
        self.patience_s = min(SETTLE_S, max(seconds / 8, 3))
        changed = True
        while changed:
            changed = False
            for fewer in schedule.smaller(steps):
                if time.monotonic() > end:
                    changed = False
                    break
                found = self.run(fewer)
                if found is not None:
                    steps, failure, changed = fewer, found, True
                    break
        self.patience_s = SETTLE_S
        return steps, failure


def load_state(path, seed):
    try:
        with open(path) as file:
            state = json.load(file)
        if state["seed"] == seed:
            return state
    except (OSError, ValueError, TypeError):
        pass
    return {"seed": seed, "next": 0}


def save_state(path, state):
    if path:
        with open(path + ".new", "w") as file:
            json.dump(state, file)
        os.rename(path + ".new", path)


def indented(lines):
    return "\n".join("    " + line for line in lines)


def report(runner, options, name, steps, failure):
    """First all that is known, for then it may take long."""
    path = os.path.join(options.failed, "%s.schedule" % name)
    os.makedirs(options.failed, exist_ok=True)
    schedule.write(path, steps, "%s: %s" % (name, failure))
    print("%s FAILED: %s\nin %s:\n%s\n  the ends of the logs:\n%s" %
          (name, failure, path, indented(steps), indented(runner.log_ends)),
          flush=True)
    if options.smaller_seconds <= 0:
        return
    fewer, failure = runner.minimize(steps, failure, options.smaller_seconds)
    if fewer != steps:
        schedule.write(path, fewer, "%s: %s" % (name, failure))
        print("smaller, in %s: %s\n%s" % (path, failure, indented(fewer)),
              flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--schedules", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seed", default="appvss")
    parser.add_argument("--state", default="")
    parser.add_argument("--failed", default=".build/campaign")
    parser.add_argument("--smaller-seconds", type=float, default=60,
                        help="for making a failed one smaller; 0: as it is")
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--dir", required=True)
    parser.add_argument("--shim", required=True)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runner = Runner(options.dir, options.shim)
    began = time.monotonic()
    state = load_state(options.state, options.seed)
    first, failed, ran = state["next"], 0, 0
    print("seed %s, schedules %d to %d" %
          (options.seed, first, first + options.schedules - 1), flush=True)
    names = [(os.path.basename(path).split(".")[0], schedule.read(path))
             for path in options.files]
    names += [("%s-%d" % (options.seed, number), None)
              for number in range(first, first + options.schedules)]
    try:
        for number, (name, steps) in enumerate(names, first -
                                               len(options.files)):
            if time.monotonic() - began > options.seconds:
                break
            steps = steps or schedule.make(options.seed, number)
            failure = runner.run(steps)
            ran += 1
            if failure is not None:
                failed += 1
                report(runner, options, name, steps, failure)
                if not options.keep_going:
                    break
            if number >= first:
                state["next"] = number + 1
                save_state(options.state, state)
    finally:
        runner.tear_down()
    print("faults played: " + ", ".join(
        "%s %d" % pair for pair in sorted(runner.played.items())))
    print("%d schedules, %d failed, %d too slow to tell, in %.1f s: %d "
          "transactions judged, %d good snapshots between them, %d copies; "
          "repeated %d times" %
          (ran, failed, runner.undecided, time.monotonic() - began,
           runner.txns, runner.good, runner.copies, runner.slow))
    sys.exit(1 if failed else 0)


main()
