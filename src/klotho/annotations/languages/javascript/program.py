"""A JavaScript code base: its modules, where it begins, what is found in a unit, and the unit as it is packed."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from klotho.annotations.findings import Edit, Exposure, Findings, Mount, Original, UnitCode, edited, variables
from klotho.annotations.hosting import Form
from klotho.annotations.languages.javascript.decorators import metadata_edits
from klotho.annotations.languages.javascript.emitters import SHAPES as EMITTERS
from klotho.annotations.languages.javascript.emitters import SHIM as EVENTS
from klotho.annotations.languages.javascript.emitters import Uses, topics
from klotho.annotations.languages.javascript.environment import SHAPES as VARIABLES
from klotho.annotations.languages.javascript.environment import SHIM as ENVIRONMENT
from klotho.annotations.languages.javascript.environment import configured
from klotho.annotations.languages.javascript.exposing import exposures, refuse_what_can_not_serve
from klotho.annotations.languages.javascript.images import image, package_of
from klotho.annotations.languages.javascript.libraries import SHAPES, library_resources
from klotho.annotations.languages.javascript.modules import (
    BUILT,
    JAVASCRIPT,
    TYPESCRIPT,
    Binding,
    Import,
    Module,
    is_relative,
    module_of,
    read_module,
    resolve,
    said_by,
)
from klotho.annotations.languages.javascript.names import library_of
from klotho.annotations.languages.javascript.places import SHIM, places
from klotho.annotations.languages.javascript.reach import Reach
from klotho.annotations.languages.javascript.rewriting import FOLDER, ModuleKind, UnitParts, shim_files, stub, unit_file
from klotho.annotations.languages.javascript.tsconfig import Aliases, read_aliases
from klotho.annotations.model import Annotation
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import MAIN, Unit
from klotho.annotations.variables import variable_resources
from klotho.diagnostics import Failure, Span

_ENDINGS = (*JAVASCRIPT, *TYPESCRIPT)
_BEGINS = ("index.js", "index.mjs", "index.ts", "index.tsx", "src/index.ts", "src/index.tsx", "src/main.ts")
MANIFESTS = ("package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock")


class JavaScriptProgram:
    begins_by = 'write `"main": "index.js"` into package.json'

    def __init__(self, code: CodeBase) -> None:
        self.code = code
        self._modules: dict[str, Module] = {}
        self.uses_of_emitters: dict[tuple[str, str], Mapping[str, Uses]] = {}
        """What files do with the emitter of a file's annotation; `emitters` remembers it here."""
        self._exposures: dict[str, list[Exposure]] = {}
        self.routers: dict[str, dict[str, str]] = {}
        """Exports that are routers of another unit than the application's: by file and name, their framework."""

    def module(self, path: str) -> Module:
        if path not in self._modules:
            said = self.code.said(path, "", lambda source: said_by(read_module(source)))
            self._modules[path] = module_of(self.code.source(path), said)
        return self._modules[path]

    def modules(self, paths: list[str]) -> list[Module]:
        """The modules among a unit's files; JSON is none."""
        return [self.module(path) for path in paths if path.endswith(_ENDINGS)]

    def reads(self, path: str) -> bool:
        """Whether a file is a module."""
        return path.endswith(_ENDINGS)

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
        """As Node takes it; a file of TypeScript or JSX is what it is written as, whatever it is built to."""
        if module.path.endswith((".mjs", ".cjs", ".mts", ".cts")):
            return module.path.endswith((".mjs", ".mts"))
        if module.path.endswith(BUILT) and module.is_esm:
            return True
        return self.package.get("type") == "module"

    def _kind(self, module: Module) -> ModuleKind:
        if not self.is_esm(module):
            return "commonjs"
        is_run_as_one = module.path.endswith((".mjs", ".mts")) or self.package.get("type") == "module"
        return "module" if is_run_as_one else "mixed"

    @property
    def package_name(self) -> str | None:
        found = self.package.get("name")
        return found if isinstance(found, str) else None

    @property
    def original(self) -> Original:
        """Plain node; TypeScript and JSX with the tsx of the project, beginning where it listens. What needs the types
        of what is decorated is built by the project's own script: tsx knows none."""
        built = self._begins_in_what_is_built
        install: tuple[tuple[str, ...], ...] = ()
        if (self.code.root / "package.json").is_file():
            command = "ci" if (self.code.root / "package-lock.json").is_file() else "install"
            omit = () if built else ("--omit=dev",)
            install = (("npm", command, "--no-audit", "--no-fund", "--ignore-scripts", *omit),)
        if built and self.emits_metadata:
            listens = "let it listen on `process.env.PORT`"
            start, build = self._started_by_scripts(), (("npm", "run", "build"),)
            return Original(start, install, "node_modules", build=build, listens=listens)
        if built:
            self._refuse_without_tsx()
            listens = f"let it listen on `process.env.PORT`, and see that `npx tsx {built}` starts it"
            return Original(("node_modules/.bin/tsx", built), install, "node_modules", listens=listens)
        listens = "let it listen on `process.env.PORT`, and see that `node .` starts it"
        return Original(("node", "."), install, "node_modules", listens=listens)

    @property
    def _begins_in_what_is_built(self) -> str | None:
        listening = sorted({source.path for source, _ in self.code.all("expose")})
        begins = listening[0] if len(listening) == 1 else self.begins
        return begins if begins is not None and begins.endswith(BUILT) else None

    @property
    def emits_metadata(self) -> bool:
        """Whether the types of what is decorated are there when the program runs."""
        return self.aliases.emits_metadata and any("reflect-metadata" in names for names in self._declared)

    @property
    def _declared(self) -> list[dict[str, Any]]:
        found = [self.package.get(name) for name in ("devDependencies", "dependencies")]
        return [item for item in found if isinstance(item, dict)]

    def _started_by_scripts(self) -> tuple[str, ...]:
        """By `start:prod` or `start`, after `build`."""
        found = self.package.get("scripts")
        scripts = found if isinstance(found, dict) else {}
        name = next((name for name in ("start:prod", "start") if isinstance(scripts.get(name), str)), None)
        if "build" not in scripts or name is None:
            message = "the original is built by its own scripts, and its package.json has no `build` and `start:prod`"
            helps = ('write `"build": "tsc"` and `"start:prod": "node dist/main"` under `scripts`',)
            raise Failure("verify-original", message, helps=helps)
        command = str(scripts[name])
        return tuple(command.split()) if command.startswith("node ") else ("npm", "run", name)

    def _refuse_without_tsx(self) -> None:
        if not any("tsx" in names for names in self._declared):
            raise Failure(
                "verify-original",
                "the original is TypeScript or JSX, and its package.json has no tsx to run it with",
                helps=("add it: `npm install --save-dev tsx`",),
            )

    @property
    def declared_packages(self) -> set[str]:
        """The dependencies that package.json names."""
        found = self.package.get("dependencies")
        return set(found) if isinstance(found, dict) else set()

    def require_package(self, name: str, annotation: Annotation) -> None:
        """Reports a package that the unit needs for an annotation, and that package.json does not name."""
        if name not in self.declared_packages:
            message = f"{annotation.title} needs the package `{name}`, which package.json does not name"
            helps = (f"add it: `npm install {name}`",)
            self.code.report.error("annotation-package", message, annotation.span, helps=helps)

    def _packages_of_others(self, unit: Unit) -> list[str]:
        """Packages that only other units' files import by their name: this one does not need them."""
        inside = self._packages(unit.files)
        outside = self._packages(path for path in self.code.files if path not in unit.files)
        return sorted((outside - inside) & self.declared_packages)

    def _packages(self, paths: Iterable[str]) -> set[str]:
        found = {item.specifier for module in self.modules(list(paths)) for item in module.imports}
        return {package_of(item) for item in found if not is_relative(item)}

    def shapes(self, capability: str) -> str:
        return {"persist": SHAPES, "pubsub": EMITTERS, "config": VARIABLES}.get(capability, "none")

    def library(self, path: str, statement: Any) -> str | None:
        return library_of(self.module(path), statement)

    def together(self, path: str) -> Iterable[str]:
        return (path,)

    def mounts(self, owned: Mapping[str, str]) -> Iterator[Mount]:
        def follow(module: Module, specifier: str) -> Module | None:
            path = self.leads_to(module, specifier)
            return self.module(path) if path is not None and path.endswith(_ENDINGS) else None

        for path in sorted({source.path for source, _ in self.code.all("expose") if source.path.endswith(_ENDINGS)}):
            reach = Reach(follow, owned.get, path, owned.get(path, MAIN))
            self._exposures[path] = list(exposures(self.module(path), reach))
            for mount in (mount for exposure in self._exposures[path] for mount in exposure.mounts):
                self.routers.setdefault(mount.file, {})[mount.name] = mount.framework
                yield mount

    def find(self, unit: Unit) -> Findings:
        from klotho.annotations.languages.javascript.calls import remote_names

        modules, own = self.modules(unit.files), [path for path in unit.files if path not in unit.hosts]
        refuse_what_can_not_serve(self.modules(own), self.code.report)
        return Findings(
            exposures=[exposure for path in own for exposure in self._exposures.get(path, ())],
            resources=[
                *library_resources(self, modules),
                *topics(self, modules),
                *configured(self, modules),
                *variable_resources([module.source for module in modules], (ENVIRONMENT,), self.code.report),
            ],
            remote=remote_names(self, unit),
        )

    def _metadata(self, path: str) -> Iterator[Edit]:
        if self.emits_metadata and path.endswith(TYPESCRIPT):
            module = self.module(path)
            types = [
                binding.local
                for item in module.imports
                for binding in item.bindings
                if self._is_type(module, item, binding)
            ]
            yield from metadata_edits(module, types)

    def _is_type(self, module: Module, item: Import, binding: Binding) -> bool:
        target = self.leads_to(module, item.specifier)
        if target is None or not target.endswith(_ENDINGS):
            return False
        export = self.module(target).exports.get(binding.imported)
        return export is not None and export.kind == "type"

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]], form: Form) -> UnitCode:
        edits = [edit for item in findings.resources for edit in item.edits]
        shims = {name for item in findings.resources for name in item.shims}
        if findings.assets:
            moved = [edit for item in self.modules(unit.files) for edit in places(item, self.is_esm(item))]
            edits, shims = edits + moved, shims | ({SHIM} if moved else set())
        files = dict(shim_files(form, shims))
        for path in (*unit.files, *findings.assets):
            own = [*(edit for edit in edits if edit.path == path), *self._metadata(path)]
            files[path] = edited(self.code.content(path), own)
        for path, names in findings.remote.items():
            module, routers = self.module(path), self.routers.get(path, {})
            files[path] = stub(module, unit.remote[path], names, routers, self._kind(module))
        parts = UnitParts(
            listens=bool(findings.exposures or unit.hosts),
            emits=EVENTS in shims,
            variables=variables(findings),
            topics=findings.listened,
            served=unit.served,
        )
        files[f"{FOLDER}/unit.cjs"] = unit_file(unit.name, [*unit.entries, *unit.hosts], called, parts)
        configuration = self.aliases.files if any(path.endswith(BUILT) for path in files) else ()
        for name in (*MANIFESTS, *configuration):
            if (self.code.root / name).is_file():
                files[name] = (self.code.root / name).read_bytes()
        as_module = any(self.is_esm(module) for module in self.modules(unit.files))
        if form == "container":
            made = image(unit.name, files, self._packages_of_others(unit), as_module, findings.assets)
            return UnitCode({**files, **made.files}, start=made.start)
        return UnitCode(files, f"{FOLDER}/{'module' if as_module else 'handler'}.handler", tuple(findings.assets))
