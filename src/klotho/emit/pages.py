"""Lays nested values out as a person would: on one line when it fits, else an item a line.

Input: an opening, items, a closing. Output: text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 110
STEP = 4


def bracketed(
    opening: str, items: Sequence[str], closing: str, indent: int, *, taken: int = 0, step: int = STEP
) -> str:
    """The items between brackets, separated by commas.

    `indent`: of the line it begins on. `taken`: characters before it on that line, beyond the indent. Items of several
    lines are already indented by `indent + step`.
    """
    if not items:
        return opening + closing
    flat = f"{opening}{', '.join(items)}{closing}"
    if "\n" not in flat and indent + taken + len(flat) <= WIDTH:
        return flat
    inner, outer = " " * (indent + step), " " * indent
    return f"{opening}\n" + "".join(f"{inner}{item},\n" for item in items) + outer + closing


def origin_comment(construct: str, span: str | None, rule: str) -> str:
    """Where a resource comes from: `API/api, infra.py:12 (http_api)`."""
    place = f", {span}" if span else ""
    return f"{construct}{place} ({rule})"
