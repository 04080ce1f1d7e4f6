"""What must hold of an application before any cloud is thought of.

Input: an Application; output: diagnostics in the report. Refuses two constructs of one name and kind, names that are
no names, relationships and directives on what does not exist, routes that clash, outputs of constructs that do not
exist, and an empty program. Which outputs exist, and which relationships make sense, is checked by the engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from klotho.application.access import open_around, problems
from klotho.application.model import Application, Construct, ConstructId, Relationship
from klotho.application.routes import overlapping, parse_route
from klotho.application.values import references
from klotho.diagnostics import Label, Report, did_you_mean

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")
HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""A host name with at least one dot (RFC 1035, RFC 1123), in lower case: the name of a Domain."""
NAMES: Mapping[str, re.Pattern[str]] = {"Domain": HOST}
"""What a name must look like, by kind; every other kind has `NAME`."""


def validate(application: Application, report: Report) -> None:
    """Report every mistake of the model itself."""
    if not application.constructs:
        report.error(
            "empty-program",
            "this program describes no constructs",
            application.span,
            helps=['add one, for example `klotho.Compute.Container(name="web", context="./web")`'],
        )
    _names(application, report)
    _ends(application, report)
    _routes(application, report)
    _access(application, report)
    _open_around(application, report)
    _outputs(application, report)


def _names(application: Application, report: Report) -> None:
    first: dict[ConstructId, Construct] = {}
    for construct in application.constructs:
        if "name" in construct.unread:
            continue
        if not NAMES.get(construct.kind, NAME).fullmatch(construct.name):
            report.error(
                "bad-name",
                f"`{construct.name}` can't be the name of a {construct.kind}",
                construct.span,
                helps=["start it with a letter, and use letters, digits, `_`, `-` and `.`, at most 63 in all"],
            )
        earlier = first.setdefault(construct.id, construct)
        if earlier is not construct:
            report.error(
                "name-taken",
                f'there are two {construct.kind} named "{construct.name}"',
                construct.span,
                text="the second one",
                also=[Label(earlier.span, "the first one")] if earlier.span else [],
                helps=["give one of them another name"],
            )


def _ends(application: Application, report: Report) -> None:
    known = application.by_id
    for relationship in application.relationships:
        for end in (relationship.actor, relationship.target):
            if end not in known:
                report.error(
                    "unknown-construct",
                    f"`{end}` does not exist",
                    relationship.span,
                    helps=[did_you_mean(end, known)],
                )
    for directive in application.directives:
        if directive.subject not in known:
            report.error(
                "unknown-construct",
                f"`{directive.subject}` does not exist",
                directive.span,
                helps=[did_you_mean(directive.subject, known)],
            )


def _routes(application: Application, report: Report) -> None:
    """Two attachments that would serve the same request, per API."""
    seen: dict[tuple[ConstructId, tuple[str, ...]], list[Relationship]] = {}
    for relationship in application.relationships:
        if relationship.verb != "attach_service":
            continue
        route = parse_route(str(relationship.properties.get("route", "/")))
        if route.problem:
            report.error(
                "bad-route",
                f"`{relationship.properties['route']}` is no route: {route.problem}",
                relationship.span,
                helps=["write it like `/orders/{id}`"],
            )
            continue
        alike = seen.setdefault((relationship.actor, route.shape), [])
        for other in alike:
            if method := overlapping(relationship.properties, other.properties):
                _clash(application, relationship, other, method, report)
        alike.append(relationship)


def _clash(
    application: Application, relationship: Relationship, other: Relationship, method: str, report: Report
) -> None:
    api = application.by_id.get(relationship.actor)
    title = api.title if api else relationship.actor
    late, early = (
        f"`{method} {parse_route(str(item.properties.get('route', '/'))).text}`" for item in (relationship, other)
    )
    message = f"{late} is attached twice to {title}"
    if late != early:
        message = f"{late} and {early} are the same route of {title}: a parameter's name tells no requests apart"
    report.error(
        "route-clash",
        message,
        relationship.span,
        text="this route is taken",
        also=[Label(other.span, "by this one")] if other.span else [],
        helps=["give one of them another route, or tell them apart by `methods=`"],
    )


def _access(application: Application, report: Report) -> None:
    """Rules about who may call that contradict each other, or guard nothing."""
    for code, rule, other in problems(application):
        api = application.by_id.get(rule.actor)
        title, route = api.title if api else rule.actor, parse_route(str(rule.properties.get("route", "/"))).text
        also = [Label(other.span, "by this one")] if other and other.span else []
        if code == "two-authenticators":
            message, what = (
                f"`{route}` of {title} is guarded twice",
                "give one of them another route, or tell them apart by `methods=`",
            )
        elif code == "public-and-authenticated":
            message, what = (
                f"`{route}` of {title} is public and guarded at once",
                "leave out `public=True`, or this rule",
            )
        else:
            served = sorted(
                {
                    parse_route(str(item.properties.get("route", "/"))).text
                    for item in application.relationships_of(rule.actor)
                    if item.verb == "attach_service"
                }
            )
            message, what = (
                f"{title} serves nothing at `{route}`",
                did_you_mean(route, served) or "give a route that a service is attached to, or one below it",
            )
        report.error(code, message, rule.span, also=also, helps=[what])


def _open_around(application: Application, report: Report) -> None:
    """Guarded routes of a service that is open around them: paths are compared as they are written."""
    for rule, around in open_around(application):
        api = application.by_id.get(rule.actor)
        route = parse_route(str(rule.properties.get("route", "/"))).text
        report.warning(
            "guarded-below-open",
            f"other spellings of `{route}`, such as `/{route}`, reach {api.title if api else rule.actor} unguarded",
            rule.span,
            helps=[
                f"`{parse_route(str(around.properties.get('route', '/'))).text}` is open and leads to the same: "
                "guard the whole API, `authenticates_with(…)`, and attach what is open with `public=True`"
            ],
        )


def _outputs(application: Application, report: Report) -> None:
    known = application.by_id
    for construct in application.constructs:
        for reference in references(construct.properties):
            if reference.construct not in known:
                report.error(
                    "unknown-construct",
                    f"`{reference.construct}` does not exist, but {construct.title} uses its `{reference.output}`",
                    construct.span,
                    helps=[did_you_mean(reference.construct, known)],
                )
