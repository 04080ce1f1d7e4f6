"""Which package.json and lock say what npm packages a function needs.

Input: the function's root, its handler's file, the folder of the program's repository. Output: a `NodeManifest`: the
manifests and the lock an installer needs, and the packages of this repository (members of the workspace, `file:`
dependencies) the function uses. The lock found names the installer: package-lock.json npm, pnpm-lock.yaml pnpm,
yarn.lock Yarn. Refuses (`Failure`) what can't be read, and local packages outside of the repository.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from klotho.deploy.functions.local_packages import folders_up
from klotho.diagnostics import Failure, Span

Installer = Literal["npm", "pnpm", "yarn", "yarn-classic"]
RUNTIME = "@klotho/runtime"
LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock")
_SETTINGS = ("pnpm-workspace.yaml", ".yarnrc.yml", ".npmrc", ".yarnrc")
_NAMED_BY_PATH = ("file:", "link:", "portal:", "./", "../")


@dataclass(frozen=True, slots=True)
class NodeManifest:
    """What decides about a function's npm packages."""

    installer: Installer
    lock: str | None
    """Path of the lock below `base`; None when nothing is locked."""
    base: Path
    """The folder that holds all manifests."""
    runs_in: str
    """Where the installer runs, relative to `base`: the workspace's root."""
    place: str
    """The folder of the function's own package.json, relative to `base`."""
    shown: str
    """The function's package.json, for messages."""
    files: tuple[tuple[str, bytes], ...]
    """Manifests, lock and settings, by path relative to `base`."""
    declared: frozenset[str]
    """Names the function's package.json lists for running."""
    local: Mapping[str, Path] = field(default_factory=dict)
    """Folders of the packages of this repository the function uses, by name."""
    external: tuple[str, ...] = ()
    """Packages that are shipped as they are instead of bundled: `"klotho": {"external": […]}` in package.json."""


def node_manifest(root: Path, handler: Path, repository: Path) -> NodeManifest | None:
    """From the nearest package.json; None when it lists nothing to run with, or there is none."""
    own = next((item for item in folders_up(handler, root) if (item / "package.json").is_file()), None)
    if own is None:
        return None
    shown = _shown(own / "package.json", root)
    found = _read(own / "package.json", shown)
    listed = _listed(found, shown)
    if not set(listed) - {RUNTIME}:
        return None
    top, lock = _lock_of(own, repository, root)
    members = _members(top, root) if lock is not None or _patterns(top, root) else {}
    local = _used_locals(own, listed, members, repository, shown)
    folders = {own, top, *members.values(), *local.values()}
    base = Path(os.path.commonpath([str(folder) for folder in folders]))
    paths = [folder / "package.json" for folder in folders]
    paths += [folder / name for folder in (own, top) for name in _SETTINGS]
    paths += [lock] if lock is not None else []
    files = {path.relative_to(base).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    return NodeManifest(
        _installer(lock),
        lock.relative_to(base).as_posix() if lock is not None else None,
        base,
        top.relative_to(base).as_posix(),
        own.relative_to(base).as_posix(),
        shown,
        tuple(sorted(files.items())),
        frozenset(listed),
        local,
        tuple(sorted(str(name) for name in _mapping(found.get("klotho")).get("external", ()))),
    )


def _lock_of(own: Path, repository: Path, root: Path) -> tuple[Path, Path | None]:
    """The folder to install in, and its lock: the function's own, else that of the workspace it is a member of."""
    for folder in folders_up(own / "package.json", repository):
        lock = next((folder / name for name in LOCKS if (folder / name).is_file()), None)
        if folder == own and lock is not None:
            return own, lock
        if folder != own and own in _members(folder, root).values():
            return folder, lock
    return own, None


def _installer(lock: Path | None) -> Installer:
    if lock is None or lock.name in ("package-lock.json", "npm-shrinkwrap.json"):
        return "npm"
    if lock.name == "pnpm-lock.yaml":
        return "pnpm"
    return (
        "yarn-classic" if "# yarn lockfile v1" in lock.read_text(encoding="utf-8", errors="replace")[:300] else "yarn"
    )


def _members(top: Path, root: Path) -> dict[str, Path]:
    """The workspace's packages by name."""
    found: dict[str, Path] = {}
    for pattern in _patterns(top, root):
        if pattern.startswith("!"):
            continue
        for folder in sorted(top.glob(pattern.removeprefix("./").rstrip("/"))):
            if (folder / "package.json").is_file() and "node_modules" not in folder.parts:
                manifest = _read(folder / "package.json", _shown(folder / "package.json", root))
                found[str(manifest.get("name", folder.name))] = folder
    return found


def _patterns(top: Path, root: Path) -> list[str]:
    workspace = top / "pnpm-workspace.yaml"
    if workspace.is_file():
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        shown = _shown(workspace, root)
        try:
            listed = _mapping(YAML(typ="safe").load(workspace.read_text(encoding="utf-8"))).get("packages") or ()
        except (YAMLError, UnicodeDecodeError) as error:
            raise Failure("dependencies-unreadable", f"`{shown}` is no valid YAML", at=Span(shown, 1)) from error
        return [str(item) for item in listed]
    manifest = top / "package.json"
    given = _read(manifest, _shown(manifest, root)).get("workspaces", ()) if manifest.is_file() else ()
    return [str(item) for item in (given.get("packages", ()) if isinstance(given, Mapping) else given)]


def _used_locals(
    own: Path, listed: Mapping[str, str], members: Mapping[str, Path], repository: Path, shown: str
) -> dict[str, Path]:
    """What the function uses of this repository, directly or not."""
    found: dict[str, Path] = {}
    pending = [(own, name, version) for name, version in listed.items()]
    while pending:
        here, name, version = pending.pop()
        if name in found or name == RUNTIME:
            continue
        folder = _folder_of(here, name, version, members)
        if folder is None:
            continue
        if not folder.is_relative_to(repository) or not (folder / "package.json").is_file():
            raise Failure(
                "dependency-is-local",
                f"`{shown}` wants `{name}: {version}`, which is no package of this repository",
                at=Span(shown, 1),
                helps=("see that the folder has a package.json and lies in the program's repository",),
            )
        found[name] = folder
        manifest = folder / "package.json"
        pending += [(folder, *item) for item in _listed(_read(manifest, manifest.name), manifest.name).items()]
    return dict(sorted(found.items()))


def _folder_of(here: Path, name: str, version: str, members: Mapping[str, Path]) -> Path | None:
    if version.startswith(_NAMED_BY_PATH):
        path = next(
            (version.removeprefix(start) for start in ("file:", "link:", "portal:") if version.startswith(start)),
            version,
        )
        folder = (here / path).resolve()
        return None if folder.suffix in (".tgz", ".gz") else folder
    return members.get(name)


def _listed(found: Mapping[str, Any], shown: str) -> dict[str, str]:
    listed: dict[str, str] = {}
    for key in ("dependencies", "optionalDependencies", "peerDependencies"):
        part = found.get(key, {})
        if not isinstance(part, Mapping):
            raise Failure("dependencies-unreadable", f"`{key}` in `{shown}` is no object", at=Span(shown, 1))
        listed |= {str(name): str(version) for name, version in part.items()}
    return listed


def _read(manifest: Path, shown: str) -> dict[str, Any]:
    try:
        found = json.loads(manifest.read_bytes())
    except ValueError as error:
        message = f"`{shown}` is no valid JSON: {error}"
        raise Failure("dependencies-unreadable", message, at=Span(shown, 1)) from error
    if not isinstance(found, dict):
        raise Failure("dependencies-unreadable", f"`{shown}` holds no object", at=Span(shown, 1))
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _shown(file: Path, root: Path) -> str:
    return Path(os.path.relpath(file, root)).as_posix()


def package_name(specifier: str) -> str:
    """`@scope/name` of `@scope/name/file.js`."""
    parts = specifier.split("/")
    return "/".join(parts[:2] if specifier.startswith("@") else parts[:1])


def packages_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every package installed below a folder, nested ones included, with its name."""
    for modules in sorted(folder.rglob("node_modules")):
        for entry in sorted(modules.iterdir()) if modules.is_dir() and not modules.is_symlink() else ():
            inner = sorted(entry.iterdir()) if entry.name.startswith("@") and entry.is_dir() else [entry]
            for package in inner:
                if (package / "package.json").is_file() and not package.is_symlink():
                    yield package.relative_to(modules).as_posix(), package
