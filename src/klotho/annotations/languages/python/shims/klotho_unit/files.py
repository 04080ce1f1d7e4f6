"""A folder whose files are objects of a bucket when the unit is deployed, and the folder itself when it is not.

Folders below it are there as long as something is in them. A file that is written is stored when it is closed.
"""

import asyncio
import email.utils
import fnmatch
import io
import os
import pathlib
from types import SimpleNamespace


def folder(name, path):
    return StoredPath(name, pathlib.PurePosixPath(path), "") if os.environ.get("KLOTHO_UNIT") else path


def shared_folder(name, path):
    """One that units of another language use, too: its files are named from the program's folder on."""
    if not os.environ.get("KLOTHO_UNIT"):
        return path
    program = pathlib.Path(__file__).absolute().parent.parent
    place = os.path.normpath(os.path.relpath(program / path, program))
    if place == ".." or place.startswith("../"):
        raise PermissionError(f"{path} is not in the program's folder: another language would not find what is in it")
    return StoredPath(name, pathlib.PurePosixPath(path), "", "" if place == "." else f"{place}/")


def secret(name, path):
    return SecretPath(name, path) if os.environ.get("KLOTHO_UNIT") else path


def opening(opener):
    """`open` or `aiofiles.open`, which takes the paths of stored folders, too."""

    def opened(path, *args, **options):
        if not isinstance(path, (StoredPath, SecretPath)):
            return opener(path, *args, **options)
        return path.open(*args, **options) if opener is open else _Later(lambda: path.open(*args, **options))

    return opened


class SecretPath:
    def __init__(self, name, path):
        self._name, self._path = name, path

    def __str__(self):
        return str(self._path)

    def exists(self):
        return True

    is_file = exists

    def read_text(self, encoding=None, errors=None):
        import klotho

        return klotho.config.secrets.get(self._name).value

    def read_bytes(self):
        return self.read_text().encode()

    def open(self, mode="r", **_):
        return io.BytesIO(self.read_bytes()) if "b" in mode else io.StringIO(self.read_text())


class StoredPath:
    def __init__(self, name, root, key, place=""):
        self._name, self._root, self._key, self._place = name, root, key, place

    @property
    def _object(self):
        return f"{self._place}{self._key}"

    @property
    def _pure(self):
        return self._root / self._key

    def _with(self, pure):
        key = os.path.normpath(os.path.relpath(pure, self._root))
        if key == ".." or key.startswith("../"):
            raise PermissionError(f"{pure} is not in the persisted folder {self._root}")
        return StoredPath(self._name, self._root, "" if key == "." else key, self._place)

    def __truediv__(self, other):
        return self._with(self._pure / str(other))

    def joinpath(self, *others):
        return self._with(self._pure.joinpath(*map(str, others)))

    def with_suffix(self, suffix):
        return self._with(self._pure.with_suffix(suffix))

    def with_name(self, name):
        return self._with(self._pure.with_name(name))

    def relative_to(self, other):
        return pathlib.PurePosixPath(str(self)).relative_to(str(other))

    def resolve(self, strict=False):
        return self

    absolute = resolve

    name = property(lambda self: self._pure.name)
    stem = property(lambda self: self._pure.stem)
    suffix = property(lambda self: self._pure.suffix)
    suffixes = property(lambda self: self._pure.suffixes)
    parts = property(lambda self: self._pure.parts)
    parent = property(lambda self: self._with(self._pure.parent))

    def __str__(self):
        return str(self._pure)

    def __repr__(self):
        return f"StoredPath({str(self)!r})"

    def __eq__(self, other):
        return isinstance(other, StoredPath) and (self._name, self._key) == (other._name, other._key)

    def __lt__(self, other):
        return self._pure < other._pure

    def __hash__(self):
        return hash((self._name, self._key))

    def is_file(self):
        return bool(self._key) and self._bucket().head(self._object) is not None

    def is_dir(self):
        return not self._key or any(True for _ in self._keys(f"{self._key}/", limit=1))

    def exists(self):
        return self.is_file() or self.is_dir()

    def stat(self):
        found = self._bucket().head(self._object) if self._key else None
        if found is None:
            raise self._missing()
        changed = email.utils.parsedate_to_datetime(found.modified)
        return SimpleNamespace(st_size=found.size, st_mtime=changed.timestamp())

    def mkdir(self, mode=0o777, parents=False, exist_ok=False):
        if not exist_ok and self.exists():
            raise FileExistsError(17, "File exists", str(self))
        if self._place:  # Node's functions want a folder to be there
            self._bucket().put(f"{self._object.rstrip('/')}/", b"")

    def rmdir(self):
        if any(True for _ in self.iterdir()):
            raise OSError(39, "Directory not empty", str(self))
        if self._place:
            self._bucket().delete(f"{self._object.rstrip('/')}/")

    def iterdir(self):
        prefix = f"{self._key}/" if self._key else ""
        names = dict.fromkeys(item[len(prefix) :].partition("/")[0] for item in self._keys(prefix))
        return iter([self / name for name in names if name])

    def glob(self, pattern):
        return (path for path in self._below() if _matches(path._pure.relative_to(self._pure), pattern))

    def rglob(self, pattern):
        return self.glob(f"**/{pattern}")

    def _below(self):
        prefix = f"{self._key}/" if self._key else ""
        return [self._with(self._root / item) for item in self._keys(prefix) if not item.endswith("/")]

    def _keys(self, prefix, limit=None):
        """A key with `/` at its end is a folder that another language made."""
        found = self._bucket().list(f"{self._place}{prefix}", limit=limit)
        return (item.key[len(self._place) :] for item in found)

    def read_bytes(self):
        found = self._bucket().get(self._object) if self._key else None
        if found is None:
            raise self._missing()
        return found

    def read_text(self, encoding=None, errors=None):
        with io.TextIOWrapper(io.BytesIO(self.read_bytes()), encoding or "utf-8", errors) as file:
            return file.read()

    def write_bytes(self, data):
        self._bucket().put(self._object, bytes(data))
        return len(data)

    def write_text(self, data, encoding=None, errors=None, newline=None):
        self.write_bytes(data.encode(encoding or "utf-8", errors or "strict"))
        return len(data)

    def touch(self, mode=0o666, exist_ok=True):
        if self.is_file():
            if not exist_ok:
                raise FileExistsError(17, "File exists", str(self))
        else:
            self.write_bytes(b"")

    def unlink(self, missing_ok=False):
        if not missing_ok and not self.is_file():
            raise self._missing()
        self._bucket().delete(self._object)

    def rename(self, target):
        moved = target if isinstance(target, StoredPath) else self._with(pathlib.PurePosixPath(target))
        moved.write_bytes(self.read_bytes())
        self.unlink()
        return moved

    replace = rename

    def open(self, mode="r", buffering=-1, encoding=None, errors=None, newline=None):
        if "x" in mode and self.is_file():
            raise FileExistsError(17, "File exists", str(self))
        fresh = "w" in mode or "x" in mode or ("a" in mode and not self.is_file())
        content = b"" if fresh else self.read_bytes()
        writes = any(letter in mode for letter in "wxa+")
        raw = _Written(self, content) if writes else io.BytesIO(content)
        if "a" in mode:
            raw.seek(0, io.SEEK_END)
        return raw if "b" in mode else io.TextIOWrapper(raw, encoding or "utf-8", errors, newline)

    def _missing(self):
        return FileNotFoundError(2, "No such file or directory", str(self))

    def _bucket(self):
        import klotho

        return klotho.config.buckets.get(self._name)


def _matches(path, pattern):
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(path.name, pattern[3:])
    return len(path.parts) == len(pathlib.PurePosixPath(pattern).parts) and path.match(pattern)


class _Written(io.BytesIO):
    def __init__(self, path, content):
        super().__init__(content)
        self._path = path

    def close(self):
        if not self.closed:
            self._path.write_bytes(self.getvalue())
        super().close()


class _Later:
    """An opened file as aiofiles has it: awaited, or by `async with`; its methods are awaited."""

    def __init__(self, make):
        self._make = make

    def __await__(self):
        return self._open().__await__()

    async def _open(self):
        return _Awaited(await asyncio.to_thread(self._make))

    async def __aenter__(self):
        self._file = await self._open()
        return self._file

    async def __aexit__(self, *_):
        await self._file.close()


class _Awaited:
    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        method = getattr(self._file, name)

        async def called(*args):
            return await asyncio.to_thread(method, *args)

        return called if callable(method) else method

    def __aiter__(self):
        return self

    async def __anext__(self):
        line = await asyncio.to_thread(self._file.readline)
        if not line:
            raise StopAsyncIteration
        return line
