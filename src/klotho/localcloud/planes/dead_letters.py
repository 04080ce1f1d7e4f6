"""Handing what is given up to a queue, under the role of whoever gives up.

Input: a role, a queue's ARN, a body and attributes. Output: a message in the queue. Refuses nothing: what went wrong is
returned as a sentence for the log, as AWS drops what its dead letter queue does not take either. Source: AWS Lambda
Developer Guide, "Adding a dead-letter queue" (the execution role needs sqs:SendMessage; RequestID, ErrorCode and the
first 1 KB of ErrorMessage are message attributes); EventBridge Scheduler User Guide, "Configuring a dead-letter queue".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from klotho.localcloud.permissions.caller import caller_facts
from klotho.localcloud.permissions.evaluate import Need, decide
from klotho.localcloud.services.sqs.drafts import draft
from klotho.localcloud.services.sqs.errors import SqsError

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

_NUMBERS = ("ErrorCode", "RETRY_ATTEMPTS")
_ATTRIBUTE_BYTES = 1024


class DeadLetters:
    """What Lambda and Scheduler do under a role."""

    def __init__(self, cloud: Cloud) -> None:
        # Here: policies of functions need to know how functions are named, so that module needs this package.
        from klotho.localcloud.permissions.roles import Roles

        self._cloud = cloud
        self._roles = Roles(cloud.world, cloud.account)

    def send(self, role_arn: str | None, queue_arn: str, body: str, attributes: Mapping[str, str]) -> str | None:
        """None once the queue has it, else why it has not."""
        queue = self._cloud.queues.catalog.find(queue_arn)
        if queue is None or queue.arn != queue_arn:
            return f"the queue {queue_arn} does not exist"
        if not self.may_send(role_arn, queue_arn):
            return f"{role_arn} is not authorized to perform: sqs:SendMessage on {queue_arn}"
        shown = {name: _attribute(name, value) for name, value in sorted(attributes.items())}
        message: dict[str, Any] = {"MessageBody": body, **({"MessageAttributes": shown} if shown else {})}
        try:
            queue.send([draft(message, queue.definition)], role_arn or "")
        except SqsError as error:
            return error.message
        return None

    def may_send(self, role_arn: str | None, queue_arn: str) -> bool:
        """Whether the deployed policies let the role send there."""
        if role_arn is None:
            return False
        facts = caller_facts(role_arn, self._cloud.region, self._cloud.account)
        return decide(self._roles.grants(role_arn), Need("sqs:SendMessage", queue_arn), facts).allowed


def _attribute(name: str, value: str) -> dict[str, str]:
    kind = "Number" if name in _NUMBERS else "String"
    return {"DataType": kind, "StringValue": value.encode()[:_ATTRIBUTE_BYTES].decode(errors="ignore") or "-"}
