"""The languages: one package each behind `Language`. A new one is a folder and a line in `by_suffix`."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from klotho.annotations.model import Source, Text
from klotho.diagnostics import Report

SUFFIXES = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".py")
NOT_YET = {".go": "Go", ".cs": "C#"}
"""Languages whose annotations are known and not read yet."""


class Language(Protocol):
    """What the front-end asks of a language."""

    name: str
    compiles: bool
    """Whether capabilities are compiled, not only read."""

    def parse(self, text: Text, report: Report) -> Source:
        """The file with its annotations; syntax errors are reported, the rest of the file is still read."""
        ...


@cache
def by_suffix(suffix: str) -> Language | None:
    """The language of a file; its parser is loaded here and nowhere earlier."""
    if suffix == ".py":
        from klotho.annotations.languages.python import Python

        return Python()
    if suffix in SUFFIXES:
        from klotho.annotations.languages.javascript import JavaScript

        return JavaScript(suffix)
    return None
