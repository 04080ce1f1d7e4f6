"""What a message may be.

Input: the parameters of SendMessage, or of one entry of SendMessageBatch. Output: `Draft`, with the digests AWS
answers. Refuses, in AWS's words, characters XML can't hold, messages beyond the queue's size, attributes of unknown
types, and group or deduplication ids where they can't be. Sources: SendMessage in the SQS API reference; "Calculating
the MD5 message digest for message attributes" in the SQS Developer Guide.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.services.sqs.definition import Definition
from klotho.localcloud.services.sqs.errors import SqsError, invalid, missing, unsupported

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_ATTRIBUTE = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_TYPES = ("String", "Number", "Binary")
_MAX_ATTRIBUTES = 10
"""SQS quotas: "A message can contain up to 10 metadata attributes"."""
PARAMETERS = frozenset({"MessageBody", "DelaySeconds", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A message about to be stored."""

    body: str
    attributes: Mapping[str, Any]
    group: str | None
    dedup: str | None
    delay: int | None
    """Seconds, None for the queue's own."""
    size: int
    """Bytes of body and attributes, as the limits count them."""


def draft(given: Mapping[str, Any], definition: Definition) -> Draft:
    """Read and check one message."""
    if given.get("MessageSystemAttributes"):
        raise unsupported("MessageSystemAttributes")
    body = given.get("MessageBody")
    if not isinstance(body, str) or not body:
        raise missing("MessageBody")
    if _FORBIDDEN.search(body):
        raise SqsError(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
            "#xFFFD | #x10000 to #x10FFFF",
        )
    attributes = _attributes(given.get("MessageAttributes") or {})
    size = len(body.encode()) + _size(attributes)
    if size > definition.max_size:
        raise invalid(
            f"One or more parameters are invalid. Reason: Message must be shorter than {definition.max_size} bytes."
        )
    group, dedup = _ids(given, definition, body)
    return Draft(body, attributes, group, dedup, _delay(given, definition), size)


def _ids(given: Mapping[str, Any], definition: Definition, body: str) -> tuple[str | None, str | None]:
    group, dedup = given.get("MessageGroupId"), given.get("MessageDeduplicationId")
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", dedup)):
        if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
            raise invalid(
                f"Value {value} for parameter {name} is invalid. Reason: {name} can only include alphanumeric and "
                "punctuation characters. 1 to 128 in length."
            )
    if not definition.fifo:
        if dedup is not None:
            raise invalid(
                f"Value {dedup} for parameter MessageDeduplicationId is invalid. Reason: The request includes a "
                "parameter that is not valid for this queue type."
            )
        return group, None
    if group is None:
        raise missing("MessageGroupId")
    if dedup is None:
        if not definition.deduplicates:
            raise invalid(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        dedup = hashlib.sha256(body.encode()).hexdigest()
    return group, dedup


def _delay(given: Mapping[str, Any], definition: Definition) -> int | None:
    delay = given.get("DelaySeconds")
    if delay is None:
        return None
    if isinstance(delay, bool) or not isinstance(delay, int) or not 0 <= delay <= 900:
        raise invalid(
            f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        )
    if definition.fifo and delay:
        raise invalid(
            f"Value {delay} for parameter DelaySeconds is invalid. Reason: The request include parameter that is not "
            "valid for this queue type."
        )
    return delay


def _attributes(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise invalid("MessageAttributes must be a map")
    if len(given) > _MAX_ATTRIBUTES:
        raise invalid(f"Number of message attributes [{len(given)}] exceeds the allowed maximum [{_MAX_ATTRIBUTES}].")
    return {str(name): _attribute(str(name), value) for name, value in given.items()}


def _attribute(name: str, value: Any) -> dict[str, str]:
    if not _ATTRIBUTE.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
        raise invalid(f"The message attribute name '{name}' is invalid.")
    kind = value.get("DataType") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind.partition(".")[0] not in _TYPES or len(kind) > 256:
        raise invalid(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
    field = "BinaryValue" if kind.startswith("Binary") else "StringValue"
    content = value.get(field)
    if not isinstance(content, str) or not content:
        raise invalid(f"The message attribute '{name}' must contain a non-empty message attribute value.")
    if field == "BinaryValue":
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise invalid(f"The message attribute '{name}' is not valid base64.") from None
    elif _FORBIDDEN.search(content):
        raise SqsError("InvalidMessageContents", f"The message attribute '{name}' contains invalid characters.")
    if kind.startswith("Number"):
        _check_number(name, content)
    return {"DataType": kind, field: content}


def _check_number(name: str, content: str) -> None:
    try:
        float(content)
    except ValueError:
        raise invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.") from None


def _content(value: Mapping[str, str]) -> bytes:
    return base64.b64decode(value["BinaryValue"]) if "BinaryValue" in value else value["StringValue"].encode()


def _size(attributes: Mapping[str, Mapping[str, str]]) -> int:
    return sum(len(f"{name}{value['DataType']}".encode()) + len(_content(value)) for name, value in attributes.items())


def body_digest(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def attributes_digest(attributes: Mapping[str, Mapping[str, str]]) -> str | None:
    """The MD5 AWS gives for message attributes; None when there are none."""
    if not attributes:
        return None
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        value = attributes[name]
        for part in (name.encode(), value["DataType"].encode()):
            digest.update(struct.pack("!I", len(part)) + part)
        content = _content(value)
        digest.update((b"\x02" if "BinaryValue" in value else b"\x01") + struct.pack("!I", len(content)) + content)
    return digest.hexdigest()
