"""What goes into a function's package, before anything is installed or built: what each language's plan says of it.

Input: a function's root, handler and runtime, and how it is shipped. Output: a `Plan`; which files, and what their
digest is, is the languages' own (`python_plan.py`, `node_plan.py`, `go_plan.py`). Refuses a handler file that is
missing, and an included one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from klotho.deploy.functions.archive import Content, Contents, digest_of
from klotho.deploy.functions.dependencies import Dependencies
from klotho.deploy.target import Target
from klotho.diagnostics import Failure

Log = Callable[[str], None]

FORMAT = "4"
"""Raise when the same input should give another zip."""


class How(NamedTuple):
    """Where a function's packages go, if not into its zip."""

    layer: bool
    build: bool
    """Into its image, while that is built."""
    hosted: bool = False
    """Whether the server comes along that calls it where it runs all the time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One function, as the program describes it."""

    root: Path
    """The package's, absolute."""
    handler: str
    runtime: str
    target: Target
    how: How
    check: bool = True
    """Whether what is cheap to read but slow to ask others about is checked, too."""


def nothing_more() -> None:
    """Of a plan without further checks."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into a zip, before anything is installed."""

    handler: str
    inputs: str
    """Digest of all that decides about the zip."""
    make: Callable[[Log], Contents]
    """Installs and builds what is needed."""
    notes: tuple[str, ...] = ()
    read: frozenset[Path] = frozenset()
    """The user's files that decide about it."""
    code: Mapping[str, Content] | None = None
    """The zip's entries that are files of the user's; None where they are made (bundled, compiled)."""
    layered: bool = False
    built_inside: bool = False
    """Its packages are not installed here."""
    packages: str | None = None
    """Digest of what decides about its packages; None without a manifest."""
    check: Callable[[], None] = nothing_more
    """Failure for what is wrong all the same; asked when no zip of these inputs is known."""


def handler_file(root: Path, handler: str, suffixes: tuple[str, ...]) -> Path:
    """The file behind `path/module.function`; dots in the module part may stand for folders, as in Lambda."""
    module = handler.rpartition(".")[0]
    for base in (root / module, root.joinpath(*module.split("."))):
        for suffix in suffixes:
            candidate = (base.parent / f"{base.name}{suffix}").resolve()
            if candidate.is_file() and candidate.is_relative_to(root):
                return candidate
    names = " or ".join(f"`{module}{suffix}`" for suffix in suffixes)
    raise Failure("handler-file-missing", f"the handler `{handler}` needs the file {names}, which is not there")


def included_file(root: Path, name: str, handler: str) -> Path:
    """A further file that the program names."""
    path = (root / name).resolve()
    if path.is_relative_to(root) and path.is_file():
        return path
    raise Failure("handler-file-missing", f"the function `{handler}` includes `{name}`, which is no file in its folder")


def input_digest(own: str, sdk: Mapping[str, bytes], wanted: Dependencies | None, how: How | None = None) -> str:
    """`own`: digest of the user's files; `sdk`: files of the runtime SDK."""
    shipped = "" if how is None else "layer" if how.layer else "build" if how.build else ""
    parts = (FORMAT, own, digest_of(sdk), wanted.key if wanted else "", *([shipped] if shipped else []))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def runtime_sdk(python: bool, hosted: bool = False) -> Mapping[str, bytes]:
    from klotho.runtime import assets

    if hosted:
        from klotho.deploy.functions.hosted import host_files

        return {**(assets.python_files() if python else assets.node_files()), **host_files()}
    return assets.python_files() if python else assets.node_files()
