# SPDX-License-Identifier: BSD-2-Clause
"""A history process that keeps the rows in a text file, and takes its time.

usage: fake_history.py --history PATH --fd N, with PATH/../rows as the file

COMMIT is answered after 0.2 s, so that a test can do something meanwhile; and
not while PATH/../wait is there.
"""

import os
import re
import socket
import sys
import time

DELAY_S = 0.2


def main():
    path, number = sys.argv[sys.argv.index("--history") + 1], sys.argv[-1]
    sock = socket.socket(fileno=int(number))
    rows = open(os.path.join(os.path.dirname(path), "rows"), "w", buffering=1)
    wait = os.path.join(os.path.dirname(path), "wait")
    last = 0
    for line in sock.makefile("r"):
        rows.write(line)
        found = re.search(r" seq=(\d+)", line)
        if found:
            last = int(found.group(1))
        if line.startswith("RUN "):
            sock.sendall(b"READY last_id=0\n")
        elif line.startswith("COMMIT"):
            time.sleep(DELAY_S)
            while os.path.exists(wait):
                time.sleep(0.01)
            # What came meanwhile was sent before the answer.
            try:
                early = sock.recv(65536, socket.MSG_DONTWAIT | socket.MSG_PEEK)
                rows.write("EARLY %r\n" % early)
            except BlockingIOError:
                pass
            rows.write("ACK seq=%d\n" % last)
            sock.sendall(b"ACK seq=%d\n" % last)


main()
