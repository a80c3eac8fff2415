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

ours, theirs = socket.socketpair()
child = subprocess.Popen(
    [sys.argv[1], "--history", sys.argv[2], "--fd", str(theirs.fileno())],
    pass_fds=[theirs.fileno()],
)
theirs.close()
ours.settimeout(30)
answers = ours.makefile("r", newline="\n")

for line in sys.stdin:
    if not line.startswith("!await "):
        ours.sendall(line.encode())
        continue
    wanted = line[len("!await "):].strip()
    for answer in answers:
        print(answer, end="", flush=True)
        if answer.strip() == wanted:
            break
    else:
        sys.exit("no answer: " + wanted)
ours.shutdown(socket.SHUT_WR)
for answer in answers:
    print(answer, end="", flush=True)
sys.exit(child.wait(timeout=60))
