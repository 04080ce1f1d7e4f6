"""`AWS::Lambda::EventSourceMapping` on SQS queues and on the streams of DynamoDB tables.

Input: the resource's properties. Output: a poller of the queue events or table events plane; the id as `Ref`, `Id` and
`EventSourceMappingArn`. Refuses, as AWS does, a source or function that does not exist, a second mapping of the same
two; of queues a visibility timeout below the function's timeout, batches beyond 10 without a window or on a FIFO queue;
of streams a role that may not read it, a missing StartingPosition, a destination that is no standard queue; and the
properties of one kind of source for the other. Refused by name: other sources, and every property not in `carries`
(filters, parallelization, tumbling windows).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Record, Request
from klotho.localcloud.identity import arn, uuid_of
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.planes.queue_events.mapping import DEFAULT_BATCH
from klotho.localcloud.service import ApiError

if TYPE_CHECKING:
    from klotho.localcloud.planes.queue_events import QueueEvents
    from klotho.localcloud.planes.table_events import TableEvents

_FIFO_BATCH = 10
_UNWINDOWED_BATCH = 10
"""AWS: "When you set BatchSize to a value greater than 10, you must set MaximumBatchingWindowInSeconds to at least 1"
(Lambda API, CreateEventSourceMapping)."""


_OF_QUEUES = frozenset({"ScalingConfig"})
_OF_STREAMS = frozenset(
    {
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "StartingPosition",
    }
)


class EventSourceMapping(Handler):
    """Calls a function with the messages of a queue or the changes of a table; the identifier is a UUID."""

    type_name: ClassVar[str] = "AWS::Lambda::EventSourceMapping"
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "BatchSize", "BisectBatchOnFunctionError", "DestinationConfig", "Enabled", "EventSourceArn",
            "FunctionName", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds",
            "MaximumRetryAttempts", "ScalingConfig", "StartingPosition", "Tags",
        )
    )  # fmt: skip

    async def create(self, request: Request) -> Outcome:
        identifier = uuid_of(request.token, "event-source-mapping")
        self._check(request.properties, identifier)
        place = arn("lambda", f"event-source-mapping:{identifier}", self.cloud.region)
        outcome = Outcome(identifier, {"Id": identifier, "EventSourceMappingArn": place})
        self._plane(request.properties).put(_record(request, outcome))
        return outcome

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        self._check(request.properties, request.identifier)
        outcome = Outcome(request.identifier, dict(request.attributes))
        self._plane(request.properties).put(_record(request, outcome))
        return outcome

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            self._plane(request.properties).remove(request.identifier)

    async def resume(self, record: Record) -> None:
        plane = self._plane(record.properties)
        if plane.get(record.identifier) is None:
            plane.put(record)

    async def suspend(self, record: Record) -> None:
        self._plane(record.properties).suspend(record.identifier)

    def _plane(self, properties: Properties) -> QueueEvents | TableEvents:
        return self.cloud.table_events if _is_stream(properties) else self.cloud.queue_events

    def _check(self, properties: Properties, identifier: str) -> None:
        source = str(properties.get("EventSourceArn", ""))
        if not source.startswith("arn:aws:sqs:") and not _is_stream(properties):
            raise _invalid(
                f"EventSourceArn {source or '(none)'} is not supported by the local cloud yet; use SQS or DynamoDB"
            )
        wrong = sorted((_OF_QUEUES if _is_stream(properties) else _OF_STREAMS) & set(properties))
        if wrong:
            raise _invalid(f"Unsupported {wrong[0]} parameter for the given event source type: {source}")
        function = name_of(str(properties["FunctionName"]))
        try:
            spec = self.cloud.functions.get(function)
        except ApiError as error:
            raise HandlerError(error.message, "ResourceNotFoundException") from error
        if _is_stream(properties):
            self._check_stream(properties, source, spec.role_arn)
        else:
            self._check_queue(properties, source, spec.timeout_s)
        self._check_alone(source, function, identifier)

    def _check_queue(self, properties: Properties, source: str, timeout: int) -> None:
        queue = self.cloud.queues.catalog.find(source)
        if queue is None or queue.arn != source:
            raise _invalid(f"Error occurred while ReceiveMessage. SQS Error Code: NonExistentQueue. {source}")
        if queue.definition.visibility < timeout:
            raise _invalid(
                f"Queue visibility timeout: {queue.definition.visibility} seconds is less than Function timeout: "
                f"{timeout} seconds"
            )
        _check_batch(properties, queue.definition.fifo)

    def _check_stream(self, properties: Properties, source: str, role: str | None) -> None:
        if self.cloud.tables.catalog.find_stream(source) is None:
            raise _invalid(f"Stream not found: {source}")
        if properties.get("StartingPosition") not in ("LATEST", "TRIM_HORIZON"):
            raise _invalid("1 validation error detected: Value null at 'startingPosition': use TRIM_HORIZON or LATEST")
        needed = [(f"dynamodb:{action}", source) for action in ("DescribeStream", "GetRecords", "GetShardIterator")]
        if not all(self.cloud.table_events.may(role, *need) for need in (*needed, ("dynamodb:ListStreams", "*"))):
            raise _invalid(
                f"Cannot access stream {source}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                "DescribeStream, and ListStreams Actions on your stream in IAM."
            )
        target = ((properties.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        queue = None if target is None else self.cloud.queues.catalog.find(str(target))
        if target is not None and (queue is None or queue.arn != target or queue.definition.fifo):
            raise _invalid(f"DestinationConfig: {target} is no standard queue, the only destination that is carried")

    def _check_alone(self, source: str, function: str, identifier: str) -> None:
        for record in self.cloud.world.list(self.type_name):
            same = record.properties.get("EventSourceArn") == source
            if record.identifier != identifier and same and name_of(str(record.properties["FunctionName"])) == function:
                raise HandlerError(
                    f"The event source arn ({source}) and function ({function}) provided mapping already exists. "
                    f"Please update or delete the existing mapping with UUID {record.identifier}",
                    "ResourceConflictException",
                )


def _is_stream(properties: Properties) -> bool:
    return str(properties.get("EventSourceArn", "")).startswith("arn:aws:dynamodb:")


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
