"""What roles, users and groups may do that they could not before, and who may take a role.

Input: two `Landscape`s. Output: `Consequence`s of the kind `permission`, one per identity and resource. Refuses
nothing. Compared per identity, wherever its policies are: moving a statement to another policy or stack is no widening.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.deploy.consequences.consequence import Consequence
from klotho.deploy.consequences.landscape import Item, Landscape
from klotho.deploy.consequences.statements import EVERYONE, Grant, grants, widened

_IDENTITIES = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
_POLICIES = tuple(
    f"AWS::IAM::{name}" for name in ("RolePolicy", "UserPolicy", "GroupPolicy", "Policy", "ManagedPolicy")
)
_LOGIN = "Custom::SqlRole"
_VERBS = {"read": "read from", "write": "write to"}
_HOLDERS = ("RoleName", "UserName", "GroupName", "Roles", "Users", "Groups")


@dataclass(slots=True)
class _Identity:
    """One role, user or group."""

    item: Item | None = None
    """None where it is none of the application's."""
    grants: list[tuple[Grant, Item]] = field(default_factory=list)
    """Each with the resource that holds it."""
    managed: set[str] = field(default_factory=set)
    """ARNs of attached policies that are none of the application's."""
    boundary: str | None = None
    trusts: list[Grant] = field(default_factory=list)


def widened_permissions(before: Landscape, after: Landscape) -> Iterator[Consequence]:
    was, will = _identities(before), _identities(after)
    for name, identity in will.items():
        old = was.get(name)
        yield from _granted(name, old, identity, after)
        if identity.item is not None:
            yield from _attached(identity.item, old, identity)
            yield from _trusting(identity.item, old, identity, after)


def widened_logins(before: Landscape, after: Landscape) -> Iterator[Consequence]:
    """Login roles of SQL databases: who may read or write more."""
    was = {item.logical_id: item for item in before.of(_LOGIN)}
    for item in after.of(_LOGIN):
        old = was.get(item.logical_id)
        more = _access(item) - (_access(old) if old else set())
        if more:
            database = after.referred(item.properties.get("Host"))
            verbs = " and ".join(_VERBS[access] for access in sorted(more))
            text = f"{item.name} may {verbs} {database.name if database else 'a database'}"
            yield _about(item, text, fresh=old is None)


def _access(item: Item) -> set[str]:
    return set(str(item.properties.get("Access", "")).split("_")) & _VERBS.keys()


def _identities(side: Landscape) -> dict[str, _Identity]:
    """By the text that names them: `${WorkRole}`."""
    found = {f"${{{item.logical_id}}}": _own(item, side) for item in side.of(*_IDENTITIES)}
    for item in side.of(*_POLICIES):
        for name in _holders(item.properties):
            held = found.setdefault(name, _Identity())
            held.grants += [(grant, item) for grant in grants(item.properties.get("PolicyDocument"))]
    return found


def _own(item: Item, side: Landscape) -> _Identity:
    """What the identity's own properties say."""
    properties = item.properties
    found = _Identity(item, boundary=_text(properties.get("PermissionsBoundary")))
    found.trusts = grants(properties.get("AssumeRolePolicyDocument"))
    documents = [(policy.get("PolicyDocument"), item) for policy in properties.get("Policies", ())]
    for arn in properties.get("ManagedPolicyArns", ()):
        policy = side.referred(arn)
        if policy is None:
            found.managed.add(str(arn))
        else:
            documents.append((policy.properties.get("PolicyDocument"), policy))
    found.grants = [(grant, holder) for document, holder in documents for grant in grants(document)]
    return found


def _holders(properties: Mapping[str, Any]) -> Iterator[str]:
    for key in _HOLDERS:
        value = properties.get(key, ())
        yield from (value,) if isinstance(value, str) else map(str, value)


def _granted(name: str, old: _Identity | None, new: _Identity, after: Landscape) -> Iterator[Consequence]:
    """Allowed now and not before, by resource; and what is not denied any more."""
    had = [grant for grant, _ in old.grants] if old else []
    has = [grant for grant, _ in new.grants]
    more: dict[str, dict[str, Item]] = {}
    for grant, holder in new.grants:
        for _, action, resource in widened(grant, had) if grant.allows else ():
            more.setdefault(resource, {}).setdefault(action, holder)
    who = new.item.name if new.item else name
    for resource, actions in sorted(more.items()):
        holder = next(iter(actions.values()))
        owner = new.item.construct if new.item else ""
        yield Consequence(
            "permission",
            f"{who} may {'use' if old is None else 'do more with'} {after.spoken(resource, owner)}",
            holder.stack,
            holder.logical_id,
            owner or holder.construct,
            tuple(sorted(actions)),
            fresh=old is None,
        )
    for grant in had:
        freed = widened(grant, has) if not grant.allows else []
        if freed and new.item is not None:
            actions_freed = tuple(sorted({action for _, action, _ in freed}))
            yield _about(new.item, f"{who} is not denied any more what a policy denied", actions_freed)


def _attached(item: Item, old: _Identity | None, new: _Identity) -> Iterator[Consequence]:
    added = sorted(new.managed - (old.managed if old else set()))
    if added:
        yield _about(item, f"{item.name} gets what more policies allow", tuple(added), fresh=old is None)
    if old is not None and old.boundary is not None and new.boundary != old.boundary:
        change = "is gone" if new.boundary is None else "is another one"
        yield _about(item, f"the permissions boundary of {item.name} {change}", (old.boundary,))


def _trusting(item: Item, old: _Identity | None, new: _Identity, after: Landscape) -> Iterator[Consequence]:
    had = old.trusts if old else []
    takers = {part[0] for grant in new.trusts if grant.allows for part in widened(grant, had)}
    for taker in sorted(takers):
        who = "everyone" if taker == EVERYONE else after.spoken(taker.partition(":")[2])
        text = f"{who} may take the role of {item.name}"
        if taker == EVERYONE:
            yield Consequence("public", text, item.stack, item.logical_id, item.construct)
        else:
            yield _about(item, text, ("sts:AssumeRole",), fresh=old is None)


def _about(item: Item, text: str, details: tuple[str, ...] = (), *, fresh: bool = False) -> Consequence:
    return Consequence("permission", text, item.stack, item.logical_id, item.construct, details, fresh)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
