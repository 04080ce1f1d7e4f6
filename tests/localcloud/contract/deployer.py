"""A deployer with a role, on the bench: its policy, what it was seen to use, and what it was denied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from klotho.catalogue.deployer import Target, policy_documents
from klotho.localcloud.cloudformation.acting import calling
from klotho.localcloud.handler import Record, Request
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.permissions.deployers import DeployerRights
from klotho.localcloud.permissions.handler_calls import Operation, handler_calls
from klotho.localcloud.permissions.roles import ROLE
from klotho.localcloud.service import Caller

from .bench import STACK, SUBJECT, Bench

ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/deployer"
_NAMED = re.compile(r"is not authorized to perform: ([\w-]+:\w+)")
Documents = Iterable[Mapping[str, Any]]


def printed(bodies: Iterable[str], region: str) -> tuple[dict[str, Any], ...]:
    """The policies for these templates of the bench's stack, as `klotho permissions` prints them."""
    target = Target(
        region, ACCOUNT, f"klotho-assets-{ACCOUNT}-{region}", STACK, f"klotho-projects-{ACCOUNT}-{region}", "contract"
    )
    return policy_documents([{STACK: orjson.loads(body)} for body in bodies], target).documents


def without(documents: Documents, action: str) -> list[dict[str, Any]]:
    """The policies with one action less."""
    return [
        {
            **document,
            "Statement": [
                {**statement, "Action": left}
                for statement in document["Statement"]
                if (left := [item for item in statement["Action"] if item != action])
            ],
        }
        for document in documents
    ]


@dataclass
class Deployer:
    """Works on a bench with the rights of a role."""

    at: Bench
    policies: tuple[dict[str, Any], ...]
    """All it should need."""
    used: dict[str, None] = field(default_factory=dict)
    """Actions that operations on the subject called, in order."""
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.with_all()

    def with_all(self) -> None:
        self._allow(self.policies)

    def without(self, action: str) -> int:
        """All but one action; gives the number of the last event so far."""
        self._allow(without(self.policies, action))
        return self._last_event()

    def newly_used(self) -> list[str]:
        """Those asked about since the last time this was asked, and never before."""
        found = [name for name in self.used if name not in self._told]
        self._told |= set(found)
        return found

    def _allow(self, documents: Documents) -> None:
        inline = [
            {"PolicyName": f"deployer-{number}", "PolicyDocument": document}
            for number, document in enumerate(documents)
            if document["Statement"]
        ]
        self.at.world.put(
            Record(ROLE, "deployer", {"Policies": inline}, {"Arn": ROLE_ARN}, "deployer", "", "other", "Deployer", {})
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """Operations begun meanwhile have the rights of the role."""
        rights, check = self.at.engine.rights, DeployerRights.check

        def watched(role_arn: str, user: str, operation: Operation, request: Request) -> None:
            if request.logical_id == SUBJECT:
                cloud = self.at.engine.cloud
                for need in handler_calls(operation, request, cloud.region, cloud.account):
                    self.used[need.action] = None
            check(rights, role_arn, user, operation, request)

        rights.check = watched  # type: ignore[method-assign]
        with calling(Caller("ASIA", "ci", ROLE_ARN, session=True)):
            yield

    def denied(self, since: int = 0) -> set[str]:
        """The actions that failed resources name in events after this one."""
        stack = self.at.engine.store.stacks()[0]
        events = self.at.engine.store.events(stack.stack_id, None, 1000)
        return {name for event in events if event.number > since for name in _NAMED.findall(event.reason or "")}

    def _last_event(self) -> int:
        stacks = self.at.engine.store.stacks()
        events = self.at.engine.store.events(stacks[0].stack_id, None, 1) if stacks else []
        return events[0].number if events else 0
