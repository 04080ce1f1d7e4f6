"""The programs of a code base, one for each family of languages that is annotated in it.

Input: a code base. Output: what a file imports and where everything begins, whatever it is written in; the program of
a unit. A unit is written in one language: one that begins in two is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from klotho.annotations.findings import Mount
from klotho.annotations.languages import Language, Program, by_suffix
from klotho.annotations.model import Annotation
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import Unit
from klotho.diagnostics import Label


class Programs:
    def __init__(self, code: CodeBase) -> None:
        self._code = code
        self._by_family: dict[str, Program] = {}
        self._names: dict[str, str] = {}
        for path in (*code.annotated, *code.files):
            language = language_of(path)
            if language is not None and (path in code.annotated or not self._by_family):
                self._program(language)

    def _program(self, language: Language) -> Program:
        if language.family not in self._by_family:
            self._by_family[language.family] = language.program(self._code)
            self._names[language.family] = language.name
        return self._by_family[language.family]

    def of_file(self, path: str) -> Program | None:
        """None for files of no language: data."""
        language = language_of(path)
        return None if language is None else self._program(language)

    def imports(self, path: str) -> Iterable[str]:
        program = self.of_file(path)
        return () if program is None else program.imports(path)

    def owned(self, owners: Mapping[str, Annotation]) -> dict[str, Annotation]:
        """With the files that belong to a unit because another one does. `owners`: the annotation by file."""
        found: dict[str, Annotation] = {}
        for path, annotation in owners.items():
            program = self.of_file(path)
            for other in program.together(path) if program is not None else (path,):
                first = found.setdefault(other, annotation)
                if first.id != annotation.id:
                    also = [Label(first.span, f'it belongs to "{first.id}"')]
                    message = f"`{path}` and `{other}` are of one project, which belongs to one execution unit"
                    helps = ("move what is to run apart into a project of its own",)
                    report = self._code.report
                    report.error("annotation-unit", message, annotation.span, also=also, helps=helps)
                    break
        return found

    def mounts(self, owned: Mapping[str, str]) -> list[Mount]:
        """Routers that applications mount and other units own. `owned`: the unit by file."""
        return [mount for program in self._by_family.values() for mount in program.mounts(owned)]

    @property
    def begins(self) -> str | None:
        return next((item.begins for item in self._by_family.values() if item.begins is not None), None)

    @property
    def begins_by(self) -> str:
        said = " or ".join(item.begins_by for item in self._by_family.values())
        return f"{said or 'write a program'}, or annotate a file as an execution unit"

    @property
    def package_name(self) -> str | None:
        return next((item.package_name for item in self._by_family.values() if item.package_name), None)

    def of_unit(self, unit: Unit) -> Program | None:
        """None for a unit that can't be compiled, which is reported."""
        by_family: dict[str, list[str]] = {}
        for path in unit.entries:
            language = language_of(path)
            if language is not None:
                by_family.setdefault(language.family, []).append(path)
        if len(by_family) > 1:
            one, other = (paths[0] for paths in list(by_family.values())[:2])
            message = f'the unit "{unit.name}" begins in two languages: in `{one}` and in `{other}`'
            helps = (f'annotate `{other}` with `@klotho::execution_unit {{ id = "…" }}` of its own',)
            self._code.report.error("annotation-unit", message, unit.span, helps=helps)
        found = next(iter(by_family), None)
        return None if found is None else self._by_family[found]


def language_of(path: str) -> Language | None:
    return by_suffix(PurePosixPath(path).suffix)
