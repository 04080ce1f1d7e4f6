"""Finds out of something that is there already what nobody told, as it is when it is deployed.

Input: a resource type and identifier as Cloud Control has them, and which fact each property is. Output: the property's
value as text. It only reads. Refuses, as `existing-missing`, a resource that is not there (or not in this account),
and, as `existing-untold`, a property it has not: both say what to write. Source: Cloud Control API Reference,
GetResource; the properties are those of the type's schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.deploy.steps.step import Task
from klotho.diagnostics import ExitCode, Failure

_MISSING = ("ResourceNotFoundException", "InvalidRequestException")


class LookUpExisting:
    """The step `adopted`; its parts are paths such as `Endpoint.Address` or `VPCSecurityGroups.0`."""

    early = True

    def known(self, task: Task, part: str) -> str | None:
        properties = _properties(task)
        return None if properties is None else _at(properties, part)

    def value(self, task: Task, part: str) -> str:
        properties = _properties(task)
        if properties is None:
            raise _not_there(task)
        found = _at(properties, part)
        if found is None:
            raise _has_none(task, part)
        return found

    def sweep(self, clients: Clients, tags: Mapping[str, str], kept: frozenset[str]) -> None:
        """Looking something up leaves nothing behind."""


def _properties(task: Task) -> Any:
    """What there is to know of it; None when it is not there."""
    from botocore.exceptions import ClientError

    clients = task.clients.in_region(str(task.properties.get("region", task.clients.place.region)))
    type_name, identifier = str(task.properties["type"]), str(task.properties["identifier"])
    with translated(f"looking for {task.properties['id']}"):
        try:
            found = clients.resources.get_resource(TypeName=type_name, Identifier=identifier)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
    return json.loads(found["ResourceDescription"]["Properties"])


def _at(value: Any, path: str) -> str | None:
    """The value at a path of names and places in lists; None where there is none."""
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if part.isdecimal() and int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return None if value in (None, "") or isinstance(value, list | Mapping) else str(value)


def _not_there(task: Task) -> Failure:
    given, place = task.properties["id"], task.clients.place
    return Failure(
        "existing-missing",
        f"there is no {task.properties['type']} `{given}`, which {_named(task)} says is there already",
        at=task.span,
        notes=(f"looked for in the account {place.account}, region {task.properties.get('region', place.region)}",),
        helps=(
            "check the id, the account and the region",
            "or say what is needed of it, so that it is not looked up: "
            f'`existing=Existing("{given}", {", ".join(f"{name}=…" for name in _facts(task).values())})`',
        ),
        exit_code=ExitCode.NOT_FOUND,
    )


def _has_none(task: Task, part: str) -> Failure:
    given, fact = task.properties["id"], _facts(task).get(part, "")
    return Failure(
        "existing-untold",
        f"the {task.properties['type']} `{given}` has no {part}, which {_named(task)} needs",
        at=task.span,
        helps=(f'say what to use: `existing=Existing("{given}", {fact}=…)`',),
        exit_code=ExitCode.RESOURCE_FAILED,
    )


def _facts(task: Task) -> Mapping[str, str]:
    facts: Mapping[str, str] = task.properties["facts"]
    return facts


def _named(task: Task) -> str:
    kind, _, name = task.construct.partition("/")
    return f'{kind} "{name}"'
