"""What a manifest comes to: lines that uv installs from, checked against what they lock.

Input: a `PythonManifest` and a `Target`. Output: the files of an installation. Refuses (`Failure`, `lock-outdated`) a
lock that does not fit its manifest, and a project that does not allow the Python it would run on. Starts uv for a
uv.lock (about 30 ms) and nothing else; writes nothing.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from klotho.deploy.functions.poetry_lock import locked_lines, refuse_outdated
from klotho.deploy.functions.python_manifests import Files, PythonManifest
from klotho.deploy.functions.requirements_file import without_local
from klotho.deploy.functions.run import last_lines, output_of, uv
from klotho.deploy.target import Target
from klotho.diagnostics import Failure, Span

_EXPORT = (
    "export", "--quiet", "--no-python-downloads", "--no-default-groups", "--no-emit-project", "--no-editable",
    "--no-header", "--no-annotate", "--emit-index-url", "--format", "requirements-txt",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pins:
    """What uv installs from."""

    files: Files
    """To be written into one folder; the first is the one uv is given."""
    complete: bool
    """From a lock: nothing but these lines is installed."""


def pins_of(manifest: PythonManifest, runtime: str, target: Target) -> Pins:
    """Checked lines for the target."""
    _refuse_other_python(manifest, target.python(runtime))
    if manifest.kind == "uv.lock":
        return Pins((("requirements.txt", _exported(manifest, target)),), True)
    if manifest.kind == "poetry.lock":
        refuse_outdated(manifest.main, manifest.file("pyproject.toml") or b"", manifest.shown)
        return Pins((("requirements.txt", "\n".join(locked_lines(manifest.main)).encode()),), True)
    if manifest.kind == "pylock.toml":
        _refuse_missing(
            _dependencies(manifest), _locked(manifest), manifest, "run `pip lock -e . -o pylock.toml` in its folder"
        )
        return Pins((("pylock.toml", manifest.main),), True)
    if manifest.kind == "requirements.txt":
        return Pins(tuple((name, without_local(content)) for name, content in manifest.files), False)
    return Pins((("requirements.txt", "\n".join(_dependencies(manifest)).encode()),), False)


def _exported(manifest: PythonManifest, target: Target) -> bytes:
    command = [uv(), *_EXPORT, "--project", str(manifest.folder)]
    done = output_of([*command, "--locked", "--python", sys.executable], manifest.folder)
    if done.returncode and not target.is_host and "requested interpreter" in done.stderr:
        # Only the target has a Python the project allows, so that uv can't check the lock: its names are checked.
        done = output_of([*command, "--frozen"], manifest.folder)
        if done.returncode == 0:
            _refuse_missing(_dependencies(manifest), _locked(manifest), manifest, "run `uv lock` in its folder")
    if done.returncode:
        raise Failure(
            "lock-outdated",
            f"`{manifest.shown}` does not fit the pyproject.toml it was made from",
            at=Span(manifest.shown, 1),
            notes=last_lines(done),
            helps=("run `uv lock` in its folder",),
        )
    lines = done.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith((".", "/", "file:"))).encode()


def _project(manifest: PythonManifest) -> dict[str, Any]:
    content = manifest.file("pyproject.toml")
    found = tomllib.loads(content.decode()) if content is not None else {}
    return dict(found.get("project", {}))


def _dependencies(manifest: PythonManifest) -> list[str]:
    return [str(item) for item in _project(manifest).get("dependencies", ())]


def _locked(manifest: PythonManifest) -> dict[str, set[str]]:
    found = tomllib.loads(manifest.main.decode())
    versions: dict[str, set[str]] = {}
    for item in (*found.get("package", ()), *found.get("packages", ())):
        versions.setdefault(canonicalize_name(str(item["name"])), set()).add(str(item.get("version", "")))
    return versions


def _refuse_missing(wanted: Iterable[str], locked: dict[str, set[str]], manifest: PythonManifest, advice: str) -> None:
    """Failure (`lock-outdated`) for the first dependency that the lock does not hold in a version it allows."""
    for text in wanted:
        try:
            item = Requirement(text)
        except InvalidRequirement as error:
            message = f"the pyproject.toml beside `{manifest.shown}` wants `{text}`, which is no dependency: {error}"
            raise Failure("dependencies-unreadable", message, at=Span(manifest.shown, 1)) from error
        versions = locked.get(canonicalize_name(item.name), set())
        if item.marker is not None and not versions:
            continue  # left out for every platform the lock is for
        if not any(not version or item.specifier.contains(version, prereleases=True) for version in versions):
            raise Failure(
                "lock-outdated",
                f"`{manifest.shown}` does not fit its pyproject.toml, which wants `{text}`",
                at=Span(manifest.shown, 1),
                helps=(advice,),
            )


def _refuse_other_python(manifest: PythonManifest, version: str) -> None:
    wanted = str(_project(manifest).get("requires-python", ""))
    try:
        allowed = SpecifierSet(wanted)
    except InvalidSpecifier:
        return  # The installer says it in its own words.
    # A patch release that no bound excludes: which one Lambda runs is AWS's choice.
    if not any(allowed.contains(f"{version}.{patch}") for patch in (0, 99)):
        raise Failure(
            "python-not-allowed",
            f"the function would run on Python {version}, and its pyproject.toml asks for `{wanted}`",
            at=Span(manifest.shown, 1),
            helps=('name another runtime, such as `runtime="python3.13"`, or change `requires-python`',),
            notes=("the local cloud runs functions on the Python that Klotho itself runs on",),
        )
