#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plays the broker towards a history process: lines of standard input go to it,
what it answers goes to standard output.  At the end of the input it waits for
the process and exits with its status.

usage: history_feed.py PROGRAM HISTORY
A line "!await TEXT" is not sent: it waits until TEXT was answered.
"""
import socket
import subprocess
import sys
import threading

ours, theirs = socket.socketpair()
child = subprocess.Popen(
    [sys.argv[1], "--history", sys.argv[2], "--fd", str(theirs.fileno())],
    pass_fds=[theirs.fileno()],
)
theirs.close()
answers = []
arrived = threading.Condition()


def take_answers():
    for answer in ours.makefile("r", newline="\n"):
        print(answer, end="", flush=True)
        with arrived:
            answers.append(answer.strip())
            arrived.notify()


reader = threading.Thread(target=take_answers, daemon=True)
reader.start()


for line in iter(sys.stdin.readline, ""):
    if not line.startswith("!await "):
        ours.sendall(line.encode())
        continue
    wanted = line[len("!await "):].strip()
    with arrived:
        if not arrived.wait_for(lambda: wanted in answers, timeout=30):
            sys.exit("no answer: " + wanted)
ours.shutdown(socket.SHUT_WR)
reader.join(timeout=60)
sys.exit(child.wait(timeout=60))
