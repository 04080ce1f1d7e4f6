"""IAM's wildcards: `*` is any run of characters, also none, `?` is exactly one.

Input: the patterns of an Action, a Resource or a condition. Output: whether a text matches one of them, or another
pattern can match nothing that they don't. Refuses nothing: any text is a pattern. Time grows with the text's length
times its square at worst, whatever the pattern.

Source: "IAM JSON policy elements: Action" (case does not matter) and "… Resource" (it does), IAM User Guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WILD = re.compile(r"[*?]")
_RUN, _ONE = "\ue000", "\ue001"
"""Stand for "any run" and "any character" in a pattern matched as a text: private characters no policy holds."""


class Patterns:
    """Several patterns, compiled once."""

    __slots__ = ("_everything", "_exact", "_expression", "_fold", "texts")

    def __init__(self, patterns: Iterable[str], *, ignore_case: bool = False) -> None:
        self.texts = tuple(patterns)
        self._fold = ignore_case
        folded = [text.lower() for text in self.texts] if ignore_case else list(self.texts)
        self._everything = "*" in folded
        self._exact = frozenset(text for text in folded if not _WILD.search(text))
        wild = [_translated(text) for text in folded if _WILD.search(text)]
        self._expression = re.compile("|".join(wild), re.DOTALL) if wild else None

    def match(self, text: str) -> bool:
        """Whether the whole text matches any of the patterns."""
        if self._everything:
            return True
        if self._fold:
            text = text.lower()
        return text in self._exact or (self._expression is not None and self._expression.fullmatch(text) is not None)

    def cover(self, pattern: str) -> bool:
        """Whether one of the patterns matches whatever `pattern` matches.

        A yes is certain. Two rare pairs are a no although a longer look would find a yes: `?*` against `*a`, and
        several patterns that cover another one only together.
        """
        return self.match(pattern.replace("*", _RUN).replace("?", _ONE))


def _translated(pattern: str) -> str:
    """A regular expression without backtracking over earlier stars: the leftmost place of each part is good enough."""
    first, *rest = (_literal(part) for part in re.split(r"\*+", pattern))
    if not rest:
        return first
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    return f"(?:{first}{middle}.*{rest[-1]})"


def _literal(part: str) -> str:
    return "".join(f"[^{_RUN}]" if character == "?" else re.escape(character) for character in part)
