"""Handing an event to a target.

Input: a rule, one of its targets, an event. Output: an asynchronous invocation in Lambda's durable queue, a message in
an SQS queue or published to an SNS topic, once this returns. Refuses, as `UndeliverableError`, what no retry would
change: a permission that no deployed policy gives, a target that is gone, a payload the target does not take.

Source: EventBridge User Guide, "How EventBridge retries delivering events", "Using dead-letter queues".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud.permissions.caller import caller_facts
from klotho.localcloud.permissions.evaluate import Need, decide
from klotho.localcloud.permissions.resource_policies import ServicePrincipals
from klotho.localcloud.permissions.roles import Roles
from klotho.localcloud.planes.events.input import Origin
from klotho.localcloud.planes.events.rules import Rule, Target
from klotho.localcloud.planes.functions.model import EVENT_PAYLOAD_LIMIT, name_of
from klotho.localcloud.services.sns.drafts import draft as topic_draft
from klotho.localcloud.services.sns.errors import SnsError
from klotho.localcloud.services.sqs.drafts import draft
from klotho.localcloud.services.sqs.errors import SqsError

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

PRINCIPAL = "events.amazonaws.com"
FUNCTION = "AWS::Lambda::Function"


class UndeliverableError(Exception):
    """Trying again would not help; `code` is what a dead letter's ERROR_CODE says."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Deliverer:
    """Delivers to the targets the local cloud carries."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._services = ServicePrincipals(cloud.world, cloud.region, cloud.account)
        self._roles = Roles(cloud.world, cloud.account)

    def deliver(self, rule: Rule, target: Target, event: Mapping[str, Any], ingested: str) -> None:
        """Hand the event over; durable when this returns."""
        payload = target.shape(event, Origin(rule.arn, rule.name, ingested))
        if ":lambda:" in target.arn:
            self._invoke(rule, target, payload)
        elif ":sns:" in target.arn:
            self._publish(rule, target, payload)
        else:
            self._send(rule, target, payload)

    def bury(self, rule: Rule, target: Target, event: bytes, why: Mapping[str, str]) -> None:
        """Put an event that can't be delivered into the target's dead letter queue."""
        arn = target.dead_letter_arn or ""
        self._permit(rule, None, "sqs:SendMessage", arn)
        named = {"RULE_ARN": rule.arn, "TARGET_ARN": target.arn, **why}
        numbers = ("RETRY_ATTEMPTS",)
        attributes = {
            name: {"DataType": "Number" if name in numbers else "String", "StringValue": value}
            for name, value in sorted(named.items())
        }
        self._put(arn, {"MessageBody": event.decode(), "MessageAttributes": attributes})

    def _invoke(self, rule: Rule, target: Target, payload: str) -> None:
        name = name_of(target.arn)
        if self._cloud.world.get(FUNCTION, name) is None:
            raise UndeliverableError("RESOURCE_NOT_FOUND", f"Function not found: {target.arn}")
        self._permit(rule, None, "lambda:InvokeFunction", target.arn)
        body = payload.encode()
        if len(body) > EVENT_PAYLOAD_LIMIT:
            reason = f"{len(body)} byte payload is too large for the Event invocation type"
            raise UndeliverableError("INVALID_PARAMETER", reason)
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError as error:
            reason = f"Could not parse request body into json: {error}"
            raise UndeliverableError("INVALID_JSON", reason) from None
        self._cloud.functions.events.add(name, body)

    def _send(self, rule: Rule, target: Target, payload: str) -> None:
        self._permit(rule, target.role_arn, "sqs:SendMessage", target.arn)
        message: dict[str, Any] = {"MessageBody": payload}
        if target.group is not None:
            message["MessageGroupId"] = target.group
        self._put(target.arn, message)

    def _publish(self, rule: Rule, target: Target, payload: str) -> None:
        self._permit(rule, target.role_arn, "sns:Publish", target.arn)
        catalog = self._cloud.topics.catalog
        topic = catalog.find_topic(target.arn)
        if topic is None:
            raise UndeliverableError("RESOURCE_NOT_FOUND", f"Topic does not exist: {target.arn}")
        try:
            catalog.publish(topic, [topic_draft({"Message": payload}, topic.definition)])
        except SnsError as error:
            raise UndeliverableError("INVALID_PARAMETER", error.message) from error

    def _put(self, arn: str, message: Mapping[str, Any]) -> None:
        queue = self._cloud.queues.catalog.find(arn)
        if queue is None or queue.arn != arn:
            raise UndeliverableError("RESOURCE_NOT_FOUND", f"The specified queue does not exist: {arn}")
        try:
            queue.send([draft(message, queue.definition)], PRINCIPAL)
        except SqsError as error:
            raise UndeliverableError("INVALID_PARAMETER", error.message) from error

    def _permit(self, rule: Rule, role_arn: str | None, action: str, arn: str) -> None:
        cloud = self._cloud
        if role_arn is not None:
            facts = caller_facts(role_arn, cloud.region, cloud.account)
            decision = decide(self._roles.grants(role_arn), Need(action, arn), facts)
        else:
            decision = self._services.decide(PRINCIPAL, action, arn, rule.arn)
        if not decision.allowed:
            who = role_arn or f"{PRINCIPAL} for {rule.arn}"
            message = f"{who} is not authorized to perform: {action} on resource: {arn} {decision.reason}"
            raise UndeliverableError("NO_PERMISSIONS", message)
