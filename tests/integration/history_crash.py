#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Dies in the middle of a commit: leaves a changed database and a journal that
waits to be rolled back.

usage: history_crash.py HISTORY
"""
import os
import signal
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE state SET consistency = 'forged', state = 'forged'")
for number in range(2000):
    db.execute(
        "INSERT INTO event(run, id, at_ms, kind, text)"
        " VALUES(1, 1, ?, 'forged', hex(randomblob(100)))",
        (number,),
    )
os.kill(os.getpid(), signal.SIGKILL)
