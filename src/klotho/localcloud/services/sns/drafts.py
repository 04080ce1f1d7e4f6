"""What a published message may be.

Input: the parameters of Publish, or of one entry of PublishBatch, as the query protocol has them. Output: `Draft`.
Refuses, in AWS's words, messages over 256 KiB, empty ones, attributes of unknown types, and group or deduplication ids
where they can't be. Source: Publish in the Amazon SNS API reference; "Amazon SNS message attributes", Developer Guide.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from klotho.application.filter_policy import attribute_value
from klotho.localcloud.services.sns.definition import TopicDefinition
from klotho.localcloud.services.sns.errors import SnsError, invalid

MAX_BYTES = 256 * 1024
"""AWS: "The maximum size of a message is 256 KB", with its attributes."""
_TYPES = ("String", "String.Array", "Number", "Binary")
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_ATTRIBUTE = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
PARAMETERS = frozenset(
    {"Message", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId", "MessageStructure", "Subject"}
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message about to be published."""

    message: str
    """The text, or the JSON of one text a protocol."""
    subject: str | None
    by_protocol: Mapping[str, str] | None
    """Of MessageStructure `json`."""
    attributes: Mapping[str, Mapping[str, str]]
    """By name: `Type`, and `Value` (base64 for Binary)."""
    group: str | None
    dedup: str | None
    size: int
    """Bytes of message and attributes."""

    def values(self) -> dict[str, Any]:
        """The attributes as filters see them."""
        return {name: attribute_value(item["Type"], item["Value"]) for name, item in self.attributes.items()}

    def text_for(self, protocol: str) -> str:
        if self.by_protocol is None:
            return self.message
        return self.by_protocol.get(protocol, self.by_protocol["default"])


def draft(given: Mapping[str, Any], definition: TopicDefinition) -> Draft:
    """Read and check one message."""
    message = given.get("Message")
    if not isinstance(message, str) or not message:
        raise invalid("Empty message")
    if _FORBIDDEN.search(message):
        raise invalid("Message Reason: Invalid characters found")
    attributes = _attributes(given.get("MessageAttributes"))
    size = len(message.encode()) + sum(
        len(name.encode()) + len(item["Type"]) + len(item["Value"].encode()) for name, item in attributes.items()
    )
    if size > MAX_BYTES:
        raise invalid("Message too long")
    group, dedup = _ids(given, definition, message)
    return Draft(message, _subject(given), _structure(given, message), attributes, group, dedup, size)


def _subject(given: Mapping[str, Any]) -> str | None:
    subject = given.get("Subject")
    if subject is None:
        return None
    if not isinstance(subject, str) or not 1 <= len(subject) <= 100 or "\n" in subject or not subject.isascii():
        raise invalid("Subject")
    return subject


def _structure(given: Mapping[str, Any], message: str) -> Mapping[str, str] | None:
    structure = given.get("MessageStructure")
    if structure is None:
        return None
    if structure != "json":
        raise invalid(f"Message Structure - {structure} is not supported")
    try:
        texts = orjson.loads(message)
    except orjson.JSONDecodeError:
        texts = None
    if not isinstance(texts, dict):
        raise invalid("Message Structure - JSON message body failed to parse")
    if not isinstance(texts.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")
    return {str(name): text for name, text in texts.items() if isinstance(text, str)}


def _ids(given: Mapping[str, Any], definition: TopicDefinition, message: str) -> tuple[str | None, str | None]:
    group, dedup = given.get("MessageGroupId"), given.get("MessageDeduplicationId")
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", dedup)):
        if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
            raise invalid(f"The {name} can only include alphanumeric and punctuation characters, 1 to 128 of them")
    if not definition.fifo:
        if dedup is not None:
            raise invalid("The request includes MessageDeduplicationId parameter that is not valid for this topic type")
        return group, None
    if group is None:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    if dedup is None:
        if not definition.deduplicates:
            raise invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        dedup = hashlib.sha256(message.encode()).hexdigest()
    return group, dedup


def _attributes(given: Any) -> dict[str, dict[str, str]]:
    """From `entry`-numbered pairs of the query protocol, or a plain mapping of in-process callers."""
    if not given:
        return {}
    if isinstance(given, Mapping) and set(given) == {"entry"} and isinstance(given["entry"], Mapping):
        pairs = [(item.get("Name"), item.get("Value")) for item in given["entry"].values() if isinstance(item, Mapping)]
    elif isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        raise invalid("MessageAttributes must be a map")
    return {str(name): _attribute(str(name), value) for name, value in pairs}


def _attribute(name: str, value: Any) -> dict[str, str]:
    if not _ATTRIBUTE.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
        raise _bad(f"The message attribute name '{name}' is invalid.")
    kind = value.get("DataType") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or (kind not in _TYPES and kind.partition(".")[0] not in _TYPES) or len(kind) > 256:
        raise _bad(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
    content = value.get("BinaryValue" if kind.startswith("Binary") else "StringValue")
    if not isinstance(content, str) or not content:
        raise _bad(
            f"The message attribute '{name}' must contain non-empty message attribute value for message "
            f"attribute type '{kind}'."
        )
    _check_content(name, kind, content)
    return {"Type": kind, "Value": content}


def _check_content(name: str, kind: str, content: str) -> None:
    try:
        if kind.startswith("Binary"):
            base64.b64decode(content, validate=True)
        elif kind.startswith("Number"):
            float(content)
        elif kind == "String.Array" and not isinstance(orjson.loads(content), list):
            raise ValueError
    except (binascii.Error, ValueError):
        raise _bad(f"The value of message attribute '{name}' is no {kind}.") from None
    if not kind.startswith("Binary") and _FORBIDDEN.search(content):
        raise _bad(f"The message attribute '{name}' contains invalid characters.")


def _bad(message: str) -> SnsError:
    return SnsError("ParameterValueInvalid", message)
