"""C#: projects of ASP.NET Core, each of which is one unit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from klotho.annotations.hosting import Form
from klotho.annotations.languages.parsing import annotated
from klotho.annotations.model import Source, Text
from klotho.diagnostics import Report

if TYPE_CHECKING:
    from klotho.annotations.languages import Program
    from klotho.annotations.reading import CodeBase


class CSharp:
    family = "csharp"
    name = "C#"
    forms: tuple[Form, ...] = ("container",)
    compiles: Mapping[str, frozenset[str]] = {
        "execution_unit": frozenset({"id", "description"}),
        "expose": frozenset({"id", "target", "description"}),
    }

    def tree(self, content: bytes) -> Any:
        return _parser().parse(content)

    def annotated(self, text: Text, tree: Any, report: Report) -> Source:
        return annotated(text, tree, ("comment",), "//", report)

    def program(self, code: CodeBase) -> Program:
        from klotho.annotations.languages.csharp.program import CSharpProgram

        return CSharpProgram(code)


@cache
def _parser() -> Any:
    import tree_sitter_c_sharp
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_c_sharp.language()))
