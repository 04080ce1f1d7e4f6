"""Files that are no code: those of static units, and those that `embed_assets` puts beside the code of a unit.

Both mean the same in every language. Patterns are relative to the folder of the annotated file; with a leading `/` to
the top folder. Links, hidden files and what package managers and earlier compiles wrote are no files of the program.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from klotho.annotations.findings import construct_name
from klotho.annotations.globs import matching
from klotho.annotations.model import Annotation
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import Unit
from klotho.application.files import OUTPUT_MARKER
from klotho.diagnostics import Report, Severity, meant_or_listed

_NEVER = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "klotho.yaml", "klotho.lock"})

_RELATIVE = "patterns are relative to the annotated file's folder, those that begin with `/` to the top one"


@dataclass(frozen=True, slots=True)
class StaticUnit:
    """Files for browsers."""

    annotation: Annotation
    index: str
    """The page of a folder, `index.html`."""
    files: Mapping[str, str]
    """The program's files by the path they are served at."""

    @property
    def name(self) -> str:
        return construct_name(self.annotation.id or "")


@dataclass
class Assets:
    """Finds files by patterns in one code base."""

    code: CodeBase
    report: Report
    _static: set[str] = field(default_factory=set)
    """What only browsers get."""

    @cached_property
    def _all(self) -> list[str]:
        """Every file that may be named, in order."""
        found = []
        for folder, folders, names in os.walk(self.code.root):
            if OUTPUT_MARKER in names and Path(folder) != self.code.root:
                folders[:] = []
                continue
            folders[:] = [name for name in folders if name not in _NEVER and name != ".git"]
            found += [
                path.relative_to(self.code.root).as_posix()
                for name in names
                if name not in _NEVER and not (path := Path(folder) / name).is_symlink() and str(path).isprintable()
            ]
        return sorted(found)

    def _named(self, home: str, patterns: object) -> list[str]:
        """`home`: the annotated file."""
        given = [patterns] if isinstance(patterns, str) else patterns if isinstance(patterns, list) else []
        folder, found = posixpath.dirname(home), set[str]()
        for pattern in given:
            from_top = posixpath.normpath(pattern.lstrip("/") if pattern.startswith("/") else f"{folder}/{pattern}")
            found.update(matching(self._all, from_top.lstrip("/")))
        return sorted(found)

    def static_units(self, units: Iterable[Unit]) -> list[StaticUnit]:
        code_of = {path: unit.name for unit in units for path in unit.files}
        found = []
        for source, annotation in self.code.all("static_unit"):
            static = self._named(source.path, annotation.directives.get("static_files"))
            shared = self._named(source.path, annotation.directives.get("shared_files"))
            self._refuse_code(annotation, static, code_of)
            self._static.update(set(static) - set(shared))
            unit = self._static_unit(source.path, annotation, sorted({*static, *shared}))
            found += [unit] if unit is not None else []
        return found

    def _refuse_code(self, annotation: Annotation, static: Iterable[str], code_of: Mapping[str, str]) -> None:
        for path in static:
            if path in code_of:
                message = f'{annotation.title} would publish `{path}`, which is code of the unit "{code_of[path]}"'
                helps = (
                    'name what browsers need: `static_files = ["public/**"]`',
                    "code that browsers need, too, is named in `shared_files`",
                )
                self.report.error("annotation-files", message, annotation.span, helps=helps)

    def _static_unit(self, home: str, annotation: Annotation, paths: list[str]) -> StaticUnit | None:
        if not paths:
            message = f"no file is in {annotation.title}"
            notes = (_RELATIVE,)
            helps = ('name some: `static_files = ["public/**"]`',)
            self.report.error("annotation-files", message, annotation.span, notes=notes, helps=helps)
            return None
        index = self._index(home, annotation, paths)
        if index is None:
            return None
        base, served = posixpath.dirname(index), dict[str, str]()
        for path in paths:
            inside = not base or path.startswith(f"{base}/")
            place = path[len(base) + 1 :] if inside and base else path
            other = served.setdefault(place, path)
            if other != path:
                message = f"{annotation.title} would serve `{other}` and `{path}` at one address: `/{place}`"
                helps = ("leave one of them out, or give it another name",)
                self.report.error("annotation-files", message, annotation.span, helps=helps)
        return StaticUnit(annotation, posixpath.basename(index), served)

    def _index(self, home: str, annotation: Annotation, paths: list[str]) -> str | None:
        """The index document among the files; where none is named the index.html that is nearest to the top."""
        named = annotation.directives.get("index_document")
        if named is None:
            pages = [path for path in paths if posixpath.basename(path) == "index.html"]
            if pages:
                return min(pages, key=lambda path: (path.count("/"), path))
            message = f"{annotation.title} has no index.html"
            helps = ('name its first page: `index_document = "public/start.html"`',)
            self.report.error("annotation-files", message, annotation.span, helps=helps)
            return None
        near = posixpath.normpath(posixpath.join(posixpath.dirname(home), str(named)))
        for path in (near, posixpath.normpath(str(named).lstrip("/"))):
            if path in paths:
                return path
        pages = [path for path in paths if path.endswith((".html", ".htm"))]
        helped = meant_or_listed(str(named), pages, "there is") if pages else "no page is among its files"
        message = f"the index document `{named}` is no file of {annotation.title}"
        self.report.error("annotation-files", message, annotation.span, helps=(helped,))
        return None

    def embedded(self, unit: Unit, units: Iterable[Unit]) -> list[str]:
        """The files that annotations in a unit's files put beside its code; those in files of no unit are for all.
        After `static_units`: what is for browsers only is left out."""
        in_units, found = {path for item in units for path in item.files}, set[str]()
        for source, annotation in self.code.all("embed_assets"):
            if source.path in unit.files or source.path not in in_units:
                found.update(self._of(source.path, annotation))
        return sorted(found - set(unit.files))

    def _of(self, home: str, annotation: Annotation) -> set[str]:
        return {*self._named(home, annotation.directives.get("include"))} - {
            *self._named(home, annotation.directives.get("exclude")),
            *self._static,
        }

    def check_embedded(self) -> None:
        """Reports annotations that name no file."""
        for source, annotation in self.code.all("embed_assets"):
            if not annotation.directives.get("include"):
                message = f"{annotation.title} says no files"
                helps = ('add `include = ["templates/**"]`',)
                self.report.error("annotation-files", message, annotation.span, helps=helps)
            elif not self._of(source.path, annotation):
                message = f"no file is in {annotation.title}"
                at, notes = annotation.span, (_RELATIVE,)
                self.report.error("annotation-files", message, at, notes=notes, severity=Severity.WARNING)
