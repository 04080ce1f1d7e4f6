"""A JavaScript code base: its modules by path, where it begins, and what its package says."""

from __future__ import annotations

import json
import posixpath
from functools import cached_property
from typing import Any

from klotho.annotations.languages.javascript.modules import Import, Module, is_relative, read_module, resolve
from klotho.annotations.reading import CodeBase
from klotho.diagnostics import Span

_ENDINGS = (".js", ".cjs", ".mjs")
MANIFESTS = ("package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock")


class Program:
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
