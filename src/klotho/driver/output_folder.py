"""Writes the output of a build, and nothing else of anybody's.

Input: files by path, a folder, the program's folder. Output: the folder holds exactly these files of ours; a marker
in it lists them, so that the next build removes and replaces only what an earlier one wrote. Refuses, with nothing
changed (`output-folder-taken`): the program's folder and those above it, a file or link in the folder's place, a
folder of other files without a marker, a stranger's file under a name that is needed. A path the operating system
refuses is a Failure (`file-refused`).
"""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from klotho.application.files import OUTPUT_MARKER as MARKER
from klotho.diagnostics import Failure


def write_output(folder: Path, files: Mapping[str, bytes], program_folder: Path) -> Path:
    """Make the folder hold these files and return its absolute path; an unchanged file is left alone."""
    # The last part is not resolved, so that a link in the folder's place is seen.
    target = folder.resolve() if folder.name in ("", "..") else folder.parent.resolve() / folder.name
    try:
        earlier = _earlier_files(target, program_folder)
        _refuse_strangers(target, files, earlier)
        _write(target, files, earlier)
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise Failure(
            "file-refused",
            f"`{target}` can't be written: {said}",
            helps=("name another folder: `--out DIR`",),
        ) from error
    return target


def files_written(folder: Path) -> frozenset[str]:
    """What an earlier build wrote there; empty where none did."""
    return _marked(folder / MARKER) or frozenset()


def _earlier_files(target: Path, program_folder: Path) -> frozenset[str]:
    """What an earlier build wrote there; Failure when the folder is not ours to write."""
    home = program_folder.resolve()
    if target.resolve() in (home, *home.parents):
        raise _taken(target, "is the program's folder" if target.resolve() == home else "holds the program's folder")
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return frozenset()
    if stat.S_ISLNK(mode):
        raise _taken(target, "is a link")
    if not stat.S_ISDIR(mode):
        raise _taken(target, "is a file")
    present = sorted(path.name for path in target.iterdir())
    if not present:
        return frozenset()
    earlier = _marked(target / MARKER)
    if earlier is None:
        raise _taken(target, f"holds files that are not Klotho's, such as `{present[0]}`")
    return earlier


def _marked(marker: Path) -> frozenset[str] | None:
    """The files a marker lists; None when there is none or it names a file outside of its folder."""
    import orjson

    if marker.is_symlink() or not marker.is_file():
        return None
    try:
        names = orjson.loads(marker.read_bytes())["files"]
        inside = all(_is_inside(name) for name in names)
    except (ValueError, KeyError, TypeError):
        return None
    return frozenset(names) if inside else None


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _refuse_strangers(target: Path, files: Iterable[str], earlier: frozenset[str]) -> None:
    """A file that is needed and not ours, or a way to one of ours that leads out of the folder by a link."""
    seen: set[str] = set()
    for name in sorted({*files, *earlier}):
        folder = name.rpartition("/")[0]
        if folder not in seen:  # asking for every file is a quarter of the time that a thousand of them take
            seen.add(folder)
            _refuse_strange_way(target, PurePosixPath(name))
        path = target / name
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if name not in earlier:
            raise _taken(target, f"holds `{name}`, which Klotho did not write")
        if stat.S_ISDIR(mode):
            raise _taken(target, f"has a folder `{name}` where a file of the output belongs")


def _refuse_strange_way(target: Path, name: PurePosixPath) -> None:
    for parent in reversed(name.parents[:-1]):
        step = target / parent
        if step.is_symlink() or (step.exists() and not step.is_dir()):
            raise _taken(target, f"has a file or link `{parent}` where a folder of the output belongs")


def _write(target: Path, files: Mapping[str, bytes], earlier: frozenset[str]) -> None:
    """Stage everything, then rename: a disk that fills up changes nothing. The marker lists old and new files while
    they change, so that after a crash in between the next build still knows all of them."""
    changed = {name: content for name, content in files.items() if not _holds(target / name, content)}
    gone = earlier - files.keys()
    if not changed and not gone and earlier == files.keys():
        return
    made = _make(target)
    try:
        work = Path(tempfile.mkdtemp(dir=target, prefix=".klotho-writing-"))
    except OSError:
        _remove_empty(made)
        raise
    try:
        for number, content in enumerate([_marker(files), _marker(earlier | files.keys()), *changed.values()]):
            (work / str(number)).write_bytes(content)
        (work / "1").replace(target / MARKER)
        for folder in {(target / name).parent for name in changed}:
            folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(changed, start=2):
            if name.endswith(".sh"):
                (work / str(number)).chmod(0o755)
            (work / str(number)).replace(target / name)
        for name in gone:
            (target / name).unlink(missing_ok=True)
            _remove_empty(parent for parent in (target / name).parents if target in parent.parents)
        (work / "0").replace(target / MARKER)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        _remove_empty(made)


def _marker(names: Iterable[str]) -> bytes:
    import orjson

    document = {"written_by": "klotho", "files": sorted(names)}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _holds(path: Path, content: bytes) -> bool:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == len(content) and path.read_bytes() == content


def _make(target: Path) -> list[Path]:
    """Make the folder; returns what was made, innermost first."""
    missing = [path for path in (target, *target.parents) if not path.exists()]
    target.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders, innermost first, as far as they are empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # somebody's files are in it
            return


def _taken(target: Path, why: str) -> Failure:
    return Failure(
        "output-folder-taken",
        f"the output can't be written to `{target}`: it {why}",
        notes=("nothing was written", "a build writes to a folder that is missing, empty, or holds an earlier build"),
        helps=("name another folder: `--out DIR`", "or move away what is there"),
    )
