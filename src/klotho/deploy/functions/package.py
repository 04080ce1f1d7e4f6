"""Builds the zip of one function.

Input: the asset's properties (`root`, `handler`, `runtime`, `architecture` if the program names one, or `package` for
a function of Klotho's own), the program's folder, a cache folder and the target. Output: the zip in the cache and its
key in the artifact bucket, `functions/<sha256>.zip`; the same input gives the same bytes, and an input seen before is
not built again. Refuses unknown runtimes, a missing handler file, a file that does not parse, a lock that does not fit
(all these in `validate`, which installs nothing but the bundler), and content beyond a limit, which is Lambda's of
250 MB unzipped unless it goes into an image (AWS Lambda quotas, "Deployment package").
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

from klotho.application.files import repository_of
from klotho.deploy.functions.architecture import DEFAULT, architecture_of
from klotho.deploy.functions.archive import Content, Contents, digest_of, write_contents
from klotho.deploy.functions.bundle import TYPESCRIPT, NodeBundler, ReadFunction
from klotho.deploy.functions.dependencies import Dependencies, DependencyCache
from klotho.deploy.functions.esbuild import Esbuild
from klotho.deploy.functions.javascript_closure import javascript_closure, loads_typescript
from klotho.deploy.functions.javascript_syntax import check_javascript
from klotho.deploy.functions.local_packages import folders_up
from klotho.deploy.functions.node_manifests import NodeManifest, node_manifest
from klotho.deploy.functions.own_functions import OWN_FUNCTIONS
from klotho.deploy.functions.python_closure import python_closure
from klotho.deploy.functions.python_manifests import python_manifest
from klotho.deploy.functions.size import MAX_UNZIPPED_BYTES, refuse_too_large, size_of
from klotho.deploy.target import Target
from klotho.diagnostics import Failure

Log = Callable[[str], None]

_FORMAT = "4"
"""Raise when the same input should give another zip."""
_PYTHON_SUFFIXES = (".py",)
_NODE_SUFFIXES = (".js", ".mjs", ".cjs", *TYPESCRIPT)


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
    unzipped: int = 0
    """Bytes of what is in it."""

    @property
    def key(self) -> str:
        """Where it lies in the artifact bucket."""
        return f"functions/{self.digest}.zip"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes into a zip, before anything is installed."""

    handler: str
    inputs: str
    """Digest of all that decides about the zip."""
    known: FunctionZip | None
    make: Callable[[Log], Contents]
    """Installs what is needed."""
    notes: tuple[str, ...] = ()
    read: frozenset[Path] = frozenset()
    """The user's files that decide about it."""
    code: Mapping[str, Content] | None = None
    """The zip's entries that are files of the user's; None where they are made (bundled)."""


@dataclass(frozen=True, slots=True)
class FunctionSources:
    """What of a function's package the user's files decide."""

    root: Path
    read: frozenset[Path]
    """The files themselves."""
    entries: Mapping[str, Content]
    """By path in the package."""
    digest: str
    """Of everything that decides about the package, what is installed included."""


class FunctionPackager:
    """Packages functions of one program, sharing the caches. Building after `validate` goes on with what was read
    then, in any thread."""

    def __init__(self, program_root: Path, cache: Path, target: Target) -> None:
        self._program_root = program_root
        self._target = target
        self._zips = cache / "functions"
        self._dependencies = DependencyCache(cache / "dependencies")
        self._repository = repository_of(program_root.resolve())
        self._bundler = NodeBundler(self._repository, Esbuild(cache))
        self._plans: dict[str, _Plan] = {}

    def validate(self, properties: Mapping[str, Any]) -> None:
        """Failure, at a line relative to the program's folder, for what can be known without building."""
        self._plans[_name(properties)] = self._plan(properties)

    def sources(self, properties: Mapping[str, Any], log: Log) -> FunctionSources:
        """What to put into a package that is there already, so that it is that of the user's files as they are now.

        Refuses what `validate` refuses, but JavaScript that does not parse: asking Node takes as long as starting it.
        """
        plan = self._plan(properties, check=False)
        entries = plan.make(log).entries if plan.code is None else plan.code
        return FunctionSources(self._root(properties), plan.read, entries, plan.inputs)

    def package(self, properties: Mapping[str, Any], log: Log, *, limit: int = MAX_UNZIPPED_BYTES) -> FunctionZip:
        """`limit`: bytes of what is in it; Failure (`function-too-large`) beyond."""
        plan = self._plans.pop(_name(properties), None) or self._plan(properties)
        for note in plan.notes:
            log(note)
        if plan.known is not None and plan.known.unzipped <= limit:
            return plan.known
        root = self._root(properties)
        try:
            contents = plan.make(log)
            refuse_too_large(contents.entries, plan.handler, limit)
            return self._build(plan.inputs, contents)
        except Failure as failure:
            raise _seen_from(self._program_root, root, failure) from failure

    def _root(self, properties: Mapping[str, Any]) -> Path:
        return (self._program_root / str(properties.get("root", "."))).resolve()

    def _plan(self, properties: Mapping[str, Any], *, check: bool = True) -> _Plan:
        """`check`: whether Node is asked if JavaScript parses."""
        handler = str(properties["handler"])
        if "package" in properties:
            return self._own_function(str(properties["package"]), handler)
        root, runtime = self._root(properties), str(properties["runtime"])
        named = properties.get("architecture")
        target = self._target if named is None else replace(self._target, architectures=(named,))
        try:
            if runtime.startswith("python"):
                return self._python(root, runtime, handler, target)
            if runtime.startswith("nodejs"):
                return self._node(root, runtime, handler, target, check)
        except Failure as failure:
            raise _seen_from(self._program_root, root, failure) from failure
        raise Failure("runtime-not-supported", f"functions can't be packaged for the runtime `{runtime}` yet")

    def _own_function(self, package: str, handler: str) -> _Plan:
        """A function of Klotho's own, from what is installed."""
        entries, sdk = OWN_FUNCTIONS[package](), _runtime_sdk(python=True)
        inputs = _input_digest(digest_of(entries), sdk, None)
        return _Plan(handler, inputs, self._lookup(inputs), lambda log: Contents({**entries, **sdk}))

    def _python(self, root: Path, runtime: str, handler: str, target: Target) -> _Plan:
        entry = handler_file(root, handler, _PYTHON_SUFFIXES)
        files = python_closure(root, entry, _source_folder(root, entry))
        own: dict[str, Content] = {**files}
        manifest = python_manifest(root, entry, self._repository)
        wanted = Dependencies.of(manifest, target, runtime) if manifest is not None else None
        sdk = _runtime_sdk(python=True)

        def make(log: Log) -> Contents:
            if wanted is None:
                return Contents({**own, **sdk})
            installed = _files_below(self._dependencies.installed(wanted, log))
            packages: dict[str, Content] = {name: path for name, path in installed if not name.startswith("klotho/")}
            # The user's files win over packages, and the runtime SDK over both: no package can shadow it.
            entries = {**packages, **own, **sdk}
            alone = packages.keys().isdisjoint(own)
            return Contents(entries, self._dependencies.packed(wanted, packages) if alone and packages else None)

        inputs = _input_digest(digest_of(own), sdk, wanted)
        known = self._lookup(inputs)
        if known is None and wanted is not None:
            self._dependencies.check(wanted)
        return _Plan(handler, inputs, known, make, (), frozenset(files.values()), own)

    def _node(self, root: Path, runtime: str, handler: str, target: Target, check: bool) -> _Plan:
        entry, notes, sdk = handler_file(root, handler, _NODE_SUFFIXES), list[str](), _runtime_sdk(python=False)
        manifest = node_manifest(root, entry, self._repository)
        if manifest is not None or entry.suffix in TYPESCRIPT or loads_typescript(root, entry):
            wanted = Dependencies.of(manifest, target, runtime) if manifest is not None else None
            read = self._bundler.read(root, entry, manifest, notes.append)
            inputs = _input_digest(f"{read.digest} {handler} {target.key(runtime)}", sdk, wanted)
            make = self._bundled(root, entry, handler, read, wanted)
            return _Plan(
                handler,
                inputs,
                self._lookup(inputs),
                lambda log: Contents({**make(log, target, runtime), **sdk}),
                tuple(notes),
                frozenset(read.files),
            )
        files = javascript_closure(root, entry, notes.append)
        own: dict[str, Content] = {file.relative_to(root).as_posix(): file for file in files}
        inputs = _input_digest(digest_of(own), sdk, None)
        known = self._lookup(inputs)
        if known is None and check:
            check_javascript(root, files)
        made = Contents({**own, **sdk})
        return _Plan(handler, inputs, known, lambda log: made, tuple(notes), frozenset(files), own)

    def _bundled(
        self, root: Path, entry: Path, handler: str, read: ReadFunction, wanted: Dependencies | None
    ) -> Callable[[Log, Target, str], Mapping[str, Content]]:
        def make(log: Log, target: Target, runtime: str) -> Mapping[str, Content]:
            installed = self._dependencies.installed(wanted, log) if wanted is not None else None
            native = self._dependencies.native(installed) if installed is not None else {}
            manifest = wanted.manifest if wanted is not None else None
            assert manifest is None or isinstance(manifest, NodeManifest)
            return self._bundler.build(root, entry, handler, read, manifest, installed, native, target, runtime, log)

        return make

    def _lookup(self, inputs: str) -> FunctionZip | None:
        try:
            note = json.loads((self._zips / "inputs" / f"{inputs}.json").read_bytes())
            digest, architecture = str(note["digest"]), str(note["architecture"])
            unzipped = int(note.get("unzipped", 0))  # notes without it are of a time when all were small enough
        except (OSError, ValueError, KeyError):
            return None  # Never built, or the note was damaged: build again.
        path = self._zips / f"{digest}.zip"
        return FunctionZip(path, digest, True, architecture, unzipped) if path.is_file() else None

    def _build(self, inputs: str, contents: Contents) -> FunctionZip:
        architecture, unzipped = architecture_of(contents.entries), size_of(contents.entries)
        (self._zips / "inputs").mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._zips, suffix=".new")
        path = Path(name)
        try:
            with os.fdopen(descriptor, "w+b") as out:
                write_contents(out, contents)
                out.seek(0)
                digest = hashlib.file_digest(out, "sha256").hexdigest()
            final = path.replace(self._zips / f"{digest}.zip")
        finally:
            path.unlink(missing_ok=True)
        # Two functions of one file have the same inputs and are packaged at the same time, each by a thread of its own.
        note = self._zips / "inputs" / f".{inputs}.{os.getpid()}-{threading.get_ident()}"
        note.write_text(json.dumps({"digest": digest, "architecture": architecture, "unzipped": unzipped}))
        note.replace(self._zips / "inputs" / f"{inputs}.json")
        return FunctionZip(final, digest, False, architecture, unzipped)


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


def _source_folder(root: Path, entry: Path) -> Path | None:
    """The `src` folder of the project a handler is in, from which its own packages are imported."""
    for folder in folders_up(entry, root):
        if any((folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
            return folder / "src" if (folder / "src").is_dir() else None
    return None


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


def _input_digest(own: str, sdk: Mapping[str, bytes], wanted: Dependencies | None) -> str:
    parts = (_FORMAT, own, digest_of(sdk), wanted.key if wanted else "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files_below(folder: Path) -> list[tuple[str, Path]]:
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
