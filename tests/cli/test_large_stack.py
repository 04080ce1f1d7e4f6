"""A program that puts more into one stack than CloudFormation takes: it is divided, deployed, and works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

QUEUES = 120
PROGRAM = f"""
import klotho
from klotho import Compute, Databases, Messaging

klotho.Application("large", project="PROJECT")
with klotho.Stack("everything"):
    notes = Databases.KeyValue(name="notes")
    for number in range({QUEUES}):
        Messaging.Queue(name=f"queue{{number:03}}")
"""


def klotho(folder: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "klotho.cli", *arguments, "--json"],
        cwd=folder, capture_output=True, text=True, timeout=150, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "app").mkdir()
    yield tmp_path / "app", "large-stack"
    connect.stop_any(connect.state_folder("large-stack", "local"))


def test_a_stack_beyond_the_quotas_is_deployed_in_parts(project: tuple[Path, str]) -> None:
    folder, name = project
    (folder / "infra.py").write_text(PROGRAM.replace("PROJECT", name))
    done = klotho(folder, "up")
    stacks = {stack["name"]: stack["result"] for stack in done["stacks"]}
    parts = [stack for stack in stacks if stack.startswith("everything")]
    assert "everything" in parts
    assert len(parts) >= 2
    assert set(stacks.values()) == {"created"}
    assert sum(output.startswith("queue") and output.endswith(".url") for output in done["outputs"]) == QUEUES
    assert {stack["result"] for stack in klotho(folder, "up")["stacks"]} == {"unchanged"}
