"""The languages: a folder each behind `Language` and `Program`. A new one is a folder and a line in `by_suffix`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from klotho.annotations.model import Source, Text
from klotho.diagnostics import Report

if TYPE_CHECKING:
    from klotho.annotations.findings import Findings, Mount, Original, UnitCode
    from klotho.annotations.hosting import Form
    from klotho.annotations.reading import CodeBase
    from klotho.annotations.units import Unit

_JAVASCRIPT = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx")
SUFFIXES = (*_JAVASCRIPT, ".py", ".go", ".cs")
NOT_YET = {".java": "Java", ".kt": "Kotlin", ".php": "PHP", ".rb": "Ruby", ".rs": "Rust"}
"""Languages whose annotations are known and not read yet."""
UNIT_FILES = ("klotho/unit.cjs", "klotho_unit/unit.py", "klotho_unit/unit.go", ".klotho-unit")
"""By which the folder of a unit that an earlier compile wrote is known."""


class Language(Protocol):
    """What the front-end asks of a language, by the ending of a file."""

    family: str
    """Its folder: files of one family can import each other."""
    name: str
    """How messages name it."""
    forms: tuple[Form, ...]
    """How its units can be packed."""
    compiles: Mapping[str, frozenset[str]]
    """By capability, the directives that are compiled; others are refused by name, and so are other capabilities."""

    def tree(self, content: bytes) -> Any:
        """The parse tree of a file, whatever is in it."""
        ...

    def annotated(self, text: Text, tree: Any, report: Report) -> Source:
        """The file with its annotations."""
        ...

    def program(self, code: CodeBase) -> Program:
        """The code base's files of this family."""
        ...


class Program(Protocol):
    """The files of one family in a code base. Mistakes go into the code base's report."""

    begins_by: str
    """What to write where nothing says where the program begins."""

    @property
    def package_name(self) -> str | None:
        """The application's, as its manifest says it."""
        ...

    @property
    def begins(self) -> str | None:
        """The file it begins with where no annotation says so."""
        ...

    @property
    def original(self) -> Original:
        """How it is run without being compiled; Failure where that can't be known."""
        ...

    def imports(self, path: str) -> Iterable[str]:
        """The files of the code base that a file imports; one that is not there is reported."""
        ...

    def together(self, path: str) -> Iterable[str]:
        """The files that are of one unit with a file whatever they are annotated with, itself among them."""
        ...

    def mounts(self, owned: Mapping[str, str]) -> Iterable[Mount]:
        """Routers that its applications mount and other units own. `owned`: the unit by file. Asked once, before
        `find`."""
        ...

    def find(self, unit: Unit) -> Findings:
        """What the annotations of a unit's files ask for."""
        ...

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]], form: Form) -> UnitCode:
        """The unit's files, for what it becomes. `called`: the functions that other units call, by file."""
        ...

    def shapes(self, capability: str) -> str:
        """The statements that a capability may stand on, for who wrote another."""
        ...

    def library(self, path: str, statement: Any) -> str | None:
        """The library that a statement of a file is of, as a message names it; None where none is known."""
        ...


@cache
def by_suffix(suffix: str) -> Language | None:
    """The language of a file; its parser is loaded here and nowhere earlier."""
    if suffix == ".py":
        from klotho.annotations.languages.python import Python

        return Python()
    if suffix == ".cs":
        from klotho.annotations.languages.csharp import CSharp

        return CSharp()
    if suffix == ".go":
        from klotho.annotations.languages.go import Go

        return Go()
    if suffix in _JAVASCRIPT:
        from klotho.annotations.languages.javascript import JavaScript

        return JavaScript(suffix)
    return None
