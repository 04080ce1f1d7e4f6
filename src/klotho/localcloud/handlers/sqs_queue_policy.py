"""`AWS::SQS::QueueInlinePolicy` and `AWS::SQS::QueuePolicy`: who may do what to a queue.

Input: the resource's properties. Output: nothing but the record, which `permissions/resource_policies.py` evaluates.
Refuses, as AWS does, a queue that does not exist, a document that is no policy of a queue, and a second policy of a
queue: SQS keeps one, and the later one would silently replace the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request
from klotho.localcloud.identity import uuid_of
from klotho.localcloud.permissions.policy import PolicyError
from klotho.localcloud.permissions.resource_policies import INLINE, POLICY, check_document


class _QueuePolicies(Handler):
    """What both have in common."""

    def _check(self, request: Request, queues: Sequence[str]) -> None:
        for url in queues:
            if self.cloud.queues.catalog.find(url) is None:
                raise HandlerError("The specified queue does not exist.", "NotFound")
            self._check_alone(request, url)
        try:
            check_document(request.logical_id, request.properties.get("PolicyDocument"))
        except PolicyError as error:
            message = f"Invalid value for the parameter Policy (PolicyDocument): {error}"
            raise HandlerError(message, "InvalidRequest") from error

    def _check_alone(self, request: Request, url: str) -> None:
        others = [record for record in self.cloud.world.list(INLINE) if record.properties.get("Queue") == url]
        others += [record for record in self.cloud.world.list(POLICY) if url in (record.properties.get("Queues") or ())]
        for record in others:
            if record.token != request.token and (record.type_name, record.identifier) != (
                self.type_name,
                request.identifier,
            ):
                raise HandlerError(
                    f"{url} has a policy already: {record.logical_id} of {record.stack_name}", "AlreadyExists"
                )

    async def delete(self, request: Request) -> None:
        """The record is all there is; the engine removes it."""


class SqsQueueInlinePolicy(_QueuePolicies):
    """The identifier is the queue's URL."""

    type_name: ClassVar[str] = INLINE
    carries: ClassVar[frozenset[str]] = frozenset({"PolicyDocument", "Queue"})

    async def create(self, request: Request) -> Outcome:
        url = str(request.properties.get("Queue", ""))
        self._check(request, [url])
        return Outcome(url)

    async def update(self, request: Request) -> Outcome:
        self._check(request, [request.identifier or ""])
        return Outcome(request.identifier or "")


class SqsQueuePolicy(_QueuePolicies):
    """The identifier is made up."""

    type_name: ClassVar[str] = POLICY
    carries: ClassVar[frozenset[str]] = frozenset({"PolicyDocument", "Queues"})

    async def create(self, request: Request) -> Outcome:
        self._check(request, [str(url) for url in request.properties.get("Queues") or ()])
        identifier = uuid_of(request.token, "queue-policy")
        return Outcome(identifier, {"Id": identifier})

    async def update(self, request: Request) -> Outcome:
        self._check(request, [str(url) for url in request.properties.get("Queues") or ()])
        return Outcome(request.identifier or "", dict(request.attributes))
