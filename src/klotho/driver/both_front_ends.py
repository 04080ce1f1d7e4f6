"""An infra.py that takes in the annotated code beside it (`klotho.Annotated()`): one application of both.

Input: what each of them says, and which of the code's constructs the program speaks of. Output: the application,
validated. Reports (`annotation-unknown-id`) what the code does not make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from klotho.application import Application, Construct, ConstructId, Directive, validate
from klotho.diagnostics import Label, Report, meant_or_listed

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
    directives = [
        replace(item, subject=_under(item.subject, known)) for item in program.directives if item.subject not in unknown
    ]
    _check_pins(directives, code, report)
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
        directives=(*code.directives, *directives),
    )
    if not report.errors:
        validate(application, report)
    return application


def _check_pins(directives: Iterable[Directive], code: Application, report: Report) -> None:
    """klotho.yaml says what a unit runs on; the program may give parameters of that, and can't say something else."""
    said = {item.subject: item for item in code.directives if item.action == "use"}
    for item in directives:
        other = said.get(item.subject)
        if item.action == "use" and other is not None and item.target != other.target:
            name = item.subject.partition("/")[2]
            message = f'"{name}" is made as `{other.target}` by klotho.yaml, and as `{item.target}` here'
            also = [Label(other.span, "by this line")] if other.span else []
            report.error("conflicting-arguments", message, item.span, also=also, helps=("leave out one of the two",))


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
