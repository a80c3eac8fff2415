# SPDX-License-Identifier: BSD-2-Clause
"""The lines of appvss-protocol(7), in plain Python 3, and a connection to
appvssd that sends and receives them.  It uses no library of appvss: it is what
a program in another language has to do.

It knows nothing of participants and requestors: see participant.py and
requestor.py.
"""

import os
import re
import select
import signal
import socket
import sys
import time
from collections import namedtuple

LINE_MAX = 4096         # with its newline
KEYS_MAX = 64
TEXT_MAX = 512          # bytes of the text of READY and FAIL
ANSWER_S = 10           # for WELCOME, and for a line to be taken
SOCKET = ("/run" if sys.platform == "linux" else "/var/run") + \
    "/appvss/appvssd.sock"

BARE = rb'[^\x00-\x20"\\\x7f]+'
QUOTED = rb'"(?:[^\x00-\x1f"\\\x7f]|\\["\\nt]|\\x(?!00)[0-9A-Fa-f]{2})*"'
PAIR = rb" ([a-z_]+)=(" + BARE + rb"|" + QUOTED + rb")"
LINE = re.compile(rb"([A-Z]+)((?: [a-z_]+=(?:" + BARE + rb"|" + QUOTED +
                  rb"))*)")
ESCAPE = re.compile(rb'\\(?:x(..)|(.))')
PLAIN = re.compile(rb"[A-Za-z0-9._/-]+")
NAMED = {b"n": b"\n", b"t": b"\t"}

Line = namedtuple("Line", "verb keys")


class ProtocolError(Exception):
    """The broker sent what is no line, or ERROR with this code."""

    def __init__(self, message, code=None):
        super().__init__(message if code is None else message + ": " + code)
        self.code = code


def quote(value):
    """The bytes of a key's value, a number or a text, as they are sent."""
    data = str(value).encode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise ValueError("a text with NUL cannot be sent")
    if PLAIN.fullmatch(data):
        return data
    out = bytearray(b'"')
    for byte in data:
        if byte in b'"\\':
            out += b"\\%c" % byte
        elif 0x20 <= byte < 0x7f:
            out.append(byte)
        else:
            out += b"\\x%02x" % byte
    return bytes(out + b'"')


def unquote(data):
    """The text that a value stands for; bytes that are no UTF-8 survive."""
    if data.startswith(b'"'):
        data = ESCAPE.sub(
            lambda m: bytes([int(m[1], 16)]) if m[1] else
            NAMED.get(m[2], m[2]), data[1:-1])
    return data.decode("utf-8", "surrogateescape")


def encode(verb, keys):
    """One line.  Keys that are None are left out."""
    words = [verb.encode()] + [
        key.encode() + b"=" + quote(value)
        for key, value in keys.items() if value is not None]
    line = b" ".join(words) + b"\n"
    if len(line) > LINE_MAX:
        raise ValueError("too long for a line: " + verb)
    return line


def decode(data):
    """A Line from bytes without their newline."""
    match = LINE.fullmatch(data)
    if not match or len(data) >= LINE_MAX:
        raise ProtocolError("not a line: %r" % data[:80])
    pairs = re.findall(PAIR, match[2])
    keys = {key.decode(): unquote(value) for key, value in pairs}
    if len(keys) != len(pairs) or len(pairs) > KEYS_MAX:
        raise ProtocolError("the same key twice: %r" % data[:80])
    return Line(match[1].decode(), keys)


def as_text(message):
    """message as a text of READY or FAIL; None if there is nothing to say."""
    data = str(message).replace("\0", "").encode("utf-8", "surrogateescape")
    return data[:TEXT_MAX].decode("utf-8", "surrogateescape") or None


class Signals:
    """Ends Connection.receive() when one of the signals comes; seen has those
    that came."""

    def __init__(self, *numbers):
        self.seen = set()
        self.fd, write_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(write_fd, False)
        signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
        self.catch(*numbers)

    def catch(self, *numbers):
        for number in numbers:
            signal.signal(number, lambda number, _: self.seen.add(number))

    def wait(self, seconds, *others):
        """Sleeps until a signal, for so long, or until a socket has data."""
        select.select([self.fd, *others], [], [],
                      None if seconds is None else max(0, seconds))
        try:
            os.read(self.fd, 4096)
        except BlockingIOError:
            pass


class Connection:
    """A connection that has said HELLO and heard WELCOME.  What ends it is an
    OSError or a ProtocolError."""

    def __init__(self, path, program, signals):
        self.signals = signals
        self.data = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.settimeout(ANSWER_S)
            self.socket.connect(path)
            self.send("HELLO", version=1, program=program)
            line = self.await_line(lambda l: l.verb in ("WELCOME", "ERROR"),
                                   ANSWER_S)
            if line.verb != "WELCOME":
                raise ProtocolError("HELLO", line.keys["code"])
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, verb, **keys):
        self.socket.sendall(encode(verb, keys))

    def receive(self, until=None):
        """The next Line; None when a signal or the time `until` came first."""
        while b"\n" not in self.data:
            left = None if until is None else until - time.monotonic()
            self.signals.wait(left, self.socket)
            if not select.select([self.socket], [], [], 0)[0]:
                return None
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the broker ended the connection")
            self.data += data
            if len(self.data) > LINE_MAX and b"\n" not in self.data:
                raise ProtocolError("a line without end")
        line, self.data = self.data.split(b"\n", 1)
        return decode(line)

    def await_line(self, wanted, seconds=None):
        """The next Line that is wanted; what comes before it is dropped."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            line = self.receive(until)
            if line and wanted(line):
                return line
        raise TimeoutError("the broker does not answer")
