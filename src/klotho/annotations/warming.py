"""`keep_warm` of execution units: a schedule calls the function every five minutes, before Lambda takes the process
away that waits for the next request.

It keeps one process: requests that come at the same time start others, as ever. `requires(cold_start=False)` of an
infra.py promises more. Source: AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle":
environments are kept for some time, and ended every few hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from klotho.annotations.hosting import Host
from klotho.annotations.model import Annotation, Source
from klotho.annotations.programs import language_of
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import Unit
from klotho.diagnostics import Label, Report, Span

EVERY = "5 minutes"


def warm_units(code: CodeBase, units: Sequence[Unit]) -> Mapping[str, Annotation]:
    """By unit, the annotation that wants it warm; one without an id is about the unit that its file begins. One that is
    about none is told."""
    found: dict[str, Annotation] = {}
    for source, annotation in code.all("execution_unit"):
        if annotation.directives.get("keep_warm") is not True or not _is_compiled(source):
            continue
        about = [
            unit.name
            for unit in units
            if annotation.id == unit.name or (annotation.id is None and source.path in unit.entries)
        ]
        for name in about:
            found.setdefault(name, annotation)
        if not about:
            message = f"`keep_warm` of {annotation.title} changes nothing: no unit begins with its file"
            helps = ("write it where a unit begins, or with the `id` of a unit",)
            code.report.warning("annotation-without-effect", message, annotation.span, helps=helps)
    return found


def _is_compiled(source: Source) -> bool:
    """Whether its language compiles it; one that does not has refused it."""
    language = language_of(source.path)
    return language is not None and "keep_warm" in language.compiles["execution_unit"]


def is_kept_warm(host: Host, said: Span | None, unit: str, annotation: Annotation, report: Report) -> bool:
    """Whether the unit is a function, which may be taken away; what `keep_warm` means elsewhere is reported."""
    if host.form == "function":
        return True
    also = [Label(said, "it runs in a container")] if said is not None else []
    if host.pin == "lambda-container":
        message = f'`keep_warm` of the unit "{unit}" in a container on Lambda is not supported yet'
        helps = (f"write `execution_units.{unit}.type: lambda`, or `fargate`, which always runs, in klotho.yaml",)
        report.error("annotation-not-yet", message, annotation.span, also=also, helps=helps)
    else:
        message = f'the unit "{unit}" always runs: `keep_warm` changes nothing'
        report.warning("annotation-without-effect", message, annotation.span)
    return False
