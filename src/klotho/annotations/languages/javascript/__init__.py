"""JavaScript and TypeScript, CommonJS and ES modules, with and without JSX."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from klotho.annotations.hosting import Form
from klotho.annotations.languages.javascript.tree import grammar
from klotho.annotations.languages.parsing import annotated
from klotho.annotations.model import Source, Text
from klotho.diagnostics import Report

if TYPE_CHECKING:
    from klotho.annotations.languages import Program
    from klotho.annotations.reading import CodeBase


_COMPILES = {
    "execution_unit": frozenset({"id", "all_units", "keep_warm", "description"}),
    "expose": frozenset({"id", "target", "description"}),
    "persist": frozenset({"id", "secret", "description", "environment_variables", "ttl"}),
    "pubsub": frozenset({"id"}),
    "config": frozenset({"id", "secret"}),
}


class JavaScript:
    family = "javascript"
    forms: tuple[Form, ...] = ("function", "container")

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self.name = "TypeScript" if suffix.endswith(("ts", "tsx")) else "JavaScript"
        self.compiles: Mapping[str, frozenset[str]] = _COMPILES

    def tree(self, content: bytes) -> Any:
        return _parser(self._suffix).parse(content)

    def annotated(self, text: Text, tree: Any, report: Report) -> Source:
        return annotated(text, tree, ("comment",), "//", report)

    def program(self, code: CodeBase) -> Program:
        from klotho.annotations.languages.javascript.program import JavaScriptProgram

        return JavaScriptProgram(code)


@cache
def _parser(suffix: str) -> Any:
    from tree_sitter import Parser

    return Parser(grammar(suffix))
