"""Gets the text of bundles: those that Klotho brings, folders, git references, the project's store.

Input: a source, the program's folder. Output: text. What git or a store gave is kept below the cache folder by its
digest, so that a pinned bundle is read without a network. Refuses (`guardrail-bundle-missing`): what is not there, is
no text, or can't be reached. git is run without a shell, asks nothing, and is allowed no protocol that runs commands.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from klotho.diagnostics import Failure, did_you_mean, one_of
from klotho.driver.guardrail_settings import Source
from klotho.driver.machine import cache_folder
from klotho.stores import Store
from klotho.stores.store import key_part

_PATIENCE_S = 60
BUNDLE = "bundle.toml"
"""As `klotho.guardrails.BUNDLE_FILE`, which takes the catalogue along."""
BUILT_IN = Path(__file__).parent.parent / "guardrails" / "builtin"
OpenStore = Callable[[], Store]
"""The store of the project in the environment; it may ask an account."""


def text_of(source: Source, folder: Path, store: OpenStore, place: str, version: str | None = None) -> str:
    """The newest text of a bundle. `place`: the prefix in the store. `version`: another one of a built-in bundle."""
    if source.kind == "builtin":
        return _built_in(source, version)
    if source.kind == "folder":
        there = folder_text(folder / source.name, source)
        _keep(there)  # for `klotho upgrade`, which compares it with what it was
        return there
    if source.kind == "git":
        text = _git(source.name, source.ref, source.path, str(folder))
    else:
        text = _stored(source, store, place)
    _keep(text)
    return text


def cached(digest: str) -> str | None:
    """The text with this digest, if it was read before; None for one that was changed since."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        return None
    try:
        text = (_cache() / f"{digest}.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if _digest_of(text) == digest else None


def folder_text(path: Path, source: Source | None = None) -> str:
    """The text of the bundle in a folder."""
    file = path / BUNDLE if path.is_dir() else path
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise missing(source.shown if source else str(path), f"`{file}`: {why}", source) from error


def versions_of(name: str) -> list[str]:
    """The versions of a built-in bundle that this Klotho brings, oldest first."""
    return sorted((path.stem for path in (BUILT_IN / name).glob("*.toml")), key=_order)


def store_prefix(project: str, environment: str) -> str:
    """Apart from the project's entries: who deploys its applications may read it, and not write."""
    return f".guardrails/{key_part(project)}/{key_part(environment)}/"


def published(store: Store, project: str, environment: str) -> Iterator[tuple[str, str]]:
    """Name and text of every bundle that the project's owner has published for an environment."""
    prefix = store_prefix(project, environment)
    for name in store.list(prefix):
        kept = store.read(name)
        if kept is not None:
            yield name.removeprefix(prefix), kept.body.decode("utf-8", "replace")


def publish(store: Store, project: str, environment: str, name: str, text: str) -> str:
    """Put a bundle into the store, in the place of an earlier version; returns where it is."""
    key = store_prefix(project, environment) + key_part(name)
    for _ in range(20):
        kept = store.read(key)
        body = text.encode()
        if (store.create(key, body) if kept is None else store.replace(key, body, kept.etag)) is not None:
            return store.address(key)
    raise Failure("registry-busy", f"the bundle `{name}` could not be published: others publish it all the time")


def missing(shown: str, why: str, source: Source | None, *helps: str) -> Failure:
    at = source.span if source else None
    entry = "correct its entry under `guardrails:` in klotho.yaml"
    fix = helps or (entry if source else f"name the folder that holds a `{BUNDLE}`",)
    return Failure("guardrail-bundle-missing", f"the bundle `{shown}` can't be had", at=at, notes=(why,), helps=fix)


def _built_in(source: Source, version: str | None) -> str:
    known = versions_of(source.name)
    if not known:
        names = sorted(path.name for path in BUILT_IN.iterdir() if path.is_dir() and versions_of(path.name))
        nearest = did_you_mean(source.name, names) or f"Klotho brings {one_of(names)}"
        raise missing(source.name, "Klotho brings none of this name", source, nearest, "a folder is named `./folder`")
    if version is not None and version not in known:
        why = f"klotho.lock pins version {version}, and this Klotho brings {one_of(known)}"
        raise missing(source.name, why, source, "run `klotho upgrade --dry-run`, then `klotho upgrade`")
    return (BUILT_IN / source.name / f"{version or known[-1]}.toml").read_text(encoding="utf-8")


def _stored(source: Source, store: OpenStore, place: str) -> str:
    kept = store().read(place + key_part(source.name))
    if kept is None:
        fix = f"publish it: `klotho guardrails publish PATH`, from the folder with the bundle `{source.name}`"
        raise missing(source.shown, "the project's store has none of this name for this environment", source, fix)
    return kept.body.decode("utf-8", "replace")


@cache
def _git(url: str, ref: str, path: str, folder: str) -> str:
    """Fetched once a command: the reference stays what it was when the command began."""
    shown = Source("git", url, ref, path)
    file = f"{path}/{BUNDLE}" if path else BUNDLE
    with tempfile.TemporaryDirectory(prefix="klotho-guardrails-") as bare:
        _run_git(shown, folder, "init", "--quiet", "--bare", bare)
        _run_git(shown, folder, "--git-dir", bare, "fetch", "--quiet", "--depth", "1", "--no-tags", "--", url, ref)
        body = _run_git(shown, folder, "--git-dir", bare, "cat-file", "blob", f"FETCH_HEAD:{file}")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise missing(shown.shown, f"`{file}` is no UTF-8 text", shown) from error


def _run_git(source: Source, folder: str, *arguments: str) -> bytes:
    import subprocess

    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environment.pop(name, None)  # set where git itself runs a hook
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise missing(source.shown, "git is not installed here", source, "install git") from error
    except subprocess.TimeoutExpired as error:
        raise missing(source.shown, f"git did not answer within {_PATIENCE_S} s", source, "try again later") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
        raise missing(source.shown, f"git says: {said[-1]}", source, "check its URL, `ref:` and `path:` in klotho.yaml")
    return done.stdout


def _keep(text: str) -> None:
    """A cache that can't be written to only costs time."""
    if cached(_digest_of(text)) is not None:
        return
    try:
        _cache().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=_cache(), delete=False) as draft:
            draft.write(text)
        Path(draft.name).replace(_cache() / f"{_digest_of(text)}.toml")
    except (OSError, UnicodeError):
        return


def _digest_of(text: str) -> str:
    from klotho.guardrails import digest_of

    return digest_of(text)


def _cache() -> Path:
    return cache_folder() / "guardrails"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
