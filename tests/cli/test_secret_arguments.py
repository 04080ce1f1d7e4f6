"""A secret's value never comes from the command line, and is repeated nowhere when it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "canary-77f3"


def klotho(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    (folder / "infra.py").write_text('import klotho\nklotho.Application("shop")\nklotho.Secret("key")\n')
    return subprocess.run(
        [sys.executable, "-m", "klotho.cli", *arguments], cwd=folder, input=given, capture_output=True
    )


@pytest.mark.parametrize(
    "arguments", [("key", CANARY), ("key", CANARY, "--json"), (f"--value={CANARY}", "key"), ("key", "more", CANARY)]
)
def test_a_value_as_an_argument_is_refused_and_not_repeated(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = klotho(tmp_path, "secret", "set", *arguments)
    assert done.returncode == 2
    assert CANARY.encode() not in done.stdout + done.stderr


@pytest.mark.parametrize("given", [b"", b"\n", b"\xff\xfe" + CANARY.encode(), CANARY.encode() * 9000])
def test_a_value_secrets_manager_would_refuse_is_refused_without_it(tmp_path: Path, given: bytes) -> None:
    done = klotho(tmp_path, "secret", "set", "key", "--json", given=given)
    assert done.returncode == 1
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "secret-value"
    assert CANARY.encode() not in done.stdout + done.stderr


def test_removing_needs_consent(tmp_path: Path) -> None:
    done = klotho(tmp_path, "secret", "rm", "key", "--json")
    assert (done.returncode, json.loads(done.stdout)["diagnostics"][0]["code"]) == (2, "consent-needed")


def test_help_names_the_three_commands(tmp_path: Path) -> None:
    listed = klotho(tmp_path, "secret", "--help").stdout.decode().partition("Commands:")[2].split("\n")
    assert [line.split()[0] for line in listed if line.strip()] == ["set", "ls", "rm"]
