"""Annotations that nothing came of, told at their lines."""

from __future__ import annotations

from collections.abc import Iterable

from klotho.annotations.constructs import Part
from klotho.annotations.languages import Program
from klotho.annotations.model import Annotation
from klotho.annotations.programs import Programs, language_of
from klotho.annotations.reading import CodeBase
from klotho.annotations.variables import DIRECTIVE
from klotho.diagnostics import Report

_FRUITFUL = ("persist", "pubsub", "config")
"""Capabilities of which a resource comes; of the others, what nothing came of is told where it is looked for."""


def tell_fruitless(code: CodeBase, programs: Programs, parts: Iterable[Part], report: Report) -> None:
    """Reports annotations that nothing came of."""
    used = {id(item.annotation) for part in parts for item in part.findings.resources}
    in_units = {path for part in parts for path in part.unit.files}
    is_sound = not report.errors
    for capability in _FRUITFUL:
        for source, annotation in code.all(capability):
            language, target = language_of(source.path), source.target_of(annotation)
            if id(annotation) in used or target is None or language is None or capability not in language.compiles:
                continue
            if source.path not in in_units:
                if is_sound:  # else the error may be why
                    message = f"no unit imports the file of {annotation.title}"
                    report.warning("annotation-without-effect", message, annotation.span)
                continue
            if DIRECTIVE in annotation.directives:  # what is wrong with it is told
                continue
            program = programs.of_file(source.path)
            assert program is not None
            _refuse_shape(program, annotation, program.library(source.path, target), report)


def _refuse_shape(program: Program, annotation: Annotation, library: str | None, report: Report) -> None:
    known = program.shapes(annotation.capability)
    if library is not None:
        message = f"{library} under `@klotho::{annotation.capability}` is not supported yet"
        report.error("annotation-not-yet", message, annotation.span, notes=(f"what is supported: {known}",))
        return
    notes = (f"what is known: {known}; others are not supported yet",)
    message = f"nothing came of {annotation.title}: its statement has no shape that is known"
    report.error("annotation-without-effect", message, annotation.span, notes=notes)
