"""`AWS::Lambda::EventSourceMapping` on SQS queues.

Input: the resource's properties. Output: a poller of the queue events plane; the id as `Ref`, `Id` and
`EventSourceMappingArn`. Refuses, as AWS does, a queue or function that does not exist, a second mapping of the same
two, a visibility timeout below the function's timeout, batches beyond 10 without a window or on a FIFO queue. Refused
by name: other sources than SQS, and every property not in `carries` (filters, destinations, stream settings).
"""

from __future__ import annotations

from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Record, Request
from klotho.localcloud.identity import arn, uuid_of
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.planes.queue_events.mapping import DEFAULT_BATCH
from klotho.localcloud.service import ApiError

_FIFO_BATCH = 10
_UNWINDOWED_BATCH = 10
"""AWS: "When you set BatchSize to a value greater than 10, you must set MaximumBatchingWindowInSeconds to at least 1"
(Lambda API, CreateEventSourceMapping)."""


class EventSourceMapping(Handler):
    """Calls a function with the messages of a queue; the identifier is a UUID."""

    type_name: ClassVar[str] = "AWS::Lambda::EventSourceMapping"
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "BatchSize", "Enabled", "EventSourceArn", "FunctionName", "FunctionResponseTypes",
            "MaximumBatchingWindowInSeconds", "ScalingConfig", "Tags",
        )
    )  # fmt: skip

    async def create(self, request: Request) -> Outcome:
        identifier = uuid_of(request.token, "event-source-mapping")
        self._check(request.properties, identifier)
        place = arn("lambda", f"event-source-mapping:{identifier}", self.cloud.region)
        outcome = Outcome(identifier, {"Id": identifier, "EventSourceMappingArn": place})
        self.cloud.queue_events.put(_record(request, outcome))
        return outcome

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        self._check(request.properties, request.identifier)
        outcome = Outcome(request.identifier, dict(request.attributes))
        self.cloud.queue_events.put(_record(request, outcome))
        return outcome

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            self.cloud.queue_events.remove(request.identifier)

    async def resume(self, record: Record) -> None:
        if self.cloud.queue_events.get(record.identifier) is None:
            self.cloud.queue_events.put(record)

    async def suspend(self, record: Record) -> None:
        self.cloud.queue_events.remove(record.identifier)

    def _check(self, properties: Properties, identifier: str) -> None:
        source = str(properties.get("EventSourceArn", ""))
        if not source.startswith("arn:aws:sqs:"):
            raise _invalid(f"EventSourceArn {source or '(none)'} is not supported by the local cloud yet; use SQS")
        queue = self.cloud.queues.catalog.find(source)
        if queue is None or queue.arn != source:
            raise _invalid(f"Error occurred while ReceiveMessage. SQS Error Code: NonExistentQueue. {source}")
        function = name_of(str(properties["FunctionName"]))
        try:
            timeout = self.cloud.functions.get(function).timeout_s
        except ApiError as error:
            raise HandlerError(error.message, "ResourceNotFoundException") from error
        if queue.definition.visibility < timeout:
            raise _invalid(
                f"Queue visibility timeout: {queue.definition.visibility} seconds is less than Function timeout: "
                f"{timeout} seconds"
            )
        _check_batch(properties, queue.definition.fifo)
        self._check_alone(source, function, identifier)

    def _check_alone(self, source: str, function: str, identifier: str) -> None:
        for record in self.cloud.world.list(self.type_name):
            same = record.properties.get("EventSourceArn") == source
            if record.identifier != identifier and same and name_of(str(record.properties["FunctionName"])) == function:
                raise HandlerError(
                    f"The event source arn ({source}) and function ({function}) provided mapping already exists. "
                    f"Please update or delete the existing mapping with UUID {record.identifier}",
                    "ResourceConflictException",
                )


def _check_batch(properties: Properties, fifo: bool) -> None:
    batch = int(properties.get("BatchSize", DEFAULT_BATCH))
    window = int(properties.get("MaximumBatchingWindowInSeconds", 0))
    if fifo and batch > _FIFO_BATCH:
        raise _invalid(f"Batch size must be between 1 and {_FIFO_BATCH} for a FIFO queue.")
    if fifo and window:
        raise _invalid("Batching window is not supported for FIFO queues.")
    if batch > _UNWINDOWED_BATCH and not window:
        raise _invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    most: Any = (properties.get("ScalingConfig") or {}).get("MaximumConcurrency")
    if most is not None and not 2 <= int(most) <= 1000:
        raise _invalid(f"MaximumConcurrency {most} must be between 2 and 1000")


def _record(request: Request, outcome: Outcome) -> Record:
    return Record(
        type_name=request.type_name,
        identifier=outcome.identifier,
        properties=request.properties,
        attributes=outcome.attributes,
        token=request.token,
        stack_id=request.stack_id,
        stack_name=request.stack_name,
        logical_id=request.logical_id,
        tags=request.tags,
    )


def _invalid(message: str) -> HandlerError:
    return HandlerError(message, "InvalidParameterValueException")
