"""Puts changed code into a running service without a deployment.

Input: a unit and what it is to run. Output: nothing; it serves when the call returns. Failure (`code-does-not-start`,
at the line of the user's file where it is known) when the code does not start: what ran before goes on.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from klotho.deploy.assets import ImageBuilder
from klotho.deploy.functions.archive import Content
from klotho.deploy.functions.package import FunctionPackager, FunctionSources
from klotho.diagnostics import Failure, Span
from klotho.driver.dev.units import Unit
from klotho.driver.local_cloud import local_failures
from klotho.localcloud.connect import Connection

_PLACE = re.compile(r"/dev-[A-Za-z0-9_]+/(?P<file>[^\"\s:()]+)(?:\", line |:)(?P<line>\d+)")
"""Where it happened, in a trace of Python or Node: a file of the changed package, and its line."""


class CodeSwap(Protocol):
    """One environment's way to do it."""

    def can(self, unit: Unit) -> bool:
        """Whether there is one for this unit; the others are deployed."""

    def function(self, unit: Unit, sources: FunctionSources) -> None:
        """`unit.sources` is what it serves until then."""

    def container(self, unit: Unit, log: Callable[[str], None]) -> str | None:
        """Builds the image; returns its digest, None when that is what runs already."""

    def end(self, application: str) -> tuple[str, ...]:
        """Everything runs what is deployed again; returns the names of what did not."""


class LocalSwap:
    """In the local cloud."""

    def __init__(
        self, connection: Connection, program_root: Path, packager: FunctionPackager, build_image: ImageBuilder
    ) -> None:
        self._connection = connection
        self._root = program_root
        self._packager = packager
        self._build_image = build_image

    def can(self, unit: Unit) -> bool:
        return True

    def function(self, unit: Unit, sources: FunctionSources) -> None:
        former = unit.sources.entries if unit.sources is not None else {}
        with local_failures(), _as_files(sources.entries) as files:
            gone = sorted(former.keys() - files.keys())
            why = self._connection.swap_function(unit.identifier, files, gone)
        if why is not None:
            # Asking Node whether files parse takes as long as starting them: asked only when it says more.
            self._packager.validate(unit.asset.properties)
            raise _does_not_start(unit, why, self._place(why, sources))

    def container(self, unit: Unit, log: Callable[[str], None]) -> str | None:
        digest = self._build_image(unit.asset, log).rpartition(":")[2]
        if digest == unit.digest:
            return None
        with local_failures():
            why = self._connection.swap_container(unit.identifier, digest)
        if why is not None:
            raise _does_not_start(unit, why, None)
        return digest

    def end(self, application: str) -> tuple[str, ...]:
        with local_failures():
            return self._connection.end_swaps(application)

    def _place(self, why: str, sources: FunctionSources) -> Span | None:
        """The user's line; the last one of a Python trace and the first one of Node's are the innermost."""
        files = {name: path for name, path in sources.entries.items() if isinstance(path, Path)}
        found = [match for match in _PLACE.finditer(why) if match["file"] in files]
        if not found:
            return None
        match = found[-1] if '", line ' in found[-1][0] else found[0]
        file = files[match["file"]]
        shown = file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else str(file)
        return Span(shown, int(match["line"]))


@contextmanager
def _as_files(entries: Mapping[str, Content]) -> Iterator[dict[str, Path]]:
    """What a bundler has made lies in files for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="klotho-dev-") as folder:
        files = {}
        for number, (name, content) in enumerate(entries.items()):
            if isinstance(content, bytes):
                files[name] = Path(folder) / str(number)
                files[name].write_bytes(content)
            else:
                files[name] = content
        yield files


def _does_not_start(unit: Unit, why: str, at: Span | None) -> Failure:
    said, *rest = [line for line in why.splitlines() if line.strip()] or ["no reason was given"]
    return Failure(
        "code-does-not-start",
        f"`{unit.name}` does not start: {said}",
        at=at,
        notes=tuple(line.strip() for line in rest[-6:]) if at is None else (),
        helps=("correct it and save; until then the code from before goes on serving",),
    )
