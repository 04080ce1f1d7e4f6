"""Two programs of one project and the real command, with a state folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.localcloud import terminal

PROGRAM = """
import klotho
from klotho import Databases, Messaging

klotho.Application("NAME", project="acme")
orders = Databases.KeyValue(name="orders", key="id")
jobs = Messaging.Queue(name="jobs")
"""


class Machine:
    """A state folder of its own, and the folders of two programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = folder / "state" / "klotho" / ".registry" / "acme" / "local"
        for name in ("shop", "billing"):
            self.write(name)

    def write(self, name: str, more: str = "") -> None:
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "infra.py").write_text(PROGRAM.replace("NAME", name) + more)
        (self.folder / name / "work.py").write_text("def handler(event, context):\n    return {}\n")

    def klotho(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder / name, env=self.environment, capture_output=True, text=True, timeout=120,
            input="", check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "NO_COLOR": "1", "CI": ""}

    def at_a_terminal(self, name: str, *arguments: str, answers: Mapping[str, str]) -> tuple[str, int]:
        """What the command says to a person who answers so, and its exit code."""
        command = [sys.executable, "-m", "klotho.cli", *arguments]
        return terminal.said(command, self.folder / name, self.environment, answers)

    def json(self, name: str, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        done = self.klotho(name, *arguments, "--json")
        assert done.returncode == exit_code, done.stdout + done.stderr
        return dict(json.loads(done.stdout))
