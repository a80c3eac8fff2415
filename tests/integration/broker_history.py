# SPDX-License-Identifier: BSD-2-Clause
"""HISTORY of clients, against a running broker and a host.

usage: broker_history.py CASE DIRECTORY [HISTORY_PID]
"""

import os
import re
import signal
import sys
import time

from broker_rig import Client, Host, await_true, fail, query

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
UNAVAILABLE = "ERROR code=unavailable verb=HISTORY"


def host():
    return Host(DIR + "/sim.in", DIR + "/sim.log")


def keys_of(line):
    return dict(re.findall(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)', line))


def read_page(client):
    """The items of the answer, and the keys of END or the line of ERROR."""
    items = []
    while True:
        line = client.expect("")
        if line.startswith("ITEM "):
            items.append(keys_of(line))
        elif line.startswith("END verb=HISTORY"):
            return items, keys_of(line)
        else:
            return items, line


def ask(client, what=""):
    client.say("HISTORY " + what)
    return read_page(client)


def snapshot(vss, client):
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"),
                  'text="x\\x1b[31m"')
    vss.expect(True)


def thaw(vss, client):
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    client.await_state("idle")


def pages():
    """What appvssctl shows, for a client that only has the socket."""
    vss, client = host(), Client(SOCKET)
    if ask(client) != ([], {"verb": "HISTORY"}):
        fail("an empty history has something")
    client.ask("HISTORY id=0", "ERROR code=unknown_id verb=HISTORY")
    client.ask("HISTORY kind=secrets", "ERROR code=bad_value verb=HISTORY")
    client.ask("HISTORY limit=101", "ERROR code=bad_value verb=HISTORY")
    client.register("db", "program=base")
    for _ in range(3):
        snapshot(vss, client)
        thaw(vss, client)
    await_true(lambda: len(ask(client)[0]) == 3 and
               ask(client)[0][0]["outcome"] == "done", "three records")
    items, end = ask(client, "limit=2")
    if [i["id"] for i in items] != ["3", "2"] or end["before"] != "2":
        fail("a page: %r %r" % (items, end))
    items, end = ask(client, "limit=2 before=2 name=db")
    if [i["id"] for i in items] != ["1"] or "before" in end:
        fail("the next page: %r %r" % (items, end))
    items, end = ask(client, "id=0 limit=3")
    rest, last = ask(client, "id=3 skip=" + end["skip"])
    kinds = [i["kind"] for i in items + rest]
    if kinds != ["transaction", "run", "generation", "state", "state",
                 "participant"] or "skip" in last:
        fail("of one transaction: %r" % kinds)
    part = rest[-1]
    if (part["name"], part["result"], part["thaw"], part["program"],
            part["text"]) != ("db", "ready", "ok", "base", '"x\\x1b[31m"'):
        fail("a participant: %r" % part)
    if rest[-2]["state"] != "done" or rest[-3]["state"] != "held":
        fail("states: %r" % rest)


def frozen():
    """Nothing is asked of a disk that may be frozen: the answer is no."""
    vss, client, other = host(), Client(SOCKET), Client(SOCKET)
    client.register("db")
    snapshot(vss, client)
    # The history is told to commit, and then not asked for anything.
    began = time.monotonic()
    for what in ("", "id=0", "kind=events"):
        other.ask("HISTORY " + what, UNAVAILABLE)
    if time.monotonic() - began > 4:
        fail("it waited for something")
    thaw(vss, client)
    if ask(other, "limit=1")[0][0]["id"] is None:
        fail("not available after the thaw")


def stopped():
    """A history that stands still: a deadline, for everybody who asks."""
    asking = [Client(SOCKET) for _ in range(34)]
    observer = Client(SOCKET)
    for client in asking:
        client.say("HISTORY")
    # 32 may ask, no more; and each for one thing.
    for client in asking[32:]:
        client.expect("ERROR code=busy verb=HISTORY")
    asking[0].ask("HISTORY", "ERROR code=busy verb=HISTORY")
    asking.pop(5).sock.close()
    began = time.monotonic()
    observer.status()
    if time.monotonic() - began > 1.5:
        fail("the broker waits for the history")
    for client in asking[:31]:
        client.expect(UNAVAILABLE)
    # A freeze goes on as if nothing were.
    vss = host()
    asking[0].register("db")
    snapshot(vss, asking[0])
    thaw(vss, asking[0])


def continued():
    client = Client(SOCKET)
    await_true(lambda: ask(client)[1] != UNAVAILABLE and
               "ERROR" not in ask(client)[1], "answers again")


def killed():
    """It is replaced; who was waiting is told at once."""
    client = Client(SOCKET)
    client.say("HISTORY")
    client.status()  # the broker has read both
    os.kill(int(sys.argv[3]), 9)
    items, end = read_page(client)
    if not isinstance(end, str) or not end.startswith(UNAVAILABLE):
        fail("answered by a dead process: %r" % (end,))
    continued()


def deaf():
    """A client that reads nothing, and asks all the time, is alone with it."""
    client, other = Client(SOCKET), Client(SOCKET)
    client.register("deaf")
    client.sock.setblocking(False)
    end = time.monotonic() + 180
    while time.monotonic() < end:
        try:
            client.sock.send(b"HISTORY limit=100\n" * 512)
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            break
        items, answer = ask(other, "limit=1")
        if len(items) != 1 or answer.get("verb") != "HISTORY":
            fail("the other client got %r" % (answer,))
        if other.status()[1]["deaf"]["present"] == "0":
            break
    else:
        fail("it was not dropped")
    other.ask("FORGET name=deaf", "OK verb=FORGET")


def as_user(uid, name):
    """What the broker says to that user's REGISTER."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setgid(uid)
        os.setuid(uid)
        client = Client(SOCKET)
        client.say("REGISTER name=" + name)
        os.write(write, client.expect("").encode())
        os._exit(0)
    os.wait()
    return os.read(read, 4096).decode()


def owner():
    answer = as_user(4001, "theirs")
    if not answer.startswith("OK verb=REGISTER"):
        fail(answer)


def stranger():
    """After a restart a name is still the user's who had it."""
    client = Client(SOCKET)
    await_true(lambda: "theirs" in client.status()[1], "the known name")
    if client.status()[1]["theirs"]["uid"] != "4001":
        fail("whose is it: %r" % client.status()[1]["theirs"])
    answer = as_user(4002, "theirs")
    if not answer.startswith("ERROR code=denied verb=REGISTER"):
        fail("another user: " + answer)
    owner()


def hasty():
    """Somebody takes the name before the history has said whose it is."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setgid(4002)
        os.setuid(4002)
        client = Client(SOCKET)
        client.ask("REGISTER name=theirs", "OK verb=REGISTER")
        os.write(write, b"x")
        client.expect("ERROR code=denied verb=REGISTER name=theirs")
        os._exit(0 if client.line() is None else 1)
    os.read(read, 1)
    if os.wait()[1] != 0:
        fail("the stranger kept it")
    client = Client(SOCKET)
    theirs = client.status()[1]["theirs"]
    if theirs["uid"] != "4001" or theirs["present"] != "0":
        fail("whose is it: %r" % theirs)
    owner()


def await_kept(*ids):
    await_true(lambda: query(DIR + "/history.db", "SELECT count(*) FROM txn")
               == [(str(len(ids)),)], "few transactions", 30)
    client = Client(SOCKET)
    if [i["id"] for i in ask(client)[0]] != list(ids):
        fail("kept: %r" % ask(client)[0])


def kept():
    """What the configuration wants of it is kept, and the newest of all."""
    Client(SOCKET).ask("RELOAD", "OK verb=RELOAD")
    await_kept("5", "4", "3")


def fewer():
    """A process that comes after the reload knows it too."""
    client = Client(SOCKET)
    os.kill(int(sys.argv[3]), signal.SIGSTOP)
    client.ask("RELOAD", "OK verb=RELOAD")
    os.kill(int(sys.argv[3]), signal.SIGKILL)
    await_kept("5", "4")


def last():
    """There is no number after it: such a file is no history of ours, and
    snapshots go on with another."""
    client = Client(SOCKET)
    await_true(lambda: "history.db.corrupt-" in
               client.status()[0].get("text", ""), "a word in the status")
    client.ask("CHECK", "OK verb=CHECK id=")
    client.ask("CHECK", "OK verb=CHECK id=")
    await_true(lambda: query(DIR + "/history.db", "SELECT count(*) FROM txn"
                             " WHERE id < 1000000") == [("2",)], "both rows")


def damaged():
    client = Client(SOCKET)
    await_true(lambda: "history.db.corrupt-" in
               client.status()[0].get("text", ""), "a word in the status")
    items, _ = ask(client, "kind=events")
    if not any(i["reason"] == "set_aside" for i in items):
        fail("no event: %r" % items)


globals()[sys.argv[1]]()
