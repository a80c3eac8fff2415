# SPDX-License-Identifier: BSD-2-Clause
"""Participants and requestors that speak the protocol, well or badly.

One thread serves them all.  Each participant keeps what it was sent and what it
said, by transaction: seen[id] is a list of words, of which the oracle judges.
"""

import re
import select
import socket
import threading
import time

KEYS = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)')


class Peer:
    def __init__(self, path, name):
        self.path, self.name = path, name
        self.mood = "ready"
        self.sock = None
        self.buffer = b""
        self.output = b""
        self.later = []
        self.next_try = 0
        self.registered = False
        self.seen = {}
        self.connects = 0
        self.refused = None

    def fileno(self):
        return self.sock.fileno()

    def connect(self, now):
        self.next_try = now + 0.03
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            sock.connect(self.path)
        except OSError:
            sock.close()
            return
        self.sock, self.buffer, self.output = sock, b"", b""
        self.connects += 1
        self.say("HELLO version=1 program=campaign")
        self.begin()

    def begin(self):
        self.say("REGISTER name=%s check=1" % self.name)

    def say(self, *lines):
        self.output += "".join(line + "\n" for line in lines).encode()
        self.flush()

    def flush(self):
        try:
            while self.output and self.sock:
                self.output = self.output[self.sock.send(self.output):]
        except BlockingIOError:
            pass
        except OSError:
            self.close("broken")

    def close(self, why="closed"):
        if self.sock is None:
            return
        self.sock.close()
        self.sock, self.registered, self.later = None, False, []
        for words in self.seen.values():
            words.append(why)

    def receive(self):
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close("lost")
            return
        self.buffer += data
        while b"\n" in self.buffer and self.sock:
            line, self.buffer = self.buffer.split(b"\n", 1)
            line = line.decode()
            self.take(line.split(" ", 1)[0], dict(KEYS.findall(line)))

    def take(self, verb, keys):
        if verb == "OK" and keys.get("verb") == "REGISTER":
            self.registered = True
        elif verb == "ERROR":
            self.refused = keys.get("code")
            if self.refused in ("name_taken", "too_many_clients", "denied"):
                self.close("refused")
        elif verb in ("CHECK", "FREEZE", "THAW"):
            self.seen.setdefault(int(keys["id"]), []).append(verb)
            self.react(verb.lower(), keys["id"])

    def note(self, number, word):
        self.seen.setdefault(int(number), []).append(word)

    def answer(self, word, op, number):
        self.note(number, word + "-" + op)
        self.say("%s name=%s id=%s op=%s" % (word, self.name, number, op))

    def react(self, op, number):
        mood = self.mood
        if mood == "hang" or (mood == "deaf" and op != "thaw"):
            self.note(number, "hang")
            return
        if mood == "drop" or mood == "reconnect":
            self.close("dropped")
            if mood == "drop":
                self.next_try = time.monotonic() + 0.3
            return
        if mood == "leave":
            self.note(number, "left")
            self.say("UNREGISTER name=" + self.name)
            self.begin()
            return
        if mood == "veto" and op != "thaw":
            self.answer("FAIL", op, number)
            return
        if mood == "slow":
            self.later.append((time.monotonic() + 0.05, op, number))
            return
        if mood == "lie":
            for other in (int(number) + 1, max(0, int(number) - 1)):
                self.say("READY name=%s id=%d op=%s" % (self.name, other, op),
                         "FAIL name=%s id=%d op=%s" % (self.name, other, op))
            wrong = "thaw" if op != "thaw" else "freeze"
            self.say("READY name=%s id=%s op=%s" % (self.name, number, wrong))
        if mood == "flood":
            self.say(*["PROGRESS name=%s id=%s percent=%d" %
                       (self.name, number, i % 100) for i in range(3000)])
        if mood == "garbage":
            self.note(number, "garbage")
            self.say("this is no line of it \x01")
            return
        self.answer("READY", op, number)
        if mood == "twice":
            self.say("READY name=%s id=%s op=%s" % (self.name, number, op))
        if mood == "recant" and op == "freeze":
            self.answer("FAIL", op, number)

    def tick(self, now):
        due = [entry for entry in self.later if entry[0] <= now]
        self.later = [entry for entry in self.later if entry[0] > now]
        for _, op, number in due:
            self.answer("READY", op, number)
        if self.sock is None and now >= self.next_try:
            self.connect(now)


class Requestor(Peer):
    """answers: those of FREEZE, THAW and CHECK as (verb, word, keys)."""

    def __init__(self, path):
        super().__init__(path, "requestor")
        self.answers = []
        self.wanted = False

    def begin(self):
        self.registered = True

    def ask(self, line):
        self.wanted = True
        if self.sock is None:
            self.connect(time.monotonic())
        if self.sock is not None:
            self.say(line)

    def take(self, verb, keys):
        if verb in ("OK", "ERROR"):
            self.answers.append((keys.get("verb"), verb, keys))

    def tick(self, now):
        pass


class Peers:
    def __init__(self, path, names):
        self.peers = {name: Peer(path, name) for name in names}
        self.requestor = Requestor(path)
        self.lock = threading.Lock()
        self.stopping = False
        self.error = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def all(self):
        return list(self.peers.values()) + [self.requestor]

    def run(self):
        try:
            while not self.stopping:
                self.turn()
        except Exception as error:  # told by the main thread
            self.error = error
            raise

    def turn(self):
        with self.lock:
            now = time.monotonic()
            for peer in self.all():
                peer.tick(now)
            open_ones = [p for p in self.all() if p.sock is not None]
            readers = [p for p in open_ones if p.mood != "deaf"]
            writers = [p for p in open_ones if p.output]
        try:
            ready, writable, _ = select.select(
                [p.sock for p in readers], [p.sock for p in writers], [],
                0.005)
        except (OSError, ValueError):
            return  # the main thread has closed one of them meanwhile
        with self.lock:
            for peer in writers:
                if peer.sock in writable:
                    peer.flush()
            for peer in readers:
                if peer.sock is not None and peer.sock in ready:
                    peer.receive()

    def reset(self):
        """All behave well again; what they saw is kept."""
        with self.lock:
            for peer in self.all():
                if peer.mood in ("hang", "deaf", "flood", "garbage"):
                    peer.close("reset")
                peer.mood = "ready"
                peer.next_try = 0
            self.requestor.close("reset")

    def forget(self):
        with self.lock:
            for peer in self.all():
                peer.seen = {}
            self.requestor.answers = []

    def stop(self):
        self.stopping = True
        self.thread.join()
        with self.lock:
            for peer in self.all():
                peer.close()
