"""`AWS::SQS::Queue`: a queue of the local cloud's SQS store.

Input: the resource's properties. Output: the queue, its URL as `Ref`, its `Arn`, `QueueName` and `QueueUrl`. Refuses,
as AWS does, a name that is taken, values outside AWS's ranges, a dead letter queue that does not exist, is of the other
type or does not allow this source. Refused by name (`carries`): keys of KMS, high-throughput FIFO settings.

Recorded without effect here: SqsManagedSseEnabled (the store lies in the user's own folder).
"""

from __future__ import annotations

from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Record, Request, own_tags
from klotho.localcloud.identity import physical_name
from klotho.localcloud.services.sqs.definition import FIFO_ENDING, SETTINGS, truth
from klotho.localcloud.services.sqs.errors import SqsError
from klotho.localcloud.services.sqs.queue import Queue

MAX_NAME = 80
"""Characters of a queue's name, with the ending `.fifo`."""


class SqsQueue(Handler):
    """Creates, changes and drops queues; the identifier is the URL."""

    type_name: ClassVar[str] = "AWS::SQS::Queue"
    carries: ClassVar[frozenset[str]] = SETTINGS | {"QueueName", "Tags"}

    async def create(self, request: Request) -> Outcome:
        try:
            queue = self.cloud.queues.catalog.create(
                _name(request), _settings(request.properties), _tags(request), owner=request.token
            )
        except SqsError as error:
            raise _failure(error) from error
        return self._outcome(queue)

    async def update(self, request: Request) -> Outcome:
        catalog = self.cloud.queues.catalog
        try:
            queue = catalog.queue(request.identifier or "")
            catalog.change(queue, _settings(request.properties), _tags(request))
        except SqsError as error:
            raise _failure(error) from error
        return self._outcome(queue)

    async def delete(self, request: Request) -> None:
        queue = self.cloud.queues.catalog.find(request.identifier or "")
        if queue is not None:
            self.cloud.queues.catalog.drop(queue)

    def live(self, record: Record) -> Properties | None:
        queue = self.cloud.queues.catalog.find(record.identifier)
        if queue is None:
            return None
        tags = own_tags(self.cloud.queues.catalog.tags(queue), record)
        return {**record.properties, **queue.definition.settings, "Tags": tags}

    def _outcome(self, queue: Queue) -> Outcome:
        url = self.cloud.queues.catalog.url(queue)
        return Outcome(url, {"Arn": queue.arn, "QueueName": queue.name, "QueueUrl": url})


def _name(request: Request) -> str:
    given = request.properties.get("QueueName")
    if given:
        return str(given)
    ending = FIFO_ENDING if truth(request.properties.get("FifoQueue", False)) else ""
    return physical_name(request.stack_name, request.logical_id, request.token, MAX_NAME - len(ending)) + ending


def _settings(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name in SETTINGS}


def _tags(request: Request) -> dict[str, str]:
    """The stack's tags under the resource's own."""
    own = {str(tag["Key"]): str(tag["Value"]) for tag in request.properties.get("Tags") or ()}
    return {**request.tags, **own}


def _failure(error: SqsError) -> HandlerError:
    return HandlerError(error.message, "AlreadyExists" if error.code == "QueueNameExists" else "InvalidRequest")
