"""Finds annotated files below a folder and reads their annotations.

Input: a folder. Output: `CodeBase`: its files, parsed where they are annotated, on demand elsewhere. Reports what is
wrong with single annotations and with several of one id; refuses by name what is not compiled yet.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from klotho.annotations.capabilities import NEUTRAL
from klotho.annotations.languages import NOT_YET, SUFFIXES, by_suffix
from klotho.annotations.model import Annotation, Source, Text
from klotho.diagnostics import Label, Report

TOKEN = b"@klotho::"
SKIPPED = frozenset(
    {"node_modules", "vendor", "compiled", "dist", "__pycache__", "venv", ".venv", "bin", "obj", "site-packages"}
)
MOST_FOLDERS = 3_000
OUTPUT_MARKER = ".klotho-output.json"
"""A folder that holds it is what an earlier compile wrote."""
LARGEST_SOURCE = 4_000_000
"""Bytes; a larger file is data, whatever its name says."""


@dataclass
class CodeBase:
    """The files of a folder; annotated ones are parsed."""

    root: Path
    report: Report
    files: list[str] = field(default_factory=list)
    """Every source file, relative, sorted."""
    annotated: dict[str, Source] = field(default_factory=dict)
    _parsed: dict[str, Source] = field(default_factory=dict)

    def source(self, path: str) -> Source:
        """A source file, parsed."""
        if path not in self._parsed:
            language = by_suffix(PurePosixPath(path).suffix)
            assert language is not None, path
            self._parsed[path] = language.parse(Text(path, (self.root / path).read_bytes()), self.report)
        return self._parsed[path]

    def exists(self, path: str) -> bool:
        try:
            return (self.root / path).is_file()
        except OSError:  # a name no file can have
            return False

    def all(self, capability: str) -> Iterator[tuple[Source, Annotation]]:
        for source in self.annotated.values():
            for annotation, _ in source.of(capability):
                yield source, annotation


def has_annotations(root: Path) -> bool:
    """Whether some source file below the folder is annotated, as far as the first folders tell: a home folder is not
    searched through because a command was run there."""
    return any(TOKEN in content for _, content in _sources(root, MOST_FOLDERS))


def read_code_base(root: Path, report: Report) -> CodeBase:
    code = CodeBase(root, report)
    for path, content in _sources(root):
        suffix = PurePosixPath(path).suffix
        if suffix in NOT_YET:
            _refuse_language(path, content, NOT_YET[suffix], report)
            continue
        code.files.append(path)
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
        for name in sorted(names):
            path = Path(folder) / name
            if name.endswith(wanted) and not path.is_symlink() and str(path).isprintable():
                try:
                    if path.stat().st_size <= LARGEST_SOURCE:
                        yield path.relative_to(root).as_posix(), path.read_bytes()
                except OSError:
                    continue


def _refuse_language(path: str, content: bytes, language: str, report: Report) -> None:
    at = content.find(TOKEN)
    if at >= 0:
        message = f"annotations in {language} are not supported yet"
        report.error("annotation-not-yet", message, Text(path, content).span(at, at + len(TOKEN)))


def _check(code: CodeBase, report: Report) -> None:
    seen: dict[tuple[str, str], Annotation] = {}
    for source in code.annotated.values():
        for index, item in enumerate(source.annotations):
            _refuse_what_comes_later(source, item, report)
            if item.capability in ("persist", "expose") and source.targets.get(index) is None:
                message = f"{item.title} stands on nothing"
                helps = ("put the comment on the line above the statement it is about",)
                report.error("annotation-detached", message, item.span, helps=helps)
            if item.id is None or item.capability == "execution_unit":
                continue
            first = seen.setdefault((item.capability, item.id), item)
            if first is not item:
                also = [Label(first.span, "the first one")]
                message = f"{item.title} stands twice"
                helps = ("give one of them another id",)
                report.error("annotation-duplicate", message, item.span, text="the second one", also=also, helps=helps)


def _refuse_what_comes_later(source: Source, item: Annotation, report: Report) -> None:
    language = by_suffix(PurePosixPath(source.path).suffix)
    assert language is not None
    if item.capability in NEUTRAL:
        return
    directives = language.compiles.get(item.capability)
    if directives is None:
        message = f"`@klotho::{item.capability}` in {language.name} is not supported yet"
        report.error("annotation-not-yet", message, item.span)
        return
    for name in sorted(set(item.directives) - directives):
        message = f"`{name}` of `@klotho::{item.capability}` in {language.name} is not supported yet"
        report.error("annotation-not-yet", message, item.span)
    if item.capability == "expose" and item.directives.get("target", "public") != "public":
        message = f'`target = "{item.directives["target"]}"` is not supported yet'
        report.error("annotation-not-yet", message, item.span, helps=('write `target = "public"`',))
