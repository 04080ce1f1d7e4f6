"""What the calls of the SQS API do, except ReceiveMessage, which waits (`service`).

Input: the catalog, a request, who asks. Output: AWS's answer. Refuses parameters it does not know by name, and batches
that AWS would refuse, in AWS's words. Source: the Amazon SQS API reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from klotho.localcloud.services.sqs.catalog import Catalog
from klotho.localcloud.services.sqs.drafts import PARAMETERS, Draft, attributes_digest, body_digest, draft
from klotho.localcloud.services.sqs.errors import SqsError, invalid, missing, no_queue, unsupported
from klotho.localcloud.services.sqs.queue import Queue, Received, Stored

Request = Mapping[str, Any]
Answer = dict[str, Any]
Operation = Callable[[Catalog, Request, str], Answer]

MAX_ENTRIES = 10
MAX_BATCH_BYTES = 1048576
"""SQS quotas: "The total payload size for a batch … 1 MiB"."""
MAX_VISIBILITY_S = 43200
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PAGE = 1000


def queue_of(catalog: Catalog, request: Request) -> Queue:
    """The queue the request names."""
    url = request.get("QueueUrl")
    if not isinstance(url, str) or not url:
        raise missing("QueueUrl")
    return catalog.queue(url)


def admit(request: Request, *allowed: str) -> None:
    """Refuse the first parameter an operation does not take here."""
    for name in sorted(request):
        if name not in allowed:
            raise unsupported(f"The parameter {name}")


def whole(request: Request, name: str, low: int, high: int) -> int | None:
    """A whole number in a range; None when it is absent."""
    value = request.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise invalid(
            f"Value {value} for parameter {name} is invalid. Reason: Must be between {low} and {high}, if provided."
        )
    return value


def get_queue_url(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueName", "QueueOwnerAWSAccountId")
    name = request.get("QueueName")
    if not isinstance(name, str) or request.get("QueueOwnerAWSAccountId", catalog.account) != catalog.account:
        raise no_queue()
    return {"QueueUrl": catalog.url(catalog.queue(name))}


def list_queues(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueNamePrefix", "MaxResults", "NextToken")
    prefix, after = str(request.get("QueueNamePrefix", "")), str(request.get("NextToken", ""))
    limit = whole(request, "MaxResults", 1, _PAGE)
    names = [name for name in catalog.names() if name.startswith(prefix) and name > after]
    answer: Answer = {"QueueUrls": [catalog.url(catalog.queue(name)) for name in names[: limit or _PAGE]]}
    if limit is not None and len(names) > limit:
        answer["NextToken"] = names[limit - 1]
    return answer


def list_dead_letter_source_queues(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl")
    return {"queueUrls": [catalog.url(item) for item in catalog.sources(queue_of(catalog, request))]}


def get_queue_attributes(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "AttributeNames")
    queue = queue_of(catalog, request)
    wanted = [str(name) for name in request.get("AttributeNames") or ()]
    created, modified = catalog.times(queue)
    everything = {
        **queue.definition.attributes(),
        **queue.counts(),
        "QueueArn": queue.arn,
        "CreatedTimestamp": str(int(created)),
        "LastModifiedTimestamp": str(int(modified)),
    }
    known = {*everything, "All", "Policy", "RedrivePolicy", "RedriveAllowPolicy", "FifoQueue"}
    known |= {"ContentBasedDeduplication", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"}
    for name in wanted:
        if name not in known:
            raise SqsError("InvalidAttributeName", f"Unknown Attribute {name}.")
    shown = {name: value for name, value in everything.items() if "All" in wanted or name in wanted}
    return {"Attributes": shown} if shown else {}


def purge_queue(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl")
    catalog.purge(queue_of(catalog, request))
    return {}


def list_queue_tags(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl")
    tags = catalog.tags(queue_of(catalog, request))
    return {"Tags": tags} if tags else {}


def tag_queue(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "Tags")
    queue, tags = queue_of(catalog, request), request.get("Tags")
    if not isinstance(tags, Mapping) or not tags:
        raise missing("Tags")
    catalog.set_tags(queue, {**catalog.tags(queue), **{str(key): str(value) for key, value in tags.items()}})
    return {}


def untag_queue(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "TagKeys")
    queue, keys = queue_of(catalog, request), request.get("TagKeys") or ()
    catalog.set_tags(queue, {key: value for key, value in catalog.tags(queue).items() if key not in keys})
    return {}


def send_message(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "MessageSystemAttributes", *PARAMETERS)
    queue = queue_of(catalog, request)
    item = draft(request, queue.definition)
    (stored,) = queue.send([item], sender)
    return _sent(item, stored)


def send_message_batch(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "Entries")
    queue = queue_of(catalog, request)
    good: list[tuple[str, Draft]] = []
    failed: list[Answer] = []
    entries = _entries(request)
    for entry in entries:
        try:
            admit(entry, "Id", "MessageSystemAttributes", *PARAMETERS)
            good.append((entry["Id"], draft(entry, queue.definition)))
        except SqsError as error:
            failed.append(_failed(entry["Id"], error))
    size = sum(item.size for _, item in good)
    if size > MAX_BATCH_BYTES:
        message = f"Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. You have sent {size} bytes."
        raise SqsError("BatchRequestTooLong", message)
    stored = queue.send([item for _, item in good], sender)
    sent = [{"Id": name, **_sent(item, result)} for (name, item), result in zip(good, stored, strict=True)]
    return _settled(sent, failed)


def delete_message(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "ReceiptHandle")
    _raise_first(queue_of(catalog, request).delete([_handle(request)]))
    return {}


def delete_message_batch(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "Entries")
    queue, entries = queue_of(catalog, request), _entries(request)
    return _results(entries, queue.delete([_handle(entry) for entry in entries]))


def change_message_visibility(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "ReceiptHandle", "VisibilityTimeout")
    _raise_first(queue_of(catalog, request).change_visibility([(_handle(request), _visibility(request))]))
    return {}


def change_message_visibility_batch(catalog: Catalog, request: Request, sender: str) -> Answer:
    admit(request, "QueueUrl", "Entries")
    queue, entries = queue_of(catalog, request), _entries(request)
    changes = [(_handle(entry), _visibility(entry)) for entry in entries]
    return _results(entries, queue.change_visibility(changes))


def shown_message(item: Received, attributes: frozenset[str], names: list[str]) -> Answer:
    """A message as ReceiveMessage answers it, with the system attributes and message attributes asked for."""
    answer: Answer = {
        "MessageId": item.message_id,
        "ReceiptHandle": item.receipt,
        "MD5OfBody": body_digest(item.body),
        "Body": item.body,
    }
    system = {name: value for name, value in item.system.items() if "All" in attributes or name in attributes}
    if system:
        answer["Attributes"] = system
    own = {name: value for name, value in item.attributes.items() if _asked(name, names)}
    if own:
        answer |= {"MessageAttributes": own, "MD5OfMessageAttributes": attributes_digest(own)}
    return answer


def _asked(name: str, names: list[str]) -> bool:
    """By name, by `prefix.*`, or all of them."""
    return any(
        wanted in ("All", ".*", name) or (wanted.endswith(".*") and name.startswith(wanted[:-1])) for wanted in names
    )


def _sent(item: Draft, stored: Stored) -> Answer:
    answer: Answer = {"MessageId": stored.message_id, "MD5OfMessageBody": body_digest(item.body)}
    if item.attributes:
        answer["MD5OfMessageAttributes"] = attributes_digest(item.attributes)
    if stored.sequence is not None:
        answer["SequenceNumber"] = stored.sequence
    return answer


def _entries(request: Request) -> list[Request]:
    entries = request.get("Entries")
    if not isinstance(entries, list) or not entries:
        raise SqsError("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > MAX_ENTRIES:
        message = f"Maximum number of entries per request are {MAX_ENTRIES}. You have sent {len(entries)}."
        raise SqsError("TooManyEntriesInBatchRequest", message)
    names = [entry.get("Id") if isinstance(entry, Mapping) else None for entry in entries]
    for name in names:
        if not isinstance(name, str) or not _ENTRY_ID.fullmatch(name):
            raise SqsError(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at "
                "most 80 letters long.",
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SqsError("BatchEntryIdsNotDistinct", f"Id {twice} repeated.")
    return entries


def _handle(request: Request) -> str:
    handle = request.get("ReceiptHandle")
    if not isinstance(handle, str) or not handle:
        raise missing("ReceiptHandle")
    return handle


def _visibility(request: Request) -> int:
    seconds = whole(request, "VisibilityTimeout", 0, MAX_VISIBILITY_S)
    if seconds is None:
        raise missing("VisibilityTimeout")
    return seconds


def _raise_first(results: list[SqsError | None]) -> None:
    if results[0] is not None:
        raise results[0]


def _results(entries: list[Request], results: list[SqsError | None]) -> Answer:
    done = [{"Id": entry["Id"]} for entry, error in zip(entries, results, strict=True) if error is None]
    failed = [_failed(entry["Id"], error) for entry, error in zip(entries, results, strict=True) if error]
    return _settled(done, failed)


def _settled(done: list[Answer], failed: list[Answer]) -> Answer:
    return {"Successful": done, **({"Failed": failed} if failed else {})}


def _failed(name: str, error: SqsError) -> Answer:
    return {"Id": name, "SenderFault": True, "Code": error.query_code, "Message": error.message}


OPERATIONS: Mapping[str, Operation] = {
    "ChangeMessageVisibility": change_message_visibility,
    "ChangeMessageVisibilityBatch": change_message_visibility_batch,
    "DeleteMessage": delete_message,
    "DeleteMessageBatch": delete_message_batch,
    "GetQueueAttributes": get_queue_attributes,
    "GetQueueUrl": get_queue_url,
    "ListDeadLetterSourceQueues": list_dead_letter_source_queues,
    "ListQueues": list_queues,
    "ListQueueTags": list_queue_tags,
    "PurgeQueue": purge_queue,
    "SendMessage": send_message,
    "SendMessageBatch": send_message_batch,
    "TagQueue": tag_queue,
    "UntagQueue": untag_queue,
}
