"""`api.authenticates_with(…)` taken away and given back: the authorizer is in the API's stack, the routes that name it
are in the services' stacks."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from klotho.driver import local_cloud
from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute

klotho.Application("shop", project="PROJECT")
gate = Compute.Function("gate", handler="gate.handler")
hello = Compute.Function(name="hello", handler="hello.handler")
api = API(name="front")
api.attach_service(hello, route="/hello")
"""
GUARD = 'api.authenticates_with(gate, identity="header.x-key")\n'
GATE = """
def handler(event, context):
    return {"isAuthorized": event["headers"].get("x-key") == "open"}
"""
HELLO = """
def handler(event, context):
    return {"statusCode": 200, "body": "hello"}
"""


class Guarded:
    def __init__(self, folder: Path) -> None:
        self.folder, self.project = folder, f"gate-{sha256(str(folder).encode()).hexdigest()[:8]}"
        (folder / "gate.py").write_text(GATE)
        (folder / "hello.py").write_text(HELLO)

    def up(self, guard: str) -> str:
        (self.folder / "infra.py").write_text(PROGRAM.replace("PROJECT", self.project) + guard)
        done = self.klotho("up", "--yes")
        assert done.returncode == 0, done.stderr
        return done.stderr

    def klotho(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def get(self, key: str | None = None) -> int:
        url = self.klotho("outputs", "front.url").stdout.strip()
        request = urllib.request.Request(f"{url}/hello", headers={"x-key": key} if key else {})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def resources(self) -> dict[str, str]:
        """Types by stack and logical id, of everything CloudFormation says is there."""
        session = local_cloud.running_session(self.project, "local")
        assert session is not None
        found: dict[str, str] = {}
        for name in session.calls.deployed(project=self.project, environment="local"):
            items: Any = session.calls.resources(name)
            found |= {f"{name}/{item['LogicalResourceId']}": item["ResourceType"] for item in items}
        return found


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "app").mkdir()
    made = Guarded(tmp_path / "app")
    yield made
    connect.stop_any(connect.state_folder(made.project, "local"))


def test_an_authorizer_goes_and_comes_back_with_nothing_left_behind(guarded: Guarded) -> None:
    guarded.up(GUARD)
    assert (guarded.get(), guarded.get("closed"), guarded.get("open")) == (401, 403, 200)
    before = guarded.resources()
    assert "AWS::ApiGatewayV2::Authorizer" in before.values()
    said = guarded.up("")
    assert "LEFT BEHIND" not in said
    assert "front-api: contracted" in said
    assert guarded.get() == 200
    after = guarded.resources()
    assert "AWS::ApiGatewayV2::Authorizer" not in after.values()
    assert set(before.values()) - set(after.values()) <= {"AWS::ApiGatewayV2::Authorizer"}
    guarded.up(GUARD)
    assert (guarded.get(), guarded.get("open")) == (401, 200)
    assert guarded.resources() == before
