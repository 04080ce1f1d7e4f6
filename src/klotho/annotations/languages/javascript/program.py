"""A JavaScript code base: its modules, where it begins, what is found in a unit, and the unit as it is packed."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from klotho.annotations.findings import Findings, Original, UnitCode, edited
from klotho.annotations.languages.javascript.exposing import exposures
from klotho.annotations.languages.javascript.maps import SHAPES, stored_maps
from klotho.annotations.languages.javascript.modules import Import, Module, is_relative, read_module, resolve
from klotho.annotations.languages.javascript.rewriting import FOLDER, shim_files, stub, unit_file
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import Unit
from klotho.diagnostics import Span

_ENDINGS = (".js", ".cjs", ".mjs")
MANIFESTS = ("package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock")


class JavaScriptProgram:
    begins_by = 'write `"main": "index.js"` into package.json'

    def __init__(self, code: CodeBase) -> None:
        self.code = code
        self._modules: dict[str, Module] = {}

    def module(self, path: str) -> Module:
        if path not in self._modules:
            self._modules[path] = read_module(self.code.source(path))
        return self._modules[path]

    def modules(self, paths: list[str]) -> list[Module]:
        """The modules among a unit's files; JSON is none."""
        return [self.module(path) for path in paths if path.endswith(_ENDINGS)]

    def leads_to(self, module: Module, specifier: str) -> str | None:
        return resolve(module.path, specifier, self.code.exists)

    def imports(self, path: str) -> list[str]:
        """The files a file imports; one that is not there is reported."""
        if not path.endswith(_ENDINGS):
            return []
        module, found = self.module(path), []
        for item in module.imports:
            target = self.leads_to(module, item.specifier)
            if target is not None:
                if target.endswith((".json", *_ENDINGS)):
                    found.append(target)
            elif is_relative(item.specifier):
                message = f"`{item.specifier}` leads to no JavaScript file"
                self.code.report.error("annotation-unit", message, self.span(module, item))
        return found

    def span(self, module: Module, item: Import) -> Span:
        return module.source.text.span(item.node.start_byte, item.node.end_byte)

    @cached_property
    def package(self) -> dict[str, Any]:
        """package.json of the top; empty where there is none that can be read."""
        try:
            found = json.loads((self.code.root / "package.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def begins(self) -> str | None:
        """`main` of package.json, else index.js."""
        main = self.package.get("main")
        for name in (main if isinstance(main, str) else None, "index.js", "index.mjs"):
            found = resolve("", f"./{posixpath.normpath(name)}", self.code.exists) if name else None
            if found is not None:
                return found
        return None

    def is_esm(self, module: Module) -> bool:
        """As Node takes it."""
        if module.path.endswith((".mjs", ".cjs")):
            return module.path.endswith(".mjs")
        return self.package.get("type") == "module"

    @property
    def package_name(self) -> str | None:
        found = self.package.get("name")
        return found if isinstance(found, str) else None

    @property
    def original(self) -> Original:
        install: tuple[tuple[str, ...], ...] = ()
        if (self.code.root / "package.json").is_file():
            command = "ci" if (self.code.root / "package-lock.json").is_file() else "install"
            install = (("npm", command, "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev"),)
        listens = "let it listen on `process.env.PORT`, and see that `node .` starts it"
        return Original(("node", "."), install, "node_modules", listens=listens)

    def shapes(self, capability: str) -> str:
        return SHAPES if capability == "persist" else "none"

    def find(self, unit: Unit) -> Findings:
        from klotho.annotations.languages.javascript.calls import remote_names

        modules = self.modules(unit.files)

        def follow(module: Module, specifier: str) -> Module | None:
            path = self.leads_to(module, specifier)
            return self.module(path) if path is not None and path in unit.files and path.endswith(_ENDINGS) else None

        return Findings(
            exposures=list(exposures(modules, follow, self.code.report)),
            resources=list(stored_maps(self, modules)),
            remote=remote_names(self, unit),
        )

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]]) -> UnitCode:
        files, edits = dict(shim_files()), [edit for item in findings.resources for edit in item.edits]
        for path in (*unit.files, *findings.assets):
            own = [edit for edit in edits if edit.path == path]
            files[path] = edited((self.code.root / path).read_bytes(), own)
        for path, names in findings.remote.items():
            files[path] = stub(path, unit.remote[path], names, self.is_esm(self.module(path)))
        files[f"{FOLDER}/unit.cjs"] = unit_file(unit.name, unit.entries, dict(called))
        for name in MANIFESTS:
            if (self.code.root / name).is_file():
                files[name] = (self.code.root / name).read_bytes()
        return UnitCode(f"{FOLDER}/handler.handler", files)
