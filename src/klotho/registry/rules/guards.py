"""Who may call a route of an API that several repositories attach to.

The owner's rules are for all routes of its API, whoever attaches them: each repository makes its own routes with the
rules as they are when it is deployed. Another repository's rules are for its own routes only, because nobody else's
stacks would carry them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from klotho.application import Relationship
from klotho.application.access import guarded_keys, problems
from klotho.registry.conflict import Conflict, Place, conflict, consenting, listed
from klotho.registry.joined import Joined
from klotho.registry.rules.shared_apis import Said, SharedApi, shared_apis, told_before

_Keys = frozenset[tuple[str, tuple[str, ...], str]]


def contradictions(joined: Joined) -> Iterator[Conflict]:
    """Two repositories that say different things about the same requests."""
    for api in shared_apis(joined):
        if not api.rules:
            continue
        for code, rule, other in problems(api.application):
            one, two = api.by_relationship[id(rule)], api.by_relationship.get(id(other))
            if two is None or one.member is two.member:
                continue  # within one application its own validation says it
            twice = code == "two-authenticators"
            yield conflict(
                "guard-conflict",
                f"`{one.route}` of {api.title} is {'guarded twice' if twice else 'public and guarded at once'}, by "
                f"{listed([one.member.name, two.member.name])}",
                [Place(item.member, item.relationship.span, _said(item)) for item in (one, two)],
                helps=[
                    "leave one of the rules out, or tell them apart by `methods=`"
                    if twice
                    else "leave out `public=True`, or the rule for exactly this route"
                ],
            )


def intrusions(joined: Joined) -> Iterator[Conflict]:
    """A rule of who does not own the API for routes that are not its own."""
    for api in shared_apis(joined):
        for rule in api.rules:
            if rule.member.name == api.node.application:
                continue
            taken = [item for item in api.attachments if item.member is not rule.member and _guards(api, rule, item)]
            if not taken:
                continue
            whose = listed(item.member.name for item in taken)
            yield conflict(
                "guard-of-others",
                f"`{rule.member.name}` guards {listed(item.route for item in taken)} of {api.title}, which {whose} "
                f"{'serves' if len({item.member.name for item in taken}) == 1 else 'serve'}",
                [
                    Place(rule.member, rule.relationship.span, _said(rule)),
                    *(Place(item.member, item.relationship.span, "which attaches it") for item in taken),
                ],
                notes=["each repository makes its own routes: the rule would not be there"],
                helps=[
                    "give it a `route=` that only this application serves",
                    f"or say it in `{api.node.application}`, for everybody",
                ],
                held=[rule.member.name],
            )


def loosened(joined: Joined) -> Iterator[Conflict]:
    """A change of the owner's rules that routes of others would not follow until they are deployed again."""
    local, before = joined.local, joined.before
    if local is None or before is None:
        return
    for api in shared_apis(joined):
        if api.node.application != local.name:
            continue
        old = SharedApi(api.node, api.construct, told_before(joined, api))
        if _told(old) == _told(api):
            continue
        theirs = [item for item in api.attachments if item.member is not local]
        differing = [item for item in theirs if _keys(old, item) != _keys(api, item)]
        if not differing:
            continue
        broken = sorted({item.member.name for item in differing})
        rules = [Place(local, item.relationship.span, _said(item)) for item in api.rules if item.member is local]
        yield conflict(
            "guard-in-use",
            f"other rules of {api.construct.title} would change who may call "
            f"{listed(item.route for item in differing)} of {listed(broken)} in project `{joined.project}`",
            [
                *(rules or [Place(local, api.construct.span)]),
                *(Place(item.member, item.relationship.span, f"which attaches `{item.route}`") for item in differing),
            ],
            notes=["these routes keep the rules of before until their own applications are deployed again"],
            helps=[
                "give the rule a `route=` that only this application serves",
                f"{consenting(joined, broken)}; then run `klotho up` there at once",
            ],
            held=[local.name, *broken],
            breaks=broken,
            construct=api.construct.id,
        )


def _guards(api: SharedApi, rule: Said, attachment: Said) -> bool:
    """Whether a rule is the one that decides for some request of an attachment."""
    keys = guarded_keys(api.around(attachment), attachment.relationship, preflights=False)
    return any(key.guard is rule.relationship for key in keys)


def _keys(api: SharedApi, attachment: Said) -> _Keys:
    """What an attachment serves, and by whose leave."""
    keys = guarded_keys(api.around(attachment), attachment.relationship, preflights=False)
    return frozenset((key.method, key.route.shape, _leave(key.guard)) for key in keys)


def _leave(guard: Relationship | None) -> str:
    return "" if guard is None else repr(_plain(guard))


def _told(api: SharedApi) -> list[tuple[str, Relationship]]:
    return [(item.member.name, _plain(item.relationship)) for item in api.rules]


def _plain(rule: Relationship) -> Relationship:
    """Without its place, which is not what it says."""
    return replace(rule, span=None, properties=dict(sorted(rule.properties.items())))


def _said(item: Said) -> str:
    verb = item.relationship.verb
    return f"which says `{verb}` of `{item.route}`"
