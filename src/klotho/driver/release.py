"""Several programs brought up as one release: whoever defines something comes before whoever uses it.

Input: programs, an environment's name. Output: their order, and what became of each. Everything is compared with
everything else, as it is now, before anything is deployed. Refuses (`ProgramError`) mistakes of any of them and what
does not fit together, and (`Failure`, `release-circle`) applications that each wait for the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from klotho.application import Application, Construct, ConstructId
from klotho.deploy.outcome import Deployment
from klotho.diagnostics import ExitCode, Failure, ProgramError
from klotho.driver import projects, session
from klotho.driver.build import application_of
from klotho.driver.deployment import UpResult
from klotho.driver.local_cloud import local_failures
from klotho.driver.machine import new_run_id, runs_in_ci
from klotho.driver.program import PROGRAM_NAME, Program, choose_environment, find_program, with_region
from klotho.driver.settings import Environment
from klotho.registry import Conflict, Entry, Origin, Publication, Snapshot, digest_of, join
from klotho.stacks import components

_NOT_ENTERED = frozenset({"node_modules", "compiled", "__pycache__", "venv", "dist", "build"})
"""Folders that hold no programs of the user's."""


@dataclass(frozen=True, slots=True)
class Part:
    """One program of a release."""

    program: Program
    application: Application
    environment: Environment
    waits_for: tuple[str, ...] = ()
    """Names of other applications of the release."""

    @property
    def name(self) -> str:
        return self.application.name


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one."""

    part: Part
    result: UpResult | None = None
    failure: Failure | ProgramError | None = None
    skipped_for: str | None = None
    """The application that it needs and that failed."""

    @property
    def ok(self) -> bool:
        return self.result is not None and self.result.ok


def programs_below(folder: Path) -> list[Path]:
    """Every infra.py in the folder and below, sorted; hidden folders and those of packages are not entered."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NOT_ENTERED)
        if PROGRAM_NAME in files:
            found.append(Path(place) / PROGRAM_NAME)
    return sorted(found)


def programs_at(paths: Iterable[Path], command: str) -> list[Program]:
    """The programs at the paths; a folder without one stands for all below it. Failure when there is none."""
    found: dict[Path, Program] = {}
    for path in paths:
        inside = programs_below(path) if path.is_dir() and not (path / PROGRAM_NAME).is_file() else []
        for one in inside or [path]:
            program = find_program(one, command)
            found[program.path] = program
    return list(found.values())


def planned(programs: Sequence[Program], environment_name: str | None) -> list[Part]:
    """In the order in which they are brought up; ties by name."""
    parts = [_part(program, environment_name) for program in programs]
    _refuse_twins(parts)
    makers = {(part.application.project, item.id): part.name for part in parts for item in _made(part.application)}
    waiting = {part.name: replace(part, waits_for=tuple(sorted(_waits(part.application, makers)))) for part in parts}
    groups = components({name: list(part.waits_for) for name, part in sorted(waiting.items())})
    circle = next((group for group in groups if len(group) > 1), None)
    if circle is not None:
        raise _circle([waiting[name] for name in sorted(circle)], makers)
    return [waiting[name] for name in _ordered({name: set(part.waits_for) for name, part in waiting.items()})]


def refuse_misfits(parts: Sequence[Part], breaking: frozenset[str] = frozenset()) -> None:
    """ProgramError with everything that does not fit, all programs taken as they are now, but for what breaks only the
    applications in `breaking`."""
    found: list[Conflict] = []
    for part in parts:
        registry = projects.registry_of(
            part.environment.target, part.application.project, part.environment.name, _account(part)
        )
        with local_failures():
            snapshot = registry.snapshot()
        others = [other for other in parts if other is not part and _beside(other, part)]
        joined = join(_with(snapshot, others), part.application, str(part.program.folder))
        mine = [item for item in joined if item.concerns(part.name)]
        found += [item for item in mine if not (item.breaks and item.breaks <= breaking)]
    told = list({item.diagnostic.message: item.diagnostic for item in found}.values())
    if told:
        raise ProgramError(told)


def release(parts: Sequence[Part], bring_up: Callable[[Part, str], UpResult]) -> Iterator[Ended]:
    """Bring one after the other up; what needs one that failed is skipped, the others go on.

    `bring_up` gets the part and the command that is kept in its history, with the release's id.
    """
    command = f"klotho project up, release {new_run_id()[:8]}"
    failed: dict[str, str] = {}
    for part in parts:
        because = next((failed[name] for name in part.waits_for if name in failed), None)
        if because is not None:
            failed[part.name] = because
            yield Ended(part, skipped_for=because)
            continue
        try:
            ended = Ended(part, bring_up(part, command))
        except (Failure, ProgramError) as failure:
            ended = Ended(part, failure=failure)
        if not ended.ok:
            failed[part.name] = part.name
        yield ended
        if isinstance(ended.failure, Failure) and ended.failure.exit_code == ExitCode.CANCELLED:
            return
        if ended.result is not None and _drained(ended.result.deployment):
            return


def _drained(deployment: Deployment) -> bool:
    return deployment.drained


def _part(program: Program, environment_name: str | None) -> Part:
    application = application_of(program)
    environment = choose_environment(program, environment_name, application.environment, runs_in_ci())
    return Part(program, application, with_region(environment, application.region))


def _made(application: Application) -> list[Construct]:
    return [item for item in application.constructs if not item.from_project]


def _waits(application: Application, makers: Mapping[tuple[str, ConstructId], str]) -> set[str]:
    used = (makers.get((application.project, item.id)) for item in application.constructs if item.from_project)
    return {name for name in used if name is not None} - {application.name}


def _ordered(waits: Mapping[str, set[str]]) -> list[str]:
    done: list[str] = []
    while len(done) < len(waits):
        done += sorted(name for name in waits if name not in done and waits[name] <= set(done))
    return done


def _refuse_twins(parts: Sequence[Part]) -> None:
    seen: dict[tuple[str, str], Part] = {}
    for part in parts:
        key = (part.application.project, part.name)
        if key in seen:
            raise Failure(
                "application-twice",
                f"two programs are the application `{part.name}` of project `{key[0]}`",
                notes=(str(seen[key].program.path), str(part.program.path)),
                helps=("give one of them another name in `klotho.Application(…)`",),
            )
        seen[key] = part


def _circle(parts: Sequence[Part], makers: Mapping[tuple[str, ConstructId], str]) -> Failure:
    names = {part.name for part in parts}
    notes = [
        f"`{part.name}` uses {item.title} of `{maker}`: {part.program.folder}/{item.span}"
        for part in parts
        for item in part.application.constructs
        if item.from_project and (maker := makers.get((part.application.project, item.id))) in names - {part.name}
    ]
    return Failure(
        "release-circle",
        f"{' and '.join(f'`{name}`' for name in sorted(names))} wait for each other",
        notes=(*notes, "nobody can be brought up first"),
        helps=(
            "move what both use into one of them, or into a program of its own",
            "or bring one of them up without the line that uses the other, then the other, then the first one again",
        ),
    )


def _account(part: Part) -> session.Session | None:
    return session.answering(part.environment, part.application.project) if part.environment.target == "aws" else None


def _beside(one: Part, other: Part) -> bool:
    return (one.application.project, one.environment.name) == (other.application.project, other.environment.name)


def _with(snapshot: Snapshot, others: Sequence[Part]) -> Snapshot:
    """What is published, with the programs at hand in the place of what they published."""
    names = {part.name for part in others}
    stay = [entry for entry in snapshot.entries if entry.application.name not in names]
    before = {entry.application.name: entry for entry in snapshot.entries}
    news = [_entry(part, before.get(part.name)) for part in others]
    entries = sorted([*stay, *news], key=lambda entry: entry.application.name)
    unreadable = tuple(item for item in snapshot.unreadable if item.application not in names)
    return replace(snapshot, entries=tuple(entries), unreadable=unreadable)


def _entry(part: Part, before: Entry | None) -> Entry:
    if before is not None:
        return replace(before, application=part.application)
    now = Publication(0, "", "", "", digest_of(part.application), "")
    region = part.environment.region or ""
    return Entry(part.application, part.environment.name, region, Origin(str(part.program.folder)), (now,))
