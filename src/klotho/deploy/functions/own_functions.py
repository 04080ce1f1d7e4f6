"""What goes into the zips of Klotho's own functions: those that make login roles, ask containers, fill clusters.

Input: the package's name, and nothing but what is installed beside Klotho. Output: zip paths with files:
`klotho/provider/`, pg8000, PyMySQL and what these need; or `klotho/relay/` or `klotho/applier/` alone. Refuses, as
`Failure`, a package that is not installed or not pure Python (the zip runs on another machine); no network is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from klotho.deploy.functions.archive import Content
from klotho.diagnostics import Failure

DRIVERS = ("pg8000", "PyMySQL")
_COMPILED = (".so", ".pyd", ".dylib")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _own(folder: str) -> dict[str, Content]:
    import klotho

    root = Path(str(klotho.__file__)).parent / folder
    return {f"klotho/{folder}/{path.name}": path for path in root.glob("*.py")}


def _sql_roles() -> dict[str, Content]:
    return {**_installed(DRIVERS), **_own("provider")}


def _relay() -> dict[str, Content]:
    return _own("relay")


def _kubernetes() -> dict[str, Content]:
    shared = ("klotho/provider/__init__.py", "klotho/provider/answering.py")
    return {**_own("applier"), **{path: file for path, file in _own("provider").items() if path in shared}}


OWN_FUNCTIONS: Mapping[str, Callable[[], dict[str, Content]]] = {
    "sql-roles": _sql_roles,
    "relay": _relay,
    "kubernetes": _kubernetes,
}
"""By what an asset's property `package` says: everything but the runtime SDK."""


def _installed(names: tuple[str, ...]) -> dict[str, Content]:
    """The files of distributions and of all they require."""
    found: dict[str, Content] = {}
    wanted, seen = list(names), set[str]()
    while wanted:
        name = wanted.pop()
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        try:
            item = distribution(name)
        except PackageNotFoundError as error:
            raise Failure(
                "provider-incomplete",
                f"the package {name} is not installed, and the function that makes login roles needs it",
                helps=("install klotho again: `pip install --force-reinstall klotho`",),
            ) from error
        found |= _files(item)
        wanted += [_NAME.findall(text)[0] for text in item.requires or () if "extra ==" not in text]
    return found


def _files(item: Distribution) -> dict[str, Content]:
    """The importable files: no caches, no scripts outside, and of the metadata what names and licenses it."""
    found: dict[str, Content] = {}
    for file in item.files or ():
        path = file.as_posix()
        if path.endswith(_COMPILED):
            raise Failure("provider-incomplete", f"{item.name} is not pure Python here: {path}")
        metadata = ".dist-info/" in path
        if path.startswith("..") or "__pycache__" in path or (metadata and not _is_kept(path)):
            continue
        found[path] = Path(str(file.locate()))
    return found


def _is_kept(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name == "METADATA" or name.upper().startswith(("LICENSE", "COPYING", "NOTICE"))
