"""The packages of a unit: what it needs of requirements.txt, and what shims need beside that.

A line is left out where it certainly names a package that only other units' files import: something of the code base
imports it by the very name of the package, and nothing of the unit does. Packages that nobody imports by their name
stay: drivers, plugins, and those that are called otherwise. Nothing is left out of a unit that imports what no line
names: it may come with any of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(\[|[<>=!~;@ ]|$)")


def needed(content: bytes, imported: set[str], imported_anywhere: set[str]) -> bytes:
    """The file without what the unit does not need; one with options, hashes or includes is kept whole. `imported`:
    the first names that the unit imports of neither the standard library nor the code base."""
    text = content.decode("utf-8", "replace")
    if "--hash" in text or "\\\n" in text or re.search(r"(?m)^\s*-", text):
        return content
    if not {_plain(name) for name in imported} <= {_named(line) for line in text.splitlines()}:
        return content
    elsewhere = {_plain(name) for name in imported_anywhere - imported}
    kept = [line for line in text.splitlines(keepends=True) if _named(line) not in elsewhere]
    return content if len(kept) == len(text.splitlines()) else "".join(kept).encode()


def _named(line: str) -> str | None:
    found = _NAME.match(line.strip())
    return _plain(found[1]) if found else None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def with_packages(content: bytes, packages: Iterable[str]) -> bytes:
    """The file with packages that it does not name."""
    named = {_named(line) for line in content.decode("utf-8", "replace").splitlines()}
    missing = sorted({item for item in packages if _plain(item.partition("[")[0]) not in named})
    if not missing:
        return content
    return content + (b"" if content.endswith(b"\n") else b"\n") + "".join(f"{item}\n" for item in missing).encode()
