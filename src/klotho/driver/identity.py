"""Which application in which environment, without compiling anything.

Input: where a command looks (a path, or names given on the command line) and the environment's name. Output: an
`Identity`. A program with mistakes is fine as long as it says who it is; one that does not, has moved or is gone is
known by the record of its folder, or by `--app`: `status`, `logs`, `outputs` and `down` must work then too. Refuses
what is known neither way (the program's own mistakes, or `program-missing`) and what could be several
(`application-ambiguous`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from klotho.diagnostics import Diagnostic, ExitCode, Failure, ProgramError, Report, one_of
from klotho.driver import records
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import PROGRAM_NAME, Program, choose_environment, find_program, with_region
from klotho.driver.records import Record
from klotho.driver.settings import DEFAULT_ENVIRONMENT, Environment, read_settings

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Where:
    """What a command is about, as far as its arguments say."""

    path: Path
    command: str = "klotho up"
    """What was run, as far as a path can follow it."""
    application: str | None = None
    project: str | None = None

    @property
    def folder(self) -> Path:
        """Where the program is, or was."""
        path = self.path.resolve()
        return path if path.is_dir() else path.parent


@dataclass(frozen=True, slots=True)
class Identity:
    application: str
    project: str
    environment: Environment
    """With its region."""
    folder: Path
    """The program's, which need not be there any more."""
    program: Program | None = None
    """None when it can't be run."""
    notice: str | None = None
    """A line for the person when the names do not come from the program."""

    @property
    def record(self) -> Record | None:
        return records.read(self.project, self.environment.name, self.application)


def in_project(identity: Identity, where: Where, projects: Collection[str]) -> Identity:
    """The application that was named without its project, in the only one of `projects` that has it.

    Failure (`application-ambiguous`) when several have it.
    """
    if where.application is None or where.project is not None or not projects or identity.project in projects:
        return identity
    if len(projects) > 1:
        raise Failure(
            "application-ambiguous",
            f"`{where.application}` is in several projects: {one_of(sorted(projects))}",
            helps=("add `--project NAME`",),
            exit_code=ExitCode.USAGE,
        )
    return replace(identity, project=next(iter(projects)))


def identify(where: Where, environment_name: str | None) -> Identity:
    """The names of the command line, else the program's, else those of the folder's record."""
    if where.application is not None:
        return _by_name(where, environment_name)
    if where.project is not None:
        raise Failure("usage", "`--project` needs `--app` beside it", exit_code=ExitCode.USAGE)
    try:
        return _by_program(where, environment_name)
    except _NoIdentityError as unknown:
        known = [item for item in records.known() if item.folder == where.folder]
        if not known:
            raise unknown.cause from None
        record = _one(known, environment_name, str(where.folder))
        why = "has mistakes" if isinstance(unknown.cause, ProgramError) else "is not here"
        notice = (
            f"{Path(record.program).name} {why}: going on with {record.application} (project {record.project}), "
            "which was brought up from this folder"
        )
        return _of_record(record, environment_name, notice)


class _NoIdentityError(Exception):
    """The program does not say who it is; carries what to show when nothing else does."""

    def __init__(self, cause: Failure | ProgramError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _by_program(where: Where, environment_name: str | None) -> Identity:
    from klotho.driver.front_ends import read_program

    try:
        program = find_program(where.path, where.command)
    except Failure as failure:
        failure.diagnostic = _with_app_help(failure.diagnostic, where)
        raise _NoIdentityError(failure) from failure
    read = read_program(program)
    application, report = read.application, read.report
    if application is None:
        found = [*report.diagnostics[:-1], *(_with_app_help(item, where) for item in report.diagnostics[-1:])]
        raise _NoIdentityError(ProgramError(found))
    environment = choose_environment(program, environment_name, application.environment, runs_in_ci())
    return Identity(
        program.settings.app or application.name,
        program.settings.project or application.project,
        with_region(environment, application.region),
        program.folder,
        program,
    )


def _by_name(where: Where, environment_name: str | None) -> Identity:
    """The application that was asked for by name, known or not."""
    assert where.application is not None
    known = [
        item
        for item in records.known()
        if item.application == where.application and where.project in (None, item.project)
    ]
    if known:
        return _of_record(_one(known, environment_name, where.application), environment_name, None)
    project = where.project or DEFAULT_PROJECT
    environment = _environment(where.folder, environment_name, DEFAULT_ENVIRONMENT)
    return Identity(where.application, project, with_region(environment, None), where.folder)


def _one(known: list[Record], environment_name: str | None, what: str) -> Record:
    """The record of the environment; several applications or projects are refused."""
    wanted = environment_name or DEFAULT_ENVIRONMENT
    fitting = [item for item in known if item.environment == wanted] or known
    names = {(item.application, item.project) for item in fitting}
    if len(names) > 1:
        raise Failure(
            "application-ambiguous",
            f"several applications were brought up here: {one_of(sorted({item.application for item in fitting}))}"
            if what != fitting[0].application
            else f"`{what}` is in several projects: {one_of(sorted({item.project for item in fitting}))}",
            helps=("add `--app NAME --project NAME`",),
            exit_code=ExitCode.USAGE,
        )
    return fitting[0]


def _of_record(record: Record, environment_name: str | None, notice: str | None) -> Identity:
    environment = _environment(record.folder, environment_name, record.environment)
    return Identity(
        record.application, record.project, with_region(environment, record.region), record.folder, notice=notice
    )


def _environment(folder: Path, named: str | None, default: str) -> Environment:
    """What klotho.yaml says of it where there is one: a protected environment stays protected without its program."""
    program = Program(folder / PROGRAM_NAME, read_settings(folder, Report()))
    if named is None and runs_in_ci():
        return choose_environment(program, None, None, in_ci=True)  # which refuses
    name = named or default
    try:
        return program.settings.environment(name)
    except Failure:
        return Environment(name)  # it was there when the application was brought up


def _with_app_help(item: Diagnostic, where: Where) -> Diagnostic:
    command = " ".join(where.command.split()[:2])
    return replace(item, helps=(*item.helps, f"name what was brought up: `{command} --app NAME`"))
