"""Builds the zip of one function.

Input: the asset's properties (`root`, `handler`, `runtime`, or `package` for a function of Klotho's own), the
program's folder and a cache folder. Output: the zip in the cache and its key in the artifact bucket,
`functions/<sha256>.zip`; the same input gives the same bytes, and an input seen before is not built again. Refuses
TypeScript, unknown runtimes, a missing handler file, a file that does not parse (all these in `validate`, which
installs and writes nothing), and content beyond Lambda's limit of 250 MB unzipped (AWS Lambda quotas, "Deployment
package").
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from klotho.deploy.functions.architecture import DEFAULT, architecture_of
from klotho.deploy.functions.archive import Content, digest_of, write_archive
from klotho.deploy.functions.dependencies import (
    Dependencies,
    DependencyCache,
    node_dependencies,
    python_dependencies,
)
from klotho.deploy.functions.javascript_closure import javascript_closure, refuse_typescript
from klotho.deploy.functions.javascript_syntax import check_javascript
from klotho.deploy.functions.provider import PACKAGE, provider_files
from klotho.deploy.functions.python_closure import python_closure
from klotho.diagnostics import Failure

Log = Callable[[str], None]

MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
_FORMAT = "2"
"""Raise when the same input should give another zip."""
_PYTHON_SUFFIXES = (".py",)
_NODE_SUFFIXES = (".js", ".mjs", ".cjs")


@dataclass(frozen=True, slots=True)
class FunctionZip:
    """A built zip."""

    path: Path
    digest: str
    """SHA-256 of the zip's bytes."""
    cached: bool
    """Whether it was there already."""
    architecture: str = DEFAULT
    """Lambda's name of the processor it was made for."""

    @property
    def key(self) -> str:
        """Where it lies in the artifact bucket."""
        return f"functions/{self.digest}.zip"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes into a zip, before anything is installed."""

    handler: str
    own: Mapping[str, Content]
    sdk: Mapping[str, bytes]
    wanted: Dependencies | None
    inputs: str
    """Digest of all that decides about the zip."""
    known: FunctionZip | None
    notes: tuple[str, ...]


class FunctionPackager:
    """Packages functions of one program, sharing the caches. Building after `validate` goes on with what was read
    then, in any thread."""

    def __init__(self, program_root: Path, cache: Path) -> None:
        self._program_root = program_root
        self._zips = cache / "functions"
        self._dependencies = DependencyCache(cache / "dependencies")
        self._plans: dict[str, _Plan] = {}

    def validate(self, properties: Mapping[str, Any]) -> None:
        """Failure, at a line relative to the program's folder, for what can be known without building."""
        self._plans[_name(properties)] = self._plan(properties)

    def package(self, properties: Mapping[str, Any], log: Log) -> FunctionZip:
        plan = self._plans.pop(_name(properties), None) or self._plan(properties)
        for note in plan.notes:
            log(note)
        if plan.known is not None:
            return plan.known
        installed = self._installed(plan.wanted, log)
        # The user's files win over packages, and the runtime SDK over both: a package named klotho can't shadow it.
        return self._build(plan.inputs, {**installed, **plan.own, **plan.sdk}, plan.handler)

    def _plan(self, properties: Mapping[str, Any]) -> _Plan:
        if properties.get("package") == PACKAGE:
            return self._own_function(str(properties["handler"]))
        root = (self._program_root / str(properties.get("root", "."))).resolve()
        try:
            return self._planned(root, str(properties["runtime"]), str(properties["handler"]))
        except Failure as failure:
            raise _seen_from(self._program_root, root, failure) from failure

    def _own_function(self, handler: str) -> _Plan:
        """A function of Klotho's own, from what is installed."""
        entries, sdk = provider_files(), _runtime_sdk(python=True)
        inputs = _input_digest(entries, sdk, None)
        return _Plan(handler, entries, sdk, None, inputs, self._lookup(inputs), ())

    def _planned(self, root: Path, runtime: str, handler: str) -> _Plan:
        python = runtime.startswith("python")
        if not python and not runtime.startswith("nodejs"):
            raise Failure("runtime-not-supported", f"functions can't be packaged for the runtime `{runtime}` yet")
        notes: list[str] = []
        entry = handler_file(root, handler, _PYTHON_SUFFIXES if python else _NODE_SUFFIXES)
        own = python_closure(root, entry) if python else javascript_closure(root, entry, notes.append)
        wanted = python_dependencies(root, entry) if python else node_dependencies(root, entry)
        entries: dict[str, Content] = {file.relative_to(root).as_posix(): file for file in own}
        sdk = _runtime_sdk(python)
        inputs = _input_digest(entries, sdk, wanted)
        known = self._lookup(inputs)
        if known is None and not python:
            check_javascript(root, own)
        return _Plan(handler, entries, sdk, wanted, inputs, known, tuple(notes))

    def _installed(self, wanted: Dependencies | None, log: Log) -> dict[str, Content]:
        if wanted is None:
            return {}
        folder = self._dependencies.installed(wanted, log)
        prefix = f"{wanted.prefix}/" if wanted.prefix else ""
        return {
            f"{prefix}{relative}": path
            for relative, path in _files_below(folder)
            if not relative.startswith(("klotho/", "node_modules/@klotho/runtime/", "node_modules/.bin/"))
        }

    def _lookup(self, inputs: str) -> FunctionZip | None:
        try:
            note = json.loads((self._zips / "inputs" / f"{inputs}.json").read_bytes())
            digest, architecture = str(note["digest"]), str(note["architecture"])
        except (OSError, ValueError, KeyError):
            return None  # Never built, or the note was damaged: build again.
        path = self._zips / f"{digest}.zip"
        return FunctionZip(path, digest, True, architecture) if path.is_file() else None

    def _build(self, inputs: str, entries: Mapping[str, Content], handler: str) -> FunctionZip:
        size = sum(len(item) if isinstance(item, bytes) else item.stat().st_size for item in entries.values())
        if size > MAX_UNZIPPED_BYTES:
            raise Failure(
                "function-too-large",
                f"the function `{handler}` is {size // 2**20} MB unzipped; Lambda takes at most 250 MB",
                helps=("leave out packages it does not need, or make it a `Compute.Container`",),
            )
        architecture = architecture_of(entries)
        (self._zips / "inputs").mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._zips, suffix=".new")
        path = Path(name)
        try:
            with os.fdopen(descriptor, "w+b") as out:
                write_archive(out, entries)
                out.seek(0)
                digest = hashlib.file_digest(out, "sha256").hexdigest()
            final = path.replace(self._zips / f"{digest}.zip")
        finally:
            path.unlink(missing_ok=True)
        # Two functions of one file have the same inputs and are packaged at the same time, each by a thread of its own.
        note = self._zips / "inputs" / f".{inputs}.{os.getpid()}-{threading.get_ident()}"
        note.write_text(json.dumps({"digest": digest, "architecture": architecture}))
        note.replace(self._zips / "inputs" / f"{inputs}.json")
        return FunctionZip(final, digest, False, architecture)


def handler_file(root: Path, handler: str, suffixes: tuple[str, ...]) -> Path:
    """The file behind `path/module.function`; dots in the module part may stand for folders, as in Lambda."""
    module = handler.rpartition(".")[0]
    for base in (root / module, root.joinpath(*module.split("."))):
        for suffix in suffixes:
            candidate = (base.parent / f"{base.name}{suffix}").resolve()
            if candidate.is_file() and candidate.is_relative_to(root):
                return candidate
        if (base.parent / f"{base.name}.ts").is_file():
            raise refuse_typescript(f"{module}.ts")
    names = " or ".join(f"`{module}{suffix}`" for suffix in suffixes)
    raise Failure("handler-file-missing", f"the handler `{handler}` needs the file {names}, which is not there")


def _name(properties: Mapping[str, Any]) -> str:
    return json.dumps(dict(properties), sort_keys=True, default=str)


def _seen_from(program_root: Path, root: Path, failure: Failure) -> Failure:
    """The failure with files named from the program's folder, where they were named from the function's root."""
    prefix = os.path.relpath(root, program_root.resolve())
    found = failure.diagnostic
    labels = tuple(
        replace(label, span=label.span._replace(file=posixpath.normpath(posixpath.join(prefix, label.span.file))))
        for label in found.labels
    )
    failure.diagnostic = replace(found, labels=labels)
    return failure


def _runtime_sdk(python: bool) -> Mapping[str, bytes]:
    from klotho.runtime import assets

    return assets.python_files() if python else assets.node_files()


def _input_digest(own: Mapping[str, Content], sdk: Mapping[str, bytes], wanted: Dependencies | None) -> str:
    parts = (_FORMAT, digest_of(own), digest_of(sdk), wanted.key if wanted else "", wanted.prefix if wanted else "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files_below(folder: Path) -> list[tuple[str, Path]]:
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
