# SPDX-License-Identifier: BSD-2-Clause
"""appvss-protocol(7), line by line, against a running broker: what is sent, and
the bytes that come back.  Every code of an ERROR that the page names is provoked,
and no other is seen.

usage: broker_table.py SOCKET PARENT_PID CONFIG

The broker has the configuration of broker_socket.sh, and is ended here.
"""

import os
import re
import signal
import sys
import time

from broker_rig import Client, await_true, fail

SOCKET = sys.argv[1]
PARENT = int(sys.argv[2])
CONFIG = sys.argv[3]
NOBODY = b'ERROR code=unknown_name verb=FORGET name=nobody' \
    b' text="no such participant"\n'
WELCOME = b"WELCOME version=1\n"
END = None              # the broker ends the connection
DAY_MS = 86400000
ID_MAX = 2 ** 63 - 1
seen = set()


class Raw(Client):
    """Bytes as they are."""

    def __init__(self, hello=True):
        super().__init__(SOCKET, hello)

    def put(self, data):
        if data:
            self.sock.sendall(data)

    def line(self):
        line = super().line()
        if line and line.startswith("ERROR code="):
            seen.add(line.split()[1][5:])
        return line

    def leave(self):
        """Its place is free when this returns."""
        check(self, b"QUIT\n", b"OK verb=QUIT\n", END)

    def get(self):
        """A line with its end; END."""
        line = self.line()
        return END if line is None else line.encode() + b"\n"

    def request(self, verb):
        return dict(re.findall(r"([a-z_]+)=(\S+)", self.expect(verb + " ")))


def check(client, sent, *expected):
    client.put(sent)
    for line in expected:
        got = client.get()
        if got != line:
            fail("sent %r: got %r, not %r" % (sent[:200], got, line))


def error(code, more=""):
    return ("ERROR code=%s%s\n" % (code, more and " " + more)).encode()


def bad(verb, key):
    return error("bad_value", "verb=%s text=%s" % (verb, key))


def ok(verb, name):
    return ("OK verb=%s name=%s\n" % (verb, name)).encode()


def sized(length, end=b"\n"):
    """A good line of so many bytes."""
    head, tail = b'FORGET name=nobody x="', b'"' + end
    return head + b"x" * (length - len(head) - len(tail)) + tail


def keys(count):
    """So many keys, name among them."""
    return b"FORGET name=nobody" + b"".join(
        b" %c%c=1" % (97 + i // 26, 97 + i % 26) for i in range(count - 1)) + \
        b"\n"


def table_start():
    first = error("hello_first",
                  'text="the first message must be HELLO version=1"')
    return [
        (b"HELLO version=1\n", WELCOME),
        (b'HELLO version="1" program=""\n', WELCOME),
        (b"HELLO version=1 program=%s\n" % (b"p" * 128), WELCOME),
        (b"HELLO version=1 program=%s\n" % (b"p" * 129),
         error("bad_value", "text=program"), END),
        (b"HELLO program=me\n", error("missing_key", "text=version"), END),
        (b"HELLO version=01\n", error("bad_value", "text=version"), END),
        (b"HELLO version=1 version=1\n",
         error("duplicate_key", "text=version"), END),
        (b"HELLO version=2\n",
         error("version", 'text="only version 1 is spoken"'), END),
        (b"STATUS\n", first, END),
        (b"REGISTER name=early\n", first, END),
        (b"NONSENSE\n", error("unknown_verb", "text=NONSENSE"), END),
        (b"hello version=1\n", error("grammar"), END),
        # Without waiting for answers, they come in order.
        (b"HELLO version=1\nFORGET name=nobody\nFORGET name=nobody\n", WELCOME,
         NOBODY, NOBODY),
    ]


def table_grammar():
    """After each line: does the broker go on, or is it the end?"""
    good = [
        b"FORGET name=nobody", b'FORGET name="nobody"',
        b'FORGET name="\\x6eobody"', b'FORGET name="\\x6Eobody"',
        b"FORGET colour=red name=nobody", b'FORGET name=nobody _="" x=a=b',
        b"FORGET name=nobody x=\x80\xff", b'FORGET name=nobody x="\xc3\xa4"',
        b'FORGET name=nobody x="\\"\\\\\\n\\t\\x01\\xff"',
        sized(4096)[:-1], keys(64)[:-1],
    ]
    ends = [
        b"", b" ", b"FORGET name=nobody ", b" FORGET name=nobody",
        b"FORGET  name=nobody", b"FORGET\tname=nobody", b"FORGET name=nobody\r",
        b"forget name=nobody", b"FORGET name", b"FORGET =nobody",
        b"FORGET name=", b"FORGET Name=nobody", b"FORGET name2=nobody",
        b"FORGET name = nobody", b"FORGET name=no\"body", b"FORGET name=\\x6e",
        b'FORGET name="nobody', b'FORGET name="nobody"x', b'FORGET name="a"b"',
        b'FORGET name="\\q"', b'FORGET name="\\x6"', b'FORGET name="\\xg0"',
        b'FORGET name="nobody\\', b'FORGET name="\\x00"', b'FORGET name="\0"',
        b"FORGET name=nobody\0", b"\0", b'FORGET x="\x1f"', b'FORGET x="\x7f"',
        b'FORGET x="\t"', b"FORGET x=\x7f", b"\xff", keys(65)[:-1],
        # What breaks the grammar comes before any other mistake.
        b"FORGET name=../etc name=x =", b"NONSENSE =",
    ]
    return [(line + b"\n", NOBODY) for line in good] + \
        [(line + b"\n", error("grammar"), END) for line in ends] + [
            (sized(4097), error("too_long"), END),
            (sized(4097, b""), error("too_long"), END),
            (sized(9000), error("too_long"), END),
            (b"A" * 4096, error("too_long"), END)]


def table_lines():
    """Mistakes that cost nothing but an answer."""
    unknown = [(verb + b"\n", error("unknown_verb", "text=" + verb.decode()))
               for verb in (b"NONSENSE", b"WELCOME", b"ITEM", b"EVENT", b"OK")]
    missing = [(line.encode() + b"\n", error(
        "missing_key", "verb=%s text=%s" % (line.split()[0], key)))
        for line, key in (
            ("REGISTER", "name"), ("UNREGISTER", "name"), ("FORGET", "name"),
            ("READY id=1 op=freeze", "name"), ("READY name=a op=freeze", "id"),
            ("READY name=a id=1", "op"), ("FAIL name=a id=1", "op"),
            ("PROGRESS name=a", "id"), ("HELLO", "version"))]
    return unknown + missing + [
        (b"A" * 65 + b" x=1\n", error("unknown_verb", "text=" + "A" * 64)),
        (b"FORGET name=a name=b\n",
         error("duplicate_key", "verb=FORGET text=name")),
        (b"FORGET name=a x=1 x=1\n",
         error("duplicate_key", "verb=FORGET text=x")),
        # What stands first is told, and what is missing last.
        (b"REGISTER order=100 freeze_ms=0\n", bad("REGISTER", "order")),
        (b"FORGET x=1 x=2 name=../etc\n",
         error("duplicate_key", "verb=FORGET text=x")),
        (b"HELLO version=1\n", error("again", "verb=HELLO")),
        (b"SUBSCRIBE\n", b"OK verb=SUBSCRIBE\n"),
        (b"SUBSCRIBE\n", error("again", "verb=SUBSCRIBE")),
        (b"UNREGISTER name=nobody\n",
         error("unknown_name", "verb=UNREGISTER name=nobody")),
        (b"FORGET name=must\n", error(
            "expected", "verb=FORGET name=must"
            ' text="the configuration expects this participant"')),
        (b"REGISTER name=t required=1\n", error(
            "denied", "verb=REGISTER name=t"
            ' text="being required needs a configuration entry"')),
        (b"REGISTER name=t order=51\n", error(
            "denied", "verb=REGISTER name=t"
            ' text="an order other than 50 needs a configuration entry"')),
        (b"THAW\n", error("not_frozen", "verb=THAW")),
        (b"THAW id=7\n", error("not_frozen", "verb=THAW id=7")),
        (b"FREEZE hold_ms=5001\n", error(
            "limit", "verb=FREEZE"
            ' text="hold_ms is more than the configuration allows"')),
    ]


# Verb, the keys that it needs, then a key with values that are good and bad.
# The good lines of these verbs have no answer, or one that is checked elsewhere.
LIMITS = [
    ("READY", "id=1 op=freeze", "name", ["a", "Z.9_-", "n" * 64],
     ['""', "n" * 65, "a/b", '"a b"', '"\\xc3\\xa4"']),
    ("READY", "name=a op=freeze", "id", [0, 1, ID_MAX],
     [ID_MAX + 1, 2 ** 64, 10 ** 30, "01", "+1", "-1", "1.0", "0x1", '""']),
    ("FAIL", "name=a id=1", "op", ["freeze", "other", "w_9", "w" * 64],
     ['""', "Freeze", "w" * 65, "a-b"]),
    ("FAIL", "name=a id=1 op=freeze", "text",
     ['""', "t" * 512, '"%s"' % ("\\x01" * 512)], ["t" * 513,
                                                   '"%s"' % ("\\x01" * 513)]),
    ("PROGRESS", "name=a id=1", "percent", [0, 100], [101, "00"]),
    ("PROGRESS", "name=a id=1", "remaining_ms", [0, DAY_MS], [DAY_MS + 1]),
    ("PROGRESS", "name=a id=1", "text", ["t" * 512], ["t" * 513]),
    ("REGISTER", "name=t", "order", [], [100, "-1", "050"]),
    ("REGISTER", "name=t", "required", [], [2, "yes"]),
    ("REGISTER", "name=t", "check", [0, 1], [2]),
    ("REGISTER", "name=t", "freeze_ms", [1, 900000], [0, 900001]),
    ("REGISTER", "name=t", "thaw_ms", [1, 900000], [0, 900001]),
    ("REGISTER", "name=t", "program", ['""', "p" * 128], ["p" * 129]),
    ("FREEZE", "detach=0", "hold_ms", [], [0, DAY_MS + 1]),
    ("FREEZE", "hold_ms=1", "detach", [], [2]),
    ("THAW", "x=1", "id", [], [ID_MAX + 1]),
]


def limits():
    client = Raw()
    for verb, needs, key, good, wrong in LIMITS:
        answer = [ok(verb, "t")] if verb == "REGISTER" else []
        for value in good:
            check(client, ("%s %s %s=%s\nFORGET name=nobody\n" %
                           (verb, needs, key, value)).encode(),
                  *answer, NOBODY)
        for value in wrong:
            check(client, ("%s %s %s=%s\n" % (verb, needs, key, value)).encode(),
                  bad(verb, key))
    check(client, b"UNREGISTER name=t\n", ok("UNREGISTER", "t"))
    client.leave()


def lines():
    for row in table_start():
        client = Raw(hello=False)
        check(client, *row)
        if row[-1] is not END:
            client.leave()
    for row in table_grammar():
        client = Raw()
        check(client, *row)
        if row[-1] is not END:
            check(client, b"FORGET name=nobody\n", NOBODY)
            client.leave()
    client = Raw()
    for row in table_lines():
        check(client, *row)
    client.leave()


def known(client):
    return {name for name, item in client.status()[1].items()
            if item["present"] == "1"}


def names():
    """4 names with the configuration's one, and 6 connections."""
    first, second = Raw(), Raw()
    for name in "abc":
        check(first, b"REGISTER name=%s\n" % name.encode(),
              ok("REGISTER", name))
    check(first, b"REGISTER name=a check=1\n", ok("REGISTER", "a"))
    check(first, b"REGISTER name=d\n", error(
        "limit",
        'verb=REGISTER name=d text="too many participants are known"'))
    check(second, b"REGISTER name=a\n", error(
        "name_taken",
        'verb=REGISTER name=a text="another connection has this name"'))
    check(second, b"FORGET name=a\n", error(
        "present", 'verb=FORGET name=a text="the participant is connected"'))
    check(second, b"UNREGISTER name=a\n",
          error("unknown_name", "verb=UNREGISTER name=a"))
    # To close one's sending half is to close.
    first.sock.shutdown(1)
    check(first, b"", END)
    await_true(lambda: not known(second), "nobody")
    for name in "abc":
        check(second, b"FORGET name=%s\n" % name.encode(), ok("FORGET", name))
    others = [Raw() for _ in range(5)]
    refused = Raw(hello=False)
    check(refused, b"", error("too_many_clients"), END)
    for client in [second] + others:
        client.leave()


def reload():
    """With a mistake, the first one; without one, OK and no more."""
    client, conf = Raw(), os.path.dirname(SOCKET) + "/table.conf"
    with open(conf) as file:
        good = file.read()
    with open(conf, "a") as file:
        file.write("nonsense = 1\n")
    text = '%s:%d: no such word: \\"nonsense\\"' % (conf, good.count("\n") + 1)
    check(client, b"RELOAD\n", error("config",
                                     'verb=RELOAD text="%s"' % text))
    with open(conf, "w") as file:
        file.write(good)
    check(client, b"RELOAD\n", b"OK verb=RELOAD\n")
    client.leave()


def ask(requestor, line, pattern):
    """The id in the answer, which is of this form byte by byte."""
    requestor.say(line)
    return expect(requestor, pattern)


def expect(client, pattern):
    line = client.line()
    match = re.fullmatch(pattern.replace("ID", r"(?:[0-9]+)"), line or "")
    if not match:
        fail("got %r, not %r" % (line, pattern))


def aborted(code, more=""):
    return "ERROR code=%s verb=FREEZE%s id=ID outcome=aborted" \
        " consistency=none" % (code, more)


def requestors():
    must, requestor, other = Raw(), Raw(), Raw()

    def thaw(reason):
        request = must.request("THAW")
        if request["reason"] != reason:
            fail("thawed because of %r" % request)
        must.answer("READY", "thaw", request)

    def freeze():
        requestor.say("FREEZE hold_ms=5000")
        must.answer("READY", "freeze", must.request("FREEZE"))
        expect(requestor, "OK verb=FREEZE id=ID consistency=application"
               " hold_ms=5000")

    must.register("must")
    ask(requestor, "HISTORY id=%d" % ID_MAX,
        "ERROR code=unknown_id verb=HISTORY.*")
    ask(requestor, "CHECK", "OK verb=CHECK id=ID outcome=done consistency=none")
    requestor.say("FREEZE")
    must.answer("FAIL", "freeze", must.request("FREEZE"), "text=no")
    thaw("aborted")
    expect(requestor, aborted("failed", " name=must text=no"))
    must.register("must", "freeze_ms=100")
    requestor.say("FREEZE")
    must.request("FREEZE")
    thaw("aborted")
    expect(requestor, aborted("timeout", " name=must"))
    must.register("must")
    requestor.say("FREEZE")
    must.request("FREEZE")
    ask(other, "FREEZE", "ERROR code=busy verb=FREEZE")
    ask(other, "CHECK", "ERROR code=busy verb=CHECK")
    ask(other, "HISTORY", 'ERROR code=unavailable verb=HISTORY text=".*"')
    ask(requestor, "THAW", "ERROR code=not_frozen verb=THAW id=ID"
        " outcome=aborted consistency=none")
    expect(requestor, aborted("host_thaw"))
    thaw("aborted")

    freeze()
    ask(other, "THAW", "ERROR code=not_frozen verb=THAW")
    requestor.say("THAW")
    thaw("done")
    expect(requestor, "OK verb=THAW id=ID outcome=done consistency=application")
    requestor.say("FREEZE hold_ms=1")
    must.answer("READY", "freeze", must.request("FREEZE"))
    expect(requestor, "OK verb=FREEZE id=ID consistency=application hold_ms=1")
    thaw("expired")
    expect(requestor, "EVENT kind=released id=ID outcome=expired"
           " consistency=none reason=no_thaw")
    ask(requestor, "THAW", "ERROR code=no_thaw verb=THAW id=ID outcome=expired"
        ' consistency=none text="the hold was over before"')

    holder = Raw()
    holder.say("FREEZE hold_ms=5000")
    must.answer("READY", "freeze", must.request("FREEZE"))
    number = re.search(r" id=([0-9]+) ", holder.line()).group(1)
    holder.sock.close()
    thaw("lost")
    other.await_state("idle")
    ask(other, "THAW id=" + number, "ERROR code=source_gone verb=THAW id=ID"
        ' outcome=lost consistency=none text="the hold was over before"')

    # A thaw that is not confirmed is owed, and asked for again.
    freeze()
    requestor.say("THAW")
    request = must.request("THAW")
    expect(requestor, "OK verb=THAW id=ID outcome=done consistency=application")
    ask(requestor, "FREEZE", aborted("owes_thaw", " name=must"))
    again = must.request("THAW")
    if again["id"] != request["id"]:
        fail("%r is asked for again as %r" % (request, again))
    must.answer("READY", "thaw", again)

    freeze()
    must.sock.close()
    await_true(lambda: not known(other), "nobody")
    ask(requestor, "THAW", "ERROR code=disconnected verb=THAW name=must id=ID"
        " outcome=aborted consistency=none")
    ask(requestor, "FREEZE", aborted("absent", " name=must"))
    must = Raw()
    must.register("must")
    requestor.say("FREEZE")
    must.request("FREEZE")
    must.sock.close()
    expect(requestor, aborted("disconnected", " name=must"))


def reloads():
    """The mistake is told, and the configuration before it stays."""
    client = Raw()
    with open(CONFIG) as file:
        good = file.read()
    with open(CONFIG, "a") as file:
        file.write("max_names = many\n")
    ask(client, "RELOAD", 'ERROR code=config verb=RELOAD text=".*table.conf.*"')
    with open(CONFIG, "w") as file:
        file.write(good)
    ask(client, "RELOAD", "OK verb=RELOAD")
    client.leave()


class Trio:
    """A freeze that waits for one of two participants."""

    def __init__(self):
        self.must, self.app, self.requestor = Raw(), Raw(), Raw()
        self.must.register("must")
        self.app.register("app")
        self.requestor.say("FREEZE")
        self.must.answer("READY", "freeze", self.must.request("FREEZE"))
        self.request = self.app.request("FREEZE")
        await_true(lambda: self.requestor.status()[1]["must"]["state"] ==
                   "frozen", "must is frozen")

    def end(self, code):
        for client in self.must, self.app:
            client.answer("READY", "thaw", client.request("THAW"))
        expect(self.requestor, aborted(code))


def late():
    """A broker that stands still for longer than the driver would wait."""
    trio = Trio()
    pid = int(trio.requestor.status()[0]["pid"])
    os.kill(pid, signal.SIGSTOP)
    try:
        trio.app.answer("READY", "freeze", trio.request)
        time.sleep(5.5)
    finally:
        os.kill(pid, signal.SIGCONT)
    trio.end("late")
    for client in trio.must, trio.app, trio.requestor:
        client.leave()


def shutdown():
    trio = Trio()
    os.kill(PARENT, signal.SIGTERM)
    trio.end("shutdown")


def documented():
    """The codes that the page names."""
    with open("sdk/appvss-protocol.7") as page:
        text = page.read()
    errors = text[text.index(".Ss Errors"):text.index(".Ss The start")]
    codes = set(re.findall(r"^\.It Li (\S+)$", errors, re.M))
    words = text[text.index(".Sh REQUESTORS"):text.index(".Sh BROKER TO")]
    for item in re.findall(r"^\.It Li ERROR.*?^\.(?:It|El)", words,
                           re.M | re.S):
        for line in re.findall(r"^\.Li ([a-z_ ,]+)$", item, re.M):
            codes |= set(line.replace(",", " ").split())
    return codes - {"code", "name", "text"}


def main():
    silent = Raw(hello=False)
    lines()
    limits()
    check(silent, b"", error("hello_first", 'text="no HELLO in time"'), END)
    names()
    reload()
    requestors()
    reloads()
    late()
    shutdown()
    if seen != documented():
        fail("only in the manual: %s; only seen: %s" % (
            documented() - seen, seen - documented()))
    print("%d codes" % len(seen))


main()
