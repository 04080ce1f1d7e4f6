"""An infra.py that takes in the annotated code beside it (`klotho.Annotated()`): one application of both.

Input: what each of them says, and which of the code's constructs the program speaks of. Output: the application,
validated. Reports (`annotation-unknown-id`) what the code does not make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from klotho.application import Application, Construct, ConstructId, validate
from klotho.diagnostics import Report, meant_or_listed

_HOSTINGS = ("Compute.Function", "Compute.Container")
"""What a unit can be: klotho.yaml decides, and the program need not know."""
_WORDS = {
    "Compute.Function": "execution unit",
    "API": "exposed API",
    "Databases.KeyValue": "persisted store",
    "Site": "static unit",
}


def joined(program: Application, code: Application, asked: Iterable[Construct], report: Report) -> Application:
    """The program's application with everything the code makes."""
    ids = {item.id: _found(item, code, report) for item in asked}
    known = {before: after for before, after in ids.items() if after is not None}
    unknown = {before for before, after in ids.items() if after is None}
    application = replace(
        program,
        constructs=(*code.constructs, *program.constructs),
        relationships=(
            *code.relationships,
            *(
                replace(item, actor=_under(item.actor, known), target=_under(item.target, known))
                for item in program.relationships
                if not {item.actor, item.target} & unknown
            ),
        ),
        requirements=tuple(
            replace(item, subject=_under(item.subject, known)) if item.subject else item
            for item in program.requirements
            if item.subject not in unknown
        ),
        directives=tuple(
            replace(item, subject=_under(item.subject, known))
            for item in program.directives
            if item.subject not in unknown
        ),
    )
    if not report.errors:
        validate(application, report)
    return application


def _under(name: ConstructId, known: Mapping[ConstructId, ConstructId]) -> ConstructId:
    return known.get(name, name)


def _found(asked: Construct, code: Application, report: Report) -> ConstructId | None:
    kinds = _HOSTINGS if asked.kind in _HOSTINGS else (asked.kind,)
    names = {item.name: item.id for item in code.constructs if item.kind in kinds}
    if asked.name not in names:
        report.error(
            "annotation-unknown-id",
            f'the annotated code has no {_WORDS[asked.kind]} "{asked.name}"',
            asked.span,
            helps=(meant_or_listed(asked.name, sorted(names), "there is") if names else "it makes none at all",),
        )
    return names.get(asked.name)
