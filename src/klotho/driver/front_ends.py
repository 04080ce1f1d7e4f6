"""What a program says, whichever way it says it: an infra.py that runs, or annotated code that is compiled.

Input: a `Program`. Output: `Read`: its application, the report, and for annotated code the files of its units, which
`write_units` puts where functions are packed from.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from klotho.diagnostics import Report, Span
from klotho.driver.annotated_over import Ids, with_annotated
from klotho.driver.annotated_types import SECTIONS
from klotho.driver.machine import cache_folder
from klotho.driver.output_folder import files_written, write_output

if TYPE_CHECKING:
    from klotho.annotations.pages import StaticPage, UnitPage
    from klotho.application import Application
    from klotho.driver.program import Program


@dataclass(frozen=True, slots=True)
class Read:
    application: Application | None
    """None where nothing came of it."""
    report: Report
    units: Mapping[str, bytes] = field(default_factory=dict)
    """Files below `compiled/`."""
    pages: tuple[UnitPage, ...] = ()
    static: tuple[StaticPage, ...] = ()
    ids: Ids = field(default_factory=dict)


def read_program(program: Program) -> Read:
    """Mistakes are in the report, with those of klotho.yaml that concern annotations only."""
    if program.annotated:
        return _compiled(program, Report())
    from klotho.sdk.program import execute

    ran = execute(program.path)
    if ran.annotated is None or ran.application is None:
        return Read(ran.application, ran.report)
    from klotho.driver.both_front_ends import joined

    code = _compiled(program, ran.report, ran.annotated_at)
    if code.application is None:
        return Read(ran.application, ran.report)
    return replace(code, application=joined(ran.application, code.application, ran.annotated, ran.report))


def _compiled(program: Program, report: Report, at: Span | None = None) -> Read:
    """`at`: where an infra.py takes it in."""
    from klotho.annotations.compiling import compile_code

    memory, hosting = cache_folder() / "annotated", program.settings.annotated.hosting
    compiled = compile_code(program.folder, program.settings.app, report, hosting, memory)
    ids = {name: compiled.made.get(section.capability, {}) for name, section in SECTIONS.items()}
    application = with_annotated(compiled.application, ids, program.settings.annotated, report)
    usable = application if application.constructs else None
    if usable is None and not report.errors:
        message = "no annotation is in the code below this folder"
        helps = (
            'write one on the line above a statement: `@klotho::expose { id = "api" }`, in a comment',
            *(("or remove `klotho.Annotated()`",) if at is not None else ()),
        )
        report.error("annotation-without-effect", message, at, helps=helps)
    return Read(usable, report, compiled.files, tuple(compiled.units), tuple(compiled.static), ids)


def write_units(program: Program, units: Mapping[str, bytes]) -> None:
    """Write the units' folders into `compiled/`; what a build wrote beside them stays."""
    if not units:
        return
    from klotho.annotations.compiling import STATIC_UNITS
    from klotho.annotations.languages import UNIT_FILES

    target = program.folder / "compiled"
    earlier = files_written(target)
    stale = {name.partition("/")[0] for name in earlier if name.partition("/")[2] in UNIT_FILES}
    if STATIC_UNITS in earlier:
        with contextlib.suppress(OSError, ValueError, TypeError):
            stale |= {STATIC_UNITS, *json.loads((target / STATIC_UNITS).read_bytes())}
    kept = {
        name: (target / name).read_bytes()
        for name in earlier
        if name.partition("/")[0] not in stale and (target / name).is_file()
    }
    write_output(target, {**kept, **units}, program.folder)


def without_folders(read: Read, application: Application) -> Application:
    """For looking for further mistakes where units are not written: nobody is told that their folders are missing."""
    from klotho.annotations.findings import construct_name

    # Of a unit with a mistake there may be no file at all.
    names = {*(construct_name(page.name) for page in read.pages), *(page.name for page in read.static)}
    folders = {f"compiled/{name}" for name in names}
    unread = frozenset({"context", "handler", "directory"})
    constructs = (
        replace(item, unread=item.unread | unread)
        if folders & {item.properties.get("context"), item.properties.get("directory")}
        else item
        for item in application.constructs
    )
    return replace(application, constructs=tuple(constructs))
