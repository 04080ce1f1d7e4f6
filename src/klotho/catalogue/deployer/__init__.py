"""The policy a deployer needs for an application: nothing else, and on nothing else, as far as AWS lets that be said.

Input: the templates of its stacks and where they are deployed. Output: `Policies`. Pure: the same templates give the
same bytes. What the handlers of the resource types need comes from AWS's schemas, filtered by the properties the
templates set (`needs`); on which resources, from `tables/deployer.toml` (`scopes`); the deployer's own calls too.

It covers what the templates say. Who removes a property or a resource needs the policy of the templates before, too:
keep the old policy until the update is done, or hand in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from klotho.catalogue.deployer.documents import MAX_CHARACTERS, Grant, documents, size
from klotho.catalogue.deployer.needs import entry_of, needed_actions
from klotho.catalogue.deployer.scopes import Names, Target, scopes
from klotho.catalogue.facts.actions import iam_action
from klotho.catalogue.retention import PLACEHOLDER, RETENTION
from klotho.catalogue.tables import table

__all__ = ["MAX_CHARACTERS", "Policies", "Target", "policy_documents", "size"]

Templates = Mapping[str, Mapping[str, Any]]
"""Parsed templates by CloudFormation's name of the stack."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What to attach to the deployer's role or user."""

    documents: tuple[dict[str, Any], ...]
    """Each fits into one managed policy."""
    actions: tuple[str, ...]
    """All that is allowed, sorted."""
    unscoped: tuple[str, ...]
    """Those that AWS allows on `*` only."""
    left_out: tuple[str, ...]
    """What a schema names and AWS's reference does not have, so that no policy can name it."""
    types: tuple[str, ...]
    """The resource types of the templates."""


def policy_documents(
    templates: Templates | Iterable[Templates],
    target: Target,
    *,
    steps: Iterable[str] = (),
    images: bool = False,
    others: Mapping[str, str] | None = None,
) -> Policies:
    """The policies to deploy, update and delete these templates.

    `templates` may be several sets, such as those deployed and those to come. `steps`: the names of the deployer's
    steps in the manifest; `images`: whether there are images to push; `others`: what the stacks of other applications
    begin with, by the parameter that has a value of theirs. KeyError for a resource type that no vendored
    schema describes.
    """
    found = _resources([templates] if isinstance(templates, Mapping) else list(templates))
    types = sorted({type_name for type_name, _ in found})
    if RETENTION.keys() & set(types):  # it may be moved, by a command that does not know of it today
        found.append((str(PLACEHOLDER["Type"]), PLACEHOLDER))
    names = Names(found)
    grants: set[Grant] = set(_calls(set(types), target, names, frozenset(steps), images))
    left_out: set[str] = set()
    for type_name, resource in found:
        known, unknown = needed_actions(type_name, resource)
        left_out |= unknown
        owner = _owner(type_name, resource, others or {})
        place, given = (target, names) if owner is None else (replace(target, prefix=owner), Names([]))
        grants.update(_grant(type_name, resource, name, place, given) for name in known)
    return Policies(
        documents=documents(grants),
        actions=tuple(sorted({grant.action for grant in grants})),
        unscoped=tuple(sorted({grant.action for grant in grants if "*" in grant.resources})),
        left_out=tuple(sorted(left_out)),
        types=tuple(types),
    )


def _resources(groups: list[Templates]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (str(resource["Type"]), resource)
        for templates in groups
        for template in templates.values()
        for resource in template.get("Resources", {}).values()
    ]


def _owner(type_name: str, resource: Mapping[str, Any], others: Mapping[str, str]) -> str | None:
    """Whose resource it changes, where that is none of the application's own."""
    named = ((resource.get("Properties") or {}).get(name) for name in entry_of(type_name).get("acts_on", ()))
    references = (str(item.get("Ref")) for item in named if isinstance(item, Mapping))
    return next((others[item] for item in references if item in others), None)


def _grant(type_name: str, resource: Mapping[str, Any], name: str, target: Target, names: Names) -> Grant:
    entry = entry_of(type_name)
    if name == "iam:PassRole":
        roles = frozenset(names.arns("arn:aws:iam::{account}:role/{name}", target))
        return Grant(name, roles, ("StringEquals", "iam:PassedToService", (entry["passes"]["to"],)))
    if name == "iam:CreateServiceLinkedRole":
        service = entry["linked"].format_map(resource.get("Properties") or {})
        roles = frozenset({f"arn:aws:iam::{target.account}:role/aws-service-role/{service}/AWSServiceRoleFor*"})
        return Grant(name, roles, ("StringEquals", "iam:AWSServiceName", (service,)))
    action = iam_action(name)
    assert action is not None, name
    return Grant(name, frozenset(scopes(type_name, resource, action, target, names)))


def _calls(types: set[str], target: Target, names: Names, steps: frozenset[str], images: bool) -> Iterator[Grant]:
    for entry in table("deployer")["calls"]:
        if "types" in entry and not types & set(entry["types"]):
            continue
        if "steps" in entry and not steps & set(entry["steps"]):
            continue
        if entry.get("images", False) and not images:
            continue
        if entry.get("moves", False) and not types & RETENTION.keys():
            continue
        resources = frozenset(arn for pattern in entry["resources"] for arn in names.arns(pattern, target))
        for name in entry["actions"]:
            yield Grant(name, resources)
