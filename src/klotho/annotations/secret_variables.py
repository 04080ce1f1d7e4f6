"""`config` with `secret = true`: variables of the environment that are secrets, whatever language reads them.

A variable is one of the whole program: each unit that reads it by name is given it, wherever the annotation stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from klotho.annotations.findings import Resource
from klotho.annotations.model import Annotation, Source
from klotho.diagnostics import Label, Report

_OF_THE_PLATFORM = ("AWS_", "LAMBDA_", "KLOTHO_", "NODE_", "PYTHON")


class _Module(Protocol):
    @property
    def source(self) -> Source: ...

    @property
    def root(self) -> Any: ...


M = TypeVar("M", bound=_Module)


def secret_variables(
    annotated: Iterable[M],
    modules: Iterable[M],
    variables_of: Callable[[M, Any], set[str]],
    shims: tuple[str, ...],
    report: Report,
) -> Iterator[Resource]:
    """What a unit needs. `annotated`: modules of the code base with `config`; `modules`: those of the unit;
    `variables_of`: the variables that a part of a module reads."""
    declared = {variable: annotation for variable, annotation in _declared(annotated, variables_of, report)}
    if not declared:
        return
    read: set[str] = set()
    for module in modules:
        if any(name.encode() in module.source.text.content for name in declared):
            read |= variables_of(module, module.root)
    for variable, annotation in declared.items():
        if variable in read:
            yield Resource(annotation, "Secret", ("uses",), shims=shims, variables={variable: "value"})


def _declared(
    annotated: Iterable[M], variables_of: Callable[[M, Any], set[str]], report: Report
) -> Iterator[tuple[str, Annotation]]:
    seen: dict[str, Annotation] = {}
    for module in annotated:
        for annotation, target in module.source.of("config"):
            names = sorted(variables_of(module, target)) if target is not None else []
            problem = _problem(names, annotation)
            if problem is not None:
                report.error("annotation-not-yet", problem, annotation.span)
            first = seen.setdefault(names[0], annotation) if names else annotation
            if first is not annotation:
                message = f"`{names[0]}` is two secrets"
                also = [Label(first.span, "the first one")]
                helps = ("annotate one of the statements: the secret is there wherever the variable is read",)
                report.error("annotation-duplicate", message, annotation.span, also=also, helps=helps)
            elif names:
                yield names[0], annotation


def _problem(names: list[str], annotation: Annotation) -> str | None:
    if len(names) > 1:
        return f"{annotation.title} is one secret, and its statement reads {', '.join(f'`{name}`' for name in names)}"
    if names and (names[0].startswith(_OF_THE_PLATFORM) or names[0] == "PORT"):
        return f"`{names[0]}` is set by what runs the unit, and can't be a secret"
    return None
