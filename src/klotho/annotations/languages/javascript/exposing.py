"""`expose`: the statement that listens, and the framework that knows its routes.

A framework is a module with a class of `Framework`'s kind and a place in `FRAMEWORKS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from klotho.annotations.findings import Exposure, Route
from klotho.annotations.languages.javascript.express import Express
from klotho.annotations.languages.javascript.fastify import Fastify
from klotho.annotations.languages.javascript.hono import Hono
from klotho.annotations.languages.javascript.modules import Follow, Module, listener
from klotho.annotations.model import Annotation
from klotho.diagnostics import Report


class Framework(Protocol):
    def routes(self, follow: Follow, module: Module, variable: str) -> list[Route] | None:
        """The routes of the application that a module knows by this name; None when it is none of this framework."""
        ...


FRAMEWORKS: tuple[Framework, ...] = (Express(), Fastify(), Hono())


def exposures(modules: list[Module], follow: Follow, report: Report) -> Iterator[Exposure]:
    """`follow`: the module of the unit that an import leads to."""
    for module in modules:
        for annotation, statement in module.source.of("expose"):
            if statement is None:
                continue
            variable = listener(statement)
            if variable is None:
                _refuse(annotation, report)
                continue
            found = (item.routes(follow, module, variable) for item in FRAMEWORKS if variable)
            routes = next((item for item in found if item is not None), None)
            yield Exposure(annotation, tuple(routes or ()), routes is not None)


def _refuse(annotation: Annotation, report: Report) -> None:
    report.error(
        "annotation-without-effect",
        f"nothing came of {annotation.title}: its statement does not listen",
        annotation.span,
        notes=("it stands on the statement that starts the server, such as `app.listen(3000)` or Hono's `serve(app)`",),
        helps=("move the comment above that statement",),
    )
