# SPDX-License-Identifier: BSD-2-Clause
"""Clients that behave at random, while a host asks for snapshots.

usage: broker_chaos.py SOCKET HOST_FIFO HOST_LOG HISTORY BROKER_PID SEED SECONDS

Watches from outside what the broker promises: one reply for each request of the
host, in time; a THAW for each FREEZE that a connected client was sent; STATUS at
any time; no descriptor left over; each transaction once in the history, with the
outcome that the host saw.
"""

import os
import random
import re
import select
import socket
import sqlite3
import sys
import time

STATUS_LIMIT_S = 1.0
REPLY_LIMIT_MS = 4000 + 250  # the driver's limit, and a busy machine
SETTLE_S = 6.0

ALWAYS = ["req", "late60"]
NAMES = ["p%d" % i for i in range(12)]


class Failure(Exception):
    pass


class Client:
    """One connection.  frozen: (name, id) of FREEZEs without their THAW."""

    def __init__(self, path, names, rng, polite=False):
        self.rng = rng
        self.polite = polite
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.connect(path)
        self.names = list(names)
        self.frozen = set()
        self.input = b""
        self.output = b""
        self.later = []  # (when, line)
        self.deaf_until = 0
        self.dead = False
        self.items = None
        self.status_at = None
        self.statuses = []
        self.say("HELLO version=1 program=chaos")
        for name in names:
            self.register(name)

    def register(self, name):
        order = {"req": 10, "late60": 60}.get(name, 50)
        self.say("REGISTER name=%s order=%d check=%d freeze_ms=200" %
                 (name, order, self.rng.randrange(2)))

    def say(self, line):
        self.output += line.encode() + b"\n"

    def ask_status(self):
        self.items = []
        self.status_at = time.monotonic()
        self.say("STATUS")

    def close(self):
        if not self.dead:
            self.dead = True
            self.frozen.clear()
            self.sock.close()

    def write(self):
        # Lines come in pieces that nobody chose.
        while self.output and not self.dead:
            size = len(self.output)
            if self.rng.random() < 0.3:
                size = self.rng.randrange(1, size + 1)
            try:
                sent = self.sock.send(self.output[:size])
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                self.close()
                return
            self.output = self.output[sent:]

    def read(self):
        while not self.dead:
            try:
                got = self.sock.recv(65536)
            except BlockingIOError:
                break
            except ConnectionResetError:
                got = b""
            if not got:
                self.close()
                return
            self.input += got
        while b"\n" in self.input:
            line, self.input = self.input.split(b"\n", 1)
            self.take(line.decode())

    def take(self, line):
        verb = line.split(" ", 1)[0]
        keys = dict(re.findall(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)', line))
        if verb == "ITEM" and self.items is not None:
            self.items.append(keys)
        elif verb == "END" and self.items is not None:
            self.statuses.append((time.monotonic() - self.status_at,
                                  self.items))
            self.items = None
        elif verb in ("CHECK", "FREEZE", "THAW"):
            name, number = keys["name"], keys["id"]
            if verb == "FREEZE":
                if (name, number) in self.frozen:
                    raise Failure("FREEZE twice: " + line)
                self.frozen.add((name, number))
            elif verb == "THAW":
                self.frozen.discard((name, number))
            self.react(verb, name, number)

    def answer(self, verb, op, name, number, text):
        line = "%s name=%s id=%s op=%s" % (verb, name, number, op)
        if text:
            line += " text=%s-%s-%s-%s" % (text, name, number, op)
        return line

    def after(self, seconds, line):
        self.later.append((time.monotonic() + seconds, line))

    def react(self, verb, name, number):
        rng, op = self.rng, verb.lower()
        ready = self.answer("READY", op, name, number, "")
        mood = rng.random()
        if self.polite or mood < 0.60:
            if rng.random() < 0.5:
                self.say(ready)
            else:
                self.after(rng.random() * 0.05, ready)
        elif mood < 0.66:
            self.say(self.answer("FAIL", op, name, number, "good"))
        elif mood < 0.70:
            self.say(ready)
            self.say(self.answer("READY", op, name, number, "stray"))
        elif mood < 0.74:  # too late for anything
            self.after(0.15 + rng.random() * 0.5,
                       self.answer("READY", op, name, number, ""))
        elif mood < 0.78:  # of another transaction, and another participant
            self.say(self.answer("FAIL", op, name, int(number) + 1, "stray"))
            self.say(self.answer("READY", op, name, int(number) - 1, "stray"))
            self.say(self.answer("FAIL", op, rng.choice(NAMES + ALWAYS), 0,
                                 "stray"))
            self.say(ready)
        elif mood < 0.81:
            self.close()
        elif mood < 0.84:
            # Whoever leaves thaws by itself.
            self.say("UNREGISTER name=" + name)
            self.frozen = {pair for pair in self.frozen if pair[0] != name}
            if rng.random() < 0.5:
                self.register(name)
                self.say(ready)
        elif mood < 0.87:
            self.register(name)
            self.say(ready)
        elif mood < 0.90:
            for percent in range(0, 100, rng.randrange(1, 50)):
                self.say("PROGRESS name=%s id=%s percent=%d text=at_it" %
                         (name, number, percent))
            self.say(ready)
        elif mood < 0.92:
            self.say("this is not a line of the protocol")
        elif mood < 0.94:
            self.deaf_until = time.monotonic() + rng.random()
            self.say("STATUS\n" * rng.randrange(1, 300) + ready)
        elif mood < 0.96:
            self.say(ready)
            self.after(rng.random() * 0.2,
                       self.answer("FAIL", op, name, number, "good"))
        # Otherwise it hangs.

    def tick(self, now):
        due = [line for when, line in self.later if when <= now]
        self.later = [pair for pair in self.later if pair[0] > now]
        for line in due:
            self.say(line)


class Host:
    def __init__(self, fifo, log):
        self.fifo = open(fifo, "wb", buffering=0)
        self.log = open(log, "r")
        self.partial = ""
        self.asked = 0
        self.replies = []

    def ask(self, *commands):
        for command in commands:
            if command.split()[-1] in ("check", "freeze", "thaw"):
                self.asked += 1
            self.fifo.write(command.encode() + b"\n")

    def poll(self):
        self.partial += self.log.read()
        *lines, self.partial = self.partial.split("\n")
        for line in lines:
            if line.startswith("noreply"):
                raise Failure("the host got no reply: " + line)
            found = re.match(r"reply op=(CHECK|FREEZE|THAW) status=(\S+) "
                             r"elapsed_ms=([\d.]+)", line)
            if found:
                if float(found.group(3)) > REPLY_LIMIT_MS:
                    raise Failure("a reply came late: " + line)
                self.replies.append((found.group(1),
                                     int(found.group(2), 16) == 0))
        if len(self.replies) > self.asked:
            raise Failure("more replies than requests")


class Chaos:
    def __init__(self, path, fifo, log, pid, rng):
        self.path, self.pid, self.rng = path, pid, rng
        self.host = Host(fifo, log)
        self.clients = []
        self.probe = Client(path, [], rng, polite=True)
        self.probe_next = 0
        self.state = None

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def holders(self):
        return {name for client in self.clients if not client.dead
                for name in client.names}

    def populate(self):
        """New connections for the names that are free, and mischief."""
        rng = self.rng
        self.clients = [c for c in self.clients if not c.dead]
        free = [n for n in NAMES if n not in self.holders()]
        rng.shuffle(free)
        while free:
            count = min(len(free), rng.randrange(1, 4))
            self.clients.append(Client(self.path, free[:count], rng))
            free = free[count:]
        for name in ALWAYS:
            if name not in self.holders():
                self.clients.append(Client(self.path, [name], rng,
                                           polite=rng.random() < 0.9))

    def mischief(self):
        rng, mood = self.rng, self.rng.random()
        if mood < 0.25:
            self.probe.say("FORGET name=" + rng.choice(NAMES + ALWAYS))
        elif mood < 0.5 and self.clients:
            rng.choice(self.clients).close()
            self.populate()
        elif mood < 0.7:
            # Somebody else wants the name in the middle of it.
            self.clients.append(Client(self.path, [rng.choice(NAMES)], rng))
        elif mood < 0.8:
            client = Client(self.path, [], rng)
            client.output = rng.randbytes(rng.randrange(1, 6000))
            self.clients.append(client)
        else:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.connect(self.path)
            sock.close()

    def turn(self):
        now = time.monotonic()
        if self.probe.items is None and now >= self.probe_next:
            self.probe_next = now + 0.02
            self.probe.ask_status()
        everyone = [c for c in self.clients if not c.dead] + [self.probe]
        for client in everyone:
            client.tick(now)
        readers = [c.sock for c in everyone
                   if not c.dead and c.deaf_until <= now]
        writers = [c.sock for c in everyone if not c.dead and c.output]
        ready, writable, _ = select.select(readers, writers, [], 0.005)
        for client in everyone:
            if not client.dead and client.sock in writable:
                client.write()
            if not client.dead and client.sock in ready:
                client.read()
        if self.probe.dead:
            raise Failure("the broker has gone")
        if (self.probe.items is not None and
                time.monotonic() - self.probe.status_at > STATUS_LIMIT_S):
            raise Failure("STATUS was not answered in time")
        for took, items in self.probe.statuses:
            if took > STATUS_LIMIT_S:
                raise Failure("STATUS took %.3f s" % took)
            self.state = items[0]["state"]
            if int(items[0]["pid"]) != self.pid:
                raise Failure("the broker was restarted")
        self.probe.statuses.clear()
        self.host.poll()

    def until(self, condition, what, seconds):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Failure("still not: " + what)
            self.turn()

    def run_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def cycle(self):
        rng, host = self.rng, self.host
        self.populate()
        self.run_for(0.02)
        if rng.random() < 0.5:
            host.ask("check")
        if rng.random() < 0.05:
            host.ask("thaw")
        if rng.random() < 0.1:  # a THAW that overtakes its FREEZE
            host.ask("async freeze", "sleep %d" % rng.randrange(100),
                     "async thaw", "wait")
        else:
            host.ask("freeze")
        if rng.random() < 0.1:
            host.ask("freeze")
        host.ask("sleep %d" % (1300 if rng.random() < 0.05 else
                               rng.randrange(100)))
        host.ask("thaw")
        while len(host.replies) < host.asked:
            if rng.random() < 0.1:
                self.mischief()
            deadline = time.monotonic() + 20
            before = len(host.replies)
            self.turn()
            if len(host.replies) == before and time.monotonic() > deadline:
                raise Failure("the host waits")
        self.settle()

    def settle(self):
        """Nobody is left frozen when the machine is idle."""
        def idle():
            return self.state == "idle"
        self.state = None
        self.until(idle, "idle", SETTLE_S)

        def thawed():
            return not any(c.frozen for c in self.clients if not c.dead)
        self.until(thawed, "everyone thawed: %r" % [
            sorted(c.frozen) for c in self.clients if c.frozen], SETTLE_S)

    def end(self, fds_before):
        for client in self.clients:
            client.close()
        self.until(lambda: self.fds() == fds_before,
                   "descriptors: %d before, %d now" %
                   (fds_before, self.fds()), 3)


def check_history(path, replies):
    """What was recorded, against what the host has seen."""
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    ids = [row[0] for row in db.execute("SELECT id FROM txn ORDER BY n")]
    if len(ids) != len(set(ids)) or ids != sorted(ids):
        raise Failure("ids are not unique and growing: %r" % ids)
    done = 0
    for number, op in db.execute("SELECT id, op FROM txn").fetchall():
        states = db.execute("SELECT state, consistency, reason, host FROM state"
                            " WHERE id = ? ORDER BY n", (number,)).fetchall()
        finals = [s for s in states if s[0] != "held"]
        where = "transaction %d (%s): %r" % (number, op, states)
        # Another held row follows when somebody fails while it is committed.
        if len(finals) != 1 or states[-1][0] == "held":
            raise Failure("states of " + where)
        state, consistency, _, host = finals[0]
        if op == "check":
            if len(states) != 1 or consistency != "none":
                raise Failure(where)
            continue
        if state == "done":
            done += 1
        if state == "done" and (host != "success" or len(states) < 2):
            raise Failure(where)
        parts = db.execute("SELECT name, result, thaw, text, told_at_ms,"
                           " thaw_told_at_ms FROM part WHERE id = ? AND"
                           " phase = 'final'", (number,)).fetchall()
        if len(parts) != len({part[0] for part in parts}):
            raise Failure("a participant twice in " + where)
        ready = [part for part in parts if part[1] == "ready"]
        wanted = ("none" if state != "done" else
                  "application" if ready and len(ready) == len(parts) else
                  "filesystem")
        if consistency != wanted:
            raise Failure("consistency of %s with %r" % (where, parts))
        for name, result, thaw, text, told, thaw_told in parts:
            # Who owes a thaw says so of the transaction that it is of.
            of = r"\d+" if result == "owes_thaw" else str(number)
            if text and not re.fullmatch(
                    r"(good-%s-%s-(freeze|thaw)(; thaw: )?)+" %
                    (re.escape(name), of), text):
                raise Failure("text %r of %s in %s" % (text, name, where))
            if (told is None) != (thaw == "none"):
                raise Failure("%s was %s, thaw %s, in %s" %
                              (name, result, thaw, where))
            if thaw_told is None and thaw not in ("none", "gone"):
                raise Failure("%s: thaw %s without a THAW in %s" %
                              (name, thaw, where))
    thaws = sum(1 for op, good in replies if op == "THAW" and good)
    if done != thaws:
        raise Failure("%d done, but the host had %d good thaws" % (done, thaws))
    return len(ids), done


def main():
    path, fifo, log, history, pid, seed, seconds = sys.argv[1:]
    chaos = Chaos(path, fifo, log, int(pid), random.Random(int(seed)))
    end = time.monotonic() + float(seconds)
    cycles = 0
    try:
        chaos.until(lambda: chaos.state is not None, "a first STATUS", 5)
        fds_before = chaos.fds()
        while time.monotonic() < end:
            chaos.cycle()
            cycles += 1
        chaos.end(fds_before)
        chaos.until(lambda: sqlite_count(history, cycles), "the history", 10)
        count, done = check_history(history, chaos.host.replies)
    except Failure as failure:
        raise SystemExit("seed %s, cycle %d: %s" % (seed, cycles, failure))
    print("seed %s: %d cycles, %d replies, %d transactions, %d good snapshots" %
          (seed, cycles, len(chaos.host.replies), count, done))


def sqlite_count(path, cycles):
    """Every transaction that began has an end in the file by now."""
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    open_ones = db.execute(
        "SELECT count(*) FROM txn AS t WHERE NOT EXISTS (SELECT 1 FROM state AS"
        " s WHERE s.id = t.id AND s.state <> 'held')").fetchone()[0]
    total = db.execute("SELECT count(*) FROM txn").fetchone()[0]
    db.close()
    return open_ones == 0 and total >= cycles


main()
