#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A broker that does only what a test tells it: it speaks the protocol of
appvss-protocol(7) with appvss-hooks, and prints every line that it receives.

usage: hooks_broker.py SOCKET [--deny-order]

Commands on standard input: "say LINE" sends LINE to the connection that has
registered the name= of the line; "hangup" closes every connection; "quit".
With --deny-order a REGISTER with an order other than 50 is denied.
"""

import os
import re
import selectors
import socket
import sys


def key(line, name):
    found = re.search(r" %s=([^ ]+)" % name, line)
    return found.group(1) if found else ""


class Broker:
    def __init__(self, path, deny_order):
        self.deny_order = deny_order
        self.selector = selectors.DefaultSelector()
        self.owners = {}
        self.buffers = {}
        self.commands = b""
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(8)
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.selector.register(0, selectors.EVENT_READ, self.command)
        self.show("listening")

    @staticmethod
    def show(text):
        print(text, flush=True)

    def accept(self):
        client, _ = self.listener.accept()
        self.buffers[client] = b""
        self.selector.register(
            client, selectors.EVENT_READ, lambda: self.receive(client)
        )

    def drop(self, client):
        self.show("gone")
        self.selector.unregister(client)
        self.owners = {n: c for n, c in self.owners.items() if c is not client}
        del self.buffers[client]
        client.close()

    def receive(self, client):
        try:
            data = client.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.drop(client)
            return
        *lines, self.buffers[client] = (self.buffers[client] + data).split(b"\n")
        for line in lines:
            self.answer(client, line.decode("latin-1"))

    def answer(self, client, line):
        self.show(line)
        verb, name = line.split(" ")[0], key(line, "name")
        reply = None
        if verb == "HELLO":
            reply = "WELCOME version=1"
        elif verb == "REGISTER" and self.deny_order and key(line, "order") != "50":
            reply = "ERROR code=denied verb=REGISTER name=%s text=order" % name
        elif verb == "REGISTER":
            self.owners[name] = client
            reply = "OK verb=REGISTER name=%s" % name
        elif verb == "UNREGISTER":
            self.owners.pop(name, None)
            reply = "OK verb=UNREGISTER name=%s" % name
        if reply:
            self.send(client, reply)

    @staticmethod
    def send(client, line):
        try:
            client.sendall(line.encode() + b"\n")
        except ConnectionError:
            # It has gone; its end of file is read next.
            pass

    def command(self):
        data = os.read(0, 65536)
        if not data:
            sys.exit(0)
        *lines, self.commands = (self.commands + data).split(b"\n")
        for line in lines:
            self.obey(line.decode())

    def obey(self, line):
        if line == "quit":
            sys.exit(0)
        elif line == "hangup":
            for client in list(self.buffers):
                self.drop(client)
        elif line.startswith("say "):
            text = line[4:]
            client = self.owners.get(key(text, "name"))
            if client is None:
                self.show("nobody has the name in: " + text)
                return
            self.send(client, text)
        else:
            self.show("unknown command: " + line)

    def run(self):
        while True:
            for ready, _ in self.selector.select():
                # Closed by an earlier event of the same round.
                if ready.fileobj != 0 and ready.fileobj.fileno() == -1:
                    continue
                ready.data()


if __name__ == "__main__":
    Broker(sys.argv[1], "--deny-order" in sys.argv[2:]).run()
