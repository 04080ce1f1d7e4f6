"""Which file says what Python packages a function needs, and which versions.

Input: the function's root, its handler's file, the folder of the program's repository. Output: a `PythonManifest`: all
bytes that decide, and the packages of this repository among them. In the nearest folder above the handler that has
one, a lock wins over what it locks: `uv.lock` (there, or at the root of the workspace), `poetry.lock`, `pylock.toml`,
`requirements.txt`, `pyproject.toml`. Refuses (`Failure`) what can't be read and local packages that can't be built.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from klotho.deploy.functions.local_packages import checked_local, folders_up
from klotho.deploy.functions.requirements_file import read_requirements
from klotho.diagnostics import Failure, Span

Kind = Literal["uv.lock", "poetry.lock", "pylock.toml", "requirements.txt", "pyproject.toml"]
Files = tuple[tuple[str, bytes], ...]
_PIPENV_HELP = "run `pipenv requirements > requirements.txt` in its folder, and again after each `pipenv lock`"


@dataclass(frozen=True, slots=True)
class PythonManifest:
    """What decides about a function's Python packages."""

    kind: Kind
    shown: str
    """The deciding file's path, for messages."""
    folder: Path
    """Where its paths start."""
    files: Files
    """Everything that was read, by path relative to the folder; the deciding file is the first."""
    local: tuple[Path, ...] = ()
    """Folders of the packages that are built from this repository."""

    @property
    def main(self) -> bytes:
        return self.files[0][1]

    def file(self, name: str) -> bytes | None:
        return dict(self.files).get(name)


def python_manifest(root: Path, handler: Path, repository: Path) -> PythonManifest | None:
    """The nearest one; None when nothing is needed."""
    for folder in folders_up(handler, root):
        found = _in_folder(folder, root, repository)
        if found is not None:
            return found if found.main.strip() else None
    return None


def _in_folder(folder: Path, root: Path, repository: Path) -> PythonManifest | None:
    project = folder / "pyproject.toml"
    if project.is_file():
        lock = next(
            (item / "uv.lock" for item in folders_up(project, repository) if (item / "uv.lock").is_file()), None
        )
        if lock is not None and (lock.parent == folder or _is_member(folder, lock)):
            return _uv_locked(project, lock, root, repository)
        if (folder / "poetry.lock").is_file():
            return _poetry_locked(project, folder / "poetry.lock", root, repository)
    if (folder / "pylock.toml").is_file():
        return _pip_locked(folder, root)
    if (folder / "requirements.txt").is_file():
        files, local = read_requirements(folder / "requirements.txt", root, repository)
        manifest = PythonManifest("requirements.txt", _shown(folder / "requirements.txt", root), folder, files, local)
        return manifest if any(_says_something(content) for _, content in files) else _nothing(manifest)
    if project.is_file():
        return _unlocked(project, root, repository)
    if (folder / "Pipfile").is_file():
        message = f"`{_shown(folder / 'Pipfile', root)}` is Pipenv's, which is not read"
        raise Failure(
            "dependencies-unreadable", message, at=Span(_shown(folder / "Pipfile", root), 1), helps=(_PIPENV_HELP,)
        )
    return None


def read_toml(file: Path, shown: str) -> dict[str, Any]:
    """The file's content; Failure (`dependencies-unreadable`) when it is no TOML."""
    try:
        return _parsed(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"`{shown}` is no valid TOML: {error}"
        raise Failure("dependencies-unreadable", message, at=Span(shown, 1)) from error


@lru_cache(maxsize=32)
def _parsed(text: str) -> dict[str, Any]:
    """Kept, because a hundred functions of one lock would parse it a hundred times; nobody changes what is returned."""
    return tomllib.loads(text)


def _uv_locked(project: Path, lock: Path, root: Path, repository: Path) -> PythonManifest:
    shown = _shown(lock, root)
    found = read_toml(lock, shown)
    packages: dict[str, list[dict[str, Any]]] = {}
    for item in found.get("package", ()):
        packages.setdefault(str(item.get("name")), []).append(item)
    own = {_place(item, lock): name for name, items in packages.items() for item in items}.get(project.parent)
    local: dict[Path, None] = {}
    wanted, seen = [own] if own else [], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        for item in packages.get(name, ()):
            place = _place(item, lock)
            if place is not None and name != own and "virtual" not in item.get("source", {}):
                local[checked_local(place, repository, Span(shown, 1), name)] = None
            wanted += [str(needed["name"]) for needed in item.get("dependencies", ())]
            wanted += [
                str(needed["name"]) for extra in item.get("optional-dependencies", {}).values() for needed in extra
            ]
    names = {"uv.lock": lock, "pyproject.toml": project, "workspace": lock.parent / "pyproject.toml"}
    files = tuple((name, path.read_bytes()) for name, path in names.items() if path.is_file())
    return PythonManifest("uv.lock", shown, project.parent, files, tuple(sorted(local)))


def _place(item: dict[str, Any], lock: Path) -> Path | None:
    source = item.get("source", {})
    path = next((source[key] for key in ("editable", "directory", "virtual") if key in source), None)
    return (lock.parent / str(path)).resolve() if path is not None else None


def _is_member(folder: Path, lock: Path) -> bool:
    """Whether a lock above knows the project as one of its workspace."""
    return any(_place(item, lock) == folder for item in read_toml(lock, lock.name).get("package", ()))


def _poetry_locked(project: Path, lock: Path, root: Path, repository: Path) -> PythonManifest:
    shown = _shown(lock, root)
    local = []
    for item in read_toml(lock, shown).get("package", ()):
        source = item.get("source", {})
        if source.get("type") == "directory" and "main" in item.get("groups", ()):
            at = Span(shown, 1)
            local.append(checked_local(lock.parent / str(source["url"]), repository, at, str(source["url"])))
    files = (("poetry.lock", lock.read_bytes()), ("pyproject.toml", project.read_bytes()))
    return PythonManifest("poetry.lock", shown, lock.parent, files, tuple(sorted(local)))


def _pip_locked(folder: Path, root: Path) -> PythonManifest:
    lock, project = folder / "pylock.toml", folder / "pyproject.toml"
    shown = _shown(lock, root)
    for item in read_toml(lock, shown).get("packages", ()):
        if "directory" in item:
            raise Failure(
                "dependency-is-local",
                f"`{shown}` names the folder of `{item.get('name')}`, which is not read from this kind of lock",
                at=Span(shown, 1),
                helps=("lock with uv (`uv lock`), whose lock may hold packages of this repository",),
            )
    files = [("pylock.toml", lock.read_bytes())]
    files += [("pyproject.toml", project.read_bytes())] if project.is_file() else []
    return PythonManifest("pylock.toml", shown, folder, tuple(files))


def _unlocked(project: Path, root: Path, repository: Path) -> PythonManifest | None:
    shown = _shown(project, root)
    found = read_toml(project, shown)
    listed = [str(item) for item in found.get("project", {}).get("dependencies", ())]
    poetry = {name for name in found.get("tool", {}).get("poetry", {}).get("dependencies", {}) if name != "python"}
    if poetry and not listed:
        helps = ("run `poetry lock` in its folder: the lock says which versions are meant",)
        message = f"`{shown}` is Poetry's, and there is no poetry.lock beside it"
        raise Failure("dependencies-unreadable", message, at=Span(shown, 1), helps=helps)
    manifest = PythonManifest("pyproject.toml", shown, project.parent, (("pyproject.toml", project.read_bytes()),))
    if not listed:
        return _nothing(manifest)
    sources = found.get("tool", {}).get("uv", {}).get("sources", {})
    if sources:
        helps = ("run `uv lock` in its folder: the lock says where these packages come from",)
        message = f"`{shown}` has `[tool.uv.sources]`, and there is no uv.lock"
        raise Failure("dependencies-unreadable", message, at=Span(shown, 1), helps=helps)
    for item in listed:
        if "@ file:" in item.replace("@file:", "@ file:"):
            helps = ("name it under `[tool.uv.sources]` by `path`, and run `uv lock`",)
            raise Failure("dependency-is-local", f"`{shown}` wants `{item}`", at=Span(shown, 1), helps=helps)
    return manifest


def _nothing(manifest: PythonManifest) -> PythonManifest:
    """The manifest is there and asks for nothing: those further up are not asked."""
    return PythonManifest(manifest.kind, manifest.shown, manifest.folder, ((manifest.files[0][0], b""),))


def _says_something(content: bytes) -> bool:
    return any(line.split("#")[0].strip() for line in content.decode("utf-8", "replace").splitlines())


def _shown(file: Path, root: Path) -> str:
    """From the function's root, where failures are renamed from the program's folder."""
    return Path(os.path.relpath(file, root)).as_posix()
