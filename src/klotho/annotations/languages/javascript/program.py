"""A JavaScript code base: its modules, where it begins, what is found in a unit, and the unit as it is packed."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from klotho.annotations.findings import Findings, Original, UnitCode, edited
from klotho.annotations.hosting import Form
from klotho.annotations.languages.javascript.emitters import SHAPES as EMITTERS
from klotho.annotations.languages.javascript.emitters import SHIM as EVENTS
from klotho.annotations.languages.javascript.emitters import topics
from klotho.annotations.languages.javascript.exposing import exposures
from klotho.annotations.languages.javascript.images import image, package_of
from klotho.annotations.languages.javascript.libraries import SHAPES, library_resources
from klotho.annotations.languages.javascript.modules import (
    JAVASCRIPT,
    TYPESCRIPT,
    Import,
    Module,
    is_relative,
    module_of,
    read_module,
    resolve,
    said_by,
)
from klotho.annotations.languages.javascript.rewriting import FOLDER, VARIABLES, shim_files, stub, unit_file
from klotho.annotations.languages.javascript.tsconfig import Aliases, read_aliases
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import Unit
from klotho.annotations.variables import values_by_name, variable_resources
from klotho.diagnostics import Failure, Span

_ENDINGS = (*JAVASCRIPT, *TYPESCRIPT)
_BEGINS = ("index.js", "index.mjs", "index.ts", "src/index.ts", "src/main.ts")
MANIFESTS = ("package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock")


class JavaScriptProgram:
    begins_by = 'write `"main": "index.js"` into package.json'

    def __init__(self, code: CodeBase) -> None:
        self.code = code
        self._modules: dict[str, Module] = {}

    def module(self, path: str) -> Module:
        if path not in self._modules:
            said = self.code.said(path, "", lambda source: said_by(read_module(source)))
            self._modules[path] = module_of(self.code.source(path), said)
        return self._modules[path]

    def modules(self, paths: list[str]) -> list[Module]:
        """The modules among a unit's files; JSON is none."""
        return [self.module(path) for path in paths if path.endswith(_ENDINGS)]

    def leads_to(self, module: Module, specifier: str) -> str | None:
        """The file of the code base that an import leads to; None for packages and for what is not there."""
        if module.path.endswith(TYPESCRIPT) and not is_relative(specifier):
            return self.aliases.leads_to(specifier, self.code.exists)
        return resolve(module.path, specifier, self.code.exists)

    @cached_property
    def aliases(self) -> Aliases:
        return read_aliases(self.code.root)

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
            elif is_relative(item.specifier) or (path.endswith(TYPESCRIPT) and self.aliases.matches(item.specifier)):
                message = f"`{item.specifier}` leads to no JavaScript or TypeScript file"
                self.code.report.error("annotation-unit", message, self.span(module, item))
        return found

    def span(self, module: Module, item: Import) -> Span:
        return item.place.span

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
        """`main` of package.json, else index.js, index.ts or src/index.ts."""
        main = self.package.get("main")
        for name in (main if isinstance(main, str) else None, *_BEGINS):
            found = resolve("", f"./{posixpath.normpath(name)}", self.code.exists) if name else None
            if found is not None:
                return found
        return None

    def is_esm(self, module: Module) -> bool:
        """As Node takes it; a file of TypeScript is what it is written as, whatever it is built to."""
        if module.path.endswith((".mjs", ".cjs", ".mts", ".cts")):
            return module.path.endswith((".mjs", ".mts"))
        if module.path.endswith(TYPESCRIPT) and module.is_esm:
            return True
        return self.package.get("type") == "module"

    @property
    def package_name(self) -> str | None:
        found = self.package.get("name")
        return found if isinstance(found, str) else None

    @property
    def original(self) -> Original:
        """Plain node; TypeScript with the tsx of the project, beginning where it listens."""
        typescript = self._begins_in_typescript
        install: tuple[tuple[str, ...], ...] = ()
        if (self.code.root / "package.json").is_file():
            command = "ci" if (self.code.root / "package-lock.json").is_file() else "install"
            omit = () if typescript else ("--omit=dev",)
            install = (("npm", command, "--no-audit", "--no-fund", "--ignore-scripts", *omit),)
        if typescript:
            self._refuse_without_tsx()
            listens = f"let it listen on `process.env.PORT`, and see that `npx tsx {typescript}` starts it"
            return Original(("node_modules/.bin/tsx", typescript), install, "node_modules", listens=listens)
        listens = "let it listen on `process.env.PORT`, and see that `node .` starts it"
        return Original(("node", "."), install, "node_modules", listens=listens)

    @property
    def _begins_in_typescript(self) -> str | None:
        listening = sorted({source.path for source, _ in self.code.all("expose")})
        begins = listening[0] if len(listening) == 1 else self.begins
        return begins if begins is not None and begins.endswith(TYPESCRIPT) else None

    def _refuse_without_tsx(self) -> None:
        declared = [self.package.get(name) for name in ("devDependencies", "dependencies")]
        if not any(isinstance(item, dict) and "tsx" in item for item in declared):
            raise Failure(
                "verify-original",
                "the original is TypeScript, and its package.json has no tsx to run it with",
                helps=("add it: `npm install --save-dev tsx`",),
            )

    @property
    def declared_packages(self) -> set[str]:
        """The dependencies that package.json names."""
        found = self.package.get("dependencies")
        return set(found) if isinstance(found, dict) else set()

    def _packages_of_others(self, unit: Unit) -> list[str]:
        """Packages that only other units' files import by their name: this one does not need them."""
        inside = self._packages(unit.files)
        outside = self._packages(path for path in self.code.files if path not in unit.files)
        return sorted((outside - inside) & self.declared_packages)

    def _packages(self, paths: Iterable[str]) -> set[str]:
        found = {item.specifier for module in self.modules(list(paths)) for item in module.imports}
        return {package_of(item) for item in found if not is_relative(item)}

    def shapes(self, capability: str) -> str:
        return {"persist": SHAPES, "pubsub": EMITTERS}.get(capability, "none")

    def find(self, unit: Unit) -> Findings:
        from klotho.annotations.languages.javascript.calls import remote_names

        modules = self.modules(unit.files)

        def follow(module: Module, specifier: str) -> Module | None:
            path = self.leads_to(module, specifier)
            return self.module(path) if path is not None and path in unit.files and path.endswith(_ENDINGS) else None

        return Findings(
            exposures=list(exposures(modules, follow, self.code.report)),
            resources=[
                *library_resources(self, modules),
                *variable_resources([module.source for module in modules], self.code.report),
                *topics(self, modules),
            ],
            remote=remote_names(self, unit),
        )

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]], form: Form) -> UnitCode:
        edits = [edit for item in findings.resources for edit in item.edits]
        variables = values_by_name(findings.resources)
        shims = {name for item in findings.resources for name in item.shims}
        files = dict(shim_files(form, shims | {VARIABLES} if variables else shims))
        for path in (*unit.files, *findings.assets):
            own = [edit for edit in edits if edit.path == path]
            files[path] = edited(self.code.content(path), own)
        for path, names in findings.remote.items():
            files[path] = stub(path, unit.remote[path], names, self.is_esm(self.module(path)))
        files[f"{FOLDER}/unit.cjs"] = unit_file(
            unit.name,
            unit.entries,
            dict(called),
            listens=bool(findings.exposures),
            emits=EVENTS in shims,
            topics=findings.listened,
            variables=variables,
        )
        configuration = self.aliases.files if any(path.endswith(TYPESCRIPT) for path in files) else ()
        for name in (*MANIFESTS, *configuration):
            if (self.code.root / name).is_file():
                files[name] = (self.code.root / name).read_bytes()
        as_module = any(self.is_esm(module) for module in self.modules(unit.files))
        if form == "container":
            made = image(unit.name, files, self._packages_of_others(unit), as_module)
            return UnitCode({**files, **made.files}, start=made.start)
        return UnitCode(files, f"{FOLDER}/{'module' if as_module else 'handler'}.handler")
