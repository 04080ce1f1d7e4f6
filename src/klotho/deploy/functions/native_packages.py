"""npm packages with machine code: they can't be bundled, so they are shipped beside the bundle with what they need.

Input: a folder of installed packages. Output: their names and folders; the zip entries of some. Refuses (`Failure`,
`wheels-missing`) a package whose machine code would have to be compiled on the target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from klotho.deploy.functions.archive import Content
from klotho.deploy.functions.node_manifests import packages_below
from klotho.diagnostics import Failure

_FOR_ONE_PLATFORM = re.compile(r"\b(linux|darwin|win32)\b")
"""In the name of a package that holds the machine code of another one for one platform."""


def native_packages(installed: Path) -> dict[str, Path]:
    """Packages that hold or load machine code, by name."""
    found = dict(packages_below(installed))
    manifests = {name: _manifest(folder) for name, folder in found.items()}
    native = {
        name
        for name, folder in found.items()
        if manifests[name].get("gypfile") or (folder / "binding.gyp").is_file() or _machine_code(folder)
    }
    # A package that takes its machine code from one package for each platform finds it by name when it runs.
    native |= {
        name
        for name, manifest in manifests.items()
        for needed in manifest.get("optionalDependencies") or ()
        if needed in native or _FOR_ONE_PLATFORM.search(needed)
    }
    return {name: found[name] for name in sorted(native)}


def absent_peers(installed: Path) -> set[str]:
    """Packages that an installed one can work with and that are not there: it asks for them when it runs, and a
    bundler would look for them. Source: docs.npmjs.com, package.json, "peerDependenciesMeta"."""
    found = dict(packages_below(installed))
    peers = (_manifest(folder).get("peerDependenciesMeta") for folder in found.values())
    optional = {name for peer in peers if isinstance(peer, dict) for name, meta in peer.items() if _is_optional(meta)}
    return optional - set(found)


def _is_optional(meta: Any) -> bool:
    return isinstance(meta, dict) and meta.get("optional") is True


def unbuilt(wanted: Iterable[str], native: Mapping[str, Path], *, for_linux: bool) -> list[str]:
    """Packages that were to compile their machine code, or to find it, and have none that would run."""
    found = []
    for name in sorted(set(wanted) & set(native)):
        optional = set(_manifest(native[name]).get("optionalDependencies") or ())
        parts = [native[name], *(native[item] for item in sorted(optional & set(native)))]
        if not any(not for_linux or _is_elf(file) for folder in parts for file in _machine_code(folder)):
            found.append(name)
    return found


def refuse_unbuilt(wanted: Iterable[str], native: Mapping[str, Path], *, for_linux: bool) -> None:
    """Failure (`wheels-missing`) for the first of them."""
    for name in unbuilt(wanted, native, for_linux=for_linux):
        raise Failure(
            "wheels-missing",
            f"the npm package `{name}` has machine code, and none that was built for this target",
            helps=(
                "choose one that brings it for Linux, or make the function a `Compute.Container`",
                'if it comes for x86-64 only: `architecture="x86_64"`',
            ),
        )


def shipped(names: Iterable[str], modules: Path, installed: Path, platform: tuple[str, str]) -> dict[str, Content]:
    """Zip entries below `node_modules/` of packages and of all they need, without code for other platforms."""
    entries: dict[str, Content] = {}
    pending = [(name, modules) for name in sorted(names)]
    seen: set[Path] = set()
    while pending:
        name, origin = pending.pop()
        folder = _resolved(name, origin, installed)
        if folder is None or folder in seen:
            continue  # an optional one for another platform
        seen.add(folder)
        place = folder.relative_to(installed).as_posix()
        place = place[place.index("node_modules/") :]
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and "node_modules" not in relative.parts and _is_for(platform, relative.parts):
                entries[f"{place}/{relative.as_posix()}"] = path
        manifest = _manifest(folder)
        for key in ("dependencies", "optionalDependencies"):
            pending += [(needed, folder) for needed in sorted(manifest.get(key) or {})]
    return entries


def _is_for(platform: tuple[str, str], parts: tuple[str, ...]) -> bool:
    """False for `prebuilds/darwin-x64/…` on Linux; source: the npm package prebuildify, which names these folders."""
    if parts[0] != "prebuilds" or len(parts) < 3:
        return True
    system, _, processors = parts[1].partition("-")
    return system == platform[0] and platform[1] in processors.split("+")


def _resolved(name: str, origin: Path, installed: Path) -> Path | None:
    """As Node finds it: in the nearest `node_modules` above."""
    folder = origin
    while folder.is_relative_to(installed):
        candidate = (folder / "node_modules" / name).resolve()
        if candidate.is_dir() and candidate.is_relative_to(installed.resolve()):
            return candidate
        folder = folder.parent
    return None


def _machine_code(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if (path.suffix == ".node" or ".so" in path.suffixes) and "node_modules" not in path.relative_to(folder).parts
    ]


def _is_elf(file: Path) -> bool:
    """Whether it is Linux's kind of machine code."""
    with file.open("rb") as content:
        return content.read(4) == b"\x7fELF"


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "package.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
