"""`config` with `secret = true` on a statement that reads a variable of the environment: a secret.

Its value stands in the environment of each process whose code reads the variable before that code is loaded, so that
nothing is rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.javascript.modules import NAMESPACE, Module, string_of, text_of
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.secret_variables import secret_variables

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram

SHIM = "environment.cjs"
SHAPES = "a statement that reads one variable, such as `const key = process.env.API_KEY`"
_MODULES = ("process", "node:process")


def configured(program: JavaScriptProgram, modules: list[Module]) -> Iterator[Resource]:
    """The secrets among the variables that a unit's modules read."""
    every = [program.module(source.path) for source, _ in program.code.all("config") if program.reads(source.path)]
    yield from secret_variables(every, modules, variables_of, (SHIM,), program.code.report)


def variables_of(module: Module, root: Any) -> set[str]:
    """The variables of the environment that a part of a module reads by name."""
    holders, found = _holders(module), set()
    for node in nodes_of(root, ("member_expression", "subscript_expression", "variable_declarator")):
        if node.type == "variable_declarator":
            if text_of(node.child_by_field_name("value")) in holders:
                found |= set(_picked(node.child_by_field_name("name")))
        elif text_of(node.child_by_field_name("object")) in holders:
            index = node.child_by_field_name("index")
            name = text_of(node.child_by_field_name("property")) if index is None else string_of(index)
            found |= {name} if name else set()
    return found


def _holders(module: Module) -> set[str]:
    """How a module writes the environment."""
    found = {"process.env"}
    for item in module.imports:
        for binding in item.bindings if item.specifier in _MODULES else ():
            if binding.imported == "env":
                found.add(binding.local)
            elif binding.imported in ("default", NAMESPACE):
                found.add(f"{binding.local}.env")
    return found


def _picked(pattern: Any) -> Iterator[str]:
    """`const { API_KEY, OTHER: other, THIRD = "3" } = process.env`."""
    for item in pattern.named_children if pattern is not None and pattern.type == "object_pattern" else ():
        if item.type == "shorthand_property_identifier_pattern":
            yield text_of(item)
        elif item.type == "pair_pattern":
            yield text_of(item.child_by_field_name("key"))
        elif item.type == "object_assignment_pattern":
            yield text_of(item.child_by_field_name("left"))
