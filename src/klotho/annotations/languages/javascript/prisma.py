"""`persist` on Prisma, with the driver adapter of pg, on Postgres: the adapter is what knows the database.

The client is the one that Prisma generates into the program (`output`). One in node_modules is refused: it is no file
of the program, and installing for another machine runs no script that would generate it. Source: prisma.io/docs,
"Generators" and "Database drivers" of Prisma 7, which has no other engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.javascript.modules import Module, arguments_of, declared, text_of
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.languages.javascript.wrapping import qualified, wrapped
from klotho.annotations.model import Annotation
from klotho.diagnostics import Report

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram

_ADAPTER, _PACKAGE, _CLIENT = "@prisma/adapter-pg.PrismaPg", "@prisma/client", "PrismaClient"
_SHIM = "postgres.cjs"


class Prisma:
    shapes = "`new PrismaClient({ adapter: new PrismaPg(…) })` of a client that Prisma generates into the program"

    def resources(
        self, program: JavaScriptProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Iterator[Resource]:
        """A database."""
        maker = next((item for made in _made(module, target) for item in (_maker(made),) if item is not None), None)
        if annotation.directives.get("secret") is True or qualified(module, maker) != _ADAPTER:
            return
        _refuse_what_is_no_file(modules, program.code.report)
        program.require_package("pg", annotation)
        edits = wrapped(module, maker, _SHIM, annotation.id or "", program.is_esm(module), "prisma", in_new=True)
        yield Resource(annotation, "Databases.Postgres", ("read_writes_to",), edits=edits, shims=(_SHIM,))


def _made(module: Module, statement: Any) -> Iterator[Any]:
    """What a client of the statement has as its adapter; the statement may also be the one that makes the adapter."""
    for made in nodes_of(statement, ("new_expression",)):
        if qualified(module, _maker(made)) == _ADAPTER:
            yield made
        for item in arguments_of(made)[:1]:
            name = _named_adapter(item)
            value = declared(module, name) if name else None
            if value is not None and value.type == "new_expression":
                yield value


def _named_adapter(options: Any) -> str | None:
    """The variable of `{ adapter }` and of `{ adapter: name }`."""
    for item in options.named_children if options.type == "object" else ():
        if item.type == "shorthand_property_identifier" and text_of(item) == "adapter":
            return "adapter"
        value = item.child_by_field_name("value") if item.type == "pair" else None
        if value is not None and text_of(item.child_by_field_name("key")) == "adapter" and value.type == "identifier":
            return text_of(value)
    return None


def _maker(made: Any) -> Any:
    return made.child_by_field_name("constructor")


def _refuse_what_is_no_file(modules: list[Module], report: Report) -> None:
    for module in modules:
        for item in module.imports:
            if item.specifier == _PACKAGE and any(binding.imported == _CLIENT for binding in item.bindings):
                report.error(
                    "annotation-not-yet",
                    "a client that Prisma generates into node_modules is not supported yet",
                    item.place.span,
                    helps=(
                        'write `output = "../generated/prisma"` into the generator of schema.prisma, run '
                        "`npx prisma generate`, and import it from there",
                    ),
                )
