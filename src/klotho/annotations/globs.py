"""Patterns of files: `public/**/*.{png,svg}`.

`**` is any number of folders, `*` and `?` stay in a name, `[a-z]` and `{a,b}` are as in a shell. A name that begins
with a dot is matched by a pattern that writes the dot, and so is `.well-known` by every one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

_MOST_ALTERNATIVES = 1_000
_NOT_HIDDEN = r"(?!\.(?!well-known(?:/|$)))"


def matching(paths: Iterable[str], pattern: str) -> list[str]:
    """The paths, relative and with `/`, that a pattern of the same folder matches."""
    found = _pattern(pattern)
    return [path for path in paths if found.fullmatch(path)]


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile("|".join(_expression(item) for item in _alternatives(pattern)))


def _alternatives(pattern: str) -> list[str]:
    """Without braces; one that is never closed, or has too many alternatives, stands for itself."""
    done, waiting = list[str](), [pattern]
    while waiting:
        item = waiting.pop()
        braces = re.search(r"\{([^{}]*)\}", item)
        if braces is None:
            done.append(item)
            continue
        waiting += [item[: braces.start()] + one + item[braces.end() :] for one in braces[1].split(",")]
        if len(waiting) + len(done) > _MOST_ALTERNATIVES:
            return [re.sub(r"[{}]", "?", pattern)]
    return done


def _expression(pattern: str) -> str:
    segments = [item for item in pattern.split("/") if item not in ("", ".")]
    found = ""
    for at, segment in enumerate(segments):
        is_last = at == len(segments) - 1
        if segment == "**":
            found += f"(?:{_NOT_HIDDEN}[^/]+/)*" + (f"{_NOT_HIDDEN}[^/]+" if is_last else "")
        else:
            found += (
                ("" if segment.startswith(".") else _NOT_HIDDEN) + "".join(_name(segment)) + ("" if is_last else "/")
            )
    return found


def _name(segment: str) -> Iterator[str]:
    at = 0
    while at < len(segment):
        char, end = segment[at], segment.find("]", at + 2)
        if char == "*":
            yield "[^/]*"
        elif char == "?":
            yield "[^/]"
        elif char == "[" and end > 0 and (letters := _letters(segment[at + 1 : end])) is not None:
            yield letters
            at = end
        else:
            yield re.escape(char)
        at += 1


def _letters(inside: str) -> str | None:
    """`[a-z]` or `[!a-z]`; None for what is no range, `[z-a]`."""
    is_not, letters = inside[0] in "!^", inside.lstrip("!^")
    for before, after in re.findall(r"(.)-(.)", letters):
        if before > after:
            return None
    listed = re.escape(letters).replace(r"\-", "-")
    return f"(?!/)[{'^' if is_not else ''}{listed}]" if listed else None
