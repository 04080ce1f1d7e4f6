"""`expose`: which routes a unit serves, and whether something serves them."""

from __future__ import annotations

from dataclasses import dataclass

from klotho.annotations.languages.javascript.express import Found, Routes
from klotho.annotations.languages.javascript.modules import Module
from klotho.annotations.languages.javascript.program import Program
from klotho.annotations.model import Annotation
from klotho.annotations.units import Unit


@dataclass(frozen=True, slots=True)
class Exposure:
    annotation: Annotation
    routes: tuple[Found, ...]
    known: bool
    """Whether the framework is known, so that routes could be looked for."""


def exposures(program: Program, unit: Unit) -> list[Exposure]:
    def follow(module: Module, specifier: str) -> Module | None:
        path = program.leads_to(module, specifier)
        return program.module(path) if path in unit.files and path is not None and not path.endswith(".json") else None

    found, routes = [], Routes(follow)
    for module in program.modules(unit.files):
        for annotation, statement in module.source.of("expose"):
            if statement is None:
                continue
            variable = routes.listener(statement)
            if variable is None:
                _refuse(program, annotation)
                continue
            listed = routes.of(module, variable) if variable else None
            found.append(Exposure(annotation, tuple(listed or ()), listed is not None))
    return found


def _refuse(program: Program, annotation: Annotation) -> None:
    program.code.report.error(
        "annotation-without-effect",
        f"nothing came of {annotation.title}: its statement does not listen",
        annotation.span,
        notes=("it stands on the statement that starts the server, such as `app.listen(3000)`",),
        helps=("move the comment above that statement",),
    )
