"""What subscribers get.

Input: a published message and a subscription. Output: the notification as SNS documents it, the event of a function,
the attributes of a raw message in a queue. Not as on AWS: nothing is signed on this machine; `Signature` holds the
words `not signed by the local cloud` in base64, and `SigningCertURL` and `UnsubscribeURL` name the local endpoint.
Source: "Amazon SNS message and JSON formats", SNS Developer Guide; "Process Amazon SNS notifications with Lambda".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from klotho.localcloud.services.sns.drafts import Draft

SIGNATURE = base64.b64encode(b"not signed by the local cloud").decode()


@dataclass(frozen=True, slots=True)
class Published:
    """A stored message, as deliveries read it."""

    message_id: str
    topic_arn: str
    draft: Draft
    sequence: str | None
    at: float
    """Seconds since 1970."""


def timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def notification(item: Published, protocol: str, subscription_arn: str, endpoint_url: str) -> dict[str, Any]:
    """The JSON document of a notification."""
    document: dict[str, Any] = {"Type": "Notification", "MessageId": item.message_id}
    if item.sequence is not None:
        document["SequenceNumber"] = item.sequence
    document["TopicArn"] = item.topic_arn
    if item.draft.subject is not None:
        document["Subject"] = item.draft.subject
    document |= {"Message": item.draft.text_for(protocol), "Timestamp": timestamp(item.at)}
    if item.sequence is None:
        document |= {
            "SignatureVersion": "1",
            "Signature": SIGNATURE,
            "SigningCertURL": f"{endpoint_url}/SimpleNotificationService-local.pem",
        }
    document["UnsubscribeURL"] = f"{endpoint_url}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"
    if item.draft.attributes:
        document["MessageAttributes"] = {name: dict(value) for name, value in item.draft.attributes.items()}
    return document


def function_event(item: Published, subscription_arn: str, endpoint_url: str) -> bytes:
    """The event of a function, with one record, as JSON; Lambda spells two names otherwise."""
    document = notification(item, "lambda", subscription_arn, endpoint_url)
    sns = {
        "Type": document["Type"],
        "MessageId": item.message_id,
        "TopicArn": item.topic_arn,
        "Subject": document.get("Subject"),
        "Message": document["Message"],
        "Timestamp": document["Timestamp"],
        "SignatureVersion": "1",
        "Signature": SIGNATURE,
        "SigningCertUrl": document["SigningCertURL"],
        "UnsubscribeUrl": document["UnsubscribeURL"],
        "MessageAttributes": document.get("MessageAttributes", {}),
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": sns,
    }
    return orjson.dumps({"Records": [record]})


def raw_attributes(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """As SQS has them."""
    return {
        name: {
            "DataType": item["Type"],
            "BinaryValue" if item["Type"].startswith("Binary") else "StringValue": item["Value"],
        }
        for name, item in attributes.items()
    }
