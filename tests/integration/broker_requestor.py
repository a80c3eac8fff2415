# SPDX-License-Identifier: BSD-2-Clause
"""Requestors and watchers, against a running broker and a host.

usage: broker_requestor.py CASE DIRECTORY
"""

import os
import re
import sys

from broker_rig import PROOF, Client, Host, await_true, fail, query

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
HISTORY = DIR + "/history.db"


def host():
    return Host(DIR + "/sim.in", DIR + "/sim.log")


def keys(line):
    return dict(re.findall(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)', line))


def recorded(id):
    """State, consistency, reason, host, source of a transaction's end."""
    sql = ("SELECT s.state, s.consistency, s.reason, s.host, t.source"
           " FROM state s JOIN txn t ON t.id = s.id WHERE s.id = %s"
           " AND s.state <> 'held'" % id)
    await_true(lambda: query(HISTORY, sql), "a record of %s" % id)
    return query(HISTORY, sql)[0]


def expect_recorded(id, *expected):
    if recorded(id)[:len(expected)] != expected:
        fail("recorded of %s: %r" % (id, recorded(id)))


def expect_keys(line, **expected):
    seen = keys(line)
    for key, value in expected.items():
        if seen.get(key) != value:
            fail("%s is not %s in %r" % (key, value, line))
    return seen


def freeze(requestor, app, more=""):
    """A hold with one participant; its id."""
    requestor.say("FREEZE " + more)
    app.answer("READY", "freeze", app.request("FREEZE"))
    return expect_keys(requestor.expect("OK verb=FREEZE "),
                       consistency="application")["id"]


def thaw_app(app, reason):
    request = app.request("THAW")
    if request["reason"] != reason:
        fail("thawed because of %r, expected %s" % (request, reason))
    app.answer("READY", "thaw", request)


def good():
    """The same transaction as the device's, with its end in the answer."""
    app, requestor = Client(SOCKET), Client(SOCKET)
    app.register("app")
    id = freeze(requestor, app)
    requestor.say("THAW")
    thaw_app(app, "done")
    expect_keys(requestor.expect("OK verb=THAW "), id=id, outcome="done",
                consistency="application")
    expect_recorded(id, "done", "application", "", "none", "requestor")
    who = query(HISTORY, "SELECT text FROM event WHERE id = %s AND"
                " kind = 'requested_by'" % id)
    if who != [("uid=%d pid=%d test" % (os.getuid(), os.getpid()),)]:
        fail("requested by %r" % who)
    held = query(HISTORY, "SELECT name FROM (SELECT %s) WHERE id = %s" %
                 (PROOF, id))
    if held != [("app",)]:
        fail("the proof names %r" % held)
    requestor.ask("THAW", "ERROR code=not_frozen verb=THAW")
    app.ask("UNREGISTER name=app", "OK")
    requestor.ask("QUIT", "OK verb=QUIT")
    if requestor.line() is not None:
        fail("QUIT does not end the connection")


def watched():
    """One who subscribed sees each step, and PROGRESS is shown live."""
    app, watcher, requestor = Client(SOCKET), Client(SOCKET), Client(SOCKET)
    watcher.ask("SUBSCRIBE", "OK verb=SUBSCRIBE")
    watcher.ask("SUBSCRIBE", "ERROR code=again verb=SUBSCRIBE")
    app.register("slow")
    watcher.expect("EVENT kind=registered name=slow")
    requestor.say("FREEZE hold_ms=20000")
    request = app.request("FREEZE")
    app.say('PROGRESS name=slow id=%s percent=40 remaining_ms=3000'
            ' text="3 s more"' % request["id"])
    expect_keys(watcher.expect("EVENT kind=begin "), op="freeze",
                source="requestor", id=request["id"])
    expect_keys(watcher.expect("EVENT kind=told "), op="freeze", name="slow")
    expect_keys(watcher.expect("EVENT kind=progress "), name="slow",
                percent="40", remaining_ms="3000", text='"3 s more"')
    expect_keys("x " + str(requestor.status()[1]["slow"]))
    shown = requestor.status()[1]["slow"]
    if (shown.get("percent"), shown.get("text")) != ("40", '"3 s more"'):
        fail("STATUS shows no progress: %r" % shown)
    app.answer("READY", "freeze", request)
    expect_keys(watcher.expect("EVENT kind=answer "), op="freeze",
                name="slow", result="ready")
    expect_keys(watcher.expect("EVENT kind=held "), hold_ms="20000",
                consistency="application")
    requestor.expect("OK verb=FREEZE")
    if "percent" in requestor.status()[1]["slow"]:
        fail("progress is shown after the answer")
    requestor.say("THAW")
    expect_keys(watcher.expect("EVENT kind=told "), op="thaw", name="slow")
    thaw_app(app, "done")
    expect_keys(watcher.expect("EVENT kind=answer "), op="thaw", name="slow",
                result="ok")
    expect_keys(watcher.expect("EVENT kind=end "), outcome="done",
                consistency="application", op="freeze", id=request["id"])
    requestor.expect("OK verb=THAW")
    app.ask("UNREGISTER name=slow", "OK")
    watcher.expect("EVENT kind=absent name=slow")
    watcher.expect("EVENT kind=forgotten name=slow")
    await_true(lambda: query(HISTORY, "SELECT text FROM event WHERE id = %s"
                             " AND kind = 'progress'" % request["id"]) ==
               [("slow 40 % 3000 ms more 3 s more",)], "progress on record")


def talkative():
    """So many PROGRESS lines of one participant are shown, and no more."""
    app, requestor, watcher = Client(SOCKET), Client(SOCKET), Client(SOCKET)
    app.register("app")
    watcher.ask("SUBSCRIBE", "OK verb=SUBSCRIBE")
    requestor.say("FREEZE")
    request = app.request("FREEZE")
    app.say("\n".join("PROGRESS name=app id=%s percent=%d" %
                      (request["id"], i % 101) for i in range(300)))
    app.answer("READY", "freeze", request)
    requestor.expect("OK verb=FREEZE ")
    shown = 0
    while "kind=held" not in (line := watcher.expect("EVENT ")):
        shown += "kind=progress" in line
    if shown != 256:
        fail("%d of 300 lines are shown" % shown)
    requestor.say("THAW")
    thaw_app(app, "done")
    requestor.expect("OK verb=THAW ")
    app.ask("UNREGISTER name=app", "OK")


def vetoed():
    """Without READY of a participant that the requestor cannot lose."""
    app, requestor = Client(SOCKET), Client(SOCKET)
    app.register("optional")
    requestor.say("FREEZE")
    app.answer("FAIL", "freeze", app.request("FREEZE"), "text=no_disk")
    thaw_app(app, "aborted")
    id = expect_keys(requestor.expect("OK verb=FREEZE "),
                     consistency="filesystem")["id"]
    expect_keys(requestor.ask("THAW", "OK verb=THAW "), outcome="done",
                consistency="filesystem")
    expect_recorded(id, "done", "filesystem")
    # A THAW before the answer ends the freeze.
    requestor.say("FREEZE")
    app.request("FREEZE")
    requestor.ask("THAW", "ERROR code=not_frozen verb=THAW")
    id = expect_keys(requestor.expect("ERROR code=host_thaw verb=FREEZE "),
                     outcome="aborted", consistency="none")["id"]
    thaw_app(app, "aborted")
    expect_recorded(id, "aborted", "none", "host_thaw")
    app.ask("UNREGISTER name=optional", "OK")


def busy():
    """One transaction at a time, whoever asks."""
    vss, app = host(), Client(SOCKET)
    first, second = Client(SOCKET), Client(SOCKET)
    app.register("app")
    id = freeze(first, app)
    second.ask("FREEZE", "ERROR code=busy verb=FREEZE")
    second.ask("CHECK", "ERROR code=busy verb=CHECK")
    first.ask("FREEZE", "ERROR code=busy verb=FREEZE")
    vss.ask("freeze")
    vss.expect(False)
    first.say("THAW id=%s" % id)
    # The host's own THAW, after the FREEZE that it was refused, is not ours.
    thaw_app(app, "done")
    first.expect("OK verb=THAW")
    expect_recorded(id, "done", "application")
    # And the other way round.
    vss.ask("freeze")
    app.answer("READY", "freeze", app.request("FREEZE"))
    vss.expect(True)
    first.ask("FREEZE", "ERROR code=busy verb=FREEZE")
    first.ask("THAW", "ERROR code=no")
    vss.ask("thaw")
    thaw_app(app, "done")
    vss.expect(True)
    app.ask("UNREGISTER name=app", "OK")


def leaves():
    """One that goes while it holds, or while others freeze, thaws all."""
    app, requestor = Client(SOCKET), Client(SOCKET)
    app.register("app")
    id = freeze(requestor, app)
    requestor.sock.close()
    thaw_app(app, "lost")
    expect_recorded(id, "lost", "none", "source_gone")
    requestor = Client(SOCKET)
    requestor.say("FREEZE detach=1")
    request = app.request("FREEZE")
    requestor.sock.close()
    thaw_app(app, "aborted")
    expect_recorded(request["id"], "aborted", "none", "source_gone")
    # Nobody is told of another's hold because he came after him.
    for _ in range(4):
        client = Client(SOCKET)
        if client.ask("THAW", "ERROR ") != "ERROR code=not_frozen verb=THAW":
            fail("a hold that was never there is told of")
        client.sock.close()
    app.ask("UNREGISTER name=app", "OK")


def detached():
    """The hold of an agent that calls two hooks."""
    app, agent = Client(SOCKET), Client(SOCKET)
    app.register("app")
    id = freeze(agent, app, "detach=1 hold_ms=20000")
    agent.sock.close()
    agent = Client(SOCKET)
    if agent.status()[0]["state"] != "held":
        fail("a detached hold ends with its connection")
    agent.ask("THAW", "ERROR code=not_frozen verb=THAW")
    agent.ask("THAW id=%d" % (int(id) + 7), "ERROR code=not_frozen verb=THAW")
    agent.say("THAW id=%s" % id)
    thaw_app(app, "done")
    expect_keys(agent.expect("OK verb=THAW "), id=id, outcome="done",
                consistency="application")
    expect_recorded(id, "done", "application")
    app.ask("UNREGISTER name=app", "OK")


def thawed_by_another():
    """Its THAW comes while an admin's runs: the end is told at the end."""
    app, owner, admin = Client(SOCKET), Client(SOCKET), Client(SOCKET)
    app.register("app")
    id = freeze(owner, app)
    admin.say("THAW id=" + id)
    request = app.request("THAW")
    refused = owner.ask("THAW", "ERROR code=not_frozen verb=THAW id=" + id)
    if "consistency" in keys(refused) or "outcome" in keys(refused):
        fail("told how it ended before it has: %r" % refused)
    app.answer("READY", "thaw", request)
    expect_keys(admin.expect("OK verb=THAW "), id=id, outcome="done",
                consistency="application")
    expect_keys(owner.expect("EVENT kind=released "), id=id, outcome="done",
                consistency="application")
    # The owner may leave meanwhile: it is not its thaw any more.
    id = freeze(owner, app)
    admin.say("THAW id=" + id)
    request = app.request("THAW")
    owner.register("owner")
    owner.sock.close()
    await_true(lambda: Client(SOCKET).status()[1]["owner"]["present"] == "0",
               "the owner's end")
    app.answer("READY", "thaw", request)
    expect_keys(admin.expect("OK verb=THAW "), id=id, outcome="done",
                consistency="application")
    admin.ask("FORGET name=owner", "OK verb=FORGET")
    app.ask("UNREGISTER name=app", "OK")


def expired():
    """A limit of the requestor's own; its late THAW is told how it ended."""
    app, requestor = Client(SOCKET), Client(SOCKET)
    app.register("app")
    requestor.ask("FREEZE hold_ms=30001", "ERROR code=limit verb=FREEZE")
    requestor.ask("FREEZE hold_ms=0", "ERROR code=bad_value verb=FREEZE")
    id = freeze(requestor, app, "hold_ms=50")
    thaw_app(app, "expired")
    expect_keys(requestor.expect("EVENT kind=released "), id=id,
                outcome="expired", consistency="none", reason="no_thaw")
    expect_keys(requestor.ask("THAW", "ERROR code=no_thaw verb=THAW "), id=id,
                outcome="expired", consistency="none")
    expect_keys(Client(SOCKET).ask("THAW id=" + id, "ERROR code=no_thaw "),
                outcome="expired")
    expect_recorded(id, "expired", "none", "no_thaw")
    app.ask("UNREGISTER name=app", "OK")


def checks():
    """CHECK asks who wants to be asked."""
    app, requestor = Client(SOCKET), Client(SOCKET)
    app.register("app", "check=1")
    requestor.say("CHECK")
    request = app.request("CHECK")
    # No operation of that name: it answers nothing.
    app.answer("FAIL", "melt", request)
    app.answer("READY", "check", request)
    id = expect_keys(requestor.expect("OK verb=CHECK "), outcome="done")["id"]
    expect_recorded(id, "done", "none", "", "none", "requestor")
    results = query(HISTORY, "SELECT DISTINCT result FROM part"
                    " WHERE phase = 'final' AND id = %s" % id)
    if results != [("ready",)]:
        fail("recorded of its participants: %r" % results)
    # One that goes while it waits for the answer leaves nothing behind.
    requestor.say("CHECK")
    request = app.request("CHECK")
    requestor.sock.close()
    expect_recorded(request["id"], "aborted", "none", "source_gone")
    app.ask("UNREGISTER name=app", "OK")


def denied():
    """The hold of another user is not for everybody; nor is a freeze."""
    if os.getuid() != 0:
        print("not root: other users are not tried")
        return
    app, admin = Client(SOCKET), Client(SOCKET)
    app.register("app")
    id = freeze(admin, app)
    os.chmod(SOCKET, 0o666)
    os.chmod(DIR, 0o755)
    if os.fork() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        nobody = Client(SOCKET)
        for verb in ("FREEZE", "CHECK", "THAW", "THAW id=" + id):
            nobody.ask(verb, "ERROR code=denied verb=" + verb.split()[0])
        os._exit(0)
    if os.wait()[1] != 0:
        fail("another user may")
    # An admin may end what somebody else holds.
    other = Client(SOCKET)
    other.say("THAW id=" + id)
    thaw_app(app, "done")
    other.expect("OK verb=THAW ")
    admin.expect("EVENT kind=released ")
    app.ask("UNREGISTER name=app", "OK")


globals()[sys.argv[1]]()
