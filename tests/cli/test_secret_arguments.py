"""A secret's value never comes from the command line, and is repeated nowhere when it does."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from .conftest import Run

CANARY = "canary-77f3"
ARGUMENTS = [("key", CANARY), ("key", CANARY, "--json"), (f"--value={CANARY}", "key"), ("key", "more", CANARY)]


@pytest.fixture(autouse=True)
def program(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text('import klotho\nklotho.Application("shop")\nklotho.Secret("key")\n')


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_value_as_an_argument_is_refused_and_not_repeated(klotho: Run, arguments: tuple[str, ...]) -> None:
    done = klotho("secret", "set", *arguments)
    assert done.returncode == 2
    assert CANARY not in done.stdout + done.stderr


def test_nor_by_a_process_of_its_own(klotho_process: Run) -> None:
    done = klotho_process("secret", "set", *ARGUMENTS[0])
    assert done.returncode == 2
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize("given", [b"", b"\n", b"\xff\xfe" + CANARY.encode(), CANARY.encode() * 9000])
def test_a_value_secrets_manager_would_refuse_is_refused_without_it(
    klotho: Run, monkeypatch: pytest.MonkeyPatch, given: bytes
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
    done = klotho("secret", "set", "key", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "secret-value"
    assert CANARY not in done.stdout + done.stderr


def test_removing_needs_consent(klotho: Run) -> None:
    done = klotho("secret", "rm", "key", "--json")
    assert (done.returncode, json.loads(done.stdout)["diagnostics"][0]["code"]) == (2, "consent-needed")


def test_help_names_the_three_commands(klotho_process: Run) -> None:
    listed = klotho_process("secret", "--help").stdout.partition("Commands:")[2].split("\n")
    assert [line.split()[0] for line in listed if line.strip()] == ["set", "ls", "rm"]
