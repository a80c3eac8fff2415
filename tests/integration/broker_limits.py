# SPDX-License-Identifier: BSD-2-Clause
"""Takes a running broker's descriptors and memory away.

usage: broker_limits.py CASE DIRECTORY
"""

import os
import re
import resource
import select
import signal
import subprocess
import sys
import time

from broker_rig import Client, Host, Stranger, await_true, fail

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
CLIENTS = 100


def pid_of(*pattern):
    with open(DIR + "/appvssd.pid") as file:
        parent = file.read().strip()
    return int(subprocess.run(["pgrep", "-P", parent, *pattern],
                              capture_output=True, check=True).stdout)


BROKER = pid_of("-x", "appvssd-broker")


def log():
    with open(DIR + "/appvssd.log") as file:
        return file.read()


def status_field(name):
    with open("/proc/%d/status" % BROKER) as file:
        return int(re.search(r"^%s:\s*(\d+)" % name, file.read(), re.M)[1])


def limit(what, value):
    """The soft one: it must be possible to raise it again."""
    hard = resource.prlimit(BROKER, what)[1]
    resource.prlimit(BROKER, what, (value, hard))


def open_descriptors():
    return len(os.listdir("/proc/%d/fd" % BROKER))


def connect(count):
    """Connections that have sent HELLO, with the answer still to come."""
    clients = [Client(SOCKET, False) for _ in range(count)]
    for client in clients:
        client.say("HELLO version=1 program=crowd")
    return clients


def answered(clients):
    return select.select([client.sock for client in clients], [], [], 0)[0]


def split(clients):
    """Those that were served, greeted, and those that wait."""
    ready = answered(clients)
    served = [client for client in clients if client.sock in ready]
    for client in served:
        client.expect("WELCOME version=1")
    return served, [client for client in clients if client not in served]


def must_answer(clients):
    for client in clients:
        client.ask("NONSENSE", "ERROR code=unknown_verb")


def must_sleep():
    """It waits for somebody to go, and for nothing else."""
    before = status_field("voluntary_ctxt_switches")
    time.sleep(1)
    woken = status_field("voluntary_ctxt_switches") - before
    if woken > 2:
        fail("woken %d times while nothing happened" % woken)


def snapshot(vss, client):
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    client.await_state("idle")


def descriptors():
    vss, first = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(SOCKET)
    first.register("first")
    await_true(lambda: first.status()[0]["history"] == "ok", "a history")
    limit(resource.RLIMIT_NOFILE, 64)
    clients = connect(CLIENTS)
    await_true(lambda: "event=accept_paused" in log(), "a pause")
    count = int(re.search("event=accept_paused clients=([0-9]+)", log())[1])
    # The first is one of them.
    await_true(lambda: len(answered(clients)) == count - 1, "WELCOMEs")
    served, waiting = split(clients)
    must_answer(served + [first])
    if answered(waiting):
        fail("one that waits has got an answer")
    # A new history process needs a descriptor, and gets it.
    os.kill(pid_of("-f", "appvssd-history"), signal.SIGKILL)
    await_true(lambda: log().count("event=history_ended") == 1, "its end")
    await_true(lambda: first.status()[0]["history"] == "ok", "another one")
    snapshot(vss, first)
    must_sleep()
    # One goes, one comes.
    served.pop().sock.close()
    await_true(lambda: len(answered(waiting)) == 1, "the next one")
    come, waiting = split(waiting)
    must_answer(served + come + [first])
    if answered(waiting):
        fail("more than one was served")
    for client in served:
        client.sock.close()
    come2 = []
    while waiting:
        await_true(lambda: answered(waiting), "the rest")
        more, waiting = split(waiting)
        come2 += more
        if waiting and len(come2) > 1:
            come2.pop(0).sock.close()
    must_answer([first] + come2)
    if log().count("event=accept_paused") > 3:
        fail("said again and again")


def exhausted():
    """Less than it has: accept itself fails, and only time brings more."""
    first = Client(SOCKET)
    must_answer([first])
    limit(resource.RLIMIT_NOFILE, open_descriptors())
    before = log().count("event=accept_paused")
    client = connect(1)[0]
    await_true(lambda: log().count("event=accept_paused") == before + 1,
               "a pause")
    must_answer([first])
    must_sleep()
    if answered([client]):
        fail("it was served")
    limit(resource.RLIMIT_NOFILE, 1024)
    client.expect("WELCOME version=1")


def memory():
    vss, first = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(SOCKET)
    first.register("first")
    others = connect(20)
    for client in others:
        client.expect("WELCOME version=1")
    limit(resource.RLIMIT_AS, (status_field("VmSize") + 1024) * 1024)
    names = 0
    while True:
        others[0].say("REGISTER name=name%d" % names)
        line = others[0].line()
        if line is None or not line.startswith("OK "):
            break
        names += 1
    if line is None or "out of memory" not in line:
        fail("after %d names: %r" % (names, line))
    # New ones are turned away, or served: those that are there, always.
    crowd = [Client(SOCKET, False) for _ in range(50)]
    must_answer(others + [first])
    for client in crowd:
        client.sock.close()
    for name in range(names):
        others[0].ask("UNREGISTER name=name%d" % name, "OK verb=UNREGISTER")
    limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
    snapshot(vss, first)
    must_answer(others + [first, Client(SOCKET)])


def ended(clients):
    """How many of them the broker has disconnected, though unread."""
    poll = select.poll()
    for client in clients:
        poll.register(client.sock, 0)
    return len(poll.poll(0))


def unread():
    """One user lets answers lie until there is no room: that is its own loss,
    and no other's."""
    vss, first = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(SOCKET)
    first.register("first")
    long = "x" * 128
    crowd = Client(SOCKET)
    names = ["n" * 56 + str(number) for number in range(3000)]
    for name in names:
        crowd.register(name, 'program="%s"' % long)
    # Each is kept a buffer of 1 MiB, and 64 are all that there are.
    greedy = [Stranger(SOCKET, 65001) for _ in range(70)]
    for client in greedy:
        client.say("STATUS")
    small = Stranger(SOCKET, 65002)
    modest = [first, small]
    for client in modest:
        client.say("STATUS")
    for client in modest:
        while not client.expect("").startswith("END "):
            pass
    await_true(lambda: ended(greedy) >= 6, "an end of those who do not read")
    if ended(greedy) > 20:
        fail("%d of 70 were dropped" % ended(greedy))
    for client in greedy:
        client.sock.close()
    for name in names:
        crowd.ask("UNREGISTER name=" + name, "OK verb=UNREGISTER")
    snapshot(vss, first)


globals()[sys.argv[1]]()
