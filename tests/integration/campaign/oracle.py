# SPDX-License-Identifier: BSD-2-Clause
"""What must hold after every schedule, whatever it did.

Compares four accounts of the same time: that of the host, of the participants
and requestors, of the history, and of the copy of the disks.  Reads only.
"""

import json
import os
import re
import sqlite3
import struct
import subprocess

from host import Failure, Late
from schedule import PROCESSES
from world import ALL_NAMES, LEDGERS

NOT_THERE = ("lost", "broken", "closed", "dropped", "refused", "reset", "left")


class Account:
    """What is known about the time since mark() was called."""

    def __init__(self, world):
        self.world = world
        self.inode = self.last_n = None
        self.last_event = 0
        self.top_id = 0
        self.log_at = {}
        self.mark()

    def mark(self):
        world = self.world
        world.peers.forget()
        self.host = world.host
        self.asked, self.replied = len(self.host.asked), len(self.host.replies)
        self.calls_at = os.path.getsize(world.dir + "/calls")
        self.out_at = {name: os.path.getsize(out_of(world, name))
                       if os.path.exists(out_of(world, name)) else 0
                       for name in LEDGERS}
        self.steps = []
        self.orphans = []
        self.copied_id = None
        self.frozen_rows = {}

    def did(self, *words):
        """Whether a step begins with these words; None stands for any."""
        return any(all(want in (None, got) for want, got in
                       zip(words, step.split())) for step in self.steps)

    def hurt(self, *names):
        return any(step.split()[0] in ("kill", "stop", "killboth") and
                   set(step.split()[1:]) & set(names) for step in self.steps)

    def killed(self, *names):
        return any(step.split()[0] in ("kill", "killboth") and
                   set(step.split()[1:]) & set(names) for step in self.steps)


def out_of(world, name):
    return "%s/%s.out" % (world.dir, name)


def end_of(path, size=65536):
    """The last lines of a file that grows."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - size))
        return file.read().decode()


def last_frozen(world, name):
    """The number in the last line that says frozen; None if it has thawed."""
    words = re.findall(r"^(?:frozen (\d+)|(thawed) \w+)$",
                       end_of(out_of(world, name)), re.M)
    return int(words[-1][0]) if words and words[-1][0] else None


def committed(world, name):
    try:
        text = end_of(out_of(world, name), 256)
    except OSError:
        return 0
    rows = re.findall(r"^(\d+)$", "\n" + text.partition("\n")[2], re.M)
    return int(rows[-1]) if rows else 0


# ---- the host ----

def check_host(account):
    host, hurt = account.host, account.hurt("host")
    driver_ms = account.world.driver_ms
    replies = host.replies[account.replied:]
    if account.killed("host"):
        return
    asked = host.asked[account.asked:]
    # One that was stopped has perhaps waited for longer than it wanted to.
    unanswered = sum(op == "noreply" for op, _, _ in replies)
    if len(asked) != len(replies) or not (hurt and unanswered) and \
            sorted(asked) != sorted(op for op, _, _ in replies):
        raise (Late if hurt or unanswered else Failure)(
            "the host asked %r and was answered %r" % (asked, replies))
    limit_ms = driver_ms * 5 / 4 + host.overlap_ms
    for op, good, took_ms in replies:
        if took_ms > limit_ms and not hurt:
            raise Late("%s was answered %s after %d ms" % (op, good, took_ms))
    for line in host.lines:
        if "bad reply" in line:
            raise Failure("the host says: " + line)


def good_thaws(account):
    return sum(1 for op, good, _ in account.host.replies[account.replied:]
               if op == "thaw" and good)


# ---- participants ----

def check_peers(account):
    for peer in account.world.peers.peers.values():
        for number, words in peer.seen.items():
            owed = False
            for word in words:
                owed = word == "FREEZE" or (
                    owed and word != "THAW" and word not in NOT_THERE)
            if owed:
                raise Failure("%s is left frozen by %d: %r" %
                              (peer.name, number, words))
    if account.world.peers.error:
        raise account.world.peers.error


def kept_still(words):
    """Whether it said READY to FREEZE first, and stayed until THAW."""
    if "FREEZE" not in words:
        return False
    rest = words[words.index("FREEZE") + 1:]
    until = rest.index("THAW") if "THAW" in rest else len(rest)
    rest = rest[:until]
    # A reset comes when all is over: of one that has not read its THAW.
    return bool(rest) and rest[0] == "READY-freeze" and not (
        set(rest) & (set(NOT_THERE) - {"reset"} | {"FAIL-freeze"}))


def script_calls(account):
    """(operation, transaction, process that called)"""
    with open(account.world.dir + "/calls") as calls:
        calls.seek(account.calls_at)
        lines = [line.split() for line in calls.read().splitlines()]
    return [(op, number, int(caller)) for op, number, caller in lines]


def owed_by_script(account):
    """The transactions whose thaw the script has not been called for."""
    owed = set()
    for op, number, _ in script_calls(account):
        (owed.add if op == "freeze" else owed.discard)(number)
    return owed


def check_orphans(account):
    """What a killed runner left frozen its parent thaws, not its successor."""
    successor = account.world.processes().get("runner")
    for number, runner in account.orphans:
        thaws = [caller for op, of, caller in script_calls(account)
                 if (op, of) == ("thaw", number)]
        # What the killed one has just started may belong to anybody by now.
        if thaws and runner != thaws[0] == successor:
            raise Failure("the script's thaw of %s came from the next runner,"
                          " %d, and not from its parent" % (number, successor))


BAD_LINE = re.compile(r"runtime error|Sanitizer|[Aa]ssertion|"
                      r"history_row_refused|signal=(4|5|6|7|8|11|31)\b")


def check_programs(account):
    """What they have logged since the last time."""
    for log in account.world.every_log:
        at = account.log_at.get(log, 0)
        if os.path.getsize(log) == at:
            continue
        with open(log, "rb") as file:
            file.seek(at)
            text = file.read()
        account.log_at[log] = at + len(text)
        text = text.decode(errors="replace")
        if BAD_LINE.search(text):
            bad = [line for line in text.splitlines() if BAD_LINE.search(line)]
            raise Failure("%s says: %s" % (os.path.basename(log), bad[0]))


# ---- the history ----

class Txn:
    def __init__(self, row, states, parts, held, events):
        """held: (proof, participants) of each row; the last proof counts.

        Another one is needed if somebody fails while the first is committed.
        """
        self.n, self.id, self.op, self.source = row
        self.states, self.parts, self.events = states, parts, events
        self.proofs = len({proof for proof, _ in held})
        self.proof = [part[0] for proof, text in held for part in
                      json.loads(text) if proof == held[-1][0]]

    def final(self):
        finals = [row for row in self.states if row[0] != "held"]
        if not finals:
            raise Failure("no end of %r" % self)
        return finals[-1]

    def __repr__(self):
        return "transaction %d (%s, %s): %r" % (self.id, self.op, self.source,
                                                self.states)


def read_history(account):
    path = account.world.history
    inode = os.stat(path).st_ino
    if inode != account.inode:
        if account.inode is not None and not account.did("history", "corrupt"):
            raise Failure("the history is another file now")
        # Numbers are taken over as far as they can be read: not here.
        account.inode, account.last_n, account.top_id = inode, 0, 0
        account.last_event = 0
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10)
    try:
        txns = []
        for row in db.execute("SELECT n, id, op, source FROM txn WHERE n > ?"
                              " ORDER BY n", (account.last_n,)).fetchall():
            states = db.execute(
                "SELECT s.state, s.consistency, s.reason, s.host FROM state AS"
                " s JOIN txn AS t ON t.run = s.run AND t.id = s.id WHERE t.n ="
                " ? ORDER BY s.n", (row[0],)).fetchall()
            parts = db.execute(
                "SELECT p.name, p.result, p.thaw, p.required FROM part AS p"
                " JOIN txn AS t ON t.run = p.run AND t.id = p.id WHERE t.n = ?"
                " AND p.phase = 'final'", (row[0],)).fetchall()
            held = db.execute(
                "SELECT h.proof, h.parts FROM held AS h JOIN txn AS t ON"
                " t.run = h.run AND t.id = h.id WHERE t.n = ?"
                " ORDER BY h.proof, h.n", (row[0],)).fetchall()
            events = [kind for (kind,) in db.execute(
                "SELECT e.kind FROM event AS e JOIN txn AS t ON t.run = e.run"
                " AND t.id = e.id WHERE t.n = ?", (row[0],))]
            txns.append(Txn(row, states, parts, held, events))
        return txns
    finally:
        db.close()


def check_rows(account, txn):
    """Each participant exactly once at the end, and who was ready in the proof."""
    names = [part[0] for part in txn.parts]
    for what in (names, txn.proof):
        if len(what) != len(set(what)):
            raise Failure("a participant twice in %r: %r" % (txn, what))
    if txn.final()[0] == "interrupted":
        return  # the broker died, and with it what it knew
    told = {peer.name for peer in account.world.peers.peers.values()
            if {"CHECK", "FREEZE"} & set(peer.seen.get(txn.id, ()))}
    ready = {part[0] for part in txn.parts if part[1] == "ready"}
    missing = told - set(names)
    if txn.op == "freeze" and not (
            account.did("peer", None, "leave") or
            account.did("history", "corrupt") or
            account.killed("broker", "parent")):
        missing |= set(ALL_NAMES) - set(names)
    if "held" in [row[0] for row in txn.states]:
        missing |= ready - set(txn.proof)
    if missing:
        raise Failure("no rows of %s in %r: %r, proof %r" %
                      (sorted(missing), txn, txn.parts, txn.proof))


def check_txn(txn):
    finals = [row for row in txn.states if row[0] != "held"]
    helds = len(txn.states) - len(finals)
    if len(finals) != 1 or helds > max(1, txn.proofs) or txn.states[-1][0] == "held":
        raise Failure("states of %r" % txn)
    state, consistency, _, host = finals[0]
    ready = [part for part in txn.parts if part[1] == "ready"]
    wanted = "none" if state != "done" or txn.op == "check" else (
        "application" if ready and len(ready) == len(txn.parts)
        else "filesystem")
    if consistency != wanted:
        raise Failure("%r should be %s with %r" % (txn, wanted, txn.parts))
    if txn.op == "freeze" and state == "done":
        if txn.source == "device" and host != "success":
            raise Failure("done, and the host was told %s: %r" % (host, txn))
        if any(part[3] and part[1] != "ready" for part in txn.parts):
            raise Failure("done without a required one: %r, %r" %
                          (txn, txn.parts))


def check_history(account, txns):
    ids = [txn.id for txn in txns]
    if len(set(ids)) != len(ids) or ids != sorted(ids) or (
            ids and ids[0] <= account.top_id):
        raise Failure("ids %r after %d" % (ids, account.top_id))
    for txn in txns:
        if txn.op != "unknown":
            check_txn(txn)
            check_rows(account, txn)
    check_seen(account, {txn.id: txn for txn in txns})
    done = sum(1 for txn in txns if txn.op == "freeze" and
               txn.source == "device" and txn.final()[0] == "done")
    thaws = good_thaws(account)
    undisturbed = not account.hurt("host", "parent", "broker")
    if not account.killed("host") and not account.did("history", "corrupt") \
            and (done > thaws or undisturbed and done != thaws):
        raise Failure("%d are done, and the host had %d good thaws: %r" %
                      (done, thaws, txns))


def check_seen(account, by_id):
    """What participants and requestors know, against what is recorded."""
    world = account.world
    lossy = account.did("history", "corrupt") or (
        account.killed("broker", "parent") and
        (account.hurt("history", "parent") or account.did("history", None)))
    for peer in world.peers.peers.values():
        for number, words in peer.seen.items():
            if number not in by_id:
                if not lossy and {"CHECK", "FREEZE"} & set(words):
                    raise Failure("%s took part in %d, which is not recorded:"
                                  " %r" % (peer.name, number, words))
                continue
            txn = by_id[number]
            for name, result, _, _ in txn.parts:
                if name != peer.name or txn.op != "freeze" or \
                        txn.final()[0] != "done":
                    continue
                if result == "ready" and not kept_still(words):
                    raise Failure("%s was not ready in %r: %r" %
                                  (name, txn, words))
                if result != "ready" and kept_still(words) and \
                        not account.hurt(*PROCESSES):
                    raise Late("%s was ready, and is said to be %s in %r: %r" %
                               (name, result, txn, words))
    for verb, word, keys in world.peers.requestor.answers:
        if word != "OK" or "id" not in keys or int(keys["id"]) not in by_id:
            continue
        state, consistency, _, _ = by_id[int(keys["id"])].final()
        if verb == "THAW" and (state, consistency) != (
                "done", keys["consistency"]) and not lossy and \
                not account.killed("broker", "parent"):
            raise Failure("the requestor was told %r of %r" %
                          (keys, by_id[int(keys["id"])]))


def check_gaps(account, txns):
    """A good snapshot without a transaction is one that a gap counts."""
    db = sqlite3.connect("file:%s?mode=ro" % account.world.history, uri=True,
                         timeout=10)
    rows = db.execute("SELECT n, text FROM event WHERE kind = 'gap' AND n > ?",
                      (account.last_event,)).fetchall()
    account.last_event = db.execute("SELECT coalesce(max(n), 0) FROM event"
                                    ).fetchone()[0]
    db.close()
    missed = sum(int(count) for _, text in rows
                 for count in re.findall(r"^snapshots=(\d+)", text))
    # One is recorded as well whose broker died before it could release it.
    held = sum(1 for txn in txns if txn.source == "device" and
               txn.op == "freeze" and {"held", "interrupted"} &
               {row[0] for row in txn.states})
    pairs, frozen = 0, False
    for op, good, _ in account.host.replies[account.replied:]:
        pairs += op == "thaw" and good and frozen
        frozen = op == "freeze" and good or op in ("check", "raw") and frozen
    if account.killed("host") or account.did("history", "corrupt"):
        return
    if pairs > held + missed:
        raise Failure("the host had %d snapshots; %d are recorded, %d are "
                      "counted as missed: %r" % (pairs, held, missed, txns))


# ---- the copy ----

def restored(world, name):
    """The files in the copy of a disk, as they are without its journal."""
    image = "%s/copy/%s.img" % (world.dir, name)
    with open(image, "rb") as file:
        file.seek(1024 + 0x60)
        if struct.unpack("<I", file.read(4))[0] & 4:
            raise Failure("the copy of %s needs its journal replayed" % name)
    point = "%s/copy/%s" % (world.dir, name)
    os.makedirs(point)
    world.run("debugfs", "-R", "rdump / " + point, image)
    return point


def check_copy(account, txn):
    world = account.world
    point = restored(world, "data")
    ready = {part[0] for part in txn.parts if part[1] == "ready"}
    for name in set(LEDGERS) & ready:
        db = sqlite3.connect("%s/%s.db" % (point, name))
        found = db.execute("SELECT max(number), count(*) FROM ledger"
                           ).fetchone()
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
        db.close()
        want = account.frozen_rows[name]
        if sound != "ok" or found != (want, want):
            raise Failure("%s restores %r (%s), and froze at %r, in %r" %
                          (name, found, sound, want, txn))
    if "held_unproved" in txn.events:
        return  # the release did not wait, and the record says so
    point = restored(world, "hist")
    done = subprocess.run(
        ["appvssd/appvssctl/appvssctl", "--history", point + "/history.db",
         "provenance"], capture_output=True, text=True, check=False)
    application = txn.final()[1] == "application"
    if (application and done.returncode != 0) or \
            "transaction %d," % txn.id not in done.stdout:
        raise Failure("no proof of %r in its copy: %s%s" %
                      (txn, done.stdout, done.stderr))


def judge(account):
    """All of it, when the world has come to rest."""
    check_host(account)
    check_peers(account)
    check_orphans(account)
    check_programs(account)
    txns = read_history(account)
    check_history(account, txns)
    check_gaps(account, txns)
    for txn in txns:
        if txn.id == account.copied_id and txn.op == "freeze" and \
                txn.source == "device" and txn.final()[0] == "done":
            check_copy(account, txn)
    if txns:
        account.last_n = txns[-1].n
        account.top_id = txns[-1].id
    return txns


def judge_control(account):
    """Of an undisturbed snapshot: everybody is in it, and it is good."""
    txns = judge(account)
    good = [txn for txn in txns if txn.op == "freeze" and
            txn.final()[:2] == ("done", "application") and
            {part[0] for part in txn.parts} == set(ALL_NAMES) and
            "held_unproved" not in txn.events]
    return len(good) == 1
