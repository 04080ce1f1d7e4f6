"""The files of a new application: one function that counts visits in a table, behind an API.

Input: the application's name. Output: texts by path. Tests bring them up and call them.
"""

from __future__ import annotations

_INFRA = '''\
"""What this application needs. Run `klotho up` to bring it up on this machine."""

import klotho
from klotho import API, Compute, Databases

klotho.Application("{name}")

visits = Databases.KeyValue(name="visits", key="page")

hello = Compute.Function(name="hello", handler="functions/hello.handler")
hello.read_writes_to(visits)

api = API(name="web")
api.attach_service(hello, route="/")
'''

_HELLO = '''\
"""Counts the visits of each page."""

import json

from klotho import config


def handler(event, context):
    page = event["rawPath"]
    visits = config.datastores.get("visits")
    item = visits.update({"page": page}, add={"count": 1})
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"page": page, "visits": int(item["count"])}),
    }
'''

_README = """\
# {name}

`klotho up` brings it up and prints its URL; `klotho logs -f` follows what it prints; `klotho down` stops it and keeps
the data. `infra.py` says what the application needs, `functions/hello.py` is what it does.
"""

_IGNORE = "compiled/\n__pycache__/\n"


def starter_files(name: str) -> dict[str, str]:
    """Texts by path relative to the new folder."""
    return {
        "infra.py": _INFRA.replace("{name}", name),
        "functions/hello.py": _HELLO,
        "README.md": _README.replace("{name}", name),
        ".gitignore": _IGNORE,
    }
