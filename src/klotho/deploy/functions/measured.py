"""How large a function is, which decides how it is shipped.

Input: what goes into its zip. Output: `Measured`, kept beside the cache of packages: nothing is installed to know it
again. A note that can't be read counts as none. Refuses nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from klotho.deploy.functions.archive import Content, Contents
from klotho.deploy.functions.size import MAX_UNZIPPED_BYTES, largest_of, size_of

LARGE_BYTES = 10 * 1024 * 1024
"""Zipped packages above that are a layer. They are then sent when they change, instead of with each line of code: at
20 Mbit/s 10 MB need 4 s, and up to there a zip is in place within the time that a stack's update takes anyway."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Sizes in bytes."""

    packages: int = 0
    """Unzipped, of everything but the user's own code."""
    code: int = 0
    zipped: int = 0
    """Of the packages that could be in a layer; 0 where they are too small for it to matter, or Node would not find
    them there."""
    largest: str = ""
    """The packages that matter, for people."""
    missing: str | None = None
    """Why there are no packages for Lambda's system."""
    said: str = ""
    """What the installer said of it."""

    @property
    def total(self) -> int:
        return self.packages + self.code

    @property
    def too_large(self) -> bool:
        return self.total > MAX_UNZIPPED_BYTES

    def with_code(self, size: int) -> Measured:
        return replace(self, code=size)


NOTHING = Measured()
"""Of a function without a manifest."""


def measured_of(contents: Contents, code: int) -> Measured:
    """`code`: bytes of the user's own files among the contents."""
    return Measured(size_of(contents.entries) - code, code, largest=largest_of(contents.entries))


def read_measured(path: Path) -> Measured | None:
    try:
        return Measured(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_measured(path: Path, found: Measured) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".new-", delete=False) as out:
        json.dump(asdict(found), out)
    Path(out.name).replace(path)


def apart(
    packages: Mapping[str, Content], rest: Mapping[str, Content], prefix: str
) -> tuple[dict[str, Content], dict[str, Content]]:
    """What of the packages may be in a layer, by path there (below `prefix`), and the zip beside it.

    A package of which the rest holds a part stays with it: Python looks for all of a package in one place.
    """
    here = {name.partition("/")[0] for name in rest}
    layer = {f"{prefix}{name}": item for name, item in packages.items() if name.partition("/")[0] not in here}
    return layer, {**{name: item for name, item in packages.items() if f"{prefix}{name}" not in layer}, **rest}
