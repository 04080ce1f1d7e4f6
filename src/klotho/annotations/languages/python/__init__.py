"""Python: annotations are read and checked; compiling what they ask for comes with a later release."""

from __future__ import annotations

from functools import cache
from typing import Any

from klotho.annotations.languages.parsing import annotated
from klotho.annotations.model import Source, Text
from klotho.diagnostics import Report


class Python:
    name = "Python"
    compiles = False

    def parse(self, text: Text, report: Report) -> Source:
        return annotated(text, _parser().parse(text.content), ("comment",), "#", self.name, report)


@cache
def _parser() -> Any:
    import tree_sitter_python
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_python.language()))
