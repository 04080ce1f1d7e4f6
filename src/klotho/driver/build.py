"""Compiles a program: `infra.py` to an application, to a resource graph, to templates.

Input: a program and an environment. Output: a `Build`, and on request the folder `compiled/` beside the program.
Refuses a program with mistakes: `ProgramError` with all of them, nothing written.
No process; no network unless what others have published is to be asked for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klotho.diagnostics import Diagnostic, ProgramError, Report, Span
from klotho.driver.annotated_over import Ids
from klotho.driver.construct_settings import configured
from klotho.driver.database_regions import check_database_regions
from klotho.driver.guardrails import BrokenRules, Loaded, guarded, judgement_of, load
from klotho.driver.lock_file import Shipped, read_lock, recorded
from klotho.driver.output_folder import write_output
from klotho.driver.program import Program, choose_environment, with_region
from klotho.driver.settings import Environment
from klotho.stacks import Manifest

if TYPE_CHECKING:
    from klotho.annotations.pages import StaticPage, UnitPage
    from klotho.application import Application, ConstructId
    from klotho.application.files import ProgramFiles
    from klotho.catalogue.foreign import ForeignConstruct
    from klotho.catalogue.policy import EnvironmentPolicy
    from klotho.guardrails import Judgement
    from klotho.resources import ResourceGraph, ResourceKey

OUTPUT_FOLDER = "compiled"


@dataclass(frozen=True, slots=True)
class Build:
    """A compiled program."""

    program: Program
    environment: Environment
    """With its region."""
    application: Application
    graph: ResourceGraph
    manifest: Manifest
    files: Mapping[str, bytes]
    """Templates and manifest, by path below `compiled/`."""
    diagnostics: tuple[Diagnostic, ...]
    """Warnings and notes: an error raises."""
    keys: Mapping[str, ResourceKey] = field(default_factory=dict)
    """The graph's key of each resource, by logical id."""
    guardrails: Loaded = field(default_factory=Loaded)
    judgement: Judgement | None = None
    """What the guardrails say of it; None without any."""
    foreign: Mapping[ConstructId, ForeignConstruct] = field(default_factory=dict)
    """Constructs of other applications of the project, as their owners published them."""
    units: Mapping[str, bytes] = field(default_factory=dict)
    """Of annotated code: the units' files, by path below `compiled/`."""
    pages: tuple[UnitPage, ...] = ()
    """Of annotated code: what was found of each unit."""
    static: tuple[StaticPage, ...] = ()
    """Of annotated code: what was found of each static unit."""
    ids: Ids = field(default_factory=dict)
    """Of annotated code: what the annotations of each id make."""
    choices: Mapping[ConstructId, str] = field(default_factory=dict)
    """The name of each construct's implementation."""

    @property
    def templates(self) -> Mapping[str, bytes]:
        return {stack.template: self.files[f"cloudformation/{stack.template}"] for stack in self.manifest.stacks}

    @property
    def spans(self) -> Mapping[str, Span]:
        """The user's lines by construct id."""
        return {item.id: item.span for item in self.application.constructs if item.span is not None}

    @property
    def labels(self) -> Mapping[str, str]:
        """The user's names by construct id."""
        return {item.id: item.label for item in self.application.constructs}

    @property
    def region(self) -> str:
        assert self.environment.region is not None
        return self.environment.region


@dataclass(frozen=True, slots=True)
class Described:
    """What a program says, with klotho.yaml over it, before anything is made of it."""

    program: Program
    environment: Environment
    """With its region."""
    application: Application
    report: Report
    """Warnings so far."""
    guardrails: Loaded = field(default_factory=Loaded)
    files: ProgramFiles | None = None
    """Instead of those in the program's folder."""
    units: Mapping[str, bytes] = field(default_factory=dict)
    """Of annotated code: the units' files, by path below `compiled/`."""
    pages: tuple[UnitPage, ...] = ()
    """Of annotated code: what was found of each unit."""
    static: tuple[StaticPage, ...] = ()
    ids: Ids = field(default_factory=dict)
    """Both of annotated code, as a `Build` has them."""


def build(
    program: Program,
    environment_name: str | None,
    *,
    in_ci: bool = False,
    moves: Mapping[str, str] | None = None,
    shipped: Mapping[str, Shipped] | None = None,
    guardrails: Loaded | None = None,
    ask: bool = False,
) -> Build:
    """Run the program and compile it for an environment.

    `moves`: new names of constructs by the former ones, as if the program said `was=` of them. `shipped`: instead of
    what klotho.lock says. `ask`: what others have published is read in the account, where the environment is in one;
    else it is as this machine has seen it last. `guardrails`: instead of those that klotho.yaml names.
    """
    described = describe(program, environment_name, in_ci=in_ci, moves=moves, shipped=shipped, guardrails=guardrails)
    return compiled(described, ask=ask)


def describe(
    program: Program,
    environment_name: str | None,
    *,
    in_ci: bool = False,
    moves: Mapping[str, str] | None = None,
    shipped: Mapping[str, Shipped] | None = None,
    guardrails: Loaded | None = None,
) -> Described:
    """Run the program. One that can't be read is refused, with what the engine finds in the part that could be."""
    from klotho.application import as_deployed, with_renames
    from klotho.application.files import ProgramFiles, repository_of
    from klotho.catalogue.residency import check_residency
    from klotho.driver.front_ends import read_program, without_folders, write_units
    from klotho.engine import report_mistakes
    from klotho.sdk.construct import renamable_kinds

    read = read_program(program)
    application, report = read.application, read.report
    report.extend(program.diagnostics)
    if application is None:
        raise ProgramError(report.diagnostics)
    if report.errors:
        application = without_folders(read, application)
        files = ProgramFiles(program.folder, repository_of(program.folder))
        report_mistakes(application, files=files, report=report, now=time.time())
        report.stop_on_errors()
    write_units(program, read.units)
    application = with_renames(_named(application, program), moves or {}, renamable_kinds(), report)
    environment = choose_environment(program, environment_name, application.environment, in_ci)
    environment = with_region(environment, application.region)
    application = configured(application, (*program.settings.constructs, *environment.constructs), report)
    entries = read_lock(program.folder, report) if shipped is None else shipped
    application = as_deployed(recorded(application, entries, report), report)
    check_database_regions(application, environment, report)
    if environment.target == "aws" and environment.region is not None:
        check_residency(application, environment.region, report)
    if guardrails is None:
        guardrails = load(program, environment, application.project, report)
    report.stop_on_errors()
    return Described(
        program,
        environment,
        application,
        report,
        guardrails,
        units=read.units,
        pages=read.pages,
        static=read.static,
        ids=read.ids,
    )


def compiled(described: Described, *, ask: bool = False) -> Build:
    """Compile it; `ask` as `build` has it."""
    from klotho.application.files import ProgramFiles, repository_of
    from klotho.driver.foreign import foreign_constructs, paid_by_others, told_by_the_project
    from klotho.emit import render
    from klotho.engine import resolve

    environment, program, report = described.environment, described.program, described.report
    foreign = foreign_constructs(described.application, environment, report, ask=ask)
    assert environment.region is not None
    try:
        resolution = resolve(
            described.application,
            environment=environment.name,
            files=described.files or ProgramFiles(program.folder, repository_of(program.folder)),
            report=report,
            now=time.time(),
            policy=guarded(_policy(environment), described.guardrails, described.application, environment),
            region=environment.region,
            foreign=foreign,
            paid_by_others=lambda: paid_by_others(described.application, environment, ask=ask),
        )
    except ProgramError as error:
        told = told_by_the_project(error.diagnostics, described.application, environment, str(program.folder), ask=ask)
        raise ProgramError(told) from error
    judgement = judgement_of(
        described.guardrails,
        described.application,
        environment,
        resolution.graph,
        lambda: _monthly(resolution.graph, described.application, environment),
    )
    if judgement is not None:
        report.extend(item.diagnostic() for item in judgement.findings)
        if report.errors:
            raise BrokenRules(report.diagnostics, judgement)
    report.stop_on_errors()
    bundle = render(resolution.graph, resolution.setting, region=environment.region)
    return Build(
        program=program,
        environment=environment,
        application=described.application,
        graph=resolution.graph,
        manifest=bundle.manifest,
        files=bundle.files,
        diagnostics=tuple(report.diagnostics),
        keys=bundle.keys,
        guardrails=described.guardrails,
        judgement=judgement,
        foreign=foreign,
        units=described.units,
        pages=described.pages,
        static=described.static,
        ids=described.ids,
        choices={item: chosen.name for item, chosen in resolution.setting.choices.items()},
    )


def _monthly(graph: ResourceGraph, application: Application, environment: Environment) -> float | None:
    """US dollars a month, as expected; None where the region has no prices at all."""
    from klotho.catalogue.costs import Usages, estimate

    assert environment.region is not None
    found = estimate(graph.resources, Usages(application), environment.region)
    return float(found.total.expected) if found.lines else None


def _policy(environment: Environment) -> EnvironmentPolicy:
    """What klotho.yaml says of the environment, as far as it decides what is made."""
    from klotho.catalogue.policy import EnvironmentPolicy

    return EnvironmentPolicy(
        environment.protect,
        environment.alarms,
        environment.alarm_emails,
        encrypted_in_transit=environment.encrypted_in_transit,
        enter=bool({"exec", "shell", "tunnel"} & set(environment.allow)),
    )


def application_of(program: Program) -> Application:
    """What a program says, named as klotho.yaml has it; ProgramError with its mistakes."""
    from klotho.driver.front_ends import read_program

    read = read_program(program)
    application, report = read.application, read.report
    report.extend(program.diagnostics)
    if application is None:
        raise ProgramError(report.diagnostics)
    report.stop_on_errors()
    return _named(application, program)


def write_compiled(built: Build, folder: Path | None = None, more: Mapping[str, bytes] | None = None) -> Path:
    """Write `compiled/` (default: beside the program) and return it; what may be written is in `output_folder`.

    `more`: other files that belong into it, an export.
    """
    target = folder or built.program.folder / OUTPUT_FOLDER
    return write_output(target, {**compiled_files(built), **(more or {})}, built.program.folder)


def compiled_files(built: Build) -> dict[str, bytes]:
    """Every file of `compiled/` by path: the same bytes for the same program."""
    from klotho.application import to_json
    from klotho.driver.pictures import picture_files
    from klotho.resources import graph_to_json

    return {
        "application.json": _json(to_json(built.application)),
        "resources.json": _json(graph_to_json(built.graph)),
        **built.files,
        **built.units,
        **_settings(built),
        **picture_files(built),
    }


def _settings(built: Build) -> dict[str, bytes]:
    """klotho.yaml as it comes to, of annotated code."""
    if not built.units:
        return {}
    from klotho.driver.annotated_written import expanded

    return {"klotho.yaml": expanded(built.program.folder, built.ids, built.choices)}


def _json(data: Any) -> bytes:
    import orjson

    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _named(application: Application, program: Program) -> Application:
    settings = program.settings
    return replace(
        application,
        name=settings.app or application.name,
        project=settings.project or application.project,
    )
