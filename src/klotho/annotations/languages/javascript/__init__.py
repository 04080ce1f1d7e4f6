"""JavaScript and TypeScript, CommonJS and ES modules. TypeScript's annotations are read, not compiled yet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from klotho.annotations.languages.javascript.tree import javascript
from klotho.annotations.languages.parsing import annotated
from klotho.annotations.model import Source, Text
from klotho.diagnostics import Report

if TYPE_CHECKING:
    from klotho.annotations.languages import Program
    from klotho.annotations.reading import CodeBase


_COMPILES = {
    "execution_unit": frozenset({"id", "all_units", "description"}),
    "expose": frozenset({"id", "target", "description"}),
    "persist": frozenset({"id", "description"}),
}


class JavaScript:
    family = "javascript"

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        is_compiled = suffix in (".js", ".cjs", ".mjs")
        self.name = "TypeScript" if "ts" in suffix else "JavaScript" if is_compiled else "JSX"
        self.compiles: Mapping[str, frozenset[str]] = _COMPILES if is_compiled else {}

    def parse(self, text: Text, report: Report) -> Source:
        tree = _parser(self._suffix).parse(text.content)
        return annotated(text, tree, ("comment",), "//", self.name, report)

    def program(self, code: CodeBase) -> Program:
        from klotho.annotations.languages.javascript.program import JavaScriptProgram

        return JavaScriptProgram(code)


@cache
def _parser(suffix: str) -> Any:
    from tree_sitter import Language, Parser

    if suffix == ".tsx":
        import tree_sitter_typescript

        return Parser(Language(tree_sitter_typescript.language_tsx()))
    if suffix in (".ts", ".cts", ".mts"):
        import tree_sitter_typescript

        return Parser(Language(tree_sitter_typescript.language_typescript()))
    return Parser(javascript())
