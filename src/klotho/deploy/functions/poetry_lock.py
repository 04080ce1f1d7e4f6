"""A poetry.lock as the lines of a requirements file, and whether it fits its pyproject.toml.

Input: both files' bytes. Output: one pinned line with hashes for each package of the main group (extras of the project
are left out). Refuses (`Failure`) a lock of Poetry 1, which does not say which group a package is for, and one that
does not fit. Source: Poetry 2, `poetry/packages/locker.py` (`_get_relevant_content`: what the content hash covers).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from klotho.diagnostics import Failure, Span

_LEGACY_KEYS = ("dependencies", "source", "extras", "dev-dependencies")
_PROJECT_KEYS = ("requires-python", "dependencies", "optional-dependencies")
_OLDEST = (2, 1)
"""The first version that names groups and markers of each package: Poetry 2.0."""


def refuse_outdated(lock: bytes, project: bytes, shown: str) -> None:
    """Failure (`lock-outdated`) when the lock was not made from this pyproject.toml."""
    metadata = tomllib.loads(lock.decode())["metadata"]
    if tuple(map(int, str(metadata.get("lock-version", "0")).split("."))) < _OLDEST:
        raise Failure(
            "dependencies-unreadable",
            f"`{shown}` was written by Poetry 1, which does not say what is for development only",
            at=Span(shown, 1),
            helps=("run `poetry lock` of Poetry 2 in its folder",),
        )
    if metadata.get("content-hash") != _content_hash(tomllib.loads(project.decode())):
        raise Failure(
            "lock-outdated",
            f"`{shown}` does not fit the pyproject.toml beside it",
            at=Span(shown, 1),
            helps=("run `poetry lock` in its folder",),
        )


def _content_hash(found: Mapping[str, Any]) -> str:
    poetry, groups = found.get("tool", {}).get("poetry", {}), found.get("dependency-groups", {})
    project = {key: found["project"][key] for key in _PROJECT_KEYS if found.get("project", {}).get(key) is not None}
    relevant: dict[str, Any] = {}
    for key in (*_LEGACY_KEYS, "group"):
        value = poetry.get(key)
        if value is not None or (key in _LEGACY_KEYS and not project and not groups):
            relevant[key] = value
    content: dict[str, Any] = {
        **({"project": project} if project else {}),
        **({"dependency-groups": groups} if groups else {}),
    }
    content = {**content, "tool": {"poetry": relevant}} if content else relevant
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def locked_lines(lock: bytes) -> Iterator[str]:
    """Requirement lines; packages of this repository are left out."""
    indexes: dict[str, None] = {}
    lines = []
    for item in tomllib.loads(lock.decode()).get("package", ()):
        source = item.get("source", {})
        if "main" not in item.get("groups", ()) or item.get("optional") or source.get("type") in ("directory", "file"):
            continue
        if source.get("type") == "legacy":
            indexes[str(source["url"])] = None
        lines.append(_line(item, source))
    yield from (f"--extra-index-url {url}" for url in indexes)
    yield from lines


def _line(item: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    if source.get("type") == "git":
        pinned = f"{item['name']} @ git+{source['url']}@{source['resolved_reference']}"
    elif source.get("type") == "url":
        pinned = f"{item['name']} @ {source['url']}"
    else:
        pinned = f"{item['name']}=={item['version']}"
    markers = item.get("markers")
    marker = markers.get("main") if isinstance(markers, Mapping) else markers
    hashes = " ".join(f"--hash={file['hash']}" for file in item.get("files", ()))
    return f"{pinned}{f' ; {marker}' if marker else ''} {hashes}".rstrip()
