"""Which program, which environment: decided once for every command.

Input: the path and options of a command. Output: a `Target`. Refuses a missing program (with what to do next), a
folder without one, an unknown environment, and no environment named under CI.
"""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from klotho.diagnostics import Diagnostic, ExitCode, Failure, ProgramError, Report
from klotho.driver.owner import owner_of
from klotho.driver.settings import (
    DEFAULT_ENVIRONMENT,
    DEFAULT_REGION,
    Environment,
    Settings,
    personal,
    read_settings,
)

PROGRAM_NAME = "infra.py"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that exists."""

    path: Path
    """Absolute."""
    settings: Settings
    diagnostics: tuple[Diagnostic, ...] = ()
    """Mistakes in klotho.yaml."""
    annotated: bool = False
    """Whether it is annotated code; `path` is its folder then."""

    @property
    def folder(self) -> Path:
        return self.path if self.annotated else self.path.parent


def find_program(path: Path, command: str = "klotho up") -> Program:
    """The program at a path: a file, a folder that holds infra.py, or one with annotated code and no infra.py.
    Failure (exit 6) when there is none.

    `command` is what was run, as far as a path can follow it; what to do next is said with it.
    """
    try:
        candidate = path / PROGRAM_NAME if path.is_dir() else path
        found = candidate.is_file()
    except OSError:  # A name no file can have, or a folder that may not be entered: there is none either way.
        candidate, found = path, False
    report = Report()
    if not found:
        folder = _annotated_folder(path)
        if folder is None:
            raise _no_program(path, candidate, command)
        settings = read_settings(folder, report)
        return Program(folder, settings, tuple(report.diagnostics), annotated=True)
    settings = read_settings(candidate.resolve().parent, report)
    return Program(candidate.resolve(), settings, tuple(report.diagnostics))


def _annotated_folder(path: Path) -> Path | None:
    """The folder of annotated code a path names, by itself or by the infra.py it does not have."""
    from klotho.annotations.reading import has_annotations

    with contextlib.suppress(OSError):  # A folder that may not be entered has none for us.
        folder = path if path.is_dir() else path.parent if path.name == PROGRAM_NAME else None
        if folder is not None and folder.is_dir() and not root_of_several(folder) and has_annotations(folder):
            return folder.resolve()
    return None


def refuse_mistaken_settings(folder: Path) -> None:
    """ProgramError with every mistake of klotho.yaml. What a mistake hides may be `protect: true`, or an environment:
    who deletes data or answers for all environments can't go on with what is left of the file."""
    report = Report()
    read_settings(folder, report)
    if report.errors:
        raise ProgramError(report.errors)


def choose_environment(program: Program, named: str | None, asked_by_program: str | None, in_ci: bool) -> Environment:
    """`--env` wins, then the program's `environment=`, then `local`; the region is filled in later by the program's."""
    name = named or asked_by_program
    if name is None and in_ci:
        raise Failure(
            "environment-not-named",
            "under CI the environment must be named",
            notes=("CI is set in this shell, and a run by mistake against the default environment helps nobody",),
            helps=(f"add `--env {DEFAULT_ENVIRONMENT}` or the name of another environment",),
            exit_code=ExitCode.USAGE,
        )
    found = program.settings.environment(name or DEFAULT_ENVIRONMENT)
    return personal(found, owner_of(found.per, program.folder)) if found.per else found


def with_region(environment: Environment, asked_by_program: str | None) -> Environment:
    """The environment with a region for certain."""
    return replace(environment, region=environment.region or asked_by_program or DEFAULT_REGION)


def root_of_several(path: Path) -> Path | None:
    """The folder, if there is no program where `path` says and several below it: the root of a repository with many."""
    folder = path.parent if path.name == PROGRAM_NAME else path
    with contextlib.suppress(OSError):
        if folder.is_dir() and not (folder / PROGRAM_NAME).is_file():
            below = [*folder.glob(f"*/{PROGRAM_NAME}"), *folder.glob(f"*/*/{PROGRAM_NAME}")]
            return folder if len(below) > 1 else None
    return None


def _no_program(path: Path, candidate: Path, command: str) -> Failure:
    shown = candidate.name if path == Path(PROGRAM_NAME) or path == Path() else str(candidate)
    helps = ["run `klotho init` to write a small working one", f"name its path: `{command} path/to/infra.py`"]
    folder = candidate.parent
    with contextlib.suppress(OSError):  # Only advice: a folder that can't be listed gives none.
        near = sorted(item.parent.name for item in folder.glob(f"*/{PROGRAM_NAME}"))[:3]
        helps = [
            f"there is one in `{name}`: run `{command} {shlex.quote(str(folder / name))}`" for name in near
        ] or helps
    return Failure(
        "program-missing",
        f"there is no `{shown}` here" if shown == PROGRAM_NAME else f"there is no program at `{shown}`",
        helps=helps,
        exit_code=ExitCode.NOT_FOUND,
    )
