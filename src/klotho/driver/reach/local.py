"""A service of the local cloud: its environment for a command, its folder for a shell.

Input: a running local cloud, an application, a service. Output: what to start, where, with which variables. Refuses, as
a `Failure`, a service that does not run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from klotho.diagnostics import ExitCode, Failure
from klotho.driver.local_cloud import Session, local_failures

_OF_THE_PERSON = ("HOME", "TMPDIR", "LANG", "TZ")
"""What a command keeps of the person's own environment."""
_JOINED = ("PATH", "PYTHONPATH", "NODE_PATH")
"""Search paths: the service's first, then the person's."""
_FOREIGN = ("AWS_", "KLOTHO_")
"""What of the person's environment would mix another identity into the service's."""
_OF_THE_WORKER = ("PORT",)
"""What only one process can have: the port the service listens on."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to become."""

    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)
    folder: Path | None = None
    """None: where the person is."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service as it runs now."""

    kind: str
    folder: Path
    variables: Mapping[str, str] = field(repr=False)


def running(session: Session, application: str, service: str) -> Running:
    """Failure when there is no such service, or it does not run."""
    with local_failures():
        found = session.connection.environment_of(application, service)
    return Running(str(found["kind"]), Path(found["folder"]), dict(found["variables"]))


def command(running: Running, service: str, words: Sequence[str]) -> Command:
    """`words` run where the person is, as the service: its credentials, grants and installed packages."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    given = {name: value for name, value in running.variables.items() if name not in (*_OF_THE_PERSON, *_OF_THE_WORKER)}
    variables = {**own, **given}
    for name, value in _paths(running).items():
        variables[name] = os.pathsep.join(filter(None, (value, own.get(name))))
    program = shutil.which(words[0], path=variables.get("PATH"))
    if program is None:
        raise Failure(
            "command-missing",
            f"there is no program `{words[0]}`",
            notes=(f"PATH holds what `{service}` has installed, then your own",),
            exit_code=ExitCode.NOT_FOUND,
        )
    return Command((program, *words[1:]), variables)


def shell(running: Running) -> Command:
    """The person's shell in the folder of the running process, with its environment and nothing else of theirs."""
    program = os.environ.get("SHELL") or "/bin/sh"
    seen = {name: os.environ[name] for name in ("TERM", "COLORTERM", "NO_COLOR") if name in os.environ}
    return Command((program,), {**seen, **running.variables, **_paths(running)}, running.folder)


def _paths(running: Running) -> dict[str, str]:
    """Search paths; a function's packages lie beside its code, where its own bootstrap looks for them."""
    found = {name: running.variables[name] for name in _JOINED if name in running.variables}
    if running.kind == "function":
        code, brought = running.variables["LAMBDA_TASK_ROOT"], running.variables["LAMBDA_RUNTIME_DIR"]
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (found.get("PYTHONPATH"), code, brought)))
        found["NODE_PATH"] = os.pathsep.join(filter(None, (found.get("NODE_PATH"), f"{code}/node_modules")))
    return found
