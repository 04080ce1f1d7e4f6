"""`AWS::SNS::Subscription`: a subscriber of a topic in the local cloud's SNS store.

Input: the resource's properties. Output: the subscription, its ARN as `Ref` and `Arn`. Refuses, as AWS does, a topic
that does not exist, an endpoint that does not fit its protocol, a FIFO queue at a standard topic, filter policies that
can't be read. Refused by name: HTTP, mobile and Firehose protocols (`PROTOCOLS` in services/sns/definition.py), and
every property not in `carries` (delivery and replay policies, another region).
"""

from __future__ import annotations

from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Record, Request
from klotho.localcloud.handlers.sns_topic import failure
from klotho.localcloud.identity import uuid_of
from klotho.localcloud.services.sns.definition import SUBSCRIPTION_SETTINGS
from klotho.localcloud.services.sns.errors import SnsError


class SnsSubscription(Handler):
    """Subscribes and unsubscribes; the identifier is the ARN."""

    type_name: ClassVar[str] = "AWS::SNS::Subscription"
    carries: ClassVar[frozenset[str]] = SUBSCRIPTION_SETTINGS | {"Endpoint", "Protocol", "Region", "TopicArn"}

    async def create(self, request: Request) -> Outcome:
        catalog, given = self.cloud.topics.catalog, request.properties
        self._check_region(given)
        try:
            topic = catalog.topic(str(given.get("TopicArn", "")))
            found = catalog.subscribe(
                topic,
                str(given.get("Protocol", "")),
                str(given.get("Endpoint", "")),
                _settings(given),
                uuid_of(request.token, "subscription"),
            )
        except SnsError as error:
            raise failure(error) from error
        return Outcome(found.arn, {"Arn": found.arn})

    async def update(self, request: Request) -> Outcome:
        catalog = self.cloud.topics.catalog
        self._check_region(request.properties)
        try:
            found = catalog.subscription(request.identifier or "")
            catalog.change_subscription(found, _settings(request.properties))
        except SnsError as error:
            raise failure(error) from error
        return Outcome(found.arn, {"Arn": found.arn})

    def _check_region(self, given: Properties) -> None:
        """A topic may be in another region than its subscriber; here there is one."""
        region = given.get("Region", self.cloud.region)
        if region != self.cloud.region:
            message = f"Region {region}: the topic is elsewhere, and the local cloud has {self.cloud.region} only"
            raise HandlerError(message, "InvalidRequest")

    def live(self, record: Record) -> Properties | None:
        found = self.cloud.topics.catalog.find_subscription(record.identifier)
        if found is None:
            return None
        now = found.definition
        kept = {name: value for name, value in record.properties.items() if name not in SUBSCRIPTION_SETTINGS}
        scope = "MessageBody" if now.on_body else "MessageAttributes"
        live: dict[str, Any] = {**kept, "RawMessageDelivery": now.raw, "FilterPolicyScope": scope}
        if now.policy is not None:
            live["FilterPolicy"] = now.policy
        if now.dead_letter_arn is not None:
            live["RedrivePolicy"] = {"deadLetterTargetArn": now.dead_letter_arn}
        return live

    async def delete(self, request: Request) -> None:
        found = self.cloud.topics.catalog.find_subscription(request.identifier or "")
        if found is not None:
            self.cloud.topics.catalog.unsubscribe(found)


def _settings(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name in SUBSCRIPTION_SETTINGS}
