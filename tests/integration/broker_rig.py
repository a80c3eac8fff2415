# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of a running broker share: a client, a host, a history."""

import os
import re
import socket
import subprocess
import time


def fail(text):
    raise SystemExit(text)


class Client:
    """A connection that waits for the line that it expects."""

    def __init__(self, path, hello=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(path)
        self.buffer = b""
        if hello:
            self.ask("HELLO version=1 program=test", "WELCOME version=1")

    def say(self, line):
        self.sock.sendall(line.rstrip().encode() + b"\n")

    def line(self):
        """The next line; None at the end."""
        while b"\n" not in self.buffer:
            try:
                received = self.sock.recv(65536)
            except ConnectionResetError:
                received = b""
            if not received:
                return None
            self.buffer += received
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def expect(self, prefix):
        line = self.line()
        if line is None or not line.startswith(prefix):
            fail("got %r, expected %r" % (line, prefix))
        return line

    def ask(self, line, prefix):
        self.say(line)
        return self.expect(prefix)

    def register(self, name, more=""):
        self.ask("REGISTER name=%s %s" % (name, more), "OK verb=REGISTER")

    def request(self, verb):
        """Waits for CHECK, FREEZE or THAW; its keys."""
        return dict(re.findall(r"([a-z_]+)=(\S+)", self.expect(verb + " ")))

    def answer(self, word, op, request, more=""):
        self.say("%s name=%s id=%s op=%s %s" %
                 (word, request["name"], request["id"], op, more))

    def status(self):
        """The broker's item, and those of participants by name."""
        self.say("STATUS")
        broker, participants = None, {}
        while True:
            line = self.expect("")
            if line.startswith("END"):
                return broker, participants
            keys = dict(re.findall(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)', line))
            if keys["kind"] == "broker":
                broker = keys
            elif keys["kind"] == "participant":
                participants[keys["name"]] = keys

    def await_state(self, state):
        await_true(lambda: self.status()[0]["state"] == state, state)


class Stranger(Client):
    """A connection made by another user: that is what the kernel remembers."""

    def __init__(self, path, uid, gids=(), hello=True):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups(list(gids))
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                sock.connect(path)
                socket.send_fds(theirs, [b"x"], [sock.fileno()])
                os._exit(0)
            finally:
                os._exit(1)
        theirs.close()
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        ours.close()
        if os.waitpid(pid, 0)[1] != 0 or not fds:
            fail("no connection as user %d" % uid)
        self.sock = socket.socket(fileno=fds[0])
        self.sock.settimeout(10)
        self.buffer = b""
        if hello:
            self.ask("HELLO version=1 program=stranger", "WELCOME")

    def may(self, line, good):
        """Whether it was refused for who it is, and only that."""
        self.say(line)
        answer = self.expect("")
        while answer.startswith("ITEM "):
            answer = self.expect("")
        if answer.startswith("ERROR code=denied ") == good:
            fail("%r was answered %r" % (line, answer))


class Host:
    """The simulated host: its commands and its replies."""

    def __init__(self, fifo, log):
        self.fifo = open(fifo, "wb", buffering=0)
        self.log = log

    def ask(self, command):
        self.before = self.replies()
        self.fifo.write(command.encode() + b"\n")

    def replies(self):
        with open(self.log) as log:
            return re.findall(r"^(?:reply|noreply) op=.*$", log.read(), re.M)

    def reply(self):
        await_true(lambda: len(self.replies()) > len(self.before), "a reply")
        return self.replies()[-1]

    def expect(self, good):
        reply = self.reply()
        if ("status=0x00000000" in reply) != good:
            fail("the host got %r" % reply)


def await_true(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            fail("still not: " + what)
        time.sleep(0.01)


# Who is in proofs, for query(): behind a SELECT.
PROOF = ("json_extract(j.value, '$[0]') AS name, h.id AS id"
         " FROM held AS h JOIN json_each(h.parts) AS j")


def query(path, sql):
    """Rows of texts, by the tool: not every Python has SQLite."""
    done = subprocess.run(["sqlite3", "-readonly", "-cmd", ".timeout 5000",
                           "-separator", "\x1f", path,
                           sql], capture_output=True, text=True, check=True)
    return [tuple(row.split("\x1f")) for row in done.stdout.splitlines()]
