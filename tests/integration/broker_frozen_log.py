# SPDX-License-Identifier: BSD-2-Clause
"""A broker whose log lies on a frozen disk.

usage: broker_frozen_log.py CASE DIRECTORY
"""

import os
import re
import signal
import subprocess
import sys

from broker_rig import Client, Host, await_true, fail, query

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
MOUNT = DIR + "/disk"
LOG = MOUNT + "/appvssd.log"
TIMES = 2500  # two lines each: more than the channel and the ring hold


def pid_of(name):
    with open("%s/%s.pid" % (DIR, name)) as file:
        return int(file.read())


def state_of(pid):
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def log():
    with open(LOG) as file:
        return file.read()


def fsfreeze(option):
    subprocess.run(["fsfreeze", option, MOUNT], check=True)


def hold():
    """A participant that has frozen, on a disk that has."""
    vss, client = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(SOCKET)
    client.register("first")
    await_true(lambda: client.status()[0]["history"] == "ok", "a history")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    fsfreeze("-f")
    return client


def await_sleep():
    """The parent writes: whoever does, sleeps now."""
    await_true(lambda: state_of(pid_of("appvssd")) == "D", "a parent asleep")


def requested():
    """Somebody froze the disk of log and history: a requestor's snapshot goes
    on all the same, and what could not be written is written later."""
    app, requestor = Client(SOCKET), Client(SOCKET)
    app.register("app")
    await_true(lambda: app.status()[0]["history"] == "ok", "a history")
    fsfreeze("-f")
    before = log()
    requestor.say("FREEZE")
    app.answer("READY", "freeze", app.request("FREEZE"))
    requestor.expect("OK verb=FREEZE ")
    # Others come and go meanwhile.
    other = Client(SOCKET)
    other.register("other")
    if other.status()[0]["state"] != "held":
        fail("not held: %r" % other.status()[0])
    requestor.say("THAW")
    app.answer("READY", "thaw", app.request("THAW"))
    requestor.expect("OK verb=THAW ")
    other.ask("UNREGISTER name=other", "OK")
    app.ask("UNREGISTER name=app", "OK")
    if log() != before:
        fail("somebody has written to a frozen disk")
    fsfreeze("-u")
    await_true(lambda: query(MOUNT + "/history.db", "SELECT state FROM state"
                             " ORDER BY n") == [("held",), ("done",)],
               "both states in the history")
    if query(MOUNT + "/history.db", "SELECT count(*) FROM event WHERE kind ="
             " 'held_unproved'") != [("1",)]:
        fail("the history does not say that the proof came too late")


def stopped():
    client = hold()
    before = log()
    os.kill(pid_of("appvssd"), signal.SIGTERM)
    request = client.request("THAW")
    await_sleep()
    client.answer("READY", "thaw", request)
    if client.line() is not None:
        fail("the broker does not end")
    if log() != before:
        fail("somebody has written to a frozen disk")
    fsfreeze("-u")
    await_true(lambda: "event=stopped status=0" in log(), "the end")
    if "event=stopping" not in log()[len(before):]:
        fail("lines are missing: %r" % log()[len(before):])


def lost():
    client = hold()
    before = log()
    os.kill(pid_of("sim"), signal.SIGKILL)
    client.answer("READY", "thaw", client.request("THAW"))
    client.await_state("idle")
    await_sleep()
    for name in ["name"] * (TIMES - 1) + ["name_last"]:
        client.register(name)
        client.ask("UNREGISTER name=" + name, "OK verb=UNREGISTER")
    client.status()
    if state_of(pid_of("appvssd")) != "D":
        fail("the parent does not sleep any more")
    fsfreeze("-u")
    # Written on without another event: nothing happens any more.
    await_true(lambda: "event=forgotten name=name_last" in log(),
               "the last line")
    await_true(lambda: "event=log_dropped" in log(), "the dropped lines' number")
    new = log()[len(before):]
    kept = len(re.findall("event=(?:registered|forgotten) name=name", new))
    dropped = sum(int(n) for n in re.findall("event=log_dropped lines=(.*)", new))
    if dropped == 0 or not 2 * TIMES <= kept + dropped <= 2 * TIMES + 20:
        fail("%d lines are kept and %d dropped" % (kept, dropped))
    if "event=transaction" not in new or "outcome=lost" not in new:
        fail("the oldest lines are not those that were written first")


globals()[sys.argv[1]]()
