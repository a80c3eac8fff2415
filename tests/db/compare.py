#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares what a copy holds with what the clients of load.py were told.

usage: compare.py LOG ROWS ASKED READY THAW exact|prefix
       compare.py stall LOG FROM TO

ROWS has "CLIENT NUMBER" lines.  ASKED, READY and THAW are wall-clock seconds: when
the host was told to freeze, when the script had, and when the host was told to
thaw.

The copy must hold a prefix of the order of commits: with a commit, each that was
acknowledged before that one was sent.  It must hold all that were acknowledged
before READY; "exact" asks that it holds all that were acknowledged before THAW, none that
was not, and that none of them was sent after READY.  Ends with the time that clients stalled.
"""
import sys


def read_log(path):
    commits = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # still being written
            client, number, sent, told = line.split()
            commits[int(client), int(number)] = (
                float(sent), None if told == "-" else float(told))
    return commits


def read_rows(path):
    with open(path, encoding="ascii") as lines:
        rows = [tuple(map(int, line.split())) for line in lines]
    if len(rows) != len(set(rows)):
        sys.exit("compare: a commit is there twice")
    return set(rows)


def longest_stall(commits, since, until):
    """The longest time that a client waited between two acknowledgements."""
    longest = 0
    for client in {key[0] for key in commits}:
        times = sorted(told for (who, _), (_, told) in commits.items()
                       if who == client and told is not None)
        for before, after in zip(times, times[1:]):
            if after >= since and before <= until:
                longest = max(longest, after - before)
    return longest


def compare(commits, rows, ready, thaw, exact):
    told = {key: times[1] for key, times in commits.items()
            if times[1] is not None}
    unknown = rows - set(commits)
    # The last commit of a client that still waits for its answer.
    newest = {}
    for client, number in commits:
        newest[client] = max(newest.get(client, 0), number)
    for client, number in unknown:
        if number != newest.get(client, 0) + 1:
            sys.exit("compare: %d %d was never sent" % (client, number))
    missing = [key for key, at in told.items()
               if at < ready and key not in rows]
    if missing:
        sys.exit("compare: acknowledged before READY, and not there: %s"
                 % sorted(missing)[:5])
    last_sent = max((commits[key][0] for key in rows if key in commits),
                    default=0)
    gaps = [key for key, at in told.items()
            if at < last_sent and key not in rows]
    if gaps:
        sys.exit("compare: acknowledged before a commit that is there was "
                 "sent, and not there: %s" % sorted(gaps)[:5])
    if exact:
        expected = {key for key, at in told.items() if at < thaw}
        if rows != expected:
            sys.exit("compare: not exactly what was acknowledged: more %s, "
                     "less %s" % (sorted(rows - expected)[:5],
                                  sorted(expected - rows)[:5]))
        late = [key for key in rows if commits[key][0] > ready]
        if late:
            sys.exit("compare: sent after READY, and there: %s"
                     % sorted(late)[:5])
    if not rows:
        sys.exit("compare: the copy is empty")


def main():
    if sys.argv[1] == "stall":
        commits = read_log(sys.argv[2])
        print("%.0f" % (1000 * longest_stall(commits, float(sys.argv[3]),
                                             float(sys.argv[4]))))
        return
    log, path, asked, ready, thaw, how = sys.argv[1:]
    commits = read_log(log)
    rows = read_rows(path)
    compare(commits, rows, float(ready), float(thaw), how == "exact")
    print("%d commits in the copy, %s; clients stalled for at most %.0f ms"
          % (len(rows), "exactly the acknowledged ones" if how == "exact"
             else "a prefix of the order",
             1000 * longest_stall(commits, float(asked), float(thaw))))


main()
