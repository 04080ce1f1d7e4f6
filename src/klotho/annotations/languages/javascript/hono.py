"""Routes of Hono applications: verbs, chained or not, and applications mounted with `route(prefix, other)`.

What is written below `basePath(…)`, and what a chain that begins with `new Hono()` adds, is not listed.
"""

from __future__ import annotations

from klotho.annotations.findings import Served
from klotho.annotations.languages.javascript.express import Routers
from klotho.annotations.languages.javascript.modules import Module, text_of
from klotho.annotations.languages.javascript.reach import Reach
from klotho.annotations.languages.javascript.tree import nodes_of


class Hono:
    def served(self, reach: Reach, module: Module, variable: str) -> Served | None:
        return Routers(reach, _made, "route", "hono").of(module, variable)


def _made(module: Module) -> set[str]:
    """Variables that hold `new Hono()`."""
    classes = {
        binding.local
        for item in module.imports
        for binding in item.bindings
        if item.specifier in ("hono", "hono/tiny", "hono/quick") and binding.imported == "Hono"
    }
    found = set()
    for node in nodes_of(module.root, ("variable_declarator",)):
        value = node.child_by_field_name("value")
        is_new = value is not None and value.type == "new_expression"
        if is_new and text_of(value.child_by_field_name("constructor")) in classes:
            found.add(text_of(node.child_by_field_name("name")))
    return found
