"""`config` with `secret = true` on a statement that reads a variable of the environment: a secret.

Its value stands in the environment of each process whose code reads the variable before that code is loaded, so that
nothing is rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.modules import Module, nodes_of, positional_of, string_of
from klotho.annotations.languages.python.wrapping import qualified
from klotho.annotations.secret_variables import secret_variables

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

SHAPES = 'a statement that reads one variable, such as `KEY = os.environ["API_KEY"]` or `os.getenv("API_KEY")`'
_CALLS = ("os.getenv", "os.environ.get")


def configured(program: PythonProgram, modules: list[Module]) -> Iterator[Resource]:
    """The secrets among the variables that a unit's modules read."""
    every = [program.module(source.path) for source, _ in program.code.all("config") if source.path.endswith(".py")]
    yield from secret_variables(every, modules, variables_of, (), program.code.report)


def variables_of(module: Module, root: Any) -> set[str]:
    """The variables of the environment that a part of a module reads by name."""
    found = set()
    for node in nodes_of(root, ("subscript", "call")):
        name = None
        if node.type == "subscript":
            if qualified(module, node.child_by_field_name("value")) == "os.environ":
                name = string_of(node.child_by_field_name("subscript"))
        elif qualified(module, node.child_by_field_name("function")) in _CALLS:
            name = next((string_of(item) for item in positional_of(node)), None)
        found |= {name} if name else set()
    return found
