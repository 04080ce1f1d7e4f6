"""What the services of an application are made of: which saved file belongs to which.

Input: a compiled program and the physical names of what is deployed. Output: `Units`. Refuses nothing: a function
whose files can't be read just now keeps what was known of it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from klotho.application.dockerignore import Ignore
from klotho.deploy.functions.package import FunctionPackager, FunctionSources
from klotho.deploy.functions.python_closure import python_closure
from klotho.deploy.place import Clients, translated
from klotho.deploy.template import construct_of
from klotho.diagnostics import Failure
from klotho.driver.build import Build
from klotho.driver.dev.watching import Saved
from klotho.driver.settings import FILE_NAME
from klotho.resources import PackageAsset
from klotho.stacks import Site

_RUNS: Mapping[str, Literal["function", "container"]] = {
    "AWS::Lambda::Function": "function",
    "AWS::ECS::Service": "container",
    "Custom::KubernetesObjects": "container",
}
_MANIFESTS = frozenset(
    {
        "requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "package.json", "package-lock.json",
        "pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock",
    }
)  # fmt: skip
"""What decides about installed packages: a change there is more than a change of code."""
_PARALLEL = 4
_CODE = (
    ".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".json", ".go", ".cs", ".csproj",
    ".cshtml",
)  # fmt: skip
_OF_BUILDS = "obj"
"""A folder in which builds of .NET leave code that they make."""


@dataclass(slots=True)
class Unit:
    """One service with code of the user's."""

    construct: str
    """Its id: `Compute.Function/orders`."""
    kind: Literal["function", "container"]
    """What it is made from: a function's package, or a container's image."""
    identifier: str
    """Its physical name."""
    asset: PackageAsset
    sources: FunctionSources | None = None
    """Of a function: what it serves."""
    digest: str = ""
    """Of what it serves."""
    refused: bool = False
    """What was saved last does not serve."""
    deployed: bool = False
    """Whether new code of it has to be deployed: it runs where what it is made from does not run otherwise."""

    @property
    def name(self) -> str:
        return self.construct.rpartition("/")[2]


@dataclass(slots=True)
class Units:
    """Everything of one application that is made of files."""

    folder: Path
    """The program's."""
    plan_files: frozenset[Path]
    """What decides about the infrastructure: the program, what it imports, klotho.yaml, Dockerfiles, certificates."""
    units: tuple[Unit, ...] = ()
    sites: tuple[Site, ...] = ()
    extra: tuple[Path, ...] = field(default=())
    """Folders outside the program's that are part of it."""
    compiled: frozenset[Path] | None = None
    """Files of annotated code, of which what runs is compiled; None where there is none."""

    def plans(self, saved: Iterable[Saved]) -> bool:
        """Whether the program has to be compiled and deployed again."""
        elsewhere = [unit for unit in self.units if unit.deployed]
        return any(
            item.path in self.plan_files
            or self._is_manifest(item.path)
            or self._is_compiled(item.path)
            or any(self._touches(unit, item) for unit in elsewhere)
            for item in saved
        )

    def touched(self, saved: Iterable[Saved]) -> list[Unit]:
        """The services that take new code in place and that a saved file may be part of."""
        return [unit for unit in self.units if not unit.deployed and any(self._touches(unit, item) for item in saved)]

    def sites_touched(self, saved: Iterable[Saved]) -> list[Site]:
        return [site for site in self.sites if any(self._touches_site(site, item.path) for item in saved)]

    def _is_compiled(self, path: Path) -> bool:
        # Any code, as a file that is new may be one that is imported already; data only where it is part of a unit.
        if self.compiled is None:
            return False
        may_be = path.suffix in _CODE and path.suffix != ".json" and _OF_BUILDS not in path.parts
        return path in self.compiled or may_be

    def _is_manifest(self, path: Path) -> bool:
        named = path.name in _MANIFESTS or (path.name.startswith("requirements") and path.suffix in (".txt", ".in"))
        return named and any(unit.kind == "function" for unit in self.units)

    def _touches(self, unit: Unit, saved: Saved) -> bool:
        if unit.kind == "container":
            return self._in_context(unit, saved.path)
        if unit.sources is None:
            return saved.path.suffix in _CODE
        if saved.path in unit.sources.read:
            return True
        # A file that was not there may be one that is imported already.
        fits = saved.is_new and saved.path.suffix in _CODE and not self._is_known(saved.path)
        return fits and saved.path.is_relative_to(unit.sources.root)

    def _is_known(self, path: Path) -> bool:
        return any(unit.sources is not None and path in unit.sources.read for unit in self.units)

    def _in_context(self, unit: Unit, path: Path) -> bool:
        context = (self.folder / str(unit.asset.properties["context"])).resolve()
        if not path.is_relative_to(context) or path == context:
            return False
        dockerfile = (self.folder / str(unit.asset.properties["dockerfile"])).resolve()
        return not Ignore.of(context, dockerfile).covers(path.relative_to(context).as_posix())

    def _touches_site(self, site: Site, path: Path) -> bool:
        directory = (self.folder / str(site.properties["directory"])).resolve()
        if not site.properties.get("build"):
            return path.is_relative_to(directory)
        root = (self.folder / str(site.properties["root"])).resolve()
        return path.is_relative_to(root) and not path.is_relative_to(directory)


def units_of(built: Build, clients: Clients, packager: FunctionPackager) -> Units:
    """The units of a program that was just deployed; asks for the physical names of what runs."""
    folder = built.program.folder
    assets = {asset.construct: asset for asset in built.manifest.assets if "package" not in asset.properties}
    found = [unit for stack in built.manifest.stacks for unit in _of_stack(built, stack.stack_name, assets, clients)]

    def read(unit: Unit) -> None:
        with contextlib.suppress(Failure):
            unit.sources = packager.sources(unit.asset.properties, lambda line: None)
            unit.digest = unit.sources.digest

    with ThreadPoolExecutor(_PARALLEL) as threads:
        list(threads.map(read, (unit for unit in found if unit.kind == "function")))
    extra = tuple(_elsewhere(built, found))
    compiled = frozenset(folder / file for file in _compiled_files(built)) if built.units else None
    return Units(folder, _plan_files(built), tuple(found), built.manifest.sites, extra, compiled)


def _compiled_files(built: Build) -> Iterator[str]:
    """What annotated code is compiled from."""
    for page in built.pages:
        yield from (*page.files, *page.assets)
    # And what a unit has beside its code, such as a project's settings; most of it stands where it stood.
    yield from (path.partition("/")[2] for path in built.units)
    for static in built.static:
        yield from static.sources


def _of_stack(built: Build, stack_name: str, assets: Mapping[str, PackageAsset], clients: Clients) -> Iterable[Unit]:
    stack = next(item for item in built.manifest.stacks if item.stack_name == stack_name)
    resources: Mapping[str, Any] = json.loads(built.templates[stack.template])["Resources"]
    wanted = {
        logical_id: _RUNS[resource["Type"]]
        for logical_id, resource in resources.items()
        if resource["Type"] in _RUNS and construct_of(resource) in assets
    }
    if not wanted:
        return
    with translated(f"reading the resources of {stack.name}"):
        answer = clients.cloudformation.describe_stack_resources(StackName=stack_name)
    for item in answer["StackResources"]:
        logical_id, identifier = item["LogicalResourceId"], item.get("PhysicalResourceId")
        if logical_id in wanted and identifier:
            construct = construct_of(resources[logical_id])
            asset = assets[construct]
            kind: Literal["function", "container"] = "container" if asset.type == "image" else "function"
            yield Unit(construct, kind, identifier, asset, deployed=kind != wanted[logical_id])


def _plan_files(built: Build) -> frozenset[Path]:
    program, folder = built.program.path, built.program.folder
    files = {program, folder / FILE_NAME}
    if not built.program.annotated:
        with contextlib.suppress(Failure):
            files |= {*python_closure(folder, program).values()}
    for asset in built.manifest.assets:
        if asset.type == "image":
            dockerfile = (folder / str(asset.properties["dockerfile"])).resolve()
            files |= {dockerfile, dockerfile.with_name(f"{dockerfile.name}.dockerignore")}
            files.add((folder / str(asset.properties["context"])).resolve() / ".dockerignore")
    for step in built.manifest.steps:
        files |= {(folder / value).resolve() for value in step.properties.values() if _is_file(folder, value)}
    return frozenset(files)


def _is_file(folder: Path, value: object) -> bool:
    """Whether a property of a step names a file, such as a certificate."""
    try:
        return isinstance(value, str) and len(value) < 1024 and (folder / value).is_file()
    except (OSError, ValueError):
        return False


def _elsewhere(built: Build, units: Iterable[Unit]) -> list[Path]:
    """Folders that services and sites are made of and that lie outside the program's."""
    folder = built.program.folder
    named = [
        unit.asset.properties[key] for unit in units for key in ("root", "context") if key in unit.asset.properties
    ]
    named += [site.properties[key] for site in built.manifest.sites for key in ("root", "directory")]
    paths = {(folder / str(name)).resolve() for name in named}
    return sorted(path for path in paths if not path.is_relative_to(folder))
