"""`AWS::SNS::Topic`: a topic of the local cloud's SNS store.

Input: the resource's properties. Output: the topic; its ARN as `Ref` and `TopicArn`, and its `TopicName`. Refuses, as
AWS does, a name that is taken or of the wrong kind. Refused by name (`carries`): subscriptions given inline, archiving,
data protection, delivery status logging, tracing.

Recorded without effect here: KmsMasterKeyId (the store lies in the user's own folder), DisplayName.
"""

from __future__ import annotations

from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Request
from klotho.localcloud.identity import physical_name
from klotho.localcloud.services.sns.catalog import Topic
from klotho.localcloud.services.sns.definition import MAX_NAME, TOPIC_SETTINGS
from klotho.localcloud.services.sns.errors import SnsError


class SnsTopic(Handler):
    """Creates, changes and drops topics; the identifier is the ARN."""

    type_name: ClassVar[str] = "AWS::SNS::Topic"
    carries: ClassVar[frozenset[str]] = TOPIC_SETTINGS | {"Tags", "TopicName"}

    async def create(self, request: Request) -> Outcome:
        name = str(
            request.properties.get("TopicName")
            or physical_name(request.stack_name, request.logical_id, request.token, MAX_NAME)
        )
        try:
            topic = self.cloud.topics.catalog.create_topic(
                name, _settings(request.properties), _tags(request), owner=request.token
            )
        except SnsError as error:
            raise failure(error) from error
        return _outcome(topic)

    async def update(self, request: Request) -> Outcome:
        catalog = self.cloud.topics.catalog
        try:
            topic = catalog.topic(request.identifier or "")
            catalog.change_topic(topic, _settings(request.properties), _tags(request))
        except SnsError as error:
            raise failure(error) from error
        return _outcome(topic)

    async def delete(self, request: Request) -> None:
        topic = self.cloud.topics.catalog.find_topic(request.identifier or "")
        if topic is not None:
            self.cloud.topics.catalog.drop_topic(topic)


def _outcome(topic: Topic) -> Outcome:
    return Outcome(topic.arn, {"TopicArn": topic.arn, "TopicName": topic.name})


def _settings(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name in TOPIC_SETTINGS}


def _tags(request: Request) -> dict[str, str]:
    """The stack's tags under the resource's own."""
    own = {str(tag["Key"]): str(tag["Value"]) for tag in request.properties.get("Tags") or ()}
    return {**request.tags, **own}


def failure(error: SnsError) -> HandlerError:
    codes = {"TopicAlreadyExists": "AlreadyExists", "NotFound": "NotFound"}
    return HandlerError(error.message, codes.get(error.code, "InvalidRequest"))
