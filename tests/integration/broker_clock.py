# SPDX-License-Identifier: BSD-2-Clause
"""Snapshots while the wall clock of the broker jumps.

usage: broker_clock.py CASE DIRECTORY
"""

import struct
import sys
import time

from broker_rig import Client, Host, await_true, fail, query

DIR = sys.argv[2]
HISTORY = DIR + "/history.db"
DAY = 86400


def step(days):
    """In place: the file is mapped."""
    with open(DIR + "/offset", "r+b") as offset:
        offset.write(struct.pack("=q", days * DAY))


def snapshot(vss, app, during):
    vss.ask("freeze")
    app.answer("READY", "freeze", app.request("FREEZE"))
    vss.expect(True)
    during()
    broker = app.status()[0]
    if broker["state"] != "held" or not \
            30000 < int(broker["remaining_ms"]) <= 60000:
        fail("a step of the clock moved the limit: %r" % broker)
    vss.ask("thaw")
    app.answer("READY", "thaw", app.request("THAW"))
    vss.expect(True)
    app.await_state("idle")


def steps():
    vss, app = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(DIR + "/socket")
    app.register("app")
    began_s = time.time()
    snapshot(vss, app, lambda: step(3))
    snapshot(vss, app, lambda: step(-3))
    snapshot(vss, app, lambda: step(0))
    ends = "SELECT id, state, consistency FROM state WHERE state <> 'held'" \
        " ORDER BY n"
    await_true(lambda: len(query(HISTORY, ends)) == 3, "three records")
    if query(HISTORY, ends) != [(str(id), "done", "application")
                                for id in (1, 2, 3)]:
        fail("recorded: %r" % query(HISTORY, ends))
    elapsed = query(HISTORY, "SELECT max(elapsed_ms) FROM state")[0][0]
    if int(elapsed) > 60000:
        fail("a transaction took %s ms" % elapsed)
    at = [int(row[0]) / 1000 for row in
          query(HISTORY, "SELECT at_ms FROM txn ORDER BY n")]
    days = [round((one - began_s) / DAY) for one in at]
    if days != [0, 3, -3]:
        fail("the shim did not move the clock: %r" % days)


globals()[sys.argv[1]]()
