# SPDX-License-Identifier: BSD-2-Clause
"""What a schedule is: steps, one a line, made at random or read from a file.

Does no I/O but reading and writing such a file.  The steps:

    sleep MS                        nothing happens for so long
    await                           until the host has all of its replies
    host check|freeze|thaw|raw      a request; the next one waits for its reply
    host overlap OP MS OP           the second one does not wait
    copy                            what a host does while all is frozen
    kill|stop|cont PROCESS          SIGKILL, SIGSTOP, SIGCONT
    killboth PROCESS PROCESS        two that guard each other, at one instant
    peer NAME MOOD                  how a participant behaves from now on
    script MOOD                     how the script in vss.d does
    requestor freeze|thaw|check|drop
    history full|readonly|corrupt|slow|heal
    second daemon                   another one, for the same device
    config VARIANT signal|verb      another configuration, and how it is told
    clock SECONDS                   the wall clock of appvssd is off by so much
"""

import random

PROCESSES = ("host", "daemon", "guardian", "parent", "broker", "history",
             "hooks", "runner", "ledger", "needed")
PAIRS = (("daemon", "guardian"), ("hooks", "runner"), ("parent", "broker"))
PEERS = ("raw", "must", "late")
MOODS = ("ready", "slow", "hang", "veto", "lie", "twice", "flood", "garbage",
         "drop", "reconnect", "deaf", "recant", "leave")
SCRIPT_MOODS = ("ready", "slow", "hang", "veto")
CONFIGS = ("default", "short", "strict", "lax", "broken", "restart")
HISTORY = ("full", "readonly", "corrupt", "slow", "heal")
REQUESTS = ("freeze", "thaw", "check", "drop")
OPS = ("check", "freeze", "thaw")


class Invalid(Exception):
    pass


def _number(word):
    if not word.lstrip("-").isdigit():
        raise Invalid("%r is not a number" % word)
    return int(word)


def _among(words, allowed):
    for word, choice in zip(words, allowed):
        if choice is int:
            _number(word)
        elif word not in choice:
            raise Invalid("%r is none of %s" % (word, ", ".join(choice)))
    if len(words) != len(allowed):
        raise Invalid("not so many words: %r" % (words,))


GRAMMAR = {
    "sleep": (int,), "await": (), "copy": (), "kill": (PROCESSES,),
    "stop": (PROCESSES,), "cont": (PROCESSES,),
    "killboth": (PROCESSES, PROCESSES), "peer": (PEERS, MOODS),
    "script": (SCRIPT_MOODS,), "requestor": (REQUESTS,),
    "history": (HISTORY,), "config": (CONFIGS, ("signal", "verb")),
    "clock": (int,), "second": (("daemon",),),
}


def check(step):
    words = step.split()
    if words[0] == "host":
        if words[1:2] == ["overlap"]:
            _among(words[2:], (OPS, int, OPS))
        else:
            _among(words[1:], (OPS + ("raw",),))
    elif words[0] in GRAMMAR:
        _among(words[1:], GRAMMAR[words[0]])
    else:
        raise Invalid("no such step: " + step)
    return " ".join(words)


def read(path):
    with open(path, encoding="ascii") as lines:
        stripped = [line.split("#")[0].strip() for line in lines]
    return [check(line) for line in stripped if line]


def write(path, steps, comment):
    with open(path, "w", encoding="ascii") as out:
        for line in comment.splitlines():
            out.write("# " + line[:200].encode("ascii", "replace").decode()
                      + "\n")
        out.writelines(step + "\n" for step in steps)


def _skeleton(rng):
    """What the host does: mostly what hosts do."""
    steps = ["host check", "await"] if rng.random() < 0.2 else []
    kind = rng.random()
    if kind < 0.08:
        ops = [rng.choice(OPS) for _ in range(2)]
        return steps + ["host overlap %s %d %s" %
                        (ops[0], rng.randrange(80), ops[1]), "await",
                        "host thaw", "await"]
    if kind < 0.13:
        return steps + ["requestor " + rng.choice(("freeze", "check")),
                        "sleep 30", "host freeze", "await",
                        "requestor " + rng.choice(("thaw", "drop")),
                        "host thaw", "await"]
    if kind < 0.18:  # in an order that no host should have
        return steps + ["host " + rng.choice(OPS + ("raw",))
                        for _ in range(rng.randrange(2, 6))] + ["await"]
    steps += ["host freeze"] + ["host freeze"] * (rng.random() < 0.06)
    steps += ["await", "copy", "sleep %d" % rng.randrange(60)]
    if rng.random() < 0.88:
        steps += ["host thaw"] + ["host thaw"] * (rng.random() < 0.08)
    return steps + ["await"]


def _fault(rng):
    """Steps that belong together; the second, if there is one, comes later."""
    kind = rng.random()
    if kind < 0.26:
        return ["kill " + rng.choice(PROCESSES)]
    if kind < 0.30:  # with what it was sent unread, and with what it froze
        process = rng.choice(("history", "history", "broker", "runner"))
        return ["stop " + process, "kill " + process]
    if kind < 0.48:
        process = rng.choice(PROCESSES)
        return ["stop " + process, "cont " + process]
    if kind < 0.54:
        return ["killboth %s %s" % rng.choice(PAIRS)]
    if kind < 0.74:
        return ["peer %s %s" % (rng.choice(PEERS), rng.choice(MOODS[1:]))]
    if kind < 0.79:
        return ["script " + rng.choice(SCRIPT_MOODS[1:])]
    if kind < 0.84:
        return ["requestor " + rng.choice(REQUESTS)]
    if kind < 0.91:
        return ["history " + rng.choice(HISTORY[:4]), "history heal"]
    if kind < 0.96:
        return ["config %s %s" % (rng.choice(CONFIGS),
                                  rng.choice(("signal", "verb")))]
    if kind < 0.97:
        return ["second daemon"]
    return ["clock %d" % rng.choice((-86400, 86400, 3600, -1, 40000000))]


def make(seed, number):
    """The schedule of that number: the same for the same seed."""
    rng = random.Random("%s/%d" % (seed, number))
    steps = _skeleton(rng)
    if rng.random() < 0.15 and "copy" in steps:  # who dies while all is frozen
        steps.insert(steps.index("copy"), "kill " + rng.choice(PROCESSES[1:]))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        fault, at = _fault(rng), 0
        # A participant's mood matters from the freeze on.
        early = fault[0].split()[0] in ("peer", "script", "config") and \
            rng.random() < 0.7
        for step in fault:
            at = 0 if early else rng.randrange(at, len(steps) + 1)
            pause = rng.choice((0, rng.randrange(8), rng.randrange(80)))
            steps[at:at] = ["sleep %d" % pause, step] if pause else [step]
            at += 1 + bool(pause)
    return [check(step) for step in steps]


def smaller(steps):
    """Every schedule with one piece less, large pieces first."""
    size = len(steps) // 2
    while size >= 1:
        for at in range(0, len(steps), size):
            yield steps[:at] + steps[at + size:]
        size //= 2
