"""What can't be said of constructs that another application of the project makes, and where to say it.

An owner decides what its constructs do: verbs of a foreign construct are said in its repository. What others do with it
is theirs to say, with two exceptions: who serves a route says so itself, and what is behind an API that vouches for its
callers is called through the API.
"""

from __future__ import annotations

from klotho.application.access import ATTACH, GUARD
from klotho.catalogue.foreign import ForeignConstruct
from klotho.catalogue.kinds.certificate_check import FILE
from klotho.catalogue.kinds.function import LAMBDA
from klotho.catalogue.rules import Link
from klotho.diagnostics import Report

FUNCTION, QUEUE = "Compute.Function", "Messaging.Queue"


def check_ends(link: Link, report: Report) -> None:
    """Report a relationship that the owner of one of its ends would have to make."""
    actor, target = link.setting.foreign(link.actor), link.setting.foreign(link.target)
    verb = link.relationship.verb
    if actor is not None:
        _check_actor(link, actor, target, report)
    elif target is None:
        return
    elif verb == ATTACH:
        _refuse(
            link,
            report,
            f"{link.target.title} is made by `{target.owner}`, so what it serves is said there",
            f'in `{target.owner}`: `API("{link.actor.label}", from_project=True)`, and attach it to that',
        )
    elif verb == "exposes" and link.target.kind == "Site":
        _refuse(
            link,
            report,
            f"{link.target.title} is made by `{target.owner}`, and its names are part of it",
            f'in `{target.owner}`: `Domain("{link.actor.label}", exposes={link.target.label})`',
        )
    elif verb == GUARD and link.target.kind == "Compute.Container":
        _refuse(
            link,
            report,
            f"{link.target.title} is made by `{target.owner}`, and its network lets in no function of another API",
            f"let a function decide, `authenticates_with(function)`, which calls {link.target.label}",
        )
    elif verb == "calls":
        _check_vouched(link, target, report)
    elif verb == "consumes" and link.actor.kind == FUNCTION:
        _check_visibility(link, target, report)


def _check_actor(link: Link, owner: ForeignConstruct, target: ForeignConstruct | None, report: Report) -> None:
    verb = link.relationship.verb
    if verb == ATTACH and target is None:
        return  # a route belongs to who serves it
    if verb == "exposes":
        said = [item for item in owner.application.relationships_of(owner.construct.id) if item.verb == verb]
        if said:
            _refuse(
                link,
                report,
                f"{link.actor.title} of `{owner.owner}` leads to {said[0].target} already",
                "attach services to the API it leads to, `API(…, from_project=True).attach_service(…)`, or give this "
                "one a name of its own",
            )
        elif FILE in owner.construct.properties:
            _refuse(
                link,
                report,
                f"the certificate of {link.actor.title} is a file of `{owner.owner}`",
                f"import it into ACM and give `certificate=` in `{owner.owner}`, or let one be made",
            )
        return
    _refuse(
        link,
        report,
        f"{link.actor.title} is made by `{owner.owner}`, so what it does is said there: `{verb}`",
        f"say it in `{owner.owner}` ({owner.where})" if owner.where else f"say it in `{owner.owner}`",
    )


def _refuse(link: Link, report: Report, message: str, help_text: str) -> None:
    report.error("said-by-owner", message, link.relationship.span, helps=[help_text])


def _check_vouched(link: Link, owner: ForeignConstruct, report: Report) -> None:
    """Its code believes what its API says of the caller (`vouching.py`), and has not been told of anybody else."""
    application, service = owner.application, owner.construct.id
    others = [item for item in application.relationships_on(service) if item.verb == "calls"]
    apis = [
        item.actor
        for item in application.relationships_on(service)
        if item.verb == ATTACH and any(rule.verb == GUARD for rule in application.relationships_of(item.actor))
    ]
    if apis and not others:
        _refuse(
            link,
            report,
            f"{link.target.title} trusts what its API says of the caller, and {link.actor.title} could say anything",
            f"call it through {apis[0]}, which `{owner.owner}` puts before it",
        )


def _check_visibility(link: Link, owner: ForeignConstruct, report: Report) -> None:
    """Lambda refuses a queue whose messages come back while a function may still work on them."""
    queue = owner.construct
    timeout = int(link.setting.parameter(link.actor, "timeout"))
    hidden = queue.properties.get("visibility") or max(
        [30, *(6 * _timeout(item.actor, owner) for item in owner.application.relationships_on(queue.id))]
    )
    if timeout > int(hidden):
        _refuse(
            link,
            report,
            f"{link.target.title} hides a message for {hidden} s, but {link.actor.title} may work on it for "
            f"{timeout} s",
            f"give it `visibility={6 * timeout}` in `{owner.owner}`, or the function a shorter `timeout`",
        )


def _timeout(actor: str, owner: ForeignConstruct) -> int:
    """Seconds; 0 for what is no function."""
    construct = next((item for item in owner.application.constructs if item.id == actor), None)
    if construct is None or construct.kind != FUNCTION:
        return 0
    return int(construct.properties.get("timeout") or LAMBDA.parameters["timeout"].default)
