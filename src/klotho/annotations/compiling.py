"""Makes an application of annotated code.

Input: a folder. Output: `Compiled`: the same `Application` that an infra.py gives, and the files of each unit below
`compiled/`. Refuses nothing by raising: what is wrong is in the report, and then the result is incomplete. What
annotations mean for the code each language knows. No process, no network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from klotho.annotations.assets import Assets
from klotho.annotations.constructs import Compiler, Part
from klotho.annotations.dockerfiles import refuse_strangers, with_own
from klotho.annotations.doors import with_doors
from klotho.annotations.findings import construct_name
from klotho.annotations.fruitless import tell_fruitless
from klotho.annotations.hosting import IN_A_CONTAINER, Hosting
from klotho.annotations.pages import StaticPage, UnitPage
from klotho.annotations.programs import Programs, language_of
from klotho.annotations.reading import CodeBase, read_code_base
from klotho.annotations.units import Unit, owners, split
from klotho.annotations.warming import warm_units
from klotho.application import Application, ConstructId, validate
from klotho.diagnostics import Report, Severity, Span

STATIC_UNITS = "static-units.json"
"""Among the files: the folders beside it that hold no unit's code but what browsers get."""
_ON_LAMBDA = Hosting()


@dataclass
class Compiled:
    application: Application
    files: dict[str, bytes] = field(default_factory=dict)
    """Relative to the output folder: `shop/index.js`."""
    units: list[UnitPage] = field(default_factory=list)
    static: list[StaticPage] = field(default_factory=list)
    made: dict[str, dict[str, tuple[ConstructId, ...]]] = field(default_factory=dict)
    """What the annotations of each id make, by capability."""


def compile_code(
    root: Path, name: str | None, report: Report, hosting: Hosting = _ON_LAMBDA, memory: Path | None = None
) -> Compiled:
    """`name`: the application's; default: that of its manifest, else the folder's. `hosting`: where units run.
    `memory`: the folder of what earlier compiles read; default: nothing is remembered."""
    code = read_code_base(root, report, memory)
    programs = Programs(code)
    owned = programs.owned(owners(code, report))
    mounts = programs.mounts({path: annotation.id or "" for path, annotation in owned.items()})
    units = split(code, owned, mounts, programs.imports, programs.begins, programs.begins_by)
    parts = [
        Part(unit, program, program.find(unit)) for unit in units if (program := programs.of_unit(unit)) is not None
    ]
    hosting = _fitting(hosting, parts, report)
    compiler, compiled, assets = Compiler(report, hosting), Compiled(Application(name="")), Assets(code, report)
    static = assets.static_units(units)
    assets.check_embedded()
    for part in parts:
        part.findings.assets += assets.embedded(part.unit, units)
    compiled.units = [compiler.add(part) for part in parts]
    compiler.expose(parts, {page.name: page for page in compiled.units})
    for unit, annotation in warm_units(code, units).items():
        compiler.keep_warm(unit, annotation)
    for part in parts:
        compiled.files.update(_written(part, parts, code, hosting, compiler))
    refuse_strangers(code.dockerfiles, (unit.name for unit in units), report)
    for site in static:
        compiler.publish(site)
        compiled.static.append(StaticPage(site.name, site.index, sorted(site.files), sorted(site.files.values())))
        compiled.files.update({f"{site.name}/{at}": (root / path).read_bytes() for at, path in site.files.items()})
    if static:
        compiled.files[STATIC_UNITS] = f"{json.dumps([site.name for site in static])}\n".encode()
    application = Application(
        name=name or _name(programs.package_name or root.name),
        constructs=tuple(compiler.constructs.values()),
        relationships=tuple(compiler.relationships),
        directives=tuple(compiler.directives),
    )
    compiled.made = compiler.made
    exposures = [exposure for part in parts for exposure in part.findings.exposures]
    compiled.application = with_doors(application, exposures, hosting, report)
    tell_fruitless(code, programs, parts, report)
    if not report.errors:  # else they are errors' doing
        compiler.tell_unreached(compiled.units)
    code.memory.keep()
    if not report.errors and compiled.application.constructs:
        validate(compiled.application, report)
    return compiled


def _fitting(hosting: Hosting, parts: Iterable[Part], report: Report) -> Hosting:
    """Units of languages that make no functions of Lambda run there in a container, whatever they are told."""
    told: set[Span] = set()
    for part in parts:
        language, name = language_of(part.unit.entries[0]), construct_name(part.unit.name)
        host, said = hosting.of(name)
        if language is None or host.form in language.forms:
            continue
        hosting = hosting.in_a_container(name)
        if said is not None and said not in told:  # a default says it of many
            told.add(said)
            message = f"what is written in {language.name} runs on Lambda in a container"
            helps = (f"write `type: {IN_A_CONTAINER}`, or leave it out: it is the same",)
            report.error("annotation-host", message, said, helps=helps, severity=Severity.INFO)
    return hosting


def _written(part: Part, parts: list[Part], code: CodeBase, hosting: Hosting, compiler: Compiler) -> dict[str, bytes]:
    """A unit's files, below the output folder, once the compiler knows how they are packed."""
    name, folder = part.unit.name, construct_name(part.unit.name)
    form, called = hosting.of(folder)[0].form, _called(part.unit, parts)
    written = part.program.write(part.unit, part.findings, called, form)
    compiler.packed(part.unit, written.handler, written.assets)
    is_called = bool(called or part.unit.served)
    files = with_own(code.dockerfiles.get(name), code.root, name, form, is_called, written, code.report)
    return {f"{folder}/{path}": content for path, content in files.items()}


def _name(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.rpartition("/")[2]).strip("-")
    return plain if plain[:1].isalpha() else f"app-{plain}".rstrip("-")


def _called(unit: Unit, parts: Iterable[Part]) -> dict[str, list[str]]:
    """What others call of a unit, by file."""
    found: dict[str, set[str]] = {}
    for part in parts:
        for path, names in part.findings.remote.items():
            if part.unit.remote.get(path) == unit.name and names:
                found.setdefault(path, set()).update(names)
    return {path: sorted(names) for path, names in found.items()}
