#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plays appvssd to one client after the other: says what a file says to the
request after HELLO.  "silent" in its place never answers.

usage: history_server.py SOCKET FILE|silent
"""
import socket
import sys

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(5)
print("listening", flush=True)
kept = []
while True:
    client, _ = server.accept()
    if sys.argv[2] == "silent":
        kept.append(client)
        continue
    lines = client.makefile("rb")
    print("got", lines.readline().decode().strip(), flush=True)
    client.sendall(b"WELCOME version=1\n")
    request = lines.readline().decode().strip()
    print("got", request, flush=True)
    if request:
        with open(sys.argv[2], "rb") as answer:
            client.sendall(answer.read())
    lines.read()
    client.close()
