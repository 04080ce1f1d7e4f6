"""Follows one operation on a stack by its events until the stack settles.

Input: clients, the stack's id, the operation's token. Output: each resource event to a callback, `Waiting` events, and
how it ended. Refuses what `Wait` refuses: to wait for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klotho.deploy.events import Sink, WaitedFor
from klotho.deploy.outcome import LeftBehind
from klotho.deploy.place import Clients, Pace, translated
from klotho.deploy.waiting import Wait

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

STACK_TYPE = "AWS::CloudFormation::Stack"
UNSEEN_LOOKS = 20
"""How often a stack that was just created may be unknown to the next call: CloudFormation is eventually consistent."""

_APPENDED = re.compile(r"\s+\((?:[^()]*, )?HandlerErrorCode: (?P<code>\w+)\)\s*$")
_QUOTED = re.compile(r'Resource handler returned message: "(?P<said>.*)"', re.DOTALL)
_ECHOES = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
"""The reasons CloudFormation gives resources it stopped because another one failed."""


@dataclass(frozen=True, slots=True)
class FirstFailure:
    logical_id: str
    type: str
    reason: str
    """In the words of whatever failed, without what CloudFormation appends."""
    code: str = ""
    """CloudFormation's HandlerErrorCode, for example `NotStabilized`; empty where it gives none."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How an operation ended."""

    status: str
    failure: FirstFailure | None
    """None when it ended well."""
    left: tuple[LeftBehind, ...] = ()
    """What an update that ended well could not delete: it is no part of the stack any more."""


ResourceEvent = Callable[[str, str, str, str], None]
"""Called with logical id, type, status and reason."""


class Following:
    """One operation."""

    def __init__(self, clients: Clients, pace: Pace, sink: Sink, stack_id: str, token: str, name: str) -> None:
        self._clients, self._pace = clients, pace
        self._stack_id, self._token = stack_id, token
        self._seen: set[str] = set()
        self._unseen = 0
        self._begun = pace.clock()
        self._wait = Wait(pace, sink, name)
        self._running: dict[str, tuple[str, str, float]] = {}
        """Resources something happens to: type, status, since when."""
        self._left: list[LeftBehind] = []

    def until_settled(self, on_event: ResourceEvent) -> Settled:
        first: FirstFailure | None = None
        while True:
            fresh = self._fresh_events()
            for event in fresh:
                first = first or _failure(event)
                status, reason = str(event.get("ResourceStatus", "")), event.get("ResourceStatusReason", "")
                if event.get("PhysicalResourceId") == self._stack_id and event.get("ResourceType") == STACK_TYPE:
                    if _final(status):
                        return Settled(status, _outcome(status, first, reason), tuple(self._left))
                else:
                    self._note(event, status)
                    said, _ = plain_reason(reason)
                    on_event(event.get("LogicalResourceId", ""), event.get("ResourceType", ""), status, said)
            if fresh:
                self._wait.news()
            self._wait.pause(self.waiting_on())

    def waiting_on(self) -> list[WaitedFor]:
        """What keeps the operation from ending, as far as events tell."""
        now = self._pace.clock()
        found = [WaitedFor(name, type_, status, now - at) for name, (type_, status, at) in self._running.items()]
        return found or [WaitedFor("", STACK_TYPE, "no resource is being worked on", now - self._begun)]

    def _note(self, event: Any, status: str) -> None:
        name, type_ = event.get("LogicalResourceId", ""), event.get("ResourceType", "")
        if status.endswith("_IN_PROGRESS"):
            self._running[name] = (type_, status, self._pace.clock())
            return
        self._running.pop(name, None)
        if status == "DELETE_FAILED":
            why, _ = plain_reason(event.get("ResourceStatusReason", ""))
            self._left.append(LeftBehind(name, type_, event.get("PhysicalResourceId", ""), why))

    def _fresh_events(self) -> list[StackEventTypeDef]:
        """This operation's events not seen before, oldest first. The service lists newest first, so reading stops
        at the first known one, or one of another operation: all events of an operation bear its token, and those of
        one that somebody began without a token bear none."""
        from botocore.exceptions import ClientError

        fresh: list[StackEventTypeDef] = []
        with translated("following a stack's events"):
            try:
                pages = self._clients.cloudformation.get_paginator("describe_stack_events")
                for page in pages.paginate(StackName=self._stack_id):
                    for event in page["StackEvents"]:
                        if event["EventId"] in self._seen or event.get("ClientRequestToken") != self._token:
                            return fresh[::-1]
                        fresh.append(event)
                        self._seen.add(event["EventId"])
            except ClientError as error:
                self._unseen += 1
                if "does not exist" not in str(error) or self._unseen > UNSEEN_LOOKS:
                    raise
        return fresh[::-1]


def _failure(event: Any) -> FirstFailure | None:
    """The event as a first failure, None when it is none or the echo of another resource's."""
    reason = event.get("ResourceStatusReason", "")
    if not str(event.get("ResourceStatus", "")).endswith("_FAILED") or reason.startswith(_ECHOES):
        return None
    if event.get("ResourceType") == STACK_TYPE:
        return None
    said, code = plain_reason(reason)
    return FirstFailure(event.get("LogicalResourceId", ""), event.get("ResourceType", ""), said, code)


def plain_reason(reason: str) -> tuple[str, str]:
    """What failed said, and the HandlerErrorCode that CloudFormation appends to it (empty if there is none).

    A container's last log line must not end with words that are not in its log.
    """
    found = _APPENDED.search(reason)
    if found is None:
        return reason, ""
    said = reason[: found.start()]
    quoted = _QUOTED.fullmatch(said)
    return (quoted["said"] if quoted else said), found["code"]


def _final(status: str) -> bool:
    return status.endswith(("_COMPLETE", "_FAILED"))


def _outcome(status: str, first: FirstFailure | None, reason: str) -> FirstFailure | None:
    """The failure behind a stack's final status."""
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE"):
        return None
    if status == "UPDATE_ROLLBACK_COMPLETE" and first is None and not reason:
        # ContinueUpdateRollback ends this way when it succeeds.
        return None
    return first or FirstFailure("", STACK_TYPE, reason or f"the stack ended in {status}")
