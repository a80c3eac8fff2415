# SPDX-License-Identifier: BSD-2-Clause
"""What clients say for the log of a running broker.

usage: broker_log.py CASE DIRECTORY
"""

import socket
import subprocess
import sys
import threading

from broker_rig import Client, Host, await_true

CASE = sys.argv[1]
DIR = sys.argv[2]
SOCKET = DIR + "/socket"


def texts():
    """A peer that would like to write lines of its own."""
    vss, client = Host(DIR + "/sim.in", DIR + "/sim.log"), Client(SOCKET, False)
    client.ask(r'HELLO version=1 program="a\nb \" level=error event=c"',
               "WELCOME")
    client.register("liar")
    vss.ask("freeze")
    request = client.request("FREEZE")
    evil = r'"x\" level=error event=forged y=\"\n\x1b[31mz\\ \xc3\xa4"'
    client.answer("PROGRESS", "freeze", request, "percent=4 text=" + evil)
    client.answer("FAIL", "freeze", request, "text=" + evil)
    client.answer("READY", "thaw", client.request("THAW"), "text=" + evil)
    vss.reply()
    vss.ask("thaw")
    vss.reply()
    client.await_state("idle")
    client.register("end")


def syslog():
    """In a mount namespace: a /dev/log that prints what it gets."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind("/dev/log")

    def receive():
        while True:
            print(receiver.recv(8192).decode(), flush=True)

    threading.Thread(target=receive, daemon=True).start()
    daemon = subprocess.Popen(
        ["appvssd/appvssd", "--foreground", "--device", "none", "--config",
         DIR + "/appvssd.conf", "--socket", SOCKET, "--history",
         DIR + "/history.db"])

    def connects():
        try:
            return Client(SOCKET)
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    await_true(connects, "a broker")
    Client(SOCKET).register("to_syslog")
    Client(SOCKET).register("second")
    with open(DIR + "/namespace.log") as log:
        await_true(lambda: "name=second" in log.read(), "its line")
    daemon.terminate()
    sys.exit(daemon.wait())


if CASE in ("texts", "syslog"):
    globals()[CASE]()
else:
    Client(SOCKET).register(CASE)
