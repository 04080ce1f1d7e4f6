"""The path aliases of a TypeScript project: `paths` and `baseUrl` of tsconfig.json, with what it extends.

Input: the project's folder. Output: `Aliases`. Source: typescriptlang.org/tsconfig, "paths", "baseUrl", "extends". A
configuration that comes from a package (`"extends": "@tsconfig/node20"`) holds no paths of this one: it is not read.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.annotations.languages.javascript.modules import file_of

_NAME = "tsconfig.json"
_STRING_OR_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])')


@dataclass(frozen=True, slots=True)
class Aliases:
    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Patterns with at most one `*`, the longest prefix first, and what they stand for, relative to the project."""
    base: str | None = None
    """`baseUrl`, relative to the project."""
    files: tuple[str, ...] = ()
    """The configuration's files."""
    emits_metadata: bool = False
    """`emitDecoratorMetadata`."""

    def leads_to(self, specifier: str, exists: Callable[[str], bool]) -> str | None:
        """The file of the project that an import without `./` leads to; None for packages."""
        for place in self._places(specifier):
            found = file_of(posixpath.normpath(place), True, exists)
            if found is not None:
                return found
        return None

    def matches(self, specifier: str) -> bool:
        """Whether a pattern of `paths` that is not `*` alone is about it."""
        return any(pattern != "*" and _rest(pattern, specifier) is not None for pattern, _ in self.paths)

    def _places(self, specifier: str) -> Iterator[str]:
        for pattern, places in self.paths:
            rest = _rest(pattern, specifier)
            if rest is not None:
                yield from (place.replace("*", rest, 1) for place in places)
                return
        if self.base is not None:
            yield posixpath.join(self.base, specifier)


def read_aliases(root: Path) -> Aliases:
    """Empty where there is no tsconfig.json that can be read: the compiler of the project tells of that."""
    options: dict[str, tuple[str, Any]] = {}
    files = tuple(_read(root, _NAME, options, ()))
    folder, base = options.get("baseUrl", ("", None))
    base = posixpath.join(folder, base) if isinstance(base, str) else None
    written_in, paths = options.get("paths", ("", {}))
    found = []
    for pattern, places in paths.items() if isinstance(paths, dict) else ():
        named = [place for place in places if isinstance(place, str)] if isinstance(places, list) else []
        found.append((pattern, tuple(posixpath.join(base if base is not None else written_in, item) for item in named)))
    found.sort(key=lambda item: (item[0].endswith("*"), -len(item[0])))
    emits = options.get("emitDecoratorMetadata", ("", False))[1] is True
    return Aliases(tuple(found), base, files, emits)


def _read(root: Path, name: str, options: dict[str, tuple[str, Any]], above: tuple[str, ...]) -> Iterator[str]:
    """Fills in the options with the folders they are relative to, nearer files first; yields the files."""
    content = _json(root / name)
    if content is None or name in above:
        return
    yield name
    given = content.get("compilerOptions")
    for key, value in given.items() if isinstance(given, dict) else ():
        options.setdefault(key, (posixpath.dirname(name), value))
    extends = content.get("extends")
    for other in reversed(extends if isinstance(extends, list) else [extends]):
        if isinstance(other, str) and other.startswith("."):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), other))
            if not path.startswith(".."):
                yield from _read(root, path if path.endswith(".json") else f"{path}.json", options, (*above, name))


def _json(path: Path) -> dict[str, Any] | None:
    """JSON with comments and trailing commas."""
    try:
        text = _STRING_OR_COMMENT.sub(lambda found: found[1] or " ", path.read_text(encoding="utf-8-sig"))
        data = json.loads(_STRING_OR_COMMA.sub(lambda found: found[1] or "", text))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _rest(pattern: str, specifier: str) -> str | None:
    """What `*` stands for; "" without one."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if specifier == pattern else None
    fits = len(specifier) >= len(before) + len(after) and specifier.startswith(before) and specifier.endswith(after)
    return specifier[len(before) : len(specifier) - len(after)] if fits else None
