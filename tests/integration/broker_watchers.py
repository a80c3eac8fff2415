# SPDX-License-Identifier: BSD-2-Clause
"""Many watchers of many participants: counts what the broker sends for them.

usage: broker_watchers.py CASE DIRECTORY
"""

import sys

from broker_rig import Client, await_true, fail

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
# What they are told at once is more than is gathered at a time, 64 KiB.
PARTICIPANTS = 600
NAME = "p%d-" + 56 * "x"
WATCHERS = 12


def sends():
    """What strace has seen; its last line may not be whole yet."""
    with open(DIR + "/calls") as file:
        return file.read().count("sendto(")


def answer_all(app, verb):
    """All on one connection, so that few reads bring all the answers."""
    requests = [app.request(verb) for _ in range(PARTICIPANTS)]
    app.say("\n".join("READY name=%s id=%s op=%s" % (
        request["name"], request["id"], verb.lower())
        for request in requests))


def kinds(watcher):
    """How many events of each kind there are up to the end."""
    found = {}
    while "end" not in found:
        kind = watcher.expect("EVENT kind=").split()[1][len("kind="):]
        found[kind] = found.get(kind, 0) + 1
    return found


def all_see_all():
    """
    A line for each watcher and event is not a call for each: an observer with a
    thousand connections would else use up the time that a freeze has.
    """
    app, requestor = Client(SOCKET), Client(SOCKET)
    for i in range(PARTICIPANTS):
        app.register(NAME % i)
    watchers = [Client(SOCKET) for _ in range(WATCHERS)]
    for watcher in watchers:
        watcher.ask("SUBSCRIBE", "OK verb=SUBSCRIBE")
    await_true(lambda: sends() >= PARTICIPANTS + 2 * WATCHERS, "a trace")
    before = sends()
    requestor.say("FREEZE")
    answer_all(app, "FREEZE")
    requestor.expect("OK verb=FREEZE ")
    requestor.say("THAW")
    answer_all(app, "THAW")
    requestor.expect("OK verb=THAW ")
    expected = {"begin": 1, "told": 2 * PARTICIPANTS,
                "answer": 2 * PARTICIPANTS, "held": 1, "end": 1}
    for watcher in watchers:
        seen = kinds(watcher)
        if seen != expected:
            fail("a watcher saw %r" % seen)
    # One who comes now is told nothing of before.
    late = Client(SOCKET)
    late.ask("SUBSCRIBE", "OK verb=SUBSCRIBE")
    app.ask("UNREGISTER name=" + NAME % 0, "OK verb=UNREGISTER")
    late.expect("EVENT kind=absent name=p0-")
    new = Client(SOCKET)
    new.say("REGISTER name=new\nSUBSCRIBE\nUNREGISTER name=new")
    for verb in ("REGISTER", "SUBSCRIBE", "UNREGISTER"):
        new.expect("OK verb=" + verb)
    new.expect("EVENT kind=absent name=new")
    used = sends() - before - 2 * PARTICIPANTS
    if used > WATCHERS * PARTICIPANTS:
        fail("%d calls for %d watchers" % (used, WATCHERS))


globals()[sys.argv[1]]()
