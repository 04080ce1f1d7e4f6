"""The plan of a Python function: the files its handler imports, the packages of its manifest, the runtime SDK.

Input: a `Wanted`. Output: a `Plan`. Refuses (`Failure`) a handler file that is missing, and a lock that does not fit.
"""

from __future__ import annotations

from pathlib import Path

from klotho.deploy.functions.archive import Content, Contents, digest_of
from klotho.deploy.functions.dependencies import Dependencies, DependencyCache
from klotho.deploy.functions.inside import python_build
from klotho.deploy.functions.local_packages import folders_up
from klotho.deploy.functions.measured import apart
from klotho.deploy.functions.plan import Log, Plan, Wanted, handler_file, input_digest, nothing_more, runtime_sdk
from klotho.deploy.functions.python_closure import python_closure
from klotho.deploy.functions.python_manifests import PythonManifest, python_manifest

_SUFFIXES = (".py",)


class PythonPlans:
    """Of the functions of one repository."""

    def __init__(self, repository: Path, dependencies: DependencyCache) -> None:
        self._repository = repository
        self._dependencies = dependencies

    def plan(self, function: Wanted) -> Plan:
        root, how = function.root, function.how
        entry = handler_file(root, function.handler, _SUFFIXES)
        files = python_closure(root, entry, _source_folder(root, entry))
        own: dict[str, Content] = {**files}
        manifest = python_manifest(root, entry, self._repository)
        wanted = Dependencies.of(manifest, function.target, function.runtime) if manifest is not None else None
        sdk = runtime_sdk(python=True, hosted=how.hosted)

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

        return Plan(
            function.handler,
            input_digest(digest_of(own), sdk, wanted, how),
            make,
            read=frozenset(files.values()),
            code=own,
            layered=how.layer,
            built_inside=how.build,
            packages=wanted.key if wanted is not None else None,
            check=(lambda: self._dependencies.check(wanted)) if wanted is not None else nothing_more,
        )


def _source_folder(root: Path, entry: Path) -> Path | None:
    """The `src` folder of the project a handler is in, from which its own packages are imported."""
    for folder in folders_up(entry, root):
        if any((folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
            return folder / "src" if (folder / "src").is_dir() else None
    return None


def _files_below(folder: Path) -> list[tuple[str, Path]]:
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
