#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Freezes the applications, runs a command, thaws them.

    requestor.py [--hold-ms N] -- COMMAND [ARGUMENT ...]

Exits with the status of the command (128 and its number if a signal killed it),
with 75 if the hold was lost before the command had ended, so that what it
copied must not be used, and with 69 if nothing was frozen: then the command did
not run.  Written from appvss-protocol(7) alone.
"""

import argparse
import signal
import subprocess
import sys

from appvss_line import SOCKET, Connection, ProtocolError, Signals

EX_UNAVAILABLE = 69
EX_TEMPFAIL = 75


class Hold:
    """The applications, frozen from with to its end.

    lost is the reason why the hold is over, as soon as that is known, and
    then what was copied is worth nothing.  After the with it is certain, and
    consistency says what the copy is worth: filesystem if some participant has
    failed."""

    def __init__(self, broker, hold_ms=None):
        self.broker = broker
        self.hold_ms = hold_ms
        self.lost = None

    def __enter__(self):
        self.broker.send("FREEZE", hold_ms=self.hold_ms)
        keys = self.answer("FREEZE").keys
        self.id = keys["id"]
        self.consistency = keys["consistency"]
        return self

    def __exit__(self, *_):
        try:
            if self.lost is None:
                self.broker.send("THAW", id=self.id)
                self.consistency = self.answer("THAW").keys["consistency"]
        except (OSError, ProtocolError) as error:
            self.lost = error

    def answer(self, verb):
        line = self.broker.await_line(lambda line: line.verb in (
            "OK", "ERROR") and line.keys.get("verb") == verb)
        if line.verb == "ERROR":
            raise ProtocolError(verb, " ".join(
                line.keys[key] for key in ("code", "name", "text")
                if key in line.keys))
        return line

    def watch(self):
        """Returns when a signal came, or when the broker has said something
        that is now in lost."""
        try:
            line = self.broker.receive()
            if line and line.verb == "EVENT" and \
                    line.keys.get("kind") == "released":
                self.lost = line.keys.get("reason", "released")
        except (OSError, ProtocolError) as error:
            self.lost = error


def run(hold, signals, command):
    """The status of the command, which is told to end if we are."""
    signals.catch(signal.SIGTERM, signal.SIGINT)
    try:
        process = subprocess.Popen(command)
    except OSError as error:
        say(error)
        return 127
    while process.poll() is None:
        if hold.lost is None:
            hold.watch()
        else:
            signals.wait(None)
        for number in signals.seen - {signal.SIGCHLD}:
            process.send_signal(number)
            signals.seen.discard(number)
    status = process.returncode
    return status if status >= 0 else 128 - status


def say(message):
    sys.stderr.write("requestor.py: %s\n" % ascii(str(message))[1:-1])


def main():
    parser = argparse.ArgumentParser(
        description="Runs a command while the applications are frozen.")
    parser.add_argument("--hold-ms", type=int)
    parser.add_argument("--socket", default=SOCKET, metavar="PATH")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signals = Signals(signal.SIGCHLD)
    try:
        with Connection(args.socket, "requestor.py", signals) as broker:
            with Hold(broker, args.hold_ms) as hold:
                status = run(hold, signals, args.command)
    except (OSError, KeyError, ProtocolError) as error:
        say(error)
        return EX_UNAVAILABLE
    if hold.lost is not None:
        say("the hold was lost: %s" % hold.lost)
        return EX_TEMPFAIL
    if hold.consistency != "application":
        say("consistency %s: not everybody was frozen" % hold.consistency)
    return status


if __name__ == "__main__":
    sys.exit(main())
