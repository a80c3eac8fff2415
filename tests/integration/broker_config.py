# SPDX-License-Identifier: BSD-2-Clause
"""Roles of clients and reloads of the configuration, on a running broker.

usage: broker_config.py CASE DIRECTORY
"""

import os
import re
import signal
import sys
import time

import broker_rig
from broker_rig import Client, Host, await_true, fail

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
CONF = DIR + "/appvssd.conf"
LOG = DIR + "/appvssd.log"


class Stranger(broker_rig.Stranger):
    """Of another user, on our socket."""

    def __init__(self, uid, gids=(), hello=True):
        broker_rig.Stranger.__init__(self, SOCKET, uid, gids, hello)


def write(*lines):
    """The first two lines are those that the test began with."""
    with open(CONF) as conf:
        head = conf.read().split("\n")[:2]
    with open(CONF + ".new", "w") as conf:
        conf.write("\n".join(head + list(lines)) + "\n")
    os.rename(CONF + ".new", CONF)


def log_count(pattern):
    with open(LOG) as log:
        return len(re.findall(pattern, log.read()))


def reload(client):
    client.ask("RELOAD", "OK verb=RELOAD")


def refused(client, *parts):
    line = client.ask("RELOAD", "ERROR code=config verb=RELOAD ")
    for part in parts:
        if part not in line:
            fail("%r is not in %r" % (part, line))


VERBS = {"observe": "STATUS", "participate": "REGISTER name=web-%d",
         "request": "CHECK", "admin": "FORGET name=nobody-has-this"}


def roles():
    """Each role lets do what it is for, and nothing else does."""
    number = 0
    for uid, gids, has in ((65001, (), {"observe"}),
                           (65010, (4, 65002), {"participate"}),
                           (65003, (), {"request"}),
                           (65004, (), {"admin"}),
                           (65006, (65002,), {"observe", "participate"}),
                           (65010, (), set()),
                           (0, (), {"observe", "participate", "request", "admin"})):
        client = Stranger(uid, gids)
        for role, verb in VERBS.items():
            number += 1
            client.may(verb % number if "%" in verb else verb, role in has)
        client.may("RELOAD", "admin" in has)


def names():
    """Names are those of the access section, or of a binding."""
    web = Stranger(65010, (65002,))
    web.may("REGISTER name=web-", True)
    web.may("REGISTER name=db-1", False)
    web.may("REGISTER name=pg", False)
    web.may("REGISTER name=web-r required=1", False)
    web.may("REGISTER name=web-o order=1", False)
    bound = Stranger(65005)
    bound.may("STATUS", False)
    bound.may("REGISTER name=web-3", False)
    bound.may("REGISTER name=pg order=99", True)
    bound.may("REGISTER name=pg-7", True)
    participants = Client(SOCKET).status()[1]
    if (participants["pg"]["order"], participants["pg"]["required"]) != ("20", "1"):
        fail("pg is not as configured: %r" % participants["pg"])
    if participants["pg-7"]["order"] != "30":
        fail("pg-7 is not as its pattern: %r" % participants["pg-7"])
    # Root had it meanwhile: it is still the name of whom it is bound to.
    root = Client(SOCKET)

    def absent():
        return root.status()[1]["pg"]["present"] == "0"
    bound.ask("QUIT", "OK")
    await_true(absent, "absent")
    other = Client(SOCKET)
    other.register("pg")
    other.ask("QUIT", "OK")
    await_true(absent, "absent")
    web.may("REGISTER name=pg", False)
    Stranger(65005).may("REGISTER name=pg", True)


def holds():
    """Whose a hold is: the connection's, and the user's if it is detached."""
    owner, same, other = Stranger(65003), Stranger(65003), Stranger(65007)

    def freeze(more):
        line = owner.ask("FREEZE" + more, "OK verb=FREEZE ")
        return re.search(" id=([0-9]+) ", line).group(1)
    thaw = "THAW id=" + freeze("")
    same.may(thaw, False)
    other.may(thaw, False)
    owner.ask("THAW", "OK verb=THAW ")
    thaw = "THAW id=" + freeze(" detach=1")
    owner.sock.close()
    other.may(thaw, False)
    same.ask(thaw, "OK verb=THAW ")


def crowd():
    """One user's connections are bounded; others', and later ones, are not."""
    first, second = Stranger(65020), Stranger(65020)
    Stranger(65020, hello=False).expect("ERROR code=too_many_clients")
    Stranger(65021).may("STATUS", False)

    def admitted():
        client = Stranger(65020, hello=False)
        try:
            return client.ask("HELLO version=1", "").startswith("WELCOME")
        except OSError:
            return False
    second.sock.close()
    await_true(admitted, "room for another")
    first.may("STATUS", False)


def default():
    """Without a section: root, the broker's user, and the socket's group."""
    group, own = os.stat(SOCKET).st_gid, os.stat(SOCKET).st_uid
    if own == 0:
        fail("the broker runs as root")
    nobody, member = Stranger(65010), Stranger(65010, (4, group))
    for verb in ("STATUS", "REGISTER name=web-1", "FORGET name=x", "RELOAD"):
        nobody.may(verb, False)
    member.may("STATUS", True)
    member.may("REGISTER name=any", True)
    member.may("FORGET name=x", False)
    member.may("RELOAD", False)
    Stranger(0).may("RELOAD", True)
    Stranger(own).may("RELOAD", True)


def participant(client, name):
    return client.status()[1].get(name)


def good():
    """Whoever is there is judged by the new rules, whoever is expected too."""
    admin, client = Client(SOCKET), Stranger(65001)
    watcher = Stranger(65001)
    watcher.ask("SUBSCRIBE", "OK verb=SUBSCRIBE")
    client.register("pg", "order=7 freeze_ms=900")
    client.register("web-1", "freeze_ms=900")
    client.register("other")
    write("socket_mode = 0666",
          "slice_ms = 300",
          'participant "pg" { user = 65001 required = true order = 20 }',
          'participant "new" { user = 65001 expect = true order = 5 }',
          'access "all" { user = "*" roles = participate names = "web-*" }')
    reload(admin)
    line = client.expect("ERROR code=denied verb=REGISTER name=other ")
    while "verb=SUBSCRIBE" not in line:
        line = watcher.expect("")
    if not line.startswith("ERROR code=denied "):
        fail("still subscribed: %r" % line)
    pg, new = participant(admin, "pg"), participant(admin, "new")
    if (pg["order"], pg["required"], pg["present"]) != ("20", "1", "1"):
        fail("pg: %r" % pg)
    if (new["order"], new["required"], new["present"]) != ("5", "1", "0"):
        fail("new: %r" % new)
    if participant(admin, "other")["present"] != "0":
        fail("other is there after %r" % line)
    if participant(admin, "web-1")["present"] != "1":
        fail("web-1 has gone")
    client.may("STATUS", False)
    client.may("REGISTER name=other", False)
    # Expected and absent: the host is told FAIL, and nobody is asked.
    vss = Host(DIR + "/sim.in", DIR + "/sim.log")
    vss.ask("freeze")
    vss.expect(False)
    client.register("new")
    vss.ask("freeze")
    request = client.request("FREEZE")
    if request["name"] != "new":
        fail("order 5 comes first: %r" % request)
    client.answer("READY", "freeze", request)
    request = client.request("FREEZE")
    client.answer("READY", "freeze", request)
    request = client.request("FREEZE")
    if request["name"] != "web-1" or int(request["remaining_ms"]) > 300:
        fail("the slice is not the new one: %r" % request)
    client.answer("READY", "freeze", request)
    vss.expect(True)
    vss.ask("thaw")
    for _ in range(3):
        client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    client.ask("UNREGISTER name=new", "OK")
    write("socket_mode = 0666")
    reload(admin)
    client.expect("ERROR code=denied verb=REGISTER name=pg ")
    client.expect("ERROR code=denied verb=REGISTER name=web-1 ")
    if participant(admin, "new") is not None:
        fail("new is still expected: %r" % participant(admin, "new"))
    if participant(admin, "pg")["required"] != "0":
        fail("pg is still required")


def bad():
    """Every mistake is logged, the first one answered, and nothing changes."""
    admin = Client(SOCKET)
    admin.register("a")
    before = log_count("event=reloaded ")
    write("hold_ms = 1x", "order = 5", 'participant "a" { user = 0 order = 3 }',
          "slice_ms = 0")
    refused(admin, CONF + ":3: hold_ms")
    for line in (3, 4, 6):
        if log_count(r'event=config_mistake text="\S*/appvssd.conf:%d: ' % line) != 1:
            fail("line %d is not in the log once" % line)
    write("freeze_ms = 14000", 'participant "a" { user = 0 order = 3 }')
    refused(admin, CONF + ":3: freeze_ms 14000 +")
    os.rename(CONF, CONF + ".away")
    refused(admin, CONF + ": No such file")
    os.rename(CONF + ".away", CONF)
    os.chmod(CONF, 0o666)
    if os.geteuid() == 0:
        refused(admin, "writable by its owner only")
    os.chmod(CONF, 0o644)
    if participant(admin, "a")["order"] != "50":
        fail("a bad one was applied in part")
    if log_count("event=reloaded ") != before:
        fail("the parent took over a bad one")


def restart_only():
    """Words that need a restart are named, and nothing of the rest happens."""
    admin = Client(SOCKET)
    admin.register("a")
    write("max_clients = 77", "log_path = syslog",
          'participant "a" { user = 0 order = 3 }')
    refused(admin, CONF + ":4: log_path cannot change while appvssd runs")
    if log_count("appvssd.conf:3: max_clients cannot change") != 1:
        fail("the second word is not in the log")
    if participant(admin, "a")["order"] != "50":
        fail("applied in part")


def held():
    """While a transaction runs everything stays; then it is applied at once."""
    admin, client = Client(SOCKET), Client(SOCKET)
    waiting = [Client(SOCKET) for _ in range(15)]
    vss = Host(DIR + "/sim.in", DIR + "/sim.log")
    client.register("a")
    vss.ask("freeze")
    request = client.request("FREEZE")
    write('participant "a" { user = 0 order = 3 }')
    before = log_count("event=reload by=client")
    admin.say("RELOAD")
    for other in waiting:
        other.say("RELOAD")
    await_true(lambda: log_count("event=reload by=client") == before + 16,
               "the parent")
    client.answer("READY", "freeze", request)
    vss.expect(True)
    await_true(lambda: client.status()[0]["state"] == "held", "held")
    if participant(client, "a")["order"] != "50":
        fail("applied while held")
    extra = Client(SOCKET)
    extra.ask("RELOAD", "ERROR code=busy verb=RELOAD")
    # One of them gives up; that is nobody else's trouble.
    waiting.pop().sock.close()
    await_true(lambda: extra.ask("STATUS", "ITEM") is not None, "status")
    admin.sock.setblocking(False)
    try:
        fail("answered while held: %r" % admin.sock.recv(100))
    except BlockingIOError:
        admin.sock.settimeout(10)
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    for other in [admin] + waiting:
        other.expect("OK verb=RELOAD")
    if participant(client, "a")["order"] != "3":
        fail("not applied: %r" % participant(client, "a"))


def hangup():
    """SIGHUP to the parent does the same, and says so in the log."""
    client = Client(SOCKET)
    client.register("a")
    parent = int(open(DIR + "/appvssd.pid").read())
    before = log_count("event=reloaded ")
    write('participant "a" { user = 0 order = 3 }')
    os.kill(parent, signal.SIGHUP)
    await_true(lambda: log_count("event=reloaded ") == before + 1, "a reload")
    if participant(client, "a")["order"] != "3":
        fail("not applied: %r" % participant(client, "a"))
    refusals = log_count("event=reload_refused ")
    write("nonsense = 1")
    os.kill(parent, signal.SIGHUP)
    await_true(lambda: log_count("event=reload_refused ") == refusals + 1,
               "a refusal")


def short():
    """A campaign of faults sets its times, and does not wait for seconds."""
    client = Client(SOCKET)
    client.register("a")
    write("hello_ms = 50", "hold_ms = 100", "rearm_ms = 50", "retry_ms = 20",
          "retry_max_ms = 40")
    reload(client)
    started = time.monotonic()
    silent = Client(SOCKET, False)
    silent.expect("ERROR code=hello_first")
    if time.monotonic() > started + 4:
        fail("HELLO had %d s" % (time.monotonic() - started))
    vss = Host(DIR + "/sim.in", DIR + "/sim.log")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    # Its 60 s of before would be more than the client waits.
    request = client.request("THAW")
    if request["reason"] != "expired":
        fail("thawed for another reason: %r" % request)
    client.answer("FAIL", "thaw", request)
    # If the time between went on doubling, this would take 80 s.
    for _ in range(12):
        client.answer("FAIL", "thaw", client.request("THAW"))
    client.answer("READY", "thaw", request)
    Client(SOCKET).await_state("idle")
    vss.ask("thaw")
    vss.expect(False)


def expected_of(name):
    return 'participant "%s" { user = 0 expect = true }' % name


def restarted():
    """A broker that is started later has what was applied last; one that died
    with a reload before it, has that."""
    client = Client(SOCKET)
    write(expected_of("first"))
    reload(client)
    write("nonsense = 1")
    refused(client, CONF + ":3: ")
    os.kill(int(client.status()[0]["pid"]), signal.SIGKILL)
    await_true(lambda: log_count("event=ready ") == 2, "another broker")
    client = Client(SOCKET)
    if participant(client, "first") is None:
        fail("another configuration: %r" % client.status()[1])
    client.register("first")
    vss = Host(DIR + "/sim.in", DIR + "/sim.log")
    await_true(lambda: client.status()[0]["device"] == "open", "the device")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    write(expected_of("second"))
    before = log_count("event=reload by=client")
    other = Client(SOCKET)
    other.say("RELOAD")
    await_true(lambda: log_count("event=reload by=client") == before + 1,
               "the parent")
    os.kill(int(client.status()[0]["pid"]), signal.SIGKILL)
    await_true(lambda: log_count("event=ready ") == 3, "a third broker")
    if participant(Client(SOCKET), "second") is None:
        fail("the reload is lost")


def owing():
    """One that has not thawed is not turned out without a word: it is
    disconnected, which thaws it."""
    admin, client = Client(SOCKET), Stranger(65001)
    client.register("slow")
    vss = Host(DIR + "/sim.in", DIR + "/sim.log")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    client.answer("FAIL", "thaw", client.request("THAW"))
    vss.expect(True)
    admin.await_state("idle")
    write("socket_mode = 0666")
    reload(admin)
    line = client.line()
    while line is not None and not line.startswith("ERROR code=denied"):
        line = client.line()
    while line is not None:
        line = client.line()
    if participant(admin, "slow")["present"] != "0":
        fail("slow is still there")


def rebound():
    """A name whose user is away is another's as soon as the reload says so,
    for the next broker too."""
    admin = Client(SOCKET)
    everybody = 'access "all" { user = "*" roles = participate }'
    for name, entry in (("moved", "moved"), ("moved-2", "moved-*")):
        write("socket_mode = 0666", everybody)
        reload(admin)
        client = Stranger(65001)
        client.register(name)
        client.sock.close()
        await_true(lambda: participant(admin, name)["present"] == "0", "away")
        write("socket_mode = 0666", everybody,
              'participant "%s" { user = 65002 required = true }' % entry)
        reload(admin)
        if participant(admin, name)["uid"] != "65002":
            fail("still another's: %r" % participant(admin, name))
        Stranger(65001).may("REGISTER name=" + name, False)
        # Later nobody is bound, and it stays whose it is.
        write("socket_mode = 0666", everybody)
        reload(admin)
        Stranger(65001).may("REGISTER name=" + name, False)
        await_true(lambda: broker_rig.query(
            DIR + "/history.db", "SELECT uid FROM known WHERE name = '%s'"
            % name) == [("65002",)], "the history knows it")
        Stranger(65002).may("REGISTER name=" + name, True)


def demoted():
    """Who holds when the reload comes ends what it began, and then may not."""
    admin, client = Client(SOCKET), Client(SOCKET)
    requestor = Stranger(65003)
    client.register("app")
    requestor.say("FREEZE")
    client.answer("READY", "freeze", client.request("FREEZE"))
    requestor.expect("OK verb=FREEZE ")
    write("socket_mode = 0666", 'access "all" { user = "*" roles = observe }')
    admin.say("RELOAD")
    requestor.say("STATUS")
    while not requestor.expect("").startswith("END "):
        pass
    requestor.say("THAW")
    client.answer("READY", "thaw", client.request("THAW"))
    requestor.expect("OK verb=THAW ")
    admin.expect("OK verb=RELOAD")
    for verb in ("FREEZE", "CHECK", "THAW"):
        requestor.may(verb, False)
    # A participant that may not be one any more is frozen by nobody.
    client.ask("UNREGISTER name=app", "OK")
    everybody = 'access "all" { user = "*" roles = {participate, request} }'
    write("socket_mode = 0666", everybody)
    reload(admin)
    app = Stranger(65001)
    app.register("theirs")
    requestor.say("FREEZE")
    request = app.request("FREEZE")
    write("socket_mode = 0666", everybody.replace("participate, ", ""))
    admin.say("RELOAD")
    admin.status()
    app.answer("READY", "freeze", request)
    requestor.expect("OK verb=FREEZE ")
    requestor.say("THAW")
    app.answer("READY", "thaw", app.request("THAW"))
    line = requestor.expect("OK verb=THAW ")
    if "consistency=application" not in line:
        fail("judged in the middle: %r" % line)
    admin.expect("OK verb=RELOAD")
    app.expect("ERROR code=denied verb=REGISTER name=theirs")
    requestor.say("FREEZE")
    line = requestor.expect("OK verb=FREEZE ")
    if "consistency=filesystem" not in line:
        fail("not missed: %r" % line)
    requestor.ask("THAW", "OK verb=THAW ")


globals()[sys.argv[1]]()
