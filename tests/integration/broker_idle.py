# SPDX-License-Identifier: BSD-2-Clause
"""Watches the system calls of processes that have nothing to do.

usage: broker_idle.py CASE DIRECTORY
"""

import glob
import re
import sys
import time

from broker_rig import Client, Host, await_true, fail

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
QUIET_S = 6  # longer than the limit of a HELLO and all that is set here


def calls():
    """What each process has asked for, by the file of its strace."""
    found = {}
    for path in glob.glob(DIR + "/calls.*"):
        with open(path) as file:
            found[path] = file.read()
    return found


def sleeps(text):
    """The last call waits for somebody, and not for what is due soon: the
    history looks what is old a second after its last row."""
    last = re.search(r"(poll|epoll_p?wait2?|restart_syscall)\([^\n]*$", text)
    due = last and re.search(r"\], \d+, (\d+)$", last.group(0))
    return last and not (due and int(due.group(1)) <= QUIET_S * 1000)


def settled():
    """They have done what there was to do, and strace has written it down."""
    before = calls()
    time.sleep(0.5)
    return calls() == before and all(map(sleeps, before.values()))


def must_sleep(when):
    await_true(settled, "three sleepers")
    before = calls()
    if len(before) != 3:
        fail("%d processes" % len(before))
    time.sleep(QUIET_S)
    for path, text in calls().items():
        if text != before[path]:
            fail("%s: not idle: %s" % (when, text[len(before[path]):]))


def idle():
    vss = Host(DIR + "/sim.in", DIR + "/sim.log")
    clients = [Client(SOCKET) for _ in range(10)]
    for i, client in enumerate(clients):
        client.register("client%d" % i)
    silent = Client(SOCKET, False)  # until its HELLO is overdue
    silent.expect("ERROR code=hello_first")
    await_true(lambda: clients[0].status()[0]["history"] == "ok", "a history")
    must_sleep("with clients")
    vss.ask("freeze")
    for client in clients:
        client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    for client in clients:
        client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    clients[0].await_state("idle")
    # One that owes its thaw is asked again; once it has thawed, that is over.
    vss.ask("freeze")
    for client in clients:
        client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    for client in clients[1:]:
        client.answer("READY", "thaw", client.request("THAW"))
    owed = clients[0].request("THAW")
    vss.expect(True)
    clients[1].await_state("idle")
    clients[0].answer("READY", "thaw", owed)
    await_true(lambda: clients[1].status()[1]["client0"]["state"] == "idle",
               "a thaw that was owed")
    await_true(lambda: clients[1].status()[0]["history"] == "ok", "a record")
    must_sleep("after snapshots")


globals()[sys.argv[1]]()
