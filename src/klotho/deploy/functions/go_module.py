"""The Go module a program is in, and the folders of what it imports without a download.

Input: a file of the program and its repository. Output: `GoModules`: the module itself, the members of its workspace
(go.work), those that `replace` finds in folders, and `vendor`. Refuses (`Failure`) a file in no module
(`go-module-missing`), and folders outside of the repository (`dependency-is-local`). Sources: Go Modules Reference,
"go.mod files", "Workspaces", "Vendoring".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from klotho.deploy.functions.local_packages import folders_up
from klotho.diagnostics import Failure, Span

_WORD = re.compile(r'"[^"]*"|`[^`]*`|=>|[()]|[^\s()"`]+')
MOD, SUM, WORK = "go.mod", "go.sum", "go.work"


@dataclass(frozen=True, slots=True)
class GoModules:
    """What imports are found in, before the module cache."""

    folder: Path
    """That of go.mod: commands run there."""
    workspace: Path | None
    """The go.work in force."""
    folders: Mapping[str, Path]
    """Modules that lie in folders, by path."""
    vendor: Path

    @property
    def deciding(self) -> frozenset[Path]:
        """Files that say which versions are used; some of them may not be there."""
        found = {folder / name for folder in self.folders.values() for name in (MOD, SUM)}
        if self.workspace is not None:
            found |= {self.workspace, self.workspace.with_name("go.work.sum")}
        return frozenset({*found, self.vendor / "modules.txt"})

    def locate(self, imported: str) -> Path | None:
        """The folder of a package; None for the standard library's and those in the module cache."""
        if imported.startswith(("/", ".")):
            return None  # modules have no relative imports
        vendored = self.vendor / imported  # wins over what is replaced, and never holds a module of the workspace
        if _is_folder(vendored):
            return vendored
        path = imported
        while path:
            if path in self.folders:
                found = self.folders[path] / imported[len(path) :].lstrip("/")
                return found if _is_folder(found) else None
            path = path.rpartition("/")[0]
        return None


def go_modules(root: Path, file: Path, repository: Path) -> GoModules:
    """`root`: what a failure's lines are told from. GOWORK counts as it does for `go`."""
    folder = next((item for item in folders_up(file, repository) if (item / MOD).is_file()), None)
    if folder is None:
        shown = file.parent.relative_to(root).as_posix()
        raise Failure(
            "go-module-missing",
            f"`{file.relative_to(root).as_posix()}` is in no Go module: neither its folder nor one above has a go.mod",
            at=Span(file.relative_to(root).as_posix(), 1),
            helps=(f"run `go mod init {shown if shown != '.' else 'app'}` and `go mod tidy` in the program's folder",),
        )
    folders = dict([(_path_of(folder), folder), *_replaced(root, folder / MOD, repository)])
    workspace = _workspace(folder, repository)
    if workspace is not None:
        members = [
            _inside(root, workspace, line, words[0], repository) for line, words in _directives(workspace, "use")
        ]
        if folder in members:
            folders |= {**dict(_replaced(root, workspace, repository)), **{_path_of(item): item for item in members}}
        else:
            workspace = None  # it is about other modules
    return GoModules(folder, workspace, folders, (workspace or folder / MOD).parent / "vendor")


def _workspace(folder: Path, repository: Path) -> Path | None:
    """The nearest go.work, unless the user names one or turns it off."""
    named = os.environ.get("GOWORK", "")
    if named:
        return None if named == "off" else Path(named)
    return next((item / WORK for item in folders_up(folder / MOD, repository) if (item / WORK).is_file()), None)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name no file system takes
        return False


def _path_of(folder: Path) -> str:
    return next((words[0] for _, words in _directives(folder / MOD, "module")), "")


def _replaced(root: Path, file: Path, repository: Path) -> Iterator[tuple[str, Path]]:
    """`replace path [version] => ./folder`."""
    for line, words in _directives(file, "replace"):
        after = words[words.index("=>") + 1 :] if "=>" in words else []
        if len(after) == 1 and (after[0].startswith(("./", "../")) or Path(after[0]).is_absolute()):
            yield words[0], _inside(root, file, line, after[0], repository)


def _inside(root: Path, file: Path, line: int, named: str, repository: Path) -> Path:
    try:
        folder = (file.parent / named).resolve()
    except (OSError, ValueError):  # no name of a folder: the compiler says so
        return file.parent
    if folder.is_relative_to(repository):
        return folder
    raise Failure(
        "dependency-is-local",
        f"`{named}` lies outside of the program's repository, so it would not be there on another machine",
        at=Span(os.path.relpath(file, root).replace(os.sep, "/"), line),
        helps=("move the module into the repository, or publish it and require a version of it",),
    )


def _directives(file: Path, verb: str) -> Iterator[tuple[int, list[str]]]:
    """The words after a verb of go.mod or go.work, with their line; those of its blocks, too."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    block = ""
    for number, line in enumerate(lines, 1):
        words = [word.strip('"`') for word in _WORD.findall(line.partition("//")[0])]
        if words[1:] == ["("]:
            block = words[0]
        elif words == [")"]:
            block = ""
        elif words and block == verb:
            yield number, words
        elif len(words) > 1 and not block and words[0] == verb:
            yield number, words[1:]
