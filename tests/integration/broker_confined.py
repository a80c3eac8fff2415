# SPDX-License-Identifier: BSD-2-Clause
"""Clients of a broker whose system calls are watched.

usage: broker_confined.py CASE DIRECTORY
"""

import resource
import sys

from broker_rig import Client, Host, await_true

DIR = sys.argv[2]
SOCKET = DIR + "/socket"
CLIENTS = 1000


def settle():
    """History and device are there."""
    client = Client(SOCKET)
    await_true(lambda: client.status()[0]["device"] == "open" and
               client.status()[0]["history"] == "ok", "a whole broker", 60)


def thousand():
    """A snapshot with as many, and a good deal that is refused by itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    settle()
    vss = Host(DIR + "/sim.in", DIR + "/sim.log")
    clients = [Client(SOCKET) for _ in range(CLIENTS)]
    for client in clients:
        client.sock.settimeout(60)
    for i, client in enumerate(clients):
        client.register("client%d" % i)
    clients[0].ask("NONSENSE", "ERROR code=unknown_verb")
    for good in (True, False):
        vss.ask("freeze")
        for i, client in enumerate(clients):
            request = client.request("FREEZE")
            client.answer("PROGRESS", "freeze", request, "percent=50")
            if good or i != 7:
                client.answer("READY", "freeze", request)
            else:
                client.answer("FAIL", "freeze", request, "text=no")
        await_true(lambda: len(vss.replies()) > len(vss.before), "a reply", 60)
        clients[1].status()
        vss.ask("thaw")
        for client in clients:
            client.answer("READY", "thaw", client.request("THAW"))
        await_true(lambda: len(vss.replies()) > len(vss.before), "a reply", 60)
        clients[0].await_state("idle")
    for client in clients[::2]:
        client.sock.close()
    for client in clients[1::2]:
        client.say("STATUS =")


globals()[sys.argv[1]]()
