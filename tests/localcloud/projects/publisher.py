"""Processes that publish at once, for the tests: `python -m tests.localcloud.projects.publisher STORE N same|own`.

STORE is a folder, or the URL of an endpoint. N forked processes wait for each other and publish: all the `same`
application, or each its `own`. Prints their exit codes as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from klotho.deploy.place import Clients, Place
from klotho.driver.projects import bucket_store
from klotho.localcloud.identity import ACCOUNT
from klotho.registry import Registry
from klotho.stores import Store
from klotho.stores.folder import FolderStore
from tests.unit.registry.applications import application, construct, news

REGION = "eu-west-1"
BUCKET = f"klotho-projects-{ACCOUNT}-{REGION}"


def store_of(where: str) -> Store:
    if not where.startswith("http"):
        return FolderStore(Path(where))
    access, secret = os.environ["TEST_ACCESS_KEY"], os.environ["TEST_SECRET_KEY"]
    clients = Clients(Place(REGION, ACCOUNT, where, access, secret))
    assert clients.s3  # what is slow to import and to make is done here, before a race begins
    return bucket_store(clients)


def publish(store: Store, number: int, name: str) -> None:
    app = application(name, construct("Messaging.Queue", f"jobs{number}"))
    Registry(store, "acme", "prod").publish(news(app, number))


def race(where: str, number: int, mode: str) -> list[int]:
    store, (start, go), children = store_of(where), os.pipe(), []
    for index in range(number):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            code = 1
            try:
                os.read(start, 1)
                publish(store, index, "shop" if mode == "same" else f"app{index:02}")
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    os.write(go, b"x" * number)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]


def main() -> None:
    where, number, mode = sys.argv[1:]
    found: Any = race(where, int(number), mode)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
