"""The project example as one repository with two programs: brought up from its root, in order, and what changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.deployment import EXAMPLES, Deployment
from tests.examples.test_project import answers

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def monorepo(tmp_path_factory: pytest.TempPathFactory, cache_home: Path | None) -> Iterator[Deployment]:
    """Its root; nothing is up."""
    folder = tmp_path_factory.mktemp("monorepo")
    project = f"kentoso-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    shutil.copytree(EXAMPLES / "project", folder / "repo", ignore=shutil.ignore_patterns("compiled"))
    for name in ("user-service", "billing-service"):
        (folder / "repo" / name / "klotho.yaml").write_text(f"project: {project}\n", encoding="utf-8")
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "NO_COLOR": "1", "CI": ""}
    if cache_home is not None:
        environment["XDG_CACHE_HOME"] = str(cache_home)
    made = Deployment(folder / "repo" / "user-service", project, folder / "state", environment)
    try:
        yield made
    finally:
        for name in ("billing-service", "user-service"):
            run(made, "down", name, "--yes", "--delete-data", name)
        assert made.end() == [], "processes are left after `klotho down`"


def run(made: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "klotho.cli", *arguments],
        cwd=made.folder.parent, env=made.environment, capture_output=True, text=True, timeout=180, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def up(made: Deployment, *arguments: str) -> dict[str, dict[str, str]]:
    """By application, in the order in which they were brought up: what became of each stack."""
    done = run(made, *(arguments or ("up",)), "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"]
    return {item["application"]: {s["name"]: s["result"] for s in item["stacks"]} for item in found["applications"]}


def test_the_root_brings_up_all_in_order_and_then_only_what_changed(monorepo: Deployment) -> None:
    made = up(monorepo)
    assert list(made) == ["user-service", "billing-service"]
    answers(monorepo.client("kentoso-api"))
    again = up(monorepo)
    assert {result for stacks in again.values() for result in stacks.values()} == {"unchanged"}
    handler = monorepo.folder.parent / "billing-service" / "functions" / "billing.py"
    handler.write_text(handler.read_text() + "\n# another line\n")
    changed = up(monorepo, "project", "up", "billing-service", "user-service")
    assert list(changed) == ["user-service", "billing-service"]
    assert {name for stacks in changed.values() for name, result in stacks.items() if result != "unchanged"} == {
        "billing-function"
    }
    answers(monorepo.client("kentoso-api"))
    history = run(monorepo, "history", "billing-service", "--json").stdout
    assert "klotho project up, release " in history


def test_what_does_not_fit_together_is_found_before_anything_is_deployed(monorepo: Deployment) -> None:
    program = monorepo.folder / "infra.py"
    text = program.read_text()
    program.write_text(text.replace('name="create_invoice", handler', 'name="make_invoice", handler'))
    done = run(monorepo, "up", "--yes")
    program.write_text(text)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "create_invoice" in done.stderr and "billing-service" in done.stderr
    assert {result for stacks in up(monorepo).values() for result in stacks.values()} == {"unchanged"}


def test_a_picture_of_the_project_has_a_box_for_each_application(monorepo: Deployment) -> None:
    found = json.loads(run(monorepo, "project", "graph", "--program", "user-service", "--json").stdout)["topology"]
    groups = {group["id"]: group["title"] for group in found["groups"]}
    assert sorted(groups.values()) == ["billing-service", "user-service"]
    owner = {node["title"]: groups[node["group"]] for node in found["nodes"]}
    assert owner == {
        "users": "user-service",
        "users_db": "user-service",
        "create_invoice": "user-service",
        "kentoso-api": "user-service",
        "billing": "billing-service",
        "invoices": "billing-service",
    }
