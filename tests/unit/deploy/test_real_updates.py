"""Updates in a real local cloud: only what changed is touched, and a table is not replaced behind anyone's back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Databases

klotho.Application("shop", project="PROJECT")
visits = Databases.KeyValue(name="visits", key="id")
hello = Compute.Function(name="hello", handler="hello.handler")
hello.read_writes_to(visits)
api = API(name="front")
api.attach_service(hello, route="/hello")
"""
CODE = """
from klotho import config


def handler(event, context):
    table = config.datastores.get("visits")
    table.put({"id": "kept"})
    return {"statusCode": 200, "body": "one " + str(table.get({"id": "kept"}) is not None)}
"""


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        # Ports follow from the project's name, so every run takes one of its own.
        self.program = PROGRAM.replace("PROJECT", f"updates-{sha256(str(folder).encode()).hexdigest()[:8]}")
        (self.folder / "infra.py").write_text(self.program)
        (self.folder / "hello.py").write_text(CODE)
        homes = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
        self.environment = {**os.environ, **homes, "CI": "", "NO_COLOR": "1"}

    def klotho(self, *arguments: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    def change(self, file: str, before: str, after: str) -> None:
        text = (self.folder / file).read_text()
        assert text.count(before) == 1
        (self.folder / file).write_text(text.replace(before, after))

    def answer(self) -> str:
        url = self.klotho("outputs", "front.url").stdout.strip()
        with urllib.request.urlopen(f"{url}/hello", timeout=20) as response:
            return str(response.read().decode())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("updates"))
    made.klotho("up", "--yes")
    yield made
    made.klotho("down", "--delete-data", "shop")


def touched(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    """The types and fates of the resources that `up` spoke of."""
    return re.findall(r": (AWS::\w+::\w+) \w+ (\w+)$", done.stdout + done.stderr, re.MULTILINE)


def test_a_changed_line_of_code_touches_exactly_the_function(shop: Shop) -> None:
    assert shop.answer() == "one True"
    shop.change("hello.py", '"one "', '"two "')
    assert touched(shop.klotho("up", "--yes")) == [("AWS::Lambda::Function", "updated")]
    assert shop.answer() == "two True"
    assert touched(shop.klotho("up", "--yes")) == []


def test_another_key_is_shown_as_a_replacement_and_refused_until_the_data_may_go(shop: Shop) -> None:
    shop.change("infra.py", 'key="id"', 'key="mail"')
    shown = json.loads(shop.klotho("preview", "--json").stdout)
    changes = {item["type"]: item for stack in shown["stacks"] for item in stack["resources"]}
    table = changes["AWS::DynamoDB::Table"]
    assert (table["change"], table["replaced_by"], table["loses_data"]) == ("replace", ["KeySchema"], True)
    assert table["span"]["file"] == "infra.py"
    assert (changes["AWS::Lambda::Function"]["change"], changes["AWS::Lambda::Function"]["uncertain"]) == (
        "update",
        False,
    )
    refused = shop.klotho("up", "--yes", exit_code=1)
    assert "this would delete the data of `visits`" in refused.stderr
    assert "KeySchema can't be changed in place" in refused.stderr
    assert touched(refused) == []
    assert shop.answer().endswith("True")
    replaced = touched(shop.klotho("up", "--yes", "--delete-data", "visits"))
    assert ("AWS::DynamoDB::Table", "created") in replaced  # beside the old one, until the function has moved
    assert "skippedd" not in str(replaced)
