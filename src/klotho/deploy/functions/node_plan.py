"""The plan of a Node function: one bundle, or its plain JavaScript files where nothing has to be bundled.

Input: a `Wanted`. Output: a `Plan`. Refuses (`Failure`) a handler file that is missing, imports that lead nowhere, and
JavaScript that does not parse, which Node is asked about (`Wanted.check`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from klotho.deploy.functions.archive import Content, Contents, digest_of
from klotho.deploy.functions.bundle import TYPESCRIPT, NodeBundler, ReadFunction
from klotho.deploy.functions.dependencies import Dependencies, DependencyCache
from klotho.deploy.functions.inside import node_build
from klotho.deploy.functions.javascript_closure import javascript_closure, loads_typescript
from klotho.deploy.functions.javascript_syntax import check_javascript
from klotho.deploy.functions.node_manifests import NodeManifest, node_manifest
from klotho.deploy.functions.plan import Log, Plan, Wanted, handler_file, input_digest, nothing_more, runtime_sdk

_SUFFIXES = (".js", ".mjs", ".cjs", *TYPESCRIPT)
_MODULES = "node_modules/"


class NodePlans:
    """Of the functions of one repository."""

    def __init__(self, repository: Path, dependencies: DependencyCache, bundler: NodeBundler) -> None:
        self._repository = repository
        self._dependencies = dependencies
        self._bundler = bundler

    def plan(self, function: Wanted) -> Plan:
        root, how = function.root, function.how
        entry = handler_file(root, function.handler, _SUFFIXES)
        manifest = node_manifest(root, entry, self._repository)
        if manifest is not None or entry.suffix in TYPESCRIPT or loads_typescript(root, entry):
            return self._bundled(function, entry, manifest)
        notes = list[str]()
        files = javascript_closure(root, entry, notes.append)
        own: dict[str, Content] = {file.relative_to(root).as_posix(): file for file in files}
        sdk = runtime_sdk(python=False, hosted=how.hosted)
        made = Contents({**own, **sdk})
        return Plan(
            function.handler,
            input_digest(digest_of(own), sdk, None, how),
            lambda log: made,
            tuple(notes),
            frozenset(files),
            own,
            *how[:2],
            check=(lambda: check_javascript(root, files)) if function.check else nothing_more,
        )

    def _bundled(self, function: Wanted, entry: Path, manifest: NodeManifest | None) -> Plan:
        root, how, handler, notes = function.root, function.how, function.handler, list[str]()
        target, runtime = function.target, function.runtime
        sdk = runtime_sdk(python=False, hosted=how.hosted)
        wanted = Dependencies.of(manifest, target, runtime) if manifest is not None else None
        read = self._bundler.read(root, entry, manifest, notes.append)
        inputs = input_digest(f"{read.digest} {handler} {target.key(runtime)}", sdk, wanted, how)
        packages = None
        if wanted is not None:
            packages = hashlib.sha256(f"{wanted.key} {entry.relative_to(root)} {handler}".encode()).hexdigest()
        make = self._making(function, entry, read, wanted)
        return Plan(handler, inputs, make, tuple(notes), frozenset(read.files), None, *how[:2], packages)

    def _making(
        self, function: Wanted, entry: Path, read: ReadFunction, wanted: Dependencies | None
    ) -> Callable[[Log], Contents]:
        sdk = runtime_sdk(python=False, hosted=function.how.hosted)

        def make(log: Log) -> Contents:
            installed = self._dependencies.installed(wanted, log) if wanted is not None else None
            native = self._dependencies.native(installed) if installed is not None else {}
            manifest = wanted.manifest if wanted is not None else None
            assert manifest is None or isinstance(manifest, NodeManifest)
            built = self._bundler.build(
                function.root, entry, function.handler, read, manifest, installed, native,
                function.target, function.runtime, log, may_be_unbuilt=function.how.build,
            )  # fmt: skip
            unbuilt = node_build(built.unbuilt) if function.how.build else {}
            entries: dict[str, Content] = {**built.entries, **unbuilt, **sdk}
            if not built.finds_layers:
                return Contents(entries, None, {}, entries)
            moved = {name: item for name, item in built.entries.items() if name.startswith(_MODULES)}
            layer = {f"nodejs/{name}": item for name, item in moved.items()}
            return Contents(entries, None, layer, {name: item for name, item in entries.items() if name not in moved})

        return make
