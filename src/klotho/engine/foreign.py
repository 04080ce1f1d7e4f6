"""What a program says of constructs that are another application's, beside their names."""

from __future__ import annotations

from collections.abc import Mapping

from klotho.application import Application, Construct, ConstructId
from klotho.catalogue.foreign import ForeignConstruct
from klotho.diagnostics import Report, Span


def refuse_changes(application: Application, foreign: Mapping[ConstructId, ForeignConstruct], report: Report) -> None:
    """Report parameters, directives and requirements: what a construct is made of is said where it is made."""
    theirs = {item.id: item for item in application.constructs if item.from_project}
    for construct in theirs.values():
        for name in construct.properties:
            _refuse(construct, foreign, report, f"`{name}`", construct.place(name))
    for directive in application.directives:
        if directive.subject in theirs:
            _refuse(theirs[directive.subject], foreign, report, f"`{directive.action}`", directive.span)
    for requirement in application.requirements:
        if requirement.subject in theirs:
            _refuse(theirs[requirement.subject], foreign, report, f"`{requirement.name}`", requirement.span)


def _refuse(
    construct: Construct,
    foreign: Mapping[ConstructId, ForeignConstruct],
    report: Report,
    what: str,
    span: Span | None,
) -> None:
    owner = foreign.get(construct.id)
    whose = f"`{owner.owner}`" if owner else "another repository"
    report.error(
        "said-by-owner",
        f"{construct.title} is made by {whose}, so {what} is said there",
        span,
        helps=[f"leave it out here, and say it in {whose}"],
    )
