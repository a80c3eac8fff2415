#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A participant that runs a command to freeze and one to thaw.

Written from appvss-protocol(7) alone.  Class Participant takes functions as
well: import it for an application in Python.  While frozen it prints nothing,
since standard error may be a file on a frozen file system.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

from appvss_line import (SOCKET, Connection, ProtocolError, Signals, as_text,
                         encode)

BACKOFF_S = (0.2, 10)   # between two connections: the first wait, the longest
RETRY_S = 1             # between two thaws of our own, if the first fails
LEAVE_S = 5             # for the answer to UNREGISTER
ALONE_S = 30            # for a thaw that nobody asked for
HOPELESS = ("version", "bad_value", "missing_key", "denied")


class Participant:
    """Registers, answers, and thaws by itself when nobody else would.

    freeze, thaw and check are called with the seconds that are left, and
    return a text for people or None; an exception is a FAIL.  thaw must not
    mind to be called for something that is not frozen.  It handles SIGTERM and
    SIGINT, so run() belongs to the main thread."""

    def __init__(self, name, freeze, thaw, check=None, path=SOCKET, **options):
        options["check"] = int(check is not None)
        self.calls = {"freeze": freeze, "thaw": thaw, "check": check}
        self.name = name
        self.path = path
        self.options = options
        self.held = None            # id of the FREEZE, from before its answer
        self.thaw_at = None         # when we thaw by ourselves
        self.kept = []              # what could not be printed while frozen
        self.signals = Signals(signal.SIGTERM, signal.SIGINT)
        encode("REGISTER", dict(options, name=name))

    def log(self, message):
        """For people, on any terminal: one line of printable ASCII."""
        self.kept.append("%s: %s\n" % (self.name, ascii(str(message))[1:-1]))
        if self.held is None:
            sys.stderr.write("".join(self.kept))
            sys.stderr.flush()
            self.kept = []

    def run(self):
        """Until SIGTERM or SIGINT; 0, or 1 if it can never register."""
        wait = BACKOFF_S[0]
        while not self.signals.seen:
            began = time.monotonic()
            try:
                with Connection(self.path, self.name, self.signals) as broker:
                    self.serve(broker)
            except ProtocolError as error:
                self.log(error)
                if error.code in HOPELESS:
                    return 1
            except (OSError, KeyError, ValueError) as error:
                self.log(error)
            while not self.thaw_alone("the connection ended"):
                self.signals.wait(RETRY_S)
            if time.monotonic() - began > BACKOFF_S[1]:
                wait = BACKOFF_S[0]
            if not self.signals.seen:
                self.signals.wait(wait)
            wait = min(2 * wait, BACKOFF_S[1])
        return 0

    def serve(self, broker):
        """One connection, from REGISTER on until UNREGISTER is answered."""
        broker.send("REGISTER", name=self.name, **self.options)
        while not self.signals.seen:
            line = broker.receive(self.thaw_at)
            if line:
                self.obey(broker, line)
            elif self.thaw_at and time.monotonic() >= self.thaw_at:
                self.give_up(broker, "no THAW came")
        while not self.give_up(broker, "it ends"):
            self.signals.wait(RETRY_S)
        broker.send("UNREGISTER", name=self.name)
        broker.await_line(lambda l: l.keys.get("verb") == "UNREGISTER", LEAVE_S)

    def obey(self, broker, line):
        if line.verb == "OK" and line.keys.get("verb") == "REGISTER":
            self.log("registered")
        elif line.verb == "ERROR" and line.keys.get("verb") == "REGISTER":
            raise ProtocolError("REGISTER", line.keys["code"])
        elif line.verb == "ERROR":
            self.log("the broker says: %s" % line.keys)
        elif line.verb in ("CHECK", "FREEZE", "THAW"):
            self.operate(broker, line)

    def operate(self, broker, line):
        op, number = line.verb.lower(), line.keys["id"]
        call, left = self.calls[op], int(line.keys["remaining_ms"]) / 1000
        if op == "freeze":
            self.held = number
            self.thaw_at = time.monotonic() + int(line.keys["hold_ms"]) / 1000
        elif op == "thaw" and number != self.held:
            call = None             # not frozen, or not any more
        try:
            verb, text = "READY", call(left) if call else None
        except Exception as error:
            verb, text = "FAIL", error
        if op == "thaw" and verb == "READY" and call:
            self.thawed()
        broker.send(verb, name=self.name, id=number, op=op,
                    text=None if text is None else as_text(text))
        self.log("%s %s: %s" % (op, number, verb))

    def give_up(self, broker, reason):
        """Tells the broker that the freeze does not hold, then ends it."""
        if self.held is not None:
            broker.send("FAIL", name=self.name, id=self.held, op="freeze",
                        text=reason)
        return self.thaw_alone(reason)

    def thaw_alone(self, reason):
        """True if nothing is frozen any more."""
        if self.held is None:
            return True
        try:
            self.calls["thaw"](ALONE_S)
        except Exception as error:
            self.log("cannot thaw: %s" % error)
            self.thaw_at = time.monotonic() + RETRY_S
            return False
        self.thawed()
        self.log("thawed by itself: " + reason)
        return True

    def thawed(self):
        self.held = self.thaw_at = None


class Command:
    """A shell command; what it prints is the text.  It is killed when its time
    is over, but a thaw is not: it may sleep on a disk that is still frozen, and
    the next call waits for it again."""

    def __init__(self, line, kill=True):
        self.line = line
        self.kill = kill
        self.process = None

    def __call__(self, seconds):
        if self.process is None:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", self.line], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True)
        process = self.process
        try:
            output = process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            if self.kill:
                os.killpg(process.pid, signal.SIGKILL)
                self.process = None
            raise TimeoutError("still running after %.1f s" % seconds)
        self.process = None
        text = output.decode("utf-8", "surrogateescape").rstrip("\n")
        if process.returncode != 0:
            raise RuntimeError(text or "exit status %d" % process.returncode)
        return text


def guard(freeze, thaw):
    """The two functions, watched by a process that thaws when we are killed
    between them.  A freeze that still runs then may end after that thaw."""
    watched, pipe = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.close(pipe)
        last = b"T"
        for last in iter(lambda: os.read(watched, 1), b""):
            pass
        if last == b"F":
            thaw(ALONE_S)
        os._exit(0)
    os.close(watched)

    def guarded_freeze(seconds):
        os.write(pipe, b"F")
        return freeze(seconds)

    def guarded_thaw(seconds):
        text = thaw(seconds)
        os.write(pipe, b"T")
        return text
    return guarded_freeze, guarded_thaw


def main():
    parser = argparse.ArgumentParser(
        description="Takes part in snapshots by running shell commands.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--freeze", required=True, metavar="CMD")
    parser.add_argument("--thaw", required=True, metavar="CMD")
    parser.add_argument("--check", metavar="CMD")
    parser.add_argument("--required", action="store_true",
                        help="without it there is no snapshot")
    parser.add_argument("--program", default="participant.py")
    parser.add_argument("--order", type=int)
    parser.add_argument("--freeze-ms", type=int)
    parser.add_argument("--thaw-ms", type=int)
    parser.add_argument("--socket", default=SOCKET, metavar="PATH")
    args = parser.parse_args()
    freeze, thaw = guard(Command(args.freeze), Command(args.thaw, kill=False))
    return Participant(
        args.name, freeze, thaw, args.check and Command(args.check), args.socket,
        program=args.program, required=int(args.required),
        order=args.order, freeze_ms=args.freeze_ms,
        thaw_ms=args.thaw_ms).run()


if __name__ == "__main__":
    sys.exit(main())
