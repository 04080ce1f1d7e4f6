"""A command run for a person: at a terminal, with answers to its questions."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def said(
    command: Sequence[str], folder: str | Path, environment: Mapping[str, str], answers: Mapping[str, str]
) -> tuple[str, int]:
    """What the command says to a person who answers so, each question once, and its exit code."""
    master, slave = pty.openpty()
    variables = {**environment, "TERM": "xterm", "COLUMNS": "200"}
    variables.pop("NO_COLOR", None)
    with subprocess.Popen(
        [*command], cwd=folder, env=variables, stdin=slave, stdout=slave, stderr=slave, close_fds=True
    ) as process:
        os.close(slave)
        told, pending, deadline = "", dict(answers), time.monotonic() + 120
        while time.monotonic() < deadline:
            ready, _, _ = select.select([master], [], [], 0.2)
            try:
                told += os.read(master, 65536).decode(errors="replace") if ready else ""
            except OSError:
                break
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)
            for question in [item for item in pending if item in plain]:
                os.write(master, f"{pending.pop(question)}\n".encode())
            if not ready and process.poll() is not None:
                break
        os.close(master)
        return told, process.wait(timeout=10)
