"""Layers: zips that functions see unpacked below `/opt`, beside their own code.

Input: the content of an `AWS::Lambda::LayerVersion`; later a function's `Layers`. Output: one folder with what they
hold together, later ones over earlier ones. Refuses (`PackageError`) what is no zip, an empty one, an ARN that is not
there, more than five, and more than 250 MB with the function's own code.

A version that was deleted while functions use it stays for them. Source: Lambda API Reference, DeleteLayerVersion: "To
avoid breaking functions, a copy of the version remains in Lambda until no functions refer to it."; Lambda Developer
Guide, "Managing Lambda dependencies with layers" (merge order, five layers), "Lambda quotas" (250 MB, layers included).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.localcloud.handler import Record
from klotho.localcloud.planes.functions.package import UNZIPPED_LIMIT, PackageError, once, unpack, unzipped_size

if TYPE_CHECKING:
    from klotho.localcloud.world import World

FUNCTION = "AWS::Lambda::Function"
MOST = 5
_DELETED = ".deleted"


class Layers:
    """The contents of layer versions by ARN, kept below a folder."""

    def __init__(self, folder: Path, world: World) -> None:
        self._folder = folder
        self._world = world

    def publish(self, arn: str, content: Path | bytes) -> None:
        """Keep the content; once more changes nothing."""
        size = unzipped_size(content)
        if size > UNZIPPED_LIMIT:
            raise PackageError(f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes")
        if size == 0:
            raise PackageError("Uploaded file must be a non-empty zip")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        with os.fdopen(descriptor, "wb") as out:
            if isinstance(content, bytes):
                out.write(content)
            else:
                with content.open("rb") as stream:
                    shutil.copyfileobj(stream, out)
        Path(name).replace(self._file(arn))
        self._mark(arn).unlink(missing_ok=True)

    def delete(self, arn: str) -> None:
        """Nobody can add it to a function any more; functions that have it keep it. Deleting twice is fine."""
        if self._file(arn).is_file():
            self._mark(arn).touch()
        self.collect()

    def is_there(self, arn: str) -> bool:
        """Whether a function may be given it."""
        return self._file(arn).is_file() and not self._mark(arn).exists()

    def collect(self) -> None:
        """Remove the deleted ones that no function uses."""
        used = {self._file(arn) for record in self._world.list(FUNCTION) for arn in layers_of(record)}
        for mark in self._folder.glob(f"*{_DELETED}"):
            kept = mark.with_suffix(".zip")
            if kept not in used:
                kept.unlink(missing_ok=True)
                mark.unlink(missing_ok=True)

    def checked(self, arns: Sequence[str], code_size: int) -> None:
        """PackageError for what AWS refuses of a function's layers."""
        if len(arns) > MOST:
            raise PackageError(f"Layers must be less than or equal to {MOST}")
        missing = next((arn for arn in arns if not self._file(arn).is_file()), None)
        if missing is not None:
            raise PackageError(f"Layer version {missing} does not exist.")
        total = code_size + sum(unzipped_size(self._file(arn)) for arn in arns)
        if total > UNZIPPED_LIMIT:
            raise PackageError(
                f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_LIMIT} bytes. "
                f"The actual size is {total} bytes."
            )

    def unpacked(self, arns: Sequence[str], folder: Path) -> Path | None:
        """What the function sees as `/opt`, below `folder`; None without layers."""
        files = [self._file(arn) for arn in arns]
        if not files:
            return None
        if len(files) == 1:
            return unpack(files[0], folder)
        digest = hashlib.sha256()
        for file in files:
            digest.update(hashlib.sha256(file.read_bytes()).digest())

        def fill(target: Path) -> None:
            for file in files:
                with tempfile.TemporaryDirectory(dir=folder, prefix=".layer-") as work:
                    single = unpack(file, Path(work))
                    shutil.copytree(single, target, symlinks=True, dirs_exist_ok=True)

        return once(folder, digest.hexdigest(), fill)

    def size(self, arn: str) -> int:
        """Bytes of the zip, as AWS tells them (`CodeSize`)."""
        return self._file(arn).stat().st_size if self._file(arn).is_file() else 0

    def _file(self, arn: str) -> Path:
        return self._folder / f"{hashlib.sha256(arn.encode()).hexdigest()}.zip"

    def _mark(self, arn: str) -> Path:
        return self._file(arn).with_suffix(_DELETED)


def layers_of(record: Record) -> list[str]:
    return [str(arn) for arn in record.properties.get("Layers") or ()]


def search_paths(opt: Path | None, runtime: str) -> dict[str, str]:
    """Variables with which a runtime finds what layers hold.

    Source: Lambda Developer Guide, "Packaging your layer content", Layer paths for each Lambda runtime. Python's own
    folders are put into `sys.path` by the bootstrap, as AWS's does.
    """
    if opt is None:
        return {}
    found = {"LD_LIBRARY_PATH": f"{opt}/lib"}
    if runtime.startswith("nodejs"):
        version = runtime.removeprefix("nodejs").partition(".")[0]
        found["NODE_PATH"] = f"{opt}/nodejs/node{version}/node_modules:{opt}/nodejs/node_modules"
    return found
