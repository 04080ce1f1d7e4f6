"""Zips of functions in the cache, and which inputs gave which.

Input: a plan's digest and its contents. Output: a `FunctionZip`, named by its digest; the same input gives the same
bytes, and an input seen before is not zipped again. Refuses (`layer-empty`) a layer with nothing in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.deploy.functions.architecture import DEFAULT, architecture_of
from klotho.deploy.functions.archive import Contents, write_contents
from klotho.deploy.functions.plan import Plan
from klotho.deploy.functions.size import size_of
from klotho.diagnostics import Failure


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


class ZipCache:
    """One folder of them. Used from many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lookup(self, inputs: str) -> FunctionZip | None:
        try:
            note = json.loads((self._folder / "inputs" / f"{inputs}.json").read_bytes())
            digest, architecture = str(note["digest"]), str(note["architecture"])
            unzipped = int(note.get("unzipped", 0))  # notes without it are of a time when all were small enough
            layer = self._folder / str(note["layer"]) if "layer" in note else None
        except (OSError, ValueError, KeyError):
            return None  # Never built, or the note was damaged: build again.
        path = self._folder / f"{digest}.zip"
        there = path.is_file() and (layer is None or layer.is_file())
        return FunctionZip(path, digest, True, architecture, unzipped, layer) if there else None

    def build(self, plan: Plan, contents: Contents) -> FunctionZip:
        architecture, unzipped = architecture_of(contents.entries), size_of(contents.entries)
        layer = None
        if plan.layered:
            _refuse_no_layer(plan.handler, contents)
            layer, contents = self.layer(contents), Contents(contents.alone)
        final = self._zipped(contents)
        known = {"digest": final.stem, "architecture": architecture, "unzipped": unzipped}
        self._note(plan.inputs, known if layer is None else {**known, "layer": layer.name})
        return FunctionZip(final, final.stem, False, architecture, unzipped, layer)

    def layer(self, contents: Contents) -> Path:
        """The zip of what may be in a layer, compressed once. Installed packages lie in folders of their content's
        name, so that paths say what is in it."""
        digest = hashlib.sha256(b"layer")
        for name, item in sorted(contents.layered.items()):
            content = item if isinstance(item, Path) else hashlib.sha256(item).hexdigest()
            digest.update(f"{name}:{content}\n".encode())
        inputs = digest.hexdigest()
        known = self.lookup(inputs)
        if known is not None:
            return known.path
        made = self._zipped(Contents(contents.layered))
        self._note(inputs, {"digest": made.stem, "architecture": ""})
        return made

    def _zipped(self, contents: Contents) -> Path:
        """The zip, named by its digest."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".new")
        path = Path(name)
        try:
            with os.fdopen(descriptor, "w+b") as out:
                write_contents(out, contents)
                out.seek(0)
                digest = hashlib.file_digest(out, "sha256").hexdigest()
            return path.replace(self._folder / f"{digest}.zip")
        finally:
            path.unlink(missing_ok=True)

    def _note(self, inputs: str, found: Mapping[str, Any]) -> None:
        """What these inputs gave. Two functions of one file have the same inputs and are packaged at the same time,
        each by a thread of its own."""
        (self._folder / "inputs").mkdir(parents=True, exist_ok=True)
        note = self._folder / "inputs" / f".{inputs}.{os.getpid()}-{threading.get_ident()}"
        note.write_text(json.dumps(found))
        note.replace(self._folder / "inputs" / f"{inputs}.json")


def _refuse_no_layer(handler: str, contents: Contents) -> None:
    if not contents.layered:
        raise Failure(
            "layer-empty",
            f"the function `{handler}` has nothing that could be in a layer",
            notes=(
                "a layer holds packages; Node finds those by `require` only, not by `import` in ES modules, and a "
                "program in Go has them in it",
            ),
            helps=("ship it as one zip: remove `lambda-layer` from `use`, or its entry in klotho.lock",),
        )
