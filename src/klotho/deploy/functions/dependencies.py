"""A function's third-party packages, installed once per content and target.

Input: the manifest found above the handler, the target. Output: a folder in the cache whose content goes into the zip.
What can be refused without installing is refused by `check`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from klotho.deploy.functions.archive import Content, write_archive
from klotho.deploy.functions.local_packages import built_wheel, source_digest
from klotho.deploy.functions.native_packages import native_packages
from klotho.deploy.functions.node_install import install_node
from klotho.deploy.functions.node_manifests import NodeManifest
from klotho.deploy.functions.python_install import install_python
from klotho.deploy.functions.python_manifests import PythonManifest
from klotho.deploy.functions.python_pins import Pins, pins_of
from klotho.deploy.functions.run import Log
from klotho.deploy.target import Target

_FORMAT = "3"
"""Raise when the same manifest should be installed otherwise."""
_NATIVE = ".klotho-native.json"


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What to install, and for what."""

    manifest: PythonManifest | NodeManifest
    target: Target
    runtime: str
    key: str
    """Equal keys mean equal packages."""

    @classmethod
    def of(cls, manifest: PythonManifest | NodeManifest, target: Target, runtime: str) -> Dependencies:
        digest = hashlib.sha256(f"{_FORMAT} {target.key(runtime)}".encode())
        if isinstance(manifest, PythonManifest):
            digest.update(manifest.kind.encode())
            for folder in manifest.local:
                digest.update(source_digest(folder).encode())
        else:
            digest.update(f"{manifest.installer} {manifest.runs_in}".encode())
        for name, content in manifest.files:
            digest.update(f"{len(name)}:{name}:{len(content)}:".encode() + content)
        return cls(manifest, target, runtime, digest.hexdigest())


class DependencyCache:
    """Installed packages by key, under the XDG cache folder; one installation at a time for the same key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, threading.Lock] = {}
        self._pins: dict[str, Pins] = {}
        self._guard = threading.Lock()

    def check(self, wanted: Dependencies) -> None:
        """Failure for a lock that does not fit, without installing anything."""
        if isinstance(wanted.manifest, PythonManifest):
            self._pinned(wanted, wanted.manifest)

    def installed(self, wanted: Dependencies, log: Log) -> Path:
        """The folder with the packages; installs them when this content was never seen."""
        target = self._folder / ("python" if isinstance(wanted.manifest, PythonManifest) else "node") / wanted.key
        with self._lock(wanted.key):
            if not target.is_dir():
                with _fresh_folder(target) as work:
                    self._install(wanted, work, log)
        return target

    def packed(self, wanted: Dependencies, entries: Mapping[str, Content]) -> Path:
        """A zip of the installed packages, kept: `entries` are what of them is shipped."""
        target = self._folder / "packed" / f"{wanted.key}.zip"
        with self._lock(f"packed {wanted.key}"):
            if not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as work:
                    made = Path(work) / target.name
                    with made.open("w+b") as out:
                        write_archive(out, entries)
                    made.replace(target)
        return target

    def pins(self, wanted: Dependencies) -> Pins:
        """What a Python manifest comes to."""
        assert isinstance(wanted.manifest, PythonManifest)
        return self._pinned(wanted, wanted.manifest)

    def native(self, installed: Path) -> dict[str, Path]:
        """The npm packages with machine code among the installed ones, by name."""
        found = json.loads((installed / _NATIVE).read_bytes())
        return {name: installed / place for name, place in found.items()}

    def _install(self, wanted: Dependencies, work: Path, log: Log) -> None:
        manifest = wanted.manifest
        if isinstance(manifest, NodeManifest):
            install_node(manifest, work, wanted.target, log)
            native = {name: folder.relative_to(work).as_posix() for name, folder in native_packages(work).items()}
            (work / _NATIVE).write_text(json.dumps(native))
            return
        wheels = [
            built_wheel(folder, self._folder, for_host=wanted.target.is_host, log=log) for folder in manifest.local
        ]
        log("installing with uv")
        install_python(self._pinned(wanted, manifest), wheels, work, wanted.target, wanted.runtime, log)

    def _pinned(self, wanted: Dependencies, manifest: PythonManifest) -> Pins:
        with self._lock(f"pins {wanted.key}"):
            if wanted.key not in self._pins:
                self._pins[wanted.key] = pins_of(manifest, wanted.runtime, wanted.target)
            return self._pins[wanted.key]

    def _lock(self, name: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(name, threading.Lock())


@contextmanager
def _fresh_folder(target: Path) -> Iterator[Path]:
    """A folder that becomes `target` when the block ends well, and is gone when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    try:
        yield work
        if not target.exists():  # Another process may have been faster; both hold the same.
            work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
