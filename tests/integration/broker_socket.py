# SPDX-License-Identifier: BSD-2-Clause
"""Speaks to a running appvssd over its socket, well and badly.

usage: broker_socket.py SOCKET
"""

import os
import socket
import sys
import time


class Client:
    def __init__(self, path, hello=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(path)
        self.buffer = b""
        if hello:
            self.say("HELLO version=1 program=test")
            self.expect("WELCOME version=1")

    def say(self, line):
        self.sock.sendall(line.encode() + b"\n")

    def line(self):
        while b"\n" not in self.buffer:
            received = self.sock.recv(65536)
            if not received:
                return None
            self.buffer += received
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def expect(self, prefix):
        line = self.line()
        if line is None or not line.startswith(prefix):
            raise SystemExit("got %r, expected %r" % (line, prefix))
        return line

    def expect_end(self):
        line = self.line()
        if line is not None:
            raise SystemExit("got %r, expected the end" % line)

    def ask(self, line, prefix):
        self.say(line)
        return self.expect(prefix)

    def status(self):
        self.say("STATUS")
        lines = []
        while True:
            line = self.expect("")
            if line.startswith("END"):
                return lines
            lines.append(line)


def status_of(client, name):
    for line in client.status():
        if " name=%s " % name in line:
            return line
    return None


def late(client):
    for word in client.status()[0].split():
        if word.startswith("late="):
            return int(word[5:])
    raise SystemExit("no late= in the status")


def greetings(path):
    client = Client(path, hello=False)
    client.ask("STATUS", "ERROR code=hello_first")
    client.expect_end()
    client = Client(path, hello=False)
    client.ask("HELLO version=2", "ERROR code=version")
    client.expect_end()
    client = Client(path)
    client.ask("HELLO version=1", "ERROR code=again")
    client.status()


def bad_lines(path):
    client = Client(path)
    client.ask("NONSENSE", "ERROR code=unknown_verb")
    client.ask("REGISTER", "ERROR code=missing_key")
    client.ask("REGISTER name=a name=b", "ERROR code=duplicate_key")
    client.ask("REGISTER name=a order=100", "ERROR code=bad_value")
    client.ask("REGISTER name=../etc", "ERROR code=bad_value")
    client.status()
    for line in ("lower case", "STATUS =", 'STATUS text="open', "STATUS\t"):
        client = Client(path)
        client.ask(line, "ERROR code=grammar")
        client.expect_end()
    client = Client(path)
    client.sock.sendall(b"A" * 4097)
    client.expect("ERROR code=too_long")
    client.expect_end()
    client = Client(path)
    client.sock.sendall(b"\0\xff\n")
    client.expect("ERROR code=grammar")
    client.expect_end()


def one_byte_at_a_time(path):
    client = Client(path)
    for byte in b"REGISTER name=slow\n":
        client.sock.sendall(bytes([byte]))
    client.expect("OK verb=REGISTER name=slow")
    client.ask("UNREGISTER name=slow", "OK verb=UNREGISTER name=slow")


def names(path):
    first, second = Client(path), Client(path)
    first.ask("REGISTER name=one", "OK verb=REGISTER name=one")
    second.ask("REGISTER name=one", "ERROR code=name_taken")
    second.ask("UNREGISTER name=one", "ERROR code=unknown_name")
    second.ask("FORGET name=one", "ERROR code=present")
    second.ask("REGISTER name=two required=1", "ERROR code=denied")
    second.ask("REGISTER name=two order=10", "ERROR code=denied")
    before = late(second)
    second.say("READY name=one id=1 op=freeze")
    second.say("READY name=nobody id=1 op=freeze")
    first.say("READY name=one id=1 op=freeze")
    first.status()
    if late(second) != before + 3:
        raise SystemExit("answers that nobody waits for are not counted")
    first.sock.close()
    while "present=1" in status_of(second, "one"):
        pass
    # Absent, it is remembered until somebody forgets it.
    second.ask("FORGET name=one", "OK verb=FORGET name=one")
    if status_of(second, "one") is not None:
        raise SystemExit("one is not forgotten")
    second.ask("FORGET name=one", "ERROR code=unknown_name")
    second.ask("FORGET name=expected", "ERROR code=expected")


def does_not_read(path):
    client, other = Client(path), Client(path)
    client.ask("REGISTER name=deaf", "OK verb=REGISTER name=deaf")
    client.sock.setblocking(False)
    # More answers than any buffer between us and it holds.
    dropped = False
    for _ in range(200000):
        try:
            client.sock.sendall(b"NONSENSE\n" * 64)
        except BlockingIOError:
            break
        except (BrokenPipeError, ConnectionResetError):
            dropped = True
            break
    if not dropped:
        while "present=1" in status_of(other, "deaf"):
            try:
                client.sock.send(b"NONSENSE\n" * 64)
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    other.ask("FORGET name=deaf", "OK verb=FORGET")


def claims_what_is_theirs(path):
    """Run by a user to whom the name is not bound; root is nobody for it."""
    if os.geteuid() == 0:
        os.setuid(65534)
    client = Client(path)
    for more in ("", " required=1", " order=10"):
        client.ask("REGISTER name=theirs" + more, "ERROR code=denied")
    client.ask("REGISTER name=mine required=1", "ERROR code=denied")
    client.ask("READY name=theirs id=1 op=freeze\nSTATUS", "ITEM kind=broker")


def claims(path):
    child = os.fork()
    if child == 0:
        claims_what_is_theirs(path)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("a name of somebody else can be claimed")
    item = status_of(Client(path), "theirs")
    if "present=0" not in item or "required=1" not in item:
        raise SystemExit("after it was claimed: " + item)


def says_nothing(path):
    """The time for HELLO runs out for each of many, and for nobody else."""
    talker = Client(path)
    started = time.monotonic()
    silent = [Client(path, hello=False) for _ in range(50)]
    for client in silent:
        client.sock.settimeout(30)
        client.expect("ERROR code=hello_first")
        client.expect_end()
    if time.monotonic() - started < 4.5:
        raise SystemExit("silence was ended too soon")
    talker.status()


def main():
    path = sys.argv[1]
    greetings(path)
    bad_lines(path)
    one_byte_at_a_time(path)
    names(path)
    claims(path)
    does_not_read(path)
    says_nothing(path)
    Client(path).status()
    print("the broker answered as the protocol says")


main()
