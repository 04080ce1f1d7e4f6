"""C#: projects of ASP.NET Core, each of which is one unit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from klotho.annotations.hosting import Form
from klotho.annotations.languages.parsing import annotated, first_mistake
from klotho.annotations.model import Source, Text
from klotho.diagnostics import Label, Report

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
        found = annotated(text, tree, ("comment",), "//", report)
        _refuse_broken(found, report)
        return found

    def program(self, code: CodeBase) -> Program:
        from klotho.annotations.languages.csharp.program import CSharpProgram

        return CSharpProgram(code)


def _refuse_broken(source: Source, report: Report) -> None:
    """Statements that `expose` stands on and that are no valid C#: without them a unit would serve nothing."""
    from klotho.annotations.languages.csharp.syntax import starts

    for annotation, target in source.of("expose"):
        if target is None or not target.has_error or starts(target):
            continue
        whole = ["this is no valid C#", target.start_byte, target.end_byte]
        what, start, end = first_mistake(source.text, target, CSharp.name) or whole
        message = f"{what}, and {annotation.title} stands on it"
        also = (Label(annotation.span, "this one"),)
        helps = ("does a `;` lack at its end, or at the end of the statement before?",)
        report.error("source-syntax", message, source.text.span(start, end), also=also, helps=helps)


@cache
def _parser() -> Any:
    import tree_sitter_c_sharp
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_c_sharp.language()))
