# SPDX-License-Identifier: BSD-2-Clause
"""Clients that do what they should not, against a running broker and a host.

usage: broker_faults.py CASE DIRECTORY
"""

import sys

from broker_rig import Client, Host, await_true, fail, query

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
HISTORY = DIR + "/history.db"


def host():
    return Host(DIR + "/sim.in", DIR + "/sim.log")


def recorded_text(name):
    rows = query(HISTORY, "SELECT text FROM part WHERE name = '%s' AND"
                 " phase = 'final' ORDER BY n DESC LIMIT 1" % name)
    return rows[0][0] if rows else None


def texts():
    """What is recorded as a reason is what an answer that counted said."""
    vss, client, stranger = host(), Client(SOCKET), Client(SOCKET)
    client.register("good")
    client.register("bad")
    vss.ask("freeze")
    requests = [client.request("FREEZE"), client.request("FREEZE")]
    good, bad = sorted(requests, key=lambda r: r["name"] != "good")
    client.answer("READY", "freeze", good, 'text="all of it"')
    client.answer("FAIL", "freeze", bad, 'text="disk full"')
    early = client.request("THAW")
    # None of these is waited for.
    client.answer("READY", "freeze", good, "text=twice")
    client.answer("FAIL", "freeze", bad, "text=twice")
    client.answer("FAIL", "check", good, "text=never_asked")
    client.say("FAIL name=good id=999999 op=freeze text=other")
    client.say("FAIL name=good id=%s op=melt text=op" % good["id"])
    stranger.answer("FAIL", "freeze", good, "text=stranger")
    stranger.status()
    vss.expect(True)
    client.answer("READY", "thaw", early, "text=thawed")
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    client.await_state("idle")
    await_true(lambda: recorded_text("good") is not None, "a record")
    for name, text in (("good", "all of it"),
                       ("bad", "disk full; thaw: thawed")):
        if recorded_text(name) != text:
            fail("recorded of %s: %r" % (name, recorded_text(name)))
        if text not in client.status()[1][name]["text"]:
            fail("STATUS of %s: %r" % (name, client.status()[1][name]))


{"texts": texts}[sys.argv[1]]()
