"""Finds annotated files below a folder and reads their annotations.

Input: a folder. Output: `CodeBase`: its files, parsed where they are annotated, on demand elsewhere. Reports what is
wrong with single annotations and with several of one id; refuses by name what is not compiled yet.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from klotho.annotations.capabilities import INSTEAD, NEUTRAL, REFUSED
from klotho.annotations.dockerfiles import Dockerfile, is_dockerfile, read_dockerfile
from klotho.annotations.doors import TARGETS
from klotho.annotations.languages import NOT_YET, SUFFIXES, by_suffix
from klotho.annotations.languages.parsing import first_mistake, report_mistake
from klotho.annotations.memory import Memory
from klotho.annotations.model import Annotation, Source, Text
from klotho.application.files import OUTPUT_MARKER
from klotho.diagnostics import Label, Report, did_you_mean, one_of

TOKEN = b"@klotho::"
SKIPPED = frozenset(
    {"node_modules", "vendor", "compiled", "dist", "__pycache__", "venv", ".venv", "bin", "obj", "site-packages"}
)
MOST_FOLDERS = 3_000
_SHARED = ("persist", "pubsub", "config")
"""Capabilities of what units of several languages may use together."""
LARGEST_SOURCE = 4_000_000
"""Bytes; a larger file is data, whatever its name says."""


@dataclass
class CodeBase:
    """The files of a folder; annotated ones are parsed."""

    root: Path
    report: Report
    memory: Memory
    files: list[str] = field(default_factory=list)
    """Every source file, relative, sorted."""
    annotated: dict[str, Source] = field(default_factory=dict)
    dockerfiles: dict[str, Dockerfile] = field(default_factory=dict)
    """Of the user's own, by the id of the unit."""
    _contents: dict[str, bytes] = field(default_factory=dict)
    _sources: dict[str, Source] = field(default_factory=dict)
    _exists: dict[str, bool] = field(default_factory=dict)

    def add(self, path: str, content: bytes) -> None:
        self.files.append(path)
        self._contents[path] = content

    def content(self, path: str) -> bytes:
        """Of any file, as it was when it was first read."""
        if path not in self._contents:
            self._contents[path] = (self.root / path).read_bytes()
        return self._contents[path]

    def source(self, path: str) -> Source:
        """A source file. What is no code in it is reported; it is parsed where it has to be."""
        if path not in self._sources:
            text = Text(path, self.content(path))
            self._sources[path] = read_source(text, self.memory, self.report)
        return self._sources[path]

    def said(self, path: str, depends: str, read: Callable[[Source], dict[str, Any]]) -> dict[str, Any]:
        """What a file says: as an earlier compile read it, or as it is read now. `read` takes it from nothing but the
        file and what `depends` says."""
        page, source = self.memory.page(path, self.content(path)), self.source(path)
        found = page.said.get(depends)
        if found is None:
            found = page.said[depends] = read(source)
            self.memory.added()
        return found

    def exists(self, path: str) -> bool:
        if path not in self._exists:
            try:
                self._exists[path] = path in self._contents or (self.root / path).is_file()
            except OSError:  # a name no file can have
                self._exists[path] = False
        return self._exists[path]

    def has_twin(self, source: Source, annotation: Annotation) -> bool:
        """Whether a file of another language says that it uses the same store, topic or secret."""
        return bool(self._families[annotation.capability, annotation.id] - {_family(source.path)})

    @cached_property
    def _families(self) -> Mapping[tuple[str, str | None], set[str]]:
        """The languages in which each capability and id is said; for when all files are read."""
        found: dict[tuple[str, str | None], set[str]] = {}
        for source in self.annotated.values():
            for item in source.annotations:
                found.setdefault((item.capability, item.id), set()).add(_family(source.path))
        return found

    def all(self, capability: str) -> Iterator[tuple[Source, Annotation]]:
        for source in self.annotated.values():
            for annotation, _ in source.of(capability):
                yield source, annotation


def read_source(text: Text, memory: Memory, report: Report) -> Source:
    """A file of a language, parsed at once where it is annotated or unknown: what is no code in it is reported."""
    language = by_suffix(PurePosixPath(text.path).suffix)
    assert language is not None, text.path
    source = Source(text, parse=lambda: language.tree(text.content))
    page = memory.page(text.path, text.content)
    if page.syntax is None:
        page.syntax = first_mistake(text, source.tree.root_node, language.name)
        memory.added()
    # Looking at every comment takes longer than parsing: most files have no annotation.
    found = language.annotated(text, source.tree, report) if TOKEN in text.content else source
    report_mistake(text, page.syntax, report)
    return found


def has_annotations(root: Path) -> bool:
    """Whether some source file below the folder is annotated, as far as the first folders tell: a home folder is not
    searched through because a command was run there."""
    return any(TOKEN in content for path, content in _sources(root, MOST_FOLDERS) if not is_dockerfile(path))


def read_code_base(root: Path, report: Report, memory: Path | None = None) -> CodeBase:
    """`memory`: the folder of what earlier compiles read; default: nothing is remembered."""
    code = CodeBase(root, report, Memory(memory, root))
    for path, content in _sources(root):
        if is_dockerfile(path):
            read_dockerfile(code.dockerfiles, Text(path, content), report)
            continue
        suffix = PurePosixPath(path).suffix
        if suffix in NOT_YET:
            _refuse_language(path, content, NOT_YET[suffix], report)
            continue
        code.add(path, content)
        if TOKEN in content:
            source = code.source(path)
            if source.annotations:
                code.annotated[path] = source
    _check(code, report)
    return code


def _sources(root: Path, most_folders: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Source files by relative path, in order; links, what nobody can read and names that are no text are passed
    over."""
    wanted = (*SUFFIXES, *NOT_YET)
    for folder, folders, names in itertools.islice(os.walk(root), most_folders):
        if OUTPUT_MARKER in names and Path(folder) != root:
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        home, prefix = Path(folder), "" if Path(folder) == root else f"{Path(folder).relative_to(root).as_posix()}/"
        for name in sorted(names):
            path = home / name
            if (name.endswith(wanted) or is_dockerfile(name)) and str(path).isprintable():
                try:
                    found = path.lstat()
                    if stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_SOURCE:
                        yield prefix + name, path.read_bytes()
                except OSError:
                    continue


def _refuse_language(path: str, content: bytes, language: str, report: Report) -> None:
    at = content.find(TOKEN)
    if at >= 0:
        message = f"annotations in {language} are not supported yet"
        report.error("annotation-not-yet", message, Text(path, content).span(at, at + len(TOKEN)))


def _check(code: CodeBase, report: Report) -> None:
    seen: dict[tuple[str, str, str], Annotation] = {}
    for source in code.annotated.values():
        for index, item in enumerate(source.annotations):
            _refuse_what_comes_later(source, item, report)
            if item.capability in ("persist", "expose", "pubsub", "config") and source.targets.get(index) is None:
                message = f"{item.title} stands on nothing"
                helps = ("put the comment on the line above the statement it is about",)
                report.error("annotation-detached", message, item.span, helps=helps)
            if item.id is None or item.capability == "execution_unit":
                continue
            # A file can't import one of another language: both say that they use the same thing.
            language = _family(source.path) if item.capability in _SHARED else ""
            first = seen.setdefault((item.capability, item.id, language), item)
            if first is not item:
                also = [Label(first.span, "the first one")]
                message = f"{item.title} stands twice"
                helps = ("give one of them another id",)
                report.error("annotation-duplicate", message, item.span, text="the second one", also=also, helps=helps)


def _family(path: str) -> str:
    language = by_suffix(PurePosixPath(path).suffix)
    return "" if language is None else language.family


def _refuse_what_comes_later(source: Source, item: Annotation, report: Report) -> None:
    language = by_suffix(PurePosixPath(source.path).suffix)
    assert language is not None
    if item.capability in NEUTRAL:
        return
    directives = language.compiles.get(item.capability)
    if directives is None:
        message = f"`@klotho::{item.capability}` in {language.name} is not supported yet"
        report.error("annotation-not-yet", message, item.span, helps=(INSTEAD.get((item.capability, "")),))
        return
    for name in sorted(set(item.directives) - directives):
        refused = REFUSED.get((item.capability, name))
        if refused is not None:
            if item.directives[name] is True:
                message = f"`{name}` of `@klotho::{item.capability}` is not supported: {refused[0]}"
                report.error("annotation-not-yet", message, item.span, helps=refused[1:])
            continue
        message = f"`{name}` of `@klotho::{item.capability}` in {language.name} is not supported yet"
        report.error("annotation-not-yet", message, item.span, helps=(INSTEAD.get((item.capability, name)),))
    if item.capability == "config" and item.directives.get("secret") is not True:
        message = "`@klotho::config` without `secret = true` is not supported yet"
        helps = ("write `secret = true` on a line of its own, or give the variable to the unit in an infra.py",)
        report.error("annotation-not-yet", message, item.span, helps=helps)
    target = item.directives.get("target", "public")
    if item.capability == "expose" and target not in TARGETS:
        helps = (did_you_mean(str(target), TARGETS) or f"there is {one_of(TARGETS)}",)
        report.error("annotation-directive", f'`target = "{target}"` is none', item.span, helps=helps)
