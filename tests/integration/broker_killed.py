# SPDX-License-Identifier: BSD-2-Clause
"""Brings a broker into a state, kills it there, and tries the next one.

usage: broker_killed.py STATE|detached|next DIRECTORY
"""

import os
import signal
import subprocess
import sys

from broker_rig import Client, Host, await_true, fail, query

CASE = sys.argv[1]
DIR = sys.argv[2]
SOCKET = DIR + "/socket"
HISTORY = DIR + "/history.db"
LAST_STATES = ("SELECT op, (SELECT state FROM state s WHERE s.id = t.id"
               " AND s.run = t.run ORDER BY n DESC LIMIT 1) FROM txn t"
               " ORDER BY t.id")


def kill_both():
    """Not one after the other: a broker left alone ends in good order."""
    with open(DIR + "/appvssd.pid") as file:
        parent = int(file.read())
    broker = int(subprocess.run(
        ["pgrep", "-P", str(parent), "-x", "appvssd-broker"],
        capture_output=True, check=True).stdout)
    os.kill(parent, signal.SIGSTOP)
    os.kill(broker, signal.SIGKILL)
    os.kill(parent, signal.SIGKILL)


def killed(state):
    vss, client = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(SOCKET)
    client.register("app", "check=1")
    if state == "checking":
        vss.ask("check")
        client.request("CHECK")
    elif state != "idle":
        vss.ask("freeze")
        request = client.request("FREEZE")
        if state != "freezing":
            client.answer("READY", "freeze", request)
            vss.expect(True)
        if state == "thawing":
            vss.ask("thaw")
            client.request("THAW")
    if client.status()[0]["state"] != state:
        fail("the state is %r" % client.status()[0]["state"])
    kill_both()
    if client.line() is not None:
        fail("the client does not see the end")
    if state == "held":
        vss.ask("thaw")
    # The driver may have gone on without applications: then the host thaws.
    if state != "idle" and "op=FREEZE status=0x00000000" in vss.reply():
        vss.ask("thaw")
        vss.reply()


def detached():
    """The agent has gone; nobody is left who could thaw but the library."""
    client, agent = Client(SOCKET), Client(SOCKET)
    client.register("app", "check=1")
    agent.say("FREEZE detach=1")
    client.answer("READY", "freeze", client.request("FREEZE"))
    agent.expect("OK verb=FREEZE ")
    agent.sock.close()
    client.await_state("held")
    kill_both()
    if client.line() is not None:
        fail("the client does not see the end")


def thaw_of_before():
    """The agent's other hook comes, and is told that there is no hold."""
    id = query(HISTORY, "SELECT max(id) FROM txn WHERE source = 'requestor'")
    if id[0][0]:
        Client(SOCKET).ask("THAW id=" + id[0][0], "ERROR code=not_frozen ")


def snapshot():
    """All of one, by a participant that was known before."""
    vss, client = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(SOCKET)
    await_true(lambda: client.status()[0]["history"] == "ok", "a history")
    status = client.status()[0]
    if (status["state"], status["device"]) != ("idle", "open"):
        fail("not a clean start: %r" % status)
    if client.status()[1]["app"]["present"] != "0":
        fail("the participant of before is not known")
    await_true(lambda: all(state in ("done", "interrupted") for _, state in
                           query(HISTORY, LAST_STATES)), "all ended")
    thaw_of_before()
    client.register("app", "check=1")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    client.await_state("idle")
    status = client.status()[0]
    if status["consistency"] != "application":
        fail("the snapshot after it: %r" % status)
    await_true(lambda: query(HISTORY, LAST_STATES)[-1] == ("freeze", "done"),
               "its record")
    client.ask("FORGET name=app", "ERROR code=present")


if CASE == "next":
    snapshot()
elif CASE == "detached":
    detached()
else:
    killed(CASE)
