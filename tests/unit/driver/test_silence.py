"""Nobody waits for AWS in silence: a line at once, reminders, and an end."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from klotho.deploy.asking import asking, open_questions
from klotho.deploy.place import translated
from klotho.diagnostics import ExitCode, Failure
from klotho.driver import silence
from klotho.driver.aws import within
from klotho.driver.silence import Watch

PROGRAM = """\
import klotho
from klotho import Compute
klotho.Application("shop")
Compute.Function(name="orders", handler="orders.handler")
"""


def test_what_stays_open_is_told_every_ten_seconds() -> None:
    said: list[str] = []
    times = iter((0.0, 9.0, 10.0, 15.0, 19.0, 20.5, 30.0))
    watch = Watch(said.append, clock=lambda: next(times))
    with asking("reading what is deployed"):
        for _ in range(6):
            watch.look(open_questions())
    watch.look(open_questions())
    assert said == [
        "waiting on AWS for 10 s: reading what is deployed",
        "waiting on AWS for 20 s: reading what is deployed",
    ]


def test_short_questions_one_after_the_other_are_not_told() -> None:
    said: list[str] = []
    times = iter(range(0, 100, 5))
    watch = Watch(said.append, clock=lambda: float(next(times)))
    for _ in range(20):
        with translated("reading a stack"):
            watch.look(open_questions())
    assert said == []


def test_a_question_that_fails_is_over() -> None:
    with pytest.raises(ZeroDivisionError), translated("dividing"):
        _ = 1 / 0
    assert open_questions() == ()


def test_credentials_that_never_come_are_given_up() -> None:
    with pytest.raises(Failure) as error:
        within(0.01, lambda: time.sleep(60) or {})  # type: ignore[func-returns-value]
    assert (error.value.diagnostic.code, error.value.exit_code) == ("wait-timed-out", ExitCode.TIMEOUT)
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: {"a": 1 // 0})


def test_a_quick_command_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(silence, "_say", said.append)
    with silence.broken("looking at prod"):
        pass
    time.sleep(silence.SOON_S * 1.5)
    assert said == []


@pytest.mark.parametrize("command", ["status", "outputs", "logs"])
def test_a_command_speaks_before_aws_answers(command: str, tmp_path: Path) -> None:
    """An endpoint that takes connections and never says a word."""
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "orders.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "klotho.yaml").write_text("environments:\n  prod: {target: aws, region: eu-central-1}\n")
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(5)
        variables = {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{hole.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        words = [sys.executable, "-m", "klotho.cli", command, "--env", "prod"]
        with subprocess.Popen(words, cwd=tmp_path, env=variables, stderr=subprocess.PIPE, text=True) as process:
            assert isinstance(process.stderr, io.TextIOBase)
            first = process.stderr.readline()
            second = process.stderr.readline() if "looking" in first else first
            assert process.poll() is None, "AWS has not answered"
            process.kill()
    assert first in ("looking at prod\n", "asking AWS in eu-central-1\n")
    assert second == "asking AWS in eu-central-1\n"
