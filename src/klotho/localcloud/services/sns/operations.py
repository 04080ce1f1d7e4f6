"""What the calls of the SNS API do.

Input: the catalog, a request with its parameters nested. Output: AWS's answer. Refuses parameters it does not know by
name, and batches that AWS would refuse, in AWS's words. Source: the Amazon SNS API reference.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from klotho.localcloud.cloudformation.query import Entries
from klotho.localcloud.services.sns.catalog import Catalog, Stored, Subscription
from klotho.localcloud.services.sns.definition import SUBSCRIPTION_SETTINGS
from klotho.localcloud.services.sns.drafts import MAX_BYTES, PARAMETERS, Draft, draft
from klotho.localcloud.services.sns.errors import SnsError, invalid, unsupported

Request = Mapping[str, Any]
Answer = dict[str, Any]
MAX_ENTRIES = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PAGE = 100
_CARRIED_BY_REQUEST = frozenset({"Action", "Version"})


def publish(catalog: Catalog, request: Request) -> Answer:
    _admit(request, PARAMETERS | {"TopicArn", "TargetArn", "PhoneNumber"})
    if "PhoneNumber" in request:
        raise unsupported("Publish to a PhoneNumber")
    topic = catalog.topic(_text(request, "TopicArn") or _text(request, "TargetArn"))
    (stored,) = catalog.publish(topic, [draft(request, topic.definition)])
    return _stored(stored)


def publish_batch(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"TopicArn", "PublishBatchRequestEntries"}))
    topic = catalog.topic(_text(request, "TopicArn"))
    good: list[tuple[str, Draft]] = []
    failed: list[Answer] = []
    for entry in _entries(request):
        try:
            _admit(entry, PARAMETERS | {"Id"})
            good.append((entry["Id"], draft(entry, topic.definition)))
        except SnsError as error:
            failed.append({"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": True})
    if sum(item.size for _, item in good) > MAX_BYTES:
        message = "The length of all the batch messages put together is more than the limit."
        raise SnsError("BatchRequestTooLong", message)
    stored = catalog.publish(topic, [item for _, item in good])
    done = [{"Id": name, **_stored(item)} for (name, _), item in zip(good, stored, strict=True)]
    return {"Successful": done, "Failed": failed}


def subscribe(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"TopicArn", "Protocol", "Endpoint", "Attributes", "ReturnSubscriptionArn"}))
    settings = _attributes(request)
    for name in settings:
        if name not in SUBSCRIPTION_SETTINGS:
            raise unsupported(f"the subscription attribute {name}")
    topic = catalog.topic(_text(request, "TopicArn"))
    found = catalog.subscribe(
        topic, _text(request, "Protocol"), _text(request, "Endpoint"), settings, str(uuid.uuid4())
    )
    return {"SubscriptionArn": found.arn}


def unsubscribe(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"SubscriptionArn"}))
    found = catalog.find_subscription(_text(request, "SubscriptionArn"))
    if found is not None:  # twice is fine, as on AWS
        catalog.unsubscribe(found)
    return {}


def list_topics(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"NextToken"}))
    return _page("Topics", [{"TopicArn": item.arn} for item in catalog.topics()], "TopicArn", request)


def list_subscriptions(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"NextToken"}))
    return _page(
        "Subscriptions", [_listed(catalog, item) for item in catalog.subscriptions()], "SubscriptionArn", request
    )


def list_subscriptions_by_topic(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"TopicArn", "NextToken"}))
    found = catalog.subscriptions(catalog.topic(_text(request, "TopicArn")))
    return _page("Subscriptions", [_listed(catalog, item) for item in found], "SubscriptionArn", request)


def get_topic_attributes(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"TopicArn"}))
    topic = catalog.topic(_text(request, "TopicArn"))
    counted = {
        "TopicArn": topic.arn,
        "Owner": catalog.account,
        "SubscriptionsConfirmed": str(len(catalog.subscriptions(topic))),
        "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
    }
    return {"Attributes": Entries({**topic.definition.attributes(), **counted})}


def get_subscription_attributes(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"SubscriptionArn"}))
    found = catalog.subscription(_text(request, "SubscriptionArn"))
    fixed = {**_listed(catalog, found), "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true"}
    return {"Attributes": Entries({**found.definition.attributes(), **fixed})}


def set_subscription_attributes(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"SubscriptionArn", "AttributeName", "AttributeValue"}))
    found = catalog.subscription(_text(request, "SubscriptionArn"))
    name, value = _text(request, "AttributeName"), _text(request, "AttributeValue")
    if name not in SUBSCRIPTION_SETTINGS:
        raise invalid("AttributeName")
    catalog.change_subscription(found, {**found.definition.settings, name: value})
    return {}


def list_tags_for_resource(catalog: Catalog, request: Request) -> Answer:
    _admit(request, frozenset({"ResourceArn"}))
    topic = catalog.find_topic(_text(request, "ResourceArn"))
    if topic is None:
        raise SnsError("ResourceNotFound", "Resource does not exist", 404)
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(catalog.tags(topic).items())]}


def _admit(request: Request, allowed: frozenset[str]) -> None:
    """Refuse the first parameter an operation does not take here."""
    for name in sorted(set(request) - allowed - _CARRIED_BY_REQUEST):
        raise unsupported(f"The parameter {name}")


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    return value if isinstance(value, str) else ""


def _attributes(request: Request) -> dict[str, str]:
    given = request.get("Attributes") or {}
    entries = given.get("entry", {}) if isinstance(given, Mapping) else {}
    return {str(item.get("key")): str(item.get("value", "")) for item in entries.values() if isinstance(item, Mapping)}


def _entries(request: Request) -> list[Request]:
    entries = request.get("PublishBatchRequestEntries")
    if not isinstance(entries, list) or not entries:
        raise SnsError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > MAX_ENTRIES:
        raise SnsError("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
    names = [entry.get("Id") if isinstance(entry, Mapping) else None for entry in entries]
    for name in names:
        if not isinstance(name, str) or not _ENTRY_ID.fullmatch(name):
            raise SnsError("InvalidBatchEntryId", "The Id of a batch entry doesn't abide by the specification.")
    if len(set(names)) < len(names):
        raise SnsError("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
    return entries


def _stored(item: Stored) -> Answer:
    return {"MessageId": item.message_id, "SequenceNumber": item.sequence}


def _listed(catalog: Catalog, item: Subscription) -> dict[str, str]:
    return {
        "SubscriptionArn": item.arn,
        "Owner": catalog.account,
        "Protocol": item.definition.protocol,
        "Endpoint": item.definition.endpoint,
        "TopicArn": item.topic.arn,
    }


def _page(name: str, items: list[dict[str, str]], key: str, request: Request) -> Answer:
    after = _text(request, "NextToken")
    rest = [item for item in sorted(items, key=lambda item: item[key]) if item[key] > after]
    return {name: rest[:_PAGE], "NextToken": rest[_PAGE - 1][key] if len(rest) > _PAGE else None}


OPERATIONS: Mapping[str, Callable[[Catalog, Request], Answer]] = {
    "GetSubscriptionAttributes": get_subscription_attributes,
    "GetTopicAttributes": get_topic_attributes,
    "ListSubscriptions": list_subscriptions,
    "ListSubscriptionsByTopic": list_subscriptions_by_topic,
    "ListTagsForResource": list_tags_for_resource,
    "ListTopics": list_topics,
    "Publish": publish,
    "PublishBatch": publish_batch,
    "SetSubscriptionAttributes": set_subscription_attributes,
    "Subscribe": subscribe,
    "Unsubscribe": unsubscribe,
}
