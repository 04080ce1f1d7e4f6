"""`expose`: the statement that listens, and the framework that knows its routes.

A framework is a module with a class of `Framework`'s kind and a place in `FRAMEWORKS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from klotho.annotations.findings import Exposure, Served, exposure_of
from klotho.annotations.languages.javascript.express import Express
from klotho.annotations.languages.javascript.fastify import Fastify
from klotho.annotations.languages.javascript.hono import Hono
from klotho.annotations.languages.javascript.modules import Module, listener
from klotho.annotations.languages.javascript.names import framework_of, refused_imports
from klotho.annotations.languages.javascript.nest import Nest
from klotho.annotations.languages.javascript.reach import Reach
from klotho.annotations.model import Annotation
from klotho.diagnostics import Report


class Framework(Protocol):
    def served(self, reach: Reach, module: Module, variable: str) -> Served | None:
        """What the application serves that a module knows by this name; None when it is none of this framework."""
        ...


FRAMEWORKS: tuple[Framework, ...] = (Express(), Fastify(), Hono(), Nest())


def exposures(module: Module, reach: Reach) -> Iterator[Exposure]:
    for annotation, statement in module.source.of("expose"):
        variable = listener(statement) if statement is not None else None
        if variable is not None:
            found = (item.served(reach, module, variable) for item in FRAMEWORKS if variable)
            served = next((item for item in found if item is not None), None)
            yield exposure_of(annotation, served, framework_of(module, variable) if variable else None)


def refuse_what_can_not_serve(modules: list[Module], report: Report) -> None:
    for module in modules:
        for item, title in refused_imports(module):
            at = module.source.text.span(item.node.start_byte, item.node.end_byte)
            report.error("annotation-not-yet", f"{title} is not supported yet", at)
        for annotation, statement in module.source.of("expose"):
            if statement is not None and listener(statement) is None:
                _refuse(annotation, report)


def _refuse(annotation: Annotation, report: Report) -> None:
    report.error(
        "annotation-without-effect",
        f"nothing came of {annotation.title}: its statement does not listen",
        annotation.span,
        notes=("it stands on the statement that starts the server, such as `app.listen(3000)` or Hono's `serve(app)`",),
        helps=("move the comment above that statement",),
    )
