"""Calls between units: which functions of another unit a unit uses, and whether they can be called from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from klotho.annotations.languages.python.modules import Import, Module, nodes_of, text_of
from klotho.annotations.units import Unit
from klotho.diagnostics import Label, Span

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram


def remote_names(program: PythonProgram, unit: Unit) -> dict[str, list[str]]:
    """The functions a unit calls, by the other unit's file; what can't be called is reported."""
    found: dict[str, set[str]] = {path: set() for path in unit.remote}
    for module in program.modules(unit.files):
        for item in module.imports:
            for target in program.files_of(item):
                if target in unit.remote:
                    found[target] |= set(_callable(program, module, item, target, unit))
    return {path: sorted(names) for path, names in sorted(found.items())}


def _callable(program: PythonProgram, module: Module, item: Import, target: str, unit: Unit) -> Iterator[str]:
    other, owner = program.module(target), unit.remote[target]
    for name, at in _used(program, module, item, target):
        if name in program.routers.get(other.path, {}):
            continue  # it moves with its routes; what includes it gets an empty one
        if other.defines.get(name) == "async":
            yield name
        else:
            _refuse(program, other, name, at, owner)


def _refuse(program: PythonProgram, other: Module, name: str, at: Span, owner: str) -> None:
    kind, what = other.defines.get(name), f'`{name}` of `{other.path}` belongs to the unit "{owner}"'
    if name == "*":
        message = f'`{other.path}` belongs to the unit "{owner}": its names can\'t be known from `*`'
    elif kind is None:
        message = f"{what} and is not defined at the top of it"
    else:
        message = f"{what} and is {'no async function' if kind == 'sync' else 'no function'}"
    found = other.source.of("execution_unit")
    also = [Label(found[0][0].span, "its unit")] if found else []
    helps = ("make it an `async def` at the top of its module and await it, or put both files into one unit",)
    notes = ("between units only async functions can be called",)
    program.code.report.error("annotation-call", message, at, also=also, notes=notes, helps=helps)


def _used(program: PythonProgram, module: Module, item: Import, target: str) -> Iterator[tuple[str, Span]]:
    """The names of the other file that an import brings in: itself, or by `module.name`."""
    at = item.place.span
    if item.name is not None and target not in program.module_files((*item.module, item.name)):
        yield item.name, at
        return
    if item.local == "*":
        yield "*", at
        return
    written = ".".join(item.module) if item.name is None and item.local == item.module[0] else item.local
    for node in nodes_of(module.root, ("attribute",)):
        if text_of(node.child_by_field_name("object")) == written:
            place = module.source.text.span(node.start_byte, node.end_byte)
            yield text_of(node.child_by_field_name("attribute")), place
