#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clients that commit to a database as fast as it lets them.

usage: load.py KIND CLIENTS LOG [KEY=VALUE ...]

Each client commits 1, 2, 3, ... and writes a line for each to LOG:

    CLIENT NUMBER SENT ACKNOWLEDGED

with wall-clock seconds, ACKNOWLEDGED being "-" for a commit that failed, or
whose fate the client does not know.  A client that loses its server connects
again.  Ends on SIGTERM.  The log must not lie on the disk that is frozen.  With
first=N clients are numbered from N on, pause=SECONDS is between commits.
"""
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time

PAUSE_S = 0.003  # the machine has other work
RETRY_S = 0.1

POSTGRESQL = {
    # In the other order than the tables were made: whoever locks those in that
    # order runs into a deadlock.
    "rows": "BEGIN; INSERT INTO ledger VALUES ({client}, {number});"
            " INSERT INTO second VALUES ({client}, {number}); COMMIT;\n"
            "\\echo ok {number}\n",
    # What a lock on the tables that there are does not hold.
    "tables": "BEGIN; CREATE TABLE made_{client}_{number} (); "
              "SELECT pg_sleep(0.3) \\g /dev/null\nCOMMIT;\n"
              "\\echo ok {number}\n",
}


class Program:
    """A command-line client: a statement in, a line out when it is done."""

    def __init__(self, argv, user, statement):
        extra = {}
        if user:
            extra = {"user": user, "group": user, "extra_groups": []}
        self.statement = statement
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, bufsize=1, cwd="/", **extra)

    def commit(self, client, number):
        self.process.stdin.write(
            self.statement.format(client=client, number=number))
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() == "ok %d" % number

    def close(self):
        self.process.kill()
        self.process.wait()


class Redis:
    """Speaks the server's protocol: one command, one line of answer."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def commit(self, client, number):
        words = [b"RPUSH", b"client:%d" % client, b"%d" % number]
        text = b"*%d\r\n" % len(words)
        for word in words:
            text += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(text)
        return self.lines.readline().startswith(b":")

    def close(self):
        self.socket.close()


class Sqlite:
    def __init__(self, path, synchronous):
        self.database = sqlite3.connect(path, timeout=120,
                                        isolation_level=None)
        self.database.execute("PRAGMA synchronous = " + synchronous)

    def commit(self, client, number):
        self.database.execute("INSERT INTO ledger VALUES (?, ?)",
                              (client, number))
        return True

    def close(self):
        self.database.close()


def connect(kind, options):
    if kind == "postgresql":
        return Program(
            ["psql", "-X", "-q", "-A", "-t", "-h", options["socket"], "-v",
             "ON_ERROR_STOP=1", "-f", "-", "-d", options["database"]],
            options["user"], POSTGRESQL[options["does"]])
    if kind == "mysql":
        return Program(
            ["mariadb", "--skip-reconnect", "-n", "-B", "-N",
             "--socket=" + options["socket"], options["database"]], None,
            "INSERT INTO ledger VALUES ({client}, {number}); "
            "SELECT 'ok {number}';\n")
    if kind == "redis":
        return Redis(options["socket"])
    if kind == "sqlite":
        return Sqlite(options["file"], options["synchronous"])
    sys.exit("load.py: what is %s?" % kind)


def run(client, kind, options, log):
    number = 0
    connection = None
    while True:
        number += 1
        sent = time.time()
        done = False
        try:
            if connection is None:
                connection = connect(kind, options)
            done = connection.commit(client, number)
        except (OSError, sqlite3.Error):
            pass
        now = "%.6f" % time.time() if done else "-"
        os.write(log, b"%d %d %.6f %s\n" % (client, number, sent,
                                            now.encode()))
        if done:
            time.sleep(float(options.get("pause", PAUSE_S)))
            continue
        if connection is not None:
            try:
                connection.close()
            except OSError:
                pass
            connection = None
        time.sleep(RETRY_S)


def main():
    kind, clients, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    options = dict(word.split("=", 1) for word in sys.argv[4:])
    first = int(options.get("first", 1))
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    if kind == "sqlite" and os.getuid() == 0:
        owner = os.stat(options["file"])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    threads = [threading.Thread(target=run, args=(i, kind, options, log),
                                daemon=True)
               for i in range(first, first + clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
