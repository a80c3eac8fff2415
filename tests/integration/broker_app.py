# SPDX-License-Identifier: BSD-2-Clause
"""A participant that answers whatever it is asked, until it is killed.

usage: broker_app.py SOCKET NAME [READY|FAIL [TEXT [KEY=VALUE...]]]
"""

import re
import sys

from broker_rig import Client

name = sys.argv[2]
word = sys.argv[3] if len(sys.argv) > 3 else "READY"
text = sys.argv[4] if len(sys.argv) > 4 else ""
text = text.replace("\\", "\\\\").replace('"', '\\"')
app = Client(sys.argv[1])
app.sock.settimeout(None)
app.register(name, " ".join(sys.argv[5:]))
print("registered", flush=True)
while True:
    line = app.line()
    if line is None:
        break
    verb, keys = line.split(" ", 1)
    request = dict(re.findall(r"([a-z_]+)=(\S+)", keys))
    if verb in ("CHECK", "FREEZE", "THAW"):
        op = verb.lower()
        print(op, request.get("reason", ""), flush=True)
        app.answer("READY" if op == "thaw" else word, op, request,
                   'text="%s"' % text if text and op != "thaw" else "")
