"""Builds the zip of one function.

Input: the asset's properties (`root`, `handler`, `runtime`, `architecture` if the program names one, `include` for
files that no import leads to, `layer` if packages are a zip of their own, `build` if they are built in the function's
image, or `package` for a function of Klotho's own), the program's folder, a cache folder and the target. Output: the
zip in the cache and its key in the artifact bucket, `functions/<sha256>.zip`; the same input gives the same bytes,
and an input seen before is not built again. Refuses unknown runtimes, a missing handler file, a file that does not
parse, a lock that does not fit (all these in `validate`, which installs nothing but the bundler), and content beyond
a limit, which is Lambda's of 250 MB unzipped unless it goes into an image (AWS Lambda quotas, "Deployment package").
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
from typing import Any, NamedTuple

from klotho.application.files import repository_of
from klotho.deploy.functions.architecture import DEFAULT, architecture_of
from klotho.deploy.functions.archive import Content, Contents, digest_of, write_contents
from klotho.deploy.functions.bundle import TYPESCRIPT, NodeBundler, ReadFunction
from klotho.deploy.functions.dependencies import Dependencies, DependencyCache
from klotho.deploy.functions.esbuild import Esbuild
from klotho.deploy.functions.inside import node_build, python_build
from klotho.deploy.functions.javascript_closure import javascript_closure, loads_typescript
from klotho.deploy.functions.javascript_syntax import check_javascript
from klotho.deploy.functions.local_packages import folders_up
from klotho.deploy.functions.measured import (
    LARGE_BYTES,
    NOTHING,
    Measured,
    apart,
    measured_of,
    read_measured,
    write_measured,
)
from klotho.deploy.functions.node_manifests import NodeManifest, node_manifest
from klotho.deploy.functions.own_functions import OWN_FUNCTIONS
from klotho.deploy.functions.python_closure import python_closure
from klotho.deploy.functions.python_manifests import PythonManifest, python_manifest
from klotho.deploy.functions.size import MAX_UNZIPPED_BYTES, refuse_too_large, size_of
from klotho.deploy.target import Target
from klotho.diagnostics import Failure

Log = Callable[[str], None]

_FORMAT = "4"
"""Raise when the same input should give another zip."""
_PYTHON_SUFFIXES = (".py",)
_NODE_SUFFIXES = (".js", ".mjs", ".cjs", *TYPESCRIPT)
_MODULES = "node_modules/"


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
    """Bytes of what is in it, and in its layer."""
    layer: Path | None = None
    """The zip with its packages, where they are apart; its name is its digest."""

    @property
    def key(self) -> str:
        """Where it lies in the artifact bucket."""
        return f"functions/{self.digest}.zip"

    @property
    def layer_key(self) -> str | None:
        return None if self.layer is None else f"functions/{self.layer.name}"

    @property
    def objects(self) -> Mapping[str, Path]:
        """Everything the bucket must hold, by key."""
        return {self.key: self.path} | ({} if self.layer is None else {f"functions/{self.layer.name}": self.layer})


class _How(NamedTuple):
    """Where a function's packages go, if not into its zip."""

    layer: bool
    build: bool
    """Into its image, while that is built."""
    hosted: bool = False
    """Whether the server comes along that calls it where it runs all the time."""


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
    layered: bool = False
    built_inside: bool = False
    """Its packages are not installed here."""
    packages: str | None = None
    """Digest of what decides about its packages; None without a manifest."""


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
        self._measured = cache / "functions" / "measured"
        self._plans: dict[str, _Plan] = {}
        self._contents: dict[str, Contents] = {}

    def validate(self, properties: Mapping[str, Any], *, again: bool = True) -> None:
        """Failure, at a line relative to the program's folder, for what can be known without building. `again`: also
        what was found to be fine, which may have changed."""
        if again or _name(properties) not in self._plans:
            self._plans[_name(properties)] = self._plan(properties)

    def sources(self, properties: Mapping[str, Any], log: Log) -> FunctionSources:
        """What to put into a package that is there already, so that it is that of the user's files as they are now.

        Refuses what `validate` refuses, but JavaScript that does not parse: asking Node takes as long as starting it.
        """
        plan = self._plan(properties, check=False)
        entries = plan.code
        if entries is None:
            made = plan.make(log)
            entries = made.alone if plan.layered else made.entries
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
            contents = self._made(plan, log)
            self._contents.pop(plan.inputs, None)
            if plan.packages is not None and not plan.built_inside:
                self._note_size(plan, contents, as_image=limit > MAX_UNZIPPED_BYTES)
            refuse_too_large(contents.entries, plan.handler, limit)
            return self._build(plan, contents)
        except Failure as failure:
            raise _seen_from(self._program_root, root, failure) from failure

    def measured(self, properties: Mapping[str, Any]) -> Measured | None:
        """How large a validated function was found to be; None when its packages were never looked at here."""
        plan = self._plans.get(_name(properties)) or self._plan(properties)
        if plan.packages is None:
            return NOTHING
        found = read_measured(self._measured / f"{plan.packages}.json")
        # Code changes more often than packages, and what is measured of them still holds.
        return found if found is None or plan.code is None else found.with_code(size_of(plan.code))

    def measure(self, properties: Mapping[str, Any], log: Log) -> Measured:
        """Install the packages of a validated function, and say how large it is. What is made meanwhile is kept."""
        plan = self._plans.get(_name(properties)) or self._plan(properties)
        try:
            contents = self._made(plan, log)
        except Failure as failure:
            if failure.diagnostic.code != "wheels-missing" or plan.packages is None:
                raise
            said = " ".join(" ".join(failure.diagnostic.notes).split())
            found = Measured(missing=failure.diagnostic.message, said=said)
            write_measured(self._measured / f"{plan.packages}.json", found)
            return found
        return self._looked(plan, contents)

    def _looked(self, plan: _Plan, contents: Contents) -> Measured:
        """How large it is, noted for the next time."""
        found = measured_of(contents, size_of(plan.code or {}))
        if size_of(contents.layered) > LARGE_BYTES and not found.too_large:
            found = replace(found, zipped=self._layer(contents).stat().st_size)
        if plan.packages is not None:
            write_measured(self._measured / f"{plan.packages}.json", found)
        return found

    def _note_size(self, plan: _Plan, contents: Contents, *, as_image: bool) -> None:
        """For an image, which was packed without having been looked at; and for what has become too large since."""
        note = read_measured(self._measured / f"{plan.packages}.json")
        too_large = size_of(contents.entries) > MAX_UNZIPPED_BYTES
        if (note is None and (as_image or too_large)) or (note is not None and too_large and not note.too_large):
            self._looked(plan, contents)

    def _made(self, plan: _Plan, log: Log) -> Contents:
        """What goes into the zip, made once for a plan."""
        if plan.inputs not in self._contents:
            self._contents[plan.inputs] = plan.make(log)
        return self._contents[plan.inputs]

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
            build = bool(properties.get("build")) and not target.is_host
            how = _How(bool(properties.get("layer")), build, bool(properties.get("hosted")))
            if runtime.startswith("python"):
                return self._with(self._python(root, runtime, handler, target, how), root, properties)
            if runtime.startswith("nodejs"):
                return self._with(self._node(root, runtime, handler, target, how, check), root, properties)
        except Failure as failure:
            raise _seen_from(self._program_root, root, failure) from failure
        raise Failure("runtime-not-supported", f"functions can't be packaged for the runtime `{runtime}` yet")

    def _with(self, plan: _Plan, root: Path, properties: Mapping[str, Any]) -> _Plan:
        """The plan with further files that the program names."""
        names = sorted(str(name) for name in properties.get("include", ()))
        if not names:
            return plan
        further: dict[str, Content] = {name: _inside(root, name, plan.handler) for name in names}
        inputs = hashlib.sha256(f"{plan.inputs} {digest_of(further)}".encode()).hexdigest()

        def make(log: Log) -> Contents:
            made = plan.make(log)
            alone = {**made.alone, **further} if made.layered or made.alone else made.alone
            return replace(made, entries={**made.entries, **further}, alone=alone)

        return replace(
            plan,
            inputs=inputs,
            known=self._lookup(inputs),
            make=make,
            read=plan.read | {root / name for name in names},
            code=None if plan.code is None else {**plan.code, **further},
        )

    def _own_function(self, package: str, handler: str) -> _Plan:
        """A function of Klotho's own, from what is installed."""
        entries, sdk = OWN_FUNCTIONS[package](), _runtime_sdk(python=True)
        inputs = _input_digest(digest_of(entries), sdk, None)
        return _Plan(handler, inputs, self._lookup(inputs), lambda log: Contents({**entries, **sdk}))

    def _python(self, root: Path, runtime: str, handler: str, target: Target, how: _How) -> _Plan:
        entry = handler_file(root, handler, _PYTHON_SUFFIXES)
        files = python_closure(root, entry, _source_folder(root, entry))
        own: dict[str, Content] = {**files}
        manifest = python_manifest(root, entry, self._repository)
        wanted = Dependencies.of(manifest, target, runtime) if manifest is not None else None
        sdk = _runtime_sdk(python=True, hosted=how.hosted)

        def make(log: Log) -> Contents:
            if wanted is None:
                return Contents({**own, **sdk})
            if how.build:
                assert isinstance(manifest, PythonManifest)
                return Contents({**own, **sdk, **python_build(self._dependencies.pins(wanted), manifest.local)})
            installed = _files_below(self._dependencies.installed(wanted, log))
            packages: dict[str, Content] = {name: path for name, path in installed if not name.startswith("klotho/")}
            # The user's files win over packages, and the runtime SDK over both: no package can shadow it.
            alone = packages.keys().isdisjoint(own)
            return Contents(
                {**packages, **own, **sdk},
                (lambda: self._dependencies.packed(wanted, packages)) if alone and packages else None,
                *apart(packages, {**own, **sdk}, "python/"),
            )

        inputs = _input_digest(digest_of(own), sdk, wanted, how)
        known = self._lookup(inputs)
        if known is None and wanted is not None:
            self._dependencies.check(wanted)
        packages = wanted.key if wanted is not None else None
        return _Plan(handler, inputs, known, make, (), frozenset(files.values()), own, *how[:2], packages)

    def _node(self, root: Path, runtime: str, handler: str, target: Target, how: _How, check: bool) -> _Plan:
        entry, notes = handler_file(root, handler, _NODE_SUFFIXES), list[str]()
        sdk = _runtime_sdk(python=False, hosted=how.hosted)
        manifest = node_manifest(root, entry, self._repository)
        if manifest is not None or entry.suffix in TYPESCRIPT or loads_typescript(root, entry):
            wanted = Dependencies.of(manifest, target, runtime) if manifest is not None else None
            read = self._bundler.read(root, entry, manifest, notes.append)
            inputs = _input_digest(f"{read.digest} {handler} {target.key(runtime)}", sdk, wanted, how)
            packages = None
            if wanted is not None:
                packages = hashlib.sha256(f"{wanted.key} {entry.relative_to(root)} {handler}".encode()).hexdigest()
            make = self._bundled(root, entry, handler, read, wanted, (target, runtime), how)
            known, decides = self._lookup(inputs), frozenset(read.files)
            return _Plan(handler, inputs, known, make, tuple(notes), decides, None, *how[:2], packages)
        files = javascript_closure(root, entry, notes.append)
        own: dict[str, Content] = {file.relative_to(root).as_posix(): file for file in files}
        inputs = _input_digest(digest_of(own), sdk, None, how)
        known = self._lookup(inputs)
        if known is None and check:
            check_javascript(root, files)
        made = Contents({**own, **sdk})
        return _Plan(handler, inputs, known, lambda log: made, tuple(notes), frozenset(files), own, *how[:2])

    def _bundled(
        self, root: Path, entry: Path, handler: str, read: ReadFunction, wanted: Dependencies | None,
        runs: tuple[Target, str], how: _How,
    ) -> Callable[[Log], Contents]:  # fmt: skip
        sdk = _runtime_sdk(python=False, hosted=how.hosted)

        def make(log: Log) -> Contents:
            installed = self._dependencies.installed(wanted, log) if wanted is not None else None
            native = self._dependencies.native(installed) if installed is not None else {}
            manifest = wanted.manifest if wanted is not None else None
            assert manifest is None or isinstance(manifest, NodeManifest)
            built = self._bundler.build(
                root, entry, handler, read, manifest, installed, native, *runs, log, may_be_unbuilt=how.build,
            )  # fmt: skip
            entries: dict[str, Content] = {**built.entries, **(node_build(built.unbuilt) if how.build else {}), **sdk}
            if not built.finds_layers:
                return Contents(entries, None, {}, entries)
            moved = {name: item for name, item in built.entries.items() if name.startswith(_MODULES)}
            layer = {f"nodejs/{name}": item for name, item in moved.items()}
            return Contents(entries, None, layer, {name: item for name, item in entries.items() if name not in moved})

        return make

    def _lookup(self, inputs: str) -> FunctionZip | None:
        try:
            note = json.loads((self._zips / "inputs" / f"{inputs}.json").read_bytes())
            digest, architecture = str(note["digest"]), str(note["architecture"])
            unzipped = int(note.get("unzipped", 0))  # notes without it are of a time when all were small enough
            layer = self._zips / str(note["layer"]) if "layer" in note else None
        except (OSError, ValueError, KeyError):
            return None  # Never built, or the note was damaged: build again.
        path = self._zips / f"{digest}.zip"
        there = path.is_file() and (layer is None or layer.is_file())
        return FunctionZip(path, digest, True, architecture, unzipped, layer) if there else None

    def _build(self, plan: _Plan, contents: Contents) -> FunctionZip:
        architecture, unzipped = architecture_of(contents.entries), size_of(contents.entries)
        layer = None
        if plan.layered:
            _refuse_no_layer(plan.handler, contents)
            layer, contents = self._layer(contents), Contents(contents.alone)
        final = self._zipped(contents)
        known = {"digest": final.stem, "architecture": architecture, "unzipped": unzipped}
        self._note(plan.inputs, known if layer is None else {**known, "layer": layer.name})
        return FunctionZip(final, final.stem, False, architecture, unzipped, layer)

    def _layer(self, contents: Contents) -> Path:
        """The zip of what may be in a layer, compressed once. Installed packages lie in folders of their content's
        name, so that paths say what is in it."""
        digest = hashlib.sha256(b"layer")
        for name, item in sorted(contents.layered.items()):
            content = item if isinstance(item, Path) else hashlib.sha256(item).hexdigest()
            digest.update(f"{name}:{content}\n".encode())
        inputs = digest.hexdigest()
        known = self._lookup(inputs)
        if known is not None:
            return known.path
        made = self._zipped(Contents(contents.layered))
        self._note(inputs, {"digest": made.stem, "architecture": ""})
        return made

    def _zipped(self, contents: Contents) -> Path:
        """The zip, named by its digest."""
        self._zips.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._zips, suffix=".new")
        path = Path(name)
        try:
            with os.fdopen(descriptor, "w+b") as out:
                write_contents(out, contents)
                out.seek(0)
                digest = hashlib.file_digest(out, "sha256").hexdigest()
            return path.replace(self._zips / f"{digest}.zip")
        finally:
            path.unlink(missing_ok=True)

    def _note(self, inputs: str, found: Mapping[str, Any]) -> None:
        """What these inputs gave. Two functions of one file have the same inputs and are packaged at the same time,
        each by a thread of its own."""
        (self._zips / "inputs").mkdir(parents=True, exist_ok=True)
        note = self._zips / "inputs" / f".{inputs}.{os.getpid()}-{threading.get_ident()}"
        note.write_text(json.dumps(found))
        note.replace(self._zips / "inputs" / f"{inputs}.json")


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


def _inside(root: Path, name: str, handler: str) -> Path:
    path = (root / name).resolve()
    if path.is_relative_to(root) and path.is_file():
        return path
    raise Failure("handler-file-missing", f"the function `{handler}` includes `{name}`, which is no file in its folder")


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


def _runtime_sdk(python: bool, hosted: bool = False) -> Mapping[str, bytes]:
    from klotho.runtime import assets

    if hosted:
        from klotho.deploy.functions.hosted import host_files

        return {**(assets.python_files() if python else assets.node_files()), **host_files()}
    return assets.python_files() if python else assets.node_files()


def _refuse_no_layer(handler: str, contents: Contents) -> None:
    if not contents.layered:
        raise Failure(
            "layer-empty",
            f"the function `{handler}` has nothing that could be in a layer",
            notes=("a layer holds packages; Node finds those by `require` only, not by `import` in ES modules",),
            helps=("ship it as one zip: remove `lambda-layer` from `use`, or its entry in klotho.lock",),
        )


def _input_digest(own: str, sdk: Mapping[str, bytes], wanted: Dependencies | None, how: _How | None = None) -> str:
    shipped = "" if how is None else "layer" if how.layer else "build" if how.build else ""
    parts = (_FORMAT, own, digest_of(sdk), wanted.key if wanted else "", *([shipped] if shipped else []))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files_below(folder: Path) -> list[tuple[str, Path]]:
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
