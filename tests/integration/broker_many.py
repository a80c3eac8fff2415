# SPDX-License-Identifier: BSD-2-Clause
"""Many participants of a running broker, and some that leave, with a host.

usage: broker_many.py CASE DIRECTORY
"""

import re
import resource
import selectors
import socket
import sys
import time

from broker_rig import PROOF, Client, Host, await_true, fail, query

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
HISTORY = DIR + "/history.db"
ORDERS = (20, 50, 80)
COUNT = 1000
WAIT_S = 60


def host():
    return Host(DIR + "/sim.in", DIR + "/sim.log")


def order_of(name):
    return ORDERS[int(name[1:]) % len(ORDERS)]


class Crowd:
    """Participants m0, m1, ... in turn on each of the connections."""

    def __init__(self, connections):
        self.clients = [Client(SOCKET) for _ in range(connections)]
        self.selector = selectors.DefaultSelector()
        self.of = {}
        for i in range(COUNT):
            client = self.clients[i % connections]
            self.of["m%d" % i] = client
            client.say("REGISTER name=m%d freeze_ms=60000 thaw_ms=60000" % i)
            client.expect("OK verb=REGISTER name=m%d" % i)
        for client in self.clients:
            client.sock.setblocking(False)
            self.selector.register(client.sock, selectors.EVENT_READ, client)

    def lines(self, timeout):
        """What has come to anybody."""
        found = []
        for key, _ in self.selector.select(timeout):
            client = key.data
            received = client.sock.recv(1 << 20)
            if not received:
                fail("a participant was disconnected")
            client.buffer += received
            *lines, client.buffer = client.buffer.split(b"\n")
            found += [line.decode() for line in lines]
        return found

    def gather(self, verb, order):
        """Exactly those of the order are told; their requests."""
        wanted = {name for name in self.of if order_of(name) == order}
        requests = []
        end = time.monotonic() + WAIT_S
        while wanted:
            if time.monotonic() > end:
                fail("%d of order %d are not told %s" %
                     (len(wanted), order, verb))
            for line in self.lines(1):
                keys = dict(re.findall(r"([a-z_]+)=(\S+)", line))
                if not line.startswith(verb + " "):
                    fail("%s, when %s is told" % (line, verb))
                if keys["name"] not in wanted:
                    fail("%s, when order %d is told" % (line, order))
                wanted.remove(keys["name"])
                requests.append(keys)
        return requests

    def answer(self, op, request):
        client = self.of[request["name"]]
        client.sock.setblocking(True)
        client.answer("READY", op, request)
        client.sock.setblocking(False)

    def unregister(self):
        for name, client in self.of.items():
            client.sock.setblocking(True)
            client.ask("UNREGISTER name=" + name, "OK verb=UNREGISTER")
        self.close()

    def close(self):
        for client in self.clients:
            client.sock.close()


def pass_order(crowd, watcher, op, order):
    """The next order is told nothing before the last of this one answers."""
    requests = crowd.gather(op.upper(), order)
    for request in requests[1:]:
        crowd.answer(op, request)
    done = "frozen" if op == "freeze" else "idle"
    names = {request["name"] for request in requests[1:]}

    def answered():
        items = watcher.status()[1]
        return all(items[name]["state"] == done for name in names)
    await_true(answered, "answers of order %d" % order, WAIT_S)
    early = crowd.lines(0)
    if early:
        fail("before the last of order %d: %r" % (order, early[0]))
    crowd.answer(op, requests[0])


def orders(connections):
    vss, watcher = host(), Client(SOCKET)
    watcher.sock.settimeout(WAIT_S)
    crowd = Crowd(connections)
    vss.ask("freeze")
    for order in ORDERS:
        pass_order(crowd, watcher, "freeze", order)
    await_true(lambda: len(vss.replies()) > len(vss.before), "reply", WAIT_S)
    vss.expect(True)
    if watcher.status()[0]["state"] != "held":
        fail("not held: %r" % watcher.status()[0])
    vss.ask("thaw")
    for order in reversed(ORDERS):
        pass_order(crowd, watcher, "thaw", order)
    await_true(lambda: len(vss.replies()) > len(vss.before), "reply", WAIT_S)
    vss.expect(True)
    await_true(lambda: watcher.status()[0]["history"] == "ok", "rows", WAIT_S)
    item = watcher.status()[0]
    if (item["outcome"], item["consistency"]) != ("done", "application"):
        fail("it ended so: %r" % item)
    for source in ("SELECT %s" % PROOF,
                   "SELECT name, id FROM part WHERE result = 'ready' AND"
                   " phase = 'final'"):
        rows = query(HISTORY, "SELECT count(*), count(DISTINCT name) FROM (%s)"
                     " WHERE id = (SELECT max(id) FROM txn)" % source)
        if rows != [(str(COUNT), str(COUNT))]:
            fail("recorded: %r by %s" % (rows, source))
    crowd.close()
    await_true(lambda: all(keys["present"] == "0" for keys in
                           watcher.status()[1].values()), "all gone", WAIT_S)


def memory(watcher):
    """What the broker has of memory: all, and what is no file; KiB."""
    pid = watcher.status()[0]["pid"]
    try:
        with open("/proc/%s/status" % pid) as status:
            found = dict(re.findall(r"^(\w+):\s+(\d+) kB", status.read(), re.M))
    except OSError:
        return None
    if int(found["VmSize"]) > 1 << 30:
        return None  # a sanitizer's
    return int(found["VmRSS"]), int(found["RssAnon"])


def small():
    """6 MiB with nobody, and less than 1 KiB for each of many."""
    watcher = Client(SOCKET)
    before = memory(watcher)
    if before is None:
        print("no memory to look at: no /proc, or a sanitizer")
        return
    if before[0] >= 6 * 1024:
        fail("the broker has %d KiB with nobody" % before[0])
    crowd = Crowd(COUNT)
    each = (memory(watcher)[1] - before[1]) * 1024 // COUNT
    if each >= 1024:
        fail("each participant takes %d bytes" % each)
    crowd.unregister()
    if watcher.status()[1]:
        fail("some are left: %r" % watcher.status()[1])


def orders_on_few():
    orders(10)


def orders_on_many():
    orders(COUNT)


def forget(watcher, name):
    await_true(lambda: watcher.status()[1][name]["present"] == "0",
               "absence of " + name)
    watcher.ask("FORGET name=" + name, "OK verb=FORGET")


def freeze_until(vss, stays, leaves, state):
    """Both are asked to freeze; leaves goes when it is so far."""
    vss.ask("freeze")
    mine, other = stays.request("FREEZE"), leaves.request("FREEZE")
    if state == "asked":
        leaves.sock.close()
    elif state != "held":
        leaves.answer("READY", "freeze", other)
    if state == "ready":
        # What is recorded of it already is taken back.
        await_true(lambda: stays.status()[1]["leaves"]["state"] == "frozen",
                   "its answer")
        leaves.sock.close()
    if state in ("asked", "ready"):
        await_true(lambda: stays.status()[1]["leaves"]["present"] == "0",
                   "its end")
    elif state == "held":
        leaves.answer("READY", "freeze", other)
    stays.answer("READY", "freeze", mine)
    vss.expect(True)
    rows = query(HISTORY, "SELECT name FROM (SELECT %s) WHERE id ="
                 " (SELECT max(id) FROM txn) ORDER BY name" % PROOF)
    ready = [("leaves",), ("stays",)] if state in ("held", "thawing") else \
        [("stays",)]
    if rows != ready:
        fail("recorded as ready: %r" % rows)


def leave_in(state, expected):
    vss, stays, leaves = host(), Client(SOCKET), Client(SOCKET)
    stays.register("stays")
    leaves.register("leaves")
    freeze_until(vss, stays, leaves, state)
    if state == "held":
        leaves.sock.close()
        await_true(lambda: stays.status()[1]["leaves"]["present"] == "0",
                   "its end")
    vss.ask("thaw")
    request = stays.request("THAW")
    if state == "thawing":
        leaves.request("THAW")
        leaves.sock.close()
    stays.answer("READY", "thaw", request)
    vss.expect(True)
    stays.await_state("idle")
    item = stays.status()[0]
    if (item["outcome"], item["consistency"]) != ("done", expected):
        fail("one left while %s: %r" % (state, item))
    forget(stays, "leaves")
    stays.ask("UNREGISTER name=stays", "OK verb=UNREGISTER")


def leave_in_check():
    vss, stays, leaves = host(), Client(SOCKET), Client(SOCKET)
    stays.register("stays", "check=1")
    leaves.register("leaves", "check=1")
    vss.ask("check")
    request = stays.request("CHECK")
    leaves.request("CHECK")
    leaves.sock.close()
    stays.answer("READY", "check", request)
    vss.expect(True)
    stays.await_state("idle")
    forget(stays, "leaves")
    stays.ask("UNREGISTER name=stays", "OK verb=UNREGISTER")


def leaving():
    """Nobody waits for one that is gone, and it is never counted as ready."""
    leave_in_check()
    leave_in("asked", "filesystem")
    leave_in("ready", "filesystem")
    leave_in("held", "filesystem")
    leave_in("thawing", "application")


def burst():
    """More connections than there may be, all at once: the rest are told, and
    who is there notices nothing."""
    vss, first = host(), Client(SOCKET)
    first.register("first")
    count = min(3000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
    crowd = []
    while len(crowd) < count:
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            sock.connect(SOCKET)
            crowd.append(sock)
        except BlockingIOError: # as many wait as may
            sock.close()
            first.status()
    vss.ask("freeze")
    first.answer("READY", "freeze", first.request("FREEZE"))
    vss.expect(True)
    answers = []
    for sock in crowd:
        sock.settimeout(WAIT_S)
        try:
            sock.send(b"HELLO version=1\n")
        except BrokenPipeError:
            pass # its refusal can be read all the same
        answers.append(sock.recv(4096))
    vss.ask("thaw")
    first.answer("READY", "thaw", first.request("THAW"))
    vss.expect(True)
    welcome = answers.count(b"WELCOME version=1\n")
    refused = answers.count(b"ERROR code=too_many_clients\n")
    if welcome != min(count, 1999) or welcome + refused != count:
        fail("%d of %d were served, and %d refused" % (welcome, count, refused))
    for sock in crowd:
        sock.close()
    await_true(lambda: Client(SOCKET, False).ask("HELLO version=1", "")
               .startswith("WELCOME"), "room for others")
    first.ask("UNREGISTER name=first", "OK")


def ten_thousand_names():
    """One user gets the names that he may have; others are not disturbed."""
    greedy, other = Client(SOCKET), Client(SOCKET)
    greedy.sock.settimeout(WAIT_S)
    other.register("other")
    taken = 0
    for first in range(0, 10000, 100):
        greedy.sock.sendall(b"".join(b"REGISTER name=g%d\n" % i
                                     for i in range(first, first + 100)))
        for _ in range(100):
            line = greedy.expect("")
            if line.startswith("OK "):
                taken += 1
            elif not line.startswith("ERROR code=limit "):
                fail("the next name got %r" % line)
    if taken != 999:
        fail("%d names of 10000 were taken, beside one" % taken)
    vss = host()
    greedy.sock.close()
    await_true(lambda: all(keys["present"] == "0" or name == "other"
                           for name, keys in other.status()[1].items()),
               "all of them absent", WAIT_S)
    vss.ask("freeze")
    other.answer("READY", "freeze", other.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    other.answer("READY", "thaw", other.request("THAW"))
    vss.expect(True)


globals()[sys.argv[1]]()
