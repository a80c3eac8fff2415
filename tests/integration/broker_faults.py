# SPDX-License-Identifier: BSD-2-Clause
"""Clients that do what they should not, against a running broker and a host.

usage: broker_faults.py CASE DIRECTORY
"""

import os
import re
import select
import signal
import subprocess
import sys
import time

from broker_rig import Client, Host, await_true, fail, query

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
HISTORY = DIR + "/history.db"
LAST = ("SELECT state, consistency, host FROM state WHERE id ="
        " (SELECT max(id) FROM txn WHERE op = 'freeze') ORDER BY n DESC LIMIT 1")


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


def is_present(watcher, name):
    return watcher.status()[1][name]["present"] == "1"


def register_wordy(client, names):
    """Participants whose items in STATUS are long."""
    for name in names:
        client.register(name, 'program="%s"' % ("\\x01" * 128))


def deadlines():
    """No connection stays that has nothing to say or does not listen."""
    watcher, deaf, slow = Client(SOCKET), Client(SOCKET), Client(SOCKET, False)
    deaf.register("deaf")
    # More than a socket holds, and not yet so much that the rest is not read.
    deaf.say("NONSENSE\n" * 400 + "not a line of the protocol")
    started = time.monotonic()
    hello = iter("HELLO version=1 program=" + 30 * "slow")
    seen = b""
    while not seen:
        if time.monotonic() > started + 10:
            fail("HELLO may take for ever, byte by byte")
        slow.sock.sendall(next(hello).encode())
        slow.sock.settimeout(0.5)
        try:
            seen = slow.sock.recv(4096)
        except TimeoutError:
            pass
    if b"hello_first" not in seen:
        fail("a slow HELLO got %r" % seen)
    await_true(lambda: not is_present(watcher, "deaf"),
               "the refused one dropped, read or not")


def say_slowly(client, line):
    for byte in line.encode() + b"\n":
        client.sock.sendall(bytes([byte]))


def slow_lines():
    """A participant and a requestor that send each byte by itself, beside one
    that sends half a line and no more."""
    app, requestor, half = Client(SOCKET, False), Client(SOCKET), Client(SOCKET)
    half.sock.sendall(b"REGISTER name=half")
    say_slowly(app, "HELLO version=1")
    app.expect("WELCOME")
    say_slowly(app, "REGISTER name=bytes")
    app.expect("OK verb=REGISTER")
    say_slowly(requestor, "FREEZE")
    request = app.request("FREEZE")
    say_slowly(app, "READY name=bytes id=%s op=freeze" % request["id"])
    requestor.expect("OK verb=FREEZE ")
    say_slowly(requestor, "THAW")
    app.request("THAW")
    say_slowly(app, "READY name=bytes id=%s op=thaw" % request["id"])
    requestor.expect("OK verb=THAW ")
    if requestor.status()[1]["bytes"]["result"] != "ready":
        fail("not ready: %r" % requestor.status()[1]["bytes"])
    app.ask("UNREGISTER name=bytes", "OK")


def debts(client):
    """The names of those that owe a thaw, as STATUS says."""
    client.say("STATUS")
    line, names = client.expect(""), []
    while not line.startswith("END "):
        if " kind=debt " in line:
            names.append(re.search(r"name=(\S+)", line)[1])
        line = client.expect("")
    return names


def logged(event, name):
    with open(DIR + "/appvssd.log") as log:
        return any("event=%s " % event in line and "name=%s" % name in line
                   for line in log)


def pay(client, watcher, request):
    """The thaw is asked for again, shown until it is confirmed, and then not."""
    again = client.request("THAW")
    if again["id"] != request["id"]:
        fail("another thaw: %r" % again)
    if debts(watcher) != [request["name"]]:
        fail("not shown: %r" % debts(watcher))
    client.answer("READY", "thaw", again)
    await_true(lambda: debts(watcher) == [], "an end of the debt")


def slow_thaw():
    """Each has its own time to thaw: who takes longer keeps nobody waiting."""
    vss, client, watcher = host(), Client(SOCKET), Client(SOCKET)
    client.register("slow", "thaw_ms=100")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    request = client.request("THAW")
    if int(request["remaining_ms"]) > 100:
        fail("more time than it asked for: %r" % request)
    vss.expect(True)
    pay(client, watcher, request)
    # One that fails is thawed at once: that is not waited for until the end.
    vss.ask("freeze")
    client.answer("FAIL", "freeze", client.request("FREEZE"))
    request = client.request("THAW")
    vss.expect(True)
    broker = watcher.status()[0]
    if broker["state"] != "held" or int(broker["remaining_ms"]) <= 1000:
        fail("not the limit of the hold: %r" % broker)
    pay(client, watcher, request)
    if watcher.status()[0]["state"] != "held":
        fail("not while held: %r" % watcher.status()[0])
    vss.ask("thaw")
    vss.expect(True)
    # The log has its lines after the thaw.
    await_true(lambda: logged("thaw_failed", "slow") and
               logged("thaw_recovered", "slow"), "lines in the log")
    await_true(lambda: query(HISTORY, "SELECT thaw FROM part WHERE"
                             " name = 'slow' AND phase = 'final'")
               == [("timeout",)] * 2, "records")
    client.ask("UNREGISTER name=slow", "OK")


def unread():
    """Who asks and does not read waits; who then reads has every answer."""
    watcher, greedy = Client(SOCKET), Client(SOCKET)
    register_wordy(watcher, ["wordy%d" % i for i in range(100)])
    greedy.say("STATUS\n" * 200 + "UNREGISTER name=nobody")
    for _ in range(3):
        watcher.status()
    ended = 0
    while ended < 200:  # 12 MB, of which 4 would be kept
        line = greedy.line()
        if line is None:
            fail("dropped after %d answers" % ended)
        ended += line.startswith("END")
    greedy.expect("ERROR code=unknown_name")
    greedy.status()


def output():
    """What is kept for those who do not read has a limit for all together."""
    watcher = Client(SOCKET)
    register_wordy(watcher, ["long%d" % i for i in range(600)])
    deaf = [Client(SOCKET) for _ in range(250)]
    ends = select.poll()
    for client in deaf:
        ends.register(client.sock, 0)  # POLLHUP is reported all the same
    for client in deaf:
        client.say("STATUS")
    await_true(lambda: ends.poll(0), "a limit", 25)
    dropped = len(ends.poll(0))
    if dropped > len(deaf) - 50:
        fail("%d of %d are dropped" % (dropped, len(deaf)))
    # One that reads is served: what waits is not in its way.
    watcher.ask("NONSENSE", "ERROR code=unknown_verb")


def known():
    """Two that the history knows; the one goes, the other is only away."""
    client = Client(SOCKET)
    for name in ("stays", "leaves"):
        client.register(name)


def late_history():
    """Its list comes when the broker works already: nobody is overlooked."""
    vss, client = host(), Client(SOCKET)
    if "stays" in client.status()[1]:
        fail("the history was not late")
    client.register("here")
    client.register("leaves")
    client.ask("UNREGISTER name=leaves", "OK verb=UNREGISTER")
    await_true(lambda: "stays" in client.status()[1], "the late list")
    participants = client.status()[1]
    if "leaves" in participants or participants["stays"]["present"] != "0":
        fail("after the late list: %r" % participants)
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    client.await_state("idle")
    if client.status()[0]["consistency"] != "filesystem":
        fail("stays was missing: %r" % client.status()[0])


def flood():
    """More comings and goings, and progress, than the history's queue holds."""
    vss, client, loud = host(), Client(SOCKET), Client(SOCKET)
    client.register("client")
    for i in range(300):
        loud.register("loud", "program=%d" % i)
        loud.ask("UNREGISTER name=loud", "OK verb=UNREGISTER")
    loud.register("loud", "program=last")
    vss.ask("freeze")
    request = client.request("FREEZE")
    for i in range(300):
        client.say("PROGRESS name=client id=%s percent=1" % request["id"])
    client.answer("READY", "freeze", request)
    loud.answer("READY", "freeze", loud.request("FREEZE"))
    vss.expect(True)
    for i in range(300):
        loud.register("loud", "program=%d" % i)
    loud.register("other")
    loud.ask("UNREGISTER name=other", "OK verb=UNREGISTER")
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    loud.answer("READY", "thaw", loud.request("THAW"))
    vss.expect(True)
    client.await_state("idle")
    loud.ask("UNREGISTER name=loud", "OK verb=UNREGISTER")


def flooded():
    """Nothing of the snapshot was lost, and what is known is right."""
    client = Client(SOCKET)
    await_true(lambda: client.status()[0]["history"] == "ok", "the history")
    if client.status()[0]["dropped"] != "0":
        fail("rows were dropped: %r" % client.status()[0])
    rows = query(HISTORY, "SELECT state FROM state WHERE id ="
                 " (SELECT max(id) FROM txn WHERE op = 'freeze') ORDER BY n")
    if rows != [("held",), ("done",)]:
        fail("recorded: %r" % rows)
    if query(HISTORY, "SELECT name FROM known") != [("client",)]:
        fail("known: %r" % query(HISTORY, "SELECT name FROM known"))


def proof():
    """Nothing goes to the history between the held commit and the thaw."""
    vss, client = host(), Client(SOCKET)
    client.register("client")
    vss.ask("freeze")
    request = client.request("FREEZE")
    client.answer("READY", "freeze", request)
    # While the held row is being committed (the history takes its time).
    await_true(lambda: "COMMIT" in open(DIR + "/rows").read(), "a COMMIT")
    client.register("other")
    client.say("PROGRESS name=client id=%s percent=99" % request["id"])
    vss.expect(True)
    client.ask("UNREGISTER name=other", "OK verb=UNREGISTER")
    if client.status()[0]["state"] != "held":
        fail("not held: %r" % client.status())
    time.sleep(0.5)
    rows = open(DIR + "/rows").read().split("\n")
    if not rows[-2].startswith("ACK "):
        fail("rows behind the commit: %r" % rows[rows.index("COMMIT"):])
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    await_true(lambda: "name=other" in open(DIR + "/rows").read(),
               "the rows that waited")


def ready():
    """Who is ready when all have answered is recorded, at once, and nobody
    else."""
    vss, client = host(), Client(SOCKET)
    for name in ("first", "failing", "last"):
        client.register(name)
    vss.ask("freeze")
    requests = {}
    for _ in range(3):
        request = client.request("FREEZE")
        requests[request["name"]] = request

    def rows():
        with open(DIR + "/rows") as lines:
            return [line for line in lines if "state=held" in line or
                    line.startswith(("HELD", "COMMIT"))]
    before = len(rows())
    for name in ("first", "failing"):
        client.answer("READY", "freeze", requests[name])
    client.answer("FAIL", "freeze", requests["failing"])
    thaw = client.request("THAW")
    client.answer("READY", "thaw", thaw)
    client.answer("READY", "freeze", requests["last"])
    vss.expect(True)
    found = [line.split()[0] for line in rows()[before:]]
    names = re.findall(r'\[\\"([^"\\]+)', "".join(rows()[before:]))
    if found != ["HELD", "STATE", "COMMIT"] or names != ["first", "last"]:
        fail("the history was told %r" % rows()[before:])
    vss.ask("thaw")
    for _ in range(2):
        client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)


def retracted():
    """Who fails while the held row is committed is not called ready by it."""
    vss, client = host(), Client(SOCKET)
    client.register("steady")
    client.register("failing")
    await_true(lambda: os.path.exists(DIR + "/rows") and
               client.status()[0]["history"] != "down", "a history")
    with open(DIR + "/rows") as lines:
        before = len(lines.readlines())

    def rows():
        with open(DIR + "/rows") as lines:
            return [line for line in lines.readlines()[before:] if
                    re.match("HELD |STATE .*=held |COMMIT", line)]
    open(DIR + "/wait", "w").close()
    vss.ask("freeze")
    for _ in range(2):
        request = client.request("FREEZE")
        client.answer("READY", "freeze", request)
    await_true(lambda: any(line.startswith("COMMIT") for line in rows()),
               "a COMMIT")
    client.answer("FAIL", "freeze", dict(request, name="failing"))
    thaw = client.request("THAW")
    os.unlink(DIR + "/wait")
    vss.expect(True)
    client.answer("READY", "thaw", thaw)
    found = [" ".join(re.findall(
        r'^[A-Z]+|proof=\d+|consistency=\w+|(?<=\[\\")\w+', line))
             for line in rows()]
    if found != ["HELD proof=1 steady failing",
                 "STATE consistency=application", "COMMIT",
                 "HELD proof=2 steady",
                 "STATE consistency=filesystem", "COMMIT"]:
        fail("the history was told %r" % rows())
    vss.ask("thaw")
    client.answer("READY", "thaw", client.request("THAW"))
    vss.expect(True)
    for name in ("steady", "failing"):
        client.ask("UNREGISTER name=" + name, "OK verb=UNREGISTER")


def lost_answer():
    """Leaves a THAW that is answered when the device has just gone."""
    vss, client = host(), Client(SOCKET)
    broker = int(client.status()[0]["pid"])
    sim = int(open(DIR + "/sim.pid").read())
    client.register("client")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    vss.ask("thaw")
    request = client.request("THAW")
    os.kill(broker, signal.SIGSTOP)
    os.kill(sim, signal.SIGKILL)
    await_true(lambda: not os.path.exists("/proc/%d/fd/0" % sim), "sim's end")
    client.answer("READY", "thaw", request)
    os.kill(broker, signal.SIGCONT)
    client.await_state("idle")
    item = client.status()[0]
    if (item["outcome"], item["consistency"]) != ("lost", "none"):
        fail("the host was not told, but: %r" % item)


def new_device():
    """A device that is new while the old one's participants thaw."""
    vss, client = host(), Client(SOCKET)
    sim = int(open(DIR + "/sim.pid").read())
    client.register("client")
    vss.ask("freeze")
    client.answer("READY", "freeze", client.request("FREEZE"))
    vss.expect(True)
    os.kill(sim, signal.SIGKILL)
    request = client.request("THAW")
    if request["reason"] != "lost":
        fail("thawed because %r" % request)
    other = subprocess.Popen(["kernel/sim/hv_vss_sim", "-d", DIR + "/dev"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)
    with open(DIR + "/other.pid", "w") as pid:
        print(other.pid, file=pid)
    await_true(lambda: client.status()[0]["device"] == "open", "a new device")
    # Its first request has the same number as that of the old one.
    print("negotiate\nfreeze", file=other.stdin, flush=True)
    if not any("op=FREEZE status=0x8" in line for line in
               iter(other.stdout.readline, "")):
        fail("the other host was not turned down")
    client.answer("READY", "thaw", request)
    client.await_state("idle")
    await_true(lambda: query(HISTORY, LAST)[0][0] != "held", "a record")
    if query(HISTORY, LAST) != [("lost", "none", "unknown")]:
        fail("recorded: %r" % query(HISTORY, LAST))


globals()[sys.argv[1]]()
