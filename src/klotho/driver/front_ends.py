"""What a program says, whichever way it says it: an infra.py that runs, or annotated code that is compiled.

Input: a `Program`. Output: `Read`: its application, the report, and for annotated code the files of its units, which
`write_units` puts where functions are packed from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from klotho.diagnostics import Report, meant_or_listed
from klotho.driver.annotated_settings import TYPES, AnnotatedSettings
from klotho.driver.machine import cache_folder
from klotho.driver.output_folder import files_written, write_output

if TYPE_CHECKING:
    from klotho.annotations.compiling import UnitPage
    from klotho.application import Application, Construct
    from klotho.driver.program import Program


_SERVICES = ("Compute.Function", "Compute.Container")
"""What units become."""


@dataclass(frozen=True, slots=True)
class Read:
    application: Application | None
    """None where nothing came of it."""
    report: Report
    units: Mapping[str, bytes] = field(default_factory=dict)
    """Files below `compiled/`."""
    pages: tuple[UnitPage, ...] = ()


def read_program(program: Program) -> Read:
    """Mistakes are in the report, with those of klotho.yaml that concern annotations only."""
    if program.annotated:
        return _compiled(program, Report())
    from klotho.sdk.program import execute

    ran = execute(program.path)
    if ran.annotated is None or ran.application is None:
        return Read(ran.application, ran.report)
    from klotho.driver.both_front_ends import joined

    code = _compiled(program, ran.report)
    if code.application is None:
        return Read(ran.application, ran.report)
    return replace(code, application=joined(ran.application, code.application, ran.annotated, ran.report))


def _compiled(program: Program, report: Report) -> Read:
    from klotho.annotations.compiling import compile_code

    memory, hosting = cache_folder() / "annotated", program.settings.annotated.hosting
    compiled = compile_code(program.folder, program.settings.app, report, hosting, memory)
    application = _with_settings(compiled.application, program.settings.annotated, report)
    usable = application if application.constructs else None
    if usable is None and not report.errors:
        report.error("annotation-without-effect", "nothing came of this program's annotations")
    return Read(usable, report, compiled.files, tuple(compiled.units))


def write_units(program: Program, units: Mapping[str, bytes]) -> None:
    """Write the units' folders into `compiled/`; what a build wrote beside them stays."""
    if not units:
        return
    from klotho.annotations.languages import UNIT_FILES

    target = program.folder / "compiled"
    earlier = files_written(target)
    stale = {name.partition("/")[0] for name in earlier if name.partition("/")[2] in UNIT_FILES}
    kept = {
        name: (target / name).read_bytes()
        for name in earlier
        if name.partition("/")[0] not in stale and (target / name).is_file()
    }
    write_output(target, {**kept, **units}, program.folder)


def without_folders(application: Application, units: Mapping[str, bytes]) -> Application:
    """For looking for further mistakes where units are not written: nobody is told that their folders are missing."""
    folders = {f"compiled/{path.partition('/')[0]}" for path in units}
    unread = frozenset({"context", "handler"})
    constructs = (
        replace(item, unread=item.unread | unread) if item.properties.get("context") in folders else item
        for item in application.constructs
    )
    return replace(application, constructs=tuple(constructs))


def _with_settings(application: Application, settings: AnnotatedSettings, report: Report) -> Application:
    """klotho.yaml over it: ids must exist, variables reach their unit."""
    for section, kinds in (
        ("execution_units", set(_SERVICES)),
        ("exposed", {"API"}),
        ("persisted", {*TYPES.values()}),
    ):
        known = [item.name for item in application.constructs if item.kind in kinds]
        for name, span in settings.ids.get(section, {}).items():
            if _plain(name) not in known:
                helps = (meant_or_listed(name, known, "there is"),)
                report.error("settings-key-unknown", f"`{section}.{name}` is no id of an annotation", span, helps=helps)
    _check_types(application, settings, report)
    variables = {_plain(name): given for name, given in settings.variables.items()}
    constructs = tuple(_with_variables(item, variables.get(item.name)) for item in application.constructs)
    return replace(application, constructs=constructs)


def _check_types(application: Application, settings: AnnotatedSettings, report: Report) -> None:
    """A type of klotho.yaml must be one of what the code keeps under that id."""
    kind_of = {item.name: item.kind for item in application.constructs if item.kind in TYPES.values()}
    for name, (type, span) in settings.types.items():
        found = kind_of.get(_plain(name))
        if found is not None and found != TYPES[type]:
            fitting = next(item for item, kind in TYPES.items() if kind == found)
            message = f"`persisted.{name}.type` is `{type}`, and what the code keeps there is a {found}"
            report.error("settings-value", message, span, helps=(f"write `type: {fitting}`, or leave it out",))


def _with_variables(item: Construct, given: Mapping[str, str] | None) -> Construct:
    if item.kind not in _SERVICES or not given:
        return item
    return replace(item, properties={**item.properties, "environment": dict(given)})


def _plain(name: str) -> str:
    return name.replace("/", "-").replace(":", "-")
