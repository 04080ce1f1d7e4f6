"""JavaScript and TypeScript, CommonJS and ES modules. TypeScript's annotations are read, not compiled yet."""

from __future__ import annotations

from functools import cache
from typing import Any

from klotho.annotations.languages.javascript.tree import javascript
from klotho.annotations.languages.parsing import annotated
from klotho.annotations.model import Source, Text
from klotho.diagnostics import Report


class JavaScript:
    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self.compiles = suffix in (".js", ".cjs", ".mjs")
        self.name = "TypeScript" if "ts" in suffix else "JavaScript" if self.compiles else "JSX"

    def parse(self, text: Text, report: Report) -> Source:
        tree = _parser(self._suffix).parse(text.content)
        return annotated(text, tree, ("comment",), "//", self.name, report)


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
