"""Renamed constructs: what is deployed keeps its former name, so that a rename replaces nothing.

Input: an Application as the program says it. Output: the same with every construct that has `was` under its former
name, and everything that names it; `Construct.label` is what people and running code call it. So every id, stack and
physical name stays what it is, whatever the resource. Reports former names that another construct has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from klotho.application.model import Application, Construct, ConstructId, Json
from klotho.application.values import parse_text, token
from klotho.diagnostics import Label, Report, did_you_mean


def with_renames(
    application: Application, renames: Mapping[str, str], kinds: frozenset[str], report: Report
) -> Application:
    """The application with `was` set by hand: new names by former ones, as `--move` gives them, for these kinds.

    Reports (`move-unknown`) a new name that no construct has.
    """
    labels = {construct.name for construct in application.constructs if construct.kind in kinds}
    for old, new in renames.items():
        if new not in labels:
            report.error(
                "move-unknown",
                f"`--move {old}={new}`: the program has nothing with data named `{new}`",
                helps=(did_you_mean(new, labels), f"write the former name first: `--move {old}=NEW`"),
            )
    former = {new: old for old, new in renames.items()}
    constructs = tuple(
        replace(item, was=former[item.name]) if item.name in former and item.kind in kinds and not item.was else item
        for item in application.constructs
    )
    return replace(application, constructs=constructs)


def as_deployed(application: Application, report: Report) -> Application:
    """The application under the names it is deployed by."""
    renamed = {item.id: ConstructId(f"{item.kind}/{item.was}") for item in application.constructs if item.was}
    if not renamed:
        return application
    _check(application, renamed, report)
    if report.errors:
        return application
    return replace(
        application,
        constructs=tuple(_construct(item, renamed) for item in application.constructs),
        relationships=tuple(
            replace(
                item,
                actor=renamed.get(item.actor, item.actor),
                target=renamed.get(item.target, item.target),
                properties=_retold(item.properties, renamed),
            )
            for item in application.relationships
        ),
        requirements=tuple(
            replace(item, subject=renamed.get(item.subject, item.subject)) if item.subject else item
            for item in application.requirements
        ),
        directives=tuple(
            replace(
                item,
                subject=renamed.get(item.subject, item.subject),
                properties=_retold(item.properties, renamed),
            )
            for item in application.directives
        ),
    )


def _check(application: Application, renamed: Mapping[ConstructId, ConstructId], report: Report) -> None:
    holders: dict[ConstructId, Construct] = {item.id: item for item in application.constructs if item.id not in renamed}
    for item in application.constructs:
        former = renamed.get(item.id)
        if former is None:
            continue
        other = holders.setdefault(former, item)
        if other is not item:
            report.error(
                "former-name-taken",
                f"{item.title} was `{item.was}`, and {other.title} {'is' if other.name == item.was else 'was too'}",
                item.place("was"),
                also=[Label(other.span, "this one")] if other.span else [],
                notes=["what is deployed under that name can belong to one of them only"],
                helps=["give the new one another name, or leave out `was=`"],
            )


def _construct(item: Construct, renamed: Mapping[ConstructId, ConstructId]) -> Construct:
    properties = _retold(item.properties, renamed)
    if item.was is None:
        return item if properties == item.properties else replace(item, properties=properties)
    return replace(item, name=item.was, was=None, renamed_to=item.name, properties=properties)


def _retold(value: Json, renamed: Mapping[ConstructId, ConstructId]) -> Any:
    """The value, its output tokens naming constructs by their former names."""
    if isinstance(value, str):
        if "${klotho:" not in value:
            return value
        pieces = parse_text(value)
        return "".join(
            piece if isinstance(piece, str) else token(renamed.get(piece.construct, piece.construct), piece.output)
            for piece in pieces
        )
    if isinstance(value, Mapping):
        return {key: _retold(item, renamed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_retold(item, renamed) for item in value)
    return value
