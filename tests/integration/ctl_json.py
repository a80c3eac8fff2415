# SPDX-License-Identifier: BSD-2-Clause
"""Each line of standard input is a JSON object, and appvssctl(8) has its keys."""
import json
import re
import sys

with open("appvssd/appvssctl/appvssctl.8") as page:
    section = re.search(r"\.Sh JSON OUTPUT\n(.*?)\n\.Sh ", page.read(), re.S)
known = set(re.findall(r"[a-z][a-z0-9_]*", section.group(1)))
# In the order in which they are documented, by kind: stable.
order = {}
for line in sys.stdin:
    item = json.loads(line)
    unknown = [key for key in item if key not in known]
    if unknown:
        sys.exit(f"keys that are not documented: {unknown}")
    kind = item.get("kind")
    if kind is None and "event" in item:
        continue  # of watch: what the event has
    if order.setdefault(kind, list(item)) != list(item):
        sys.exit(f"the keys of one kind differ: {order[kind]} {list(item)}")
