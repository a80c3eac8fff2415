# SPDX-License-Identifier: BSD-2-Clause
"""Speaks as much of kernel/vssdev/vssdev.h as it takes to be opened.

usage: fake_device.py PATH
Prints "opened" and "closed" for the one opener that it has at a time.
"""
import array
import os
import socket
import sys

COMMAND_OPEN = 1
REPLY_BYTES = 72  # error, length, 64 bytes of data

listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen(1)
while True:
    opener, _ = listener.accept()
    request = opener.recv(256)
    if int.from_bytes(request[:4], sys.byteorder) != COMMAND_OPEN:
        sys.exit("not an open request")
    reading, writing = os.pipe()
    opener.sendmsg(
        [bytes(REPLY_BYTES)],
        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reading]))],
    )
    os.close(reading)
    print("opened", flush=True)
    while opener.recv(256):
        pass
    os.close(writing)
    opener.close()
    print("closed", flush=True)
