#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""A script of vss.d(7) in Python, for an application with a control socket that
takes the lines "pause" and "resume" and answers "ok".  To use it, set SOCKET and

    install -m 755 examples/hook.py /usr/local/etc/vss.d/example

The -B above matters: without it Python may write compiled modules to a disk that
is frozen, and sleep there until it thaws.
"""
import os
import socket
import sys

SOCKET = os.environ.get("EXAMPLE_SOCKET", "/var/run/example.sock")


def ask(line):
    # 0: nobody waits for an answer.  Leave some time to say what went wrong.
    limit_s = int(os.environ.get("APPVSS_DEADLINE_MS", "0")) / 1000 or 5
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(limit_s * 0.8)
        control.connect(SOCKET)
        control.sendall(line.encode() + b"\n")
        answer = control.makefile().readline().strip()
    if answer != "ok":
        sys.exit("example: %s: %s" % (line, answer or "no answer"))


def main():
    operation = sys.argv[1] if len(sys.argv) == 2 else ""
    try:
        if operation == "freeze":
            ask("pause")
        elif operation == "thaw":
            ask("resume")
        else:
            sys.exit("usage: hook.py freeze|thaw")
    except (FileNotFoundError, ConnectionRefusedError) as error:
        # What does not run does not write, and has nothing to resume.
        if operation == "freeze":
            sys.exit("example: %s: %s" % (SOCKET, error.strerror))
    except OSError as error:
        sys.exit("example: %s: %s" % (SOCKET, error))


main()
