"""Bundles a Node function: TypeScript, and JavaScript with npm packages, into one file with its source map.

Input: the function's root, its handler's file, a `NodeManifest` or none. `NodeBundler.read` finds what the handler
imports and installs nothing; `NodeBundler.build` gives the zip's entries. Packages with machine code, and those that
package.json names under `klotho.external`, are shipped as they are. The runtime SDK is left to be imported. Refuses
(`Failure`) what does not parse, imports that lead nowhere or are not declared, and machine code for another system.

A bundle is made apart from the user's folders: in a stage inside of the installed packages, so that Node's own rules
find those and never what lies in the user's `node_modules`.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.deploy.functions.archive import Content
from klotho.deploy.functions.esbuild import DYNAMIC, VERSION, Bundle, Esbuild
from klotho.deploy.functions.local_packages import source_digest, source_files
from klotho.deploy.functions.native_packages import absent_peers, refuse_unbuilt, shipped, unbuilt
from klotho.deploy.functions.node_manifests import RUNTIME, NodeManifest, package_name
from klotho.deploy.functions.run import Log
from klotho.deploy.target import Target
from klotho.diagnostics import Failure, Span

TYPESCRIPT = (".ts", ".mts", ".cts")
_OLDEST_NODE = "node18"
"""What the local cloud may run on."""
_EXTENDS = re.compile(r'"extends"\s*:\s*"(\.[^"]+)"')
_IN_STAGE = "stage"
_MODULES = "node_modules/"


@dataclass(frozen=True, slots=True)
class ReadFunction:
    """What a handler imports of the repository, and what that is made of."""

    files: tuple[Path, ...]
    """The closure, with the package.json and tsconfig.json files that decide how it is read."""
    digest: str
    """Of names and contents, those of packages of this repository included."""


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """What a bundled function ships."""

    entries: Mapping[str, Content]
    """By zip path, without the runtime SDK."""
    finds_layers: bool
    """Whether it would find its packages in a layer: Node looks there (`NODE_PATH`) for `require` and not for `import`,
    which is what ES modules and `await import(…)` do. Source: nodejs.org/api/esm.html, "No NODE_PATH"."""
    unbuilt: tuple[str, ...] = ()
    """Packages whose machine code must still be compiled, where that was allowed."""


class NodeBundler:
    """Shares the bundler of one cache."""

    def __init__(self, repository: Path, esbuild: Esbuild) -> None:
        self._repository = repository
        self._esbuild = esbuild

    def read(self, root: Path, entry: Path, manifest: NodeManifest | None, log: Log) -> ReadFunction:
        """Failure, at a line relative to the function's root, for what can be known without building."""
        with tempfile.TemporaryDirectory(prefix="klotho-reading-") as out:
            try:
                found = self._esbuild.run(
                    self._repository, self._relative(entry), "read.mjs", ("--packages=external",), log, Path(out)
                )
                _refuse_undeclared(self._repository, found, manifest)
            except Failure as failure:
                raise _seen_from(root, self._repository, failure) from failure
        outside = next((name for name in found.inputs if name.startswith("../")), None)
        if outside is not None:
            raise Failure(
                "import-not-found",
                f"`{entry.name}` imports `{outside}`, which lies outside of the program's repository",
                at=Span(entry.relative_to(root).as_posix(), 1),
                helps=("move it into the repository: it would not be there on another machine",),
            )
        inputs = [self._repository / name for name in found.inputs if ":" not in name]
        files = sorted({*inputs, *_deciding(inputs, self._repository)})
        digest = hashlib.sha256(f"esbuild {VERSION}".encode())
        for path in files:
            content = path.read_bytes()
            digest.update(f"{self._relative(path)}:{len(content)}:".encode() + content)
        for name, folder in (manifest.local if manifest is not None else {}).items():
            digest.update(f"{name}:{source_digest(folder)}".encode())
        return ReadFunction(tuple(files), digest.hexdigest())

    def build(
        self, root: Path, entry: Path, handler: str, read: ReadFunction, manifest: NodeManifest | None,
        installed: Path | None, native: Mapping[str, Path], target: Target, runtime: str, log: Log,
        *, may_be_unbuilt: bool = False,
    ) -> BuiltFunction:  # fmt: skip
        """`may_be_unbuilt`: packages without machine code for the target are shipped, to be compiled there."""
        modules = installed / manifest.place if installed is not None and manifest is not None else None
        external = {*native, *(manifest.external if manifest is not None else ()), RUNTIME}
        absent = absent_peers(modules) if modules is not None else set()
        options = [
            option for name in sorted(external | absent) for option in (f"--external:{name}", f"--external:{name}/*")
        ]
        options += ["--sourcemap=linked", "--sources-content=false"]
        options += [f"--target={_OLDEST_NODE if target.is_host else 'node' + runtime[6:].partition('.')[0]}"]
        module = handler.removeprefix("./").rpartition(".")[0]
        as_module = _is_module(entry, root)
        with tempfile.TemporaryDirectory(dir=modules, prefix=".klotho-") as name:
            stage = Path(name) / _IN_STAGE
            self._fill(stage, read, manifest, installed)
            out = stage / ".out"
            out.mkdir()
            bundled = f"{module}.bundle.{'mjs' if as_module else 'js'}"
            try:
                found = self._esbuild.run(stage, self._relative(entry), bundled, options, log, out)
            except Failure as failure:  # the stage is laid out as the repository is
                raise _seen_from(root, self._repository, failure) from failure
        prefix = posixpath.normpath(self._relative(root))
        entries: dict[str, Content] = {
            file: _mapped(content, file, prefix) if file.endswith(".map") else content
            for file, content in found.files.items()
        }
        entries |= _stub(module, handler.rpartition(".")[2], as_module)
        wanted = {package_name(item) for item in found.external} & (external - {RUNTIME})
        missing: list[str] = []
        if modules is not None and installed is not None:
            if may_be_unbuilt:
                missing = unbuilt(wanted, native, for_linux=not target.is_host)
            else:
                refuse_unbuilt(wanted, native, for_linux=not target.is_host)
            entries |= shipped(wanted, modules, installed, target.node)
        imported = {package_name(name) for name, (_, kind) in found.external.items() if kind == DYNAMIC}
        return BuiltFunction(entries, not as_module and imported.isdisjoint(wanted), tuple(missing))

    def _fill(self, stage: Path, read: ReadFunction, manifest: NodeManifest | None, installed: Path | None) -> None:
        for path in read.files:
            _copy(path, stage / self._relative(path))
        if manifest is None or installed is None:
            return
        for name, folder in manifest.local.items():
            place = stage / "node_modules" / name
            for relative, path in source_files(folder):
                _copy(path, place / relative)
            inner = installed / folder.relative_to(manifest.base) / "node_modules"
            if inner.is_dir() and inner != installed / "node_modules":
                (place / "node_modules").symlink_to(inner)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._repository).as_posix()


def _refuse_undeclared(repository: Path, found: Bundle, manifest: NodeManifest | None) -> None:
    declared = {*(manifest.declared if manifest is not None else ()), RUNTIME}
    for specifier, (file, kind) in found.external.items():
        name = package_name(specifier)
        if name in declared or specifier.startswith(("node:", "#")) or name in _BUILT_IN or kind.startswith("require"):
            continue  # a `require` may be meant to fail; one that is not says so when it runs
        text = (repository / file).read_text(encoding="utf-8", errors="replace").splitlines()
        line = next((number for number, line in enumerate(text, 1) if specifier in line), 1)
        raise Failure(
            "import-not-found",
            f"`{file}` imports `{specifier}`, which package.json does not list",
            at=Span(file, line),
            helps=(f"add `{name}` to `dependencies`: what is for development only is not shipped",),
        )


def _deciding(inputs: list[Path], repository: Path) -> Iterator[Path]:
    """The files above the inputs that decide how they are read."""
    folders = {folder for path in inputs for folder in path.parents if folder.is_relative_to(repository)}
    for folder in sorted(folders):
        if (folder / "package.json").is_file():
            yield folder / "package.json"
        for name in ("tsconfig.json", "jsconfig.json"):
            pending = [folder / name]
            while pending and pending[-1].is_file() and pending[-1].resolve().is_relative_to(repository):
                config = pending.pop()
                yield config
                base = _EXTENDS.search(config.read_text(encoding="utf-8", errors="replace"))
                if base is not None:
                    further = Path(os.path.normpath(config.parent / base[1]))
                    pending.append(further if further.suffix == ".json" else further.with_name(further.name + ".json"))


def _is_module(entry: Path, root: Path) -> bool:
    """Whether the handler's file is an ES module, by Node's rules; TypeScript is as its compiled file would be."""
    if entry.suffix in (".mjs", ".mts", ".cjs", ".cts"):
        return entry.suffix in (".mjs", ".mts")
    for folder in entry.parents:
        if (folder / "package.json").is_file():
            return bool(json.loads((folder / "package.json").read_bytes()).get("type") == "module")
        if folder == root:
            break
    return False


def _stub(module: str, function: str, as_module: bool) -> dict[str, Content]:
    """The file Lambda loads: it turns source maps on, which counts for what is loaded after it only."""
    name = posixpath.basename(module)
    start = "process.setSourceMapsEnabled(true);\n"
    if as_module:
        loaded = f'const loaded = await import("./{name}.bundle.mjs");\n'
        text = f"{start}{loaded}export const {function} = loaded.{function};\n"
        return {f"{module}.mjs": text.encode()}
    return {f"{module}.js": f'{start}module.exports = require("./{name}.bundle.js");\n'.encode()}


def _mapped(content: bytes, file: str, prefix: str) -> bytes:
    """A source map whose paths lead from the map in the zip to the sources as the function's root knows them."""
    found: dict[str, Any] = json.loads(content)
    here = posixpath.dirname(file)
    sources = []
    for source in found["sources"]:
        staged = posixpath.normpath(posixpath.join(".out", here, source))
        if _MODULES in staged:
            plain = staged[staged.rindex(_MODULES) if staged.startswith("..") else staged.index(_MODULES) :]
        else:
            plain = posixpath.relpath(staged, prefix)
        sources.append(posixpath.relpath(plain, here or "."))
    return json.dumps({**found, "sources": sources}, sort_keys=True, separators=(",", ":")).encode()


def _seen_from(root: Path, repository: Path, failure: Failure) -> Failure:
    """The failure with files named from the function's root, as all of a packager's are."""
    from dataclasses import replace

    labels = tuple(
        replace(
            label, span=label.span._replace(file=Path(os.path.relpath(repository / label.span.file, root)).as_posix())
        )
        for label in failure.diagnostic.labels
    )
    failure.diagnostic = replace(failure.diagnostic, labels=labels)
    return failure


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)


_BUILT_IN_NAMES = (
    "assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain "
    "events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl "
    "stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib"
)
"""Source: nodejs.org/api, `module.builtinModules` of Node 22 that may be named without `node:`."""
_BUILT_IN = frozenset(_BUILT_IN_NAMES.split())
