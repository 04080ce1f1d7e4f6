"""Unpacks deployment packages, once per content.

Input: a zip file (or the text of an inline function). Output: a folder named by the content's digest, complete or
absent. Refuses entries that would leave the folder, links out of it, and more than AWS's unzipped limit.
"""

from __future__ import annotations

import glob
import hashlib
import io
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath

UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Bytes. AWS: Lambda quotas, "250 MB … the deployment package, unzipped"."""
IMAGE_LIMIT = 10 * 1024 * 1024 * 1024
"""Bytes. AWS: Lambda quotas, "Container image code package size: 10 GB (maximum uncompressed image size …)"."""


class PackageError(Exception):
    """The package can't be used; the text says why."""


def unpack(package: Path | bytes, folder: Path, limit: int = UNZIPPED_LIMIT) -> Path:
    """The folder with the content of this zip, `folder/<sha-256>`; unpacked only if it is not there yet."""
    with _opened(package) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()

    return once(folder, digest, lambda target: extract(package, target, limit))


def extract(package: Path | bytes, target: Path, limit: int) -> None:
    """What the zip holds, into a folder; PackageError for a zip that can't be read, or is too large."""
    try:
        with _opened(package) as stream, zipfile.ZipFile(stream) as archive:
            _extract(archive, target, limit)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        # zipfile says NotImplementedError of an unknown compression and RuntimeError of an encrypted entry.
        raise PackageError(f"Could not unzip uploaded file: {error}") from error
    except (NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        raise PackageError("Could not unzip uploaded file: one name is a file and a folder") from error


def _opened(package: Path | bytes) -> io.BytesIO | io.BufferedReader:
    return io.BytesIO(package) if isinstance(package, bytes) else package.open("rb")


def unzipped_size(package: Path | bytes) -> int:
    """Bytes of what a zip holds; PackageError for what is no zip."""
    try:
        with _opened(package) as stream, zipfile.ZipFile(stream) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise PackageError(f"Could not unzip uploaded file: {error}") from error


def inline(source: str, file_name: str, folder: Path) -> Path:
    """The folder with this source text as its only file (`Code.ZipFile` of a template)."""
    digest = hashlib.sha256(f"{file_name}\x00{source}".encode()).hexdigest()
    return once(folder, digest, lambda target: _write(target, target / file_name, source.encode(), 0o644))


def changed(base: Path, files: Mapping[str, Path], removed: Collection[str], folder: Path) -> Path:
    """A folder of its own that is `base` with these files (by their path in the package) put in or taken out.

    Whatever stays the same is linked, not copied: a package may hold thousands of files, and a link keeps a module's
    time, so that what Python has compiled of it stays good. `PackageError` for a file that can't be read.
    """
    work = Path(tempfile.mkdtemp(prefix="dev-", dir=folder))
    try:
        shutil.copytree(base, work, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
        for name in removed:
            (work / _safe(name)).unlink(missing_ok=True)
        for name, source in files.items():
            mode = 0o755 if os.access(source, os.X_OK) else 0o644
            _write(work, work / _safe(name), source.read_bytes(), mode)
        for name in (*files, *removed):
            # Python takes what it compiled for the source when both the size and the second of the change are the same.
            path = work / _safe(name)
            for compiled in path.parent.glob(f"__pycache__/{glob.escape(path.stem)}.*.pyc"):
                compiled.unlink()
    except (OSError, PackageError) as error:
        shutil.rmtree(work, ignore_errors=True)
        raise error if isinstance(error, PackageError) else PackageError(str(error)) from error
    return work


def once(folder: Path, digest: str, fill: Callable[[Path], None]) -> Path:
    """`folder/<digest>`, filled if it is not there yet: complete or absent, however many processes ask at once."""
    target = folder / digest
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
    try:
        fill(work)
        try:
            work.rename(target)
        except OSError:
            # Somebody else unpacked the same content meanwhile: theirs is as good.
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _extract(archive: zipfile.ZipFile, target: Path, limit: int) -> None:
    # The directory of a zip file may lie about sizes, but zipfile never reads more than it says of an entry.
    if sum(entry.file_size for entry in archive.infolist()) > limit:
        raise PackageError(f"Unzipped size must be smaller than {limit} bytes")
    for entry in archive.infolist():
        path = target / _safe(entry.filename)
        mode = entry.external_attr >> 16
        if entry.is_dir():
            _confine(path, target)
            path.mkdir(parents=True, exist_ok=True)
        elif stat.S_ISLNK(mode):
            _link(path, archive.read(entry).decode(), target)
        else:
            _write(target, path, archive.read(entry), 0o755 if mode & 0o111 else 0o644)


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\x00" in name or not path.parts:
        raise PackageError(f"the package's entry {name!r} would leave its folder")
    return path


def _link(path: Path, destination: str, root: Path) -> None:
    aim = Path(os.path.normpath(path.parent / destination))
    if not destination or Path(destination).is_absolute() or not aim.is_relative_to(root):
        raise PackageError(f"the package's link {path.name!r} points out of its folder")
    _confine(path, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(destination)


def _confine(path: Path, root: Path) -> None:
    """A parent that is itself a link could lead out: follow it before anything is written."""
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise PackageError(f"the package's entry {path.name!r} would leave its folder")


def _write(root: Path, path: Path, data: bytes, mode: int) -> None:
    _confine(path, root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # an entry twice: the last one counts, and never through a link
        path.write_bytes(data)
    except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        raise PackageError(f"the package has both a file and a folder of the name {path.name!r}") from error
    path.chmod(mode)
