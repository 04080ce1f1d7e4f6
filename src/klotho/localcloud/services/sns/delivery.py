"""Brings what was published to its subscribers.

Input: deliveries that are due. Output: messages in queues, events of functions, lines in the log for e-mail and text
messages, which are not sent. A queue or function whose policy does not let the topic in, or that is gone, is a client
error: not tried again, but given to the subscription's dead letter queue or dropped, with a line in the topic's log.
Anything else is tried again as AWS does. In a FIFO topic what follows in a group waits for what could not be delivered.

At least once: a kill between the delivery and its settlement delivers again (a FIFO queue drops the double).
Source: "Amazon SNS message delivery retries" and "Amazon SNS dead-letter queues", SNS Developer Guide.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud.permissions.resource_policies import ServicePrincipals
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.sns.catalog import Catalog, Delivery, Subscription
from klotho.localcloud.services.sns.envelope import function_event, notification, raw_attributes
from klotho.localcloud.services.sqs.drafts import Draft as QueueDraft
from klotho.localcloud.services.sqs.drafts import draft as queue_draft

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

_PUBLISHER = "sns.amazonaws.com"
_BATCH = 200
_SENDER = "AIDAISMY7JYY5F7RTT6AO"
"""SenderId of messages SNS sends to SQS, as AWS's own examples have it."""
MAX_ATTEMPTS = 100_015
_log = logging.getLogger("klotho.localcloud.sns")


class Refused(Exception):
    """A client error: trying again would not help."""


class Later(Exception):
    """A server error: it may work in a while."""


def retry_delay(attempt: int) -> float | None:
    """Seconds until the next try after so many; None to give up. AWS-managed endpoints, over 23 days."""
    if attempt <= 3:
        return 0.0
    if attempt <= 5:
        return 1.0
    if attempt <= 15:
        return min(20.0, 2.0 ** (attempt - 6))
    return 20.0 if attempt < MAX_ATTEMPTS else None


class Deliveries:
    """The task that works off what is due. `report(subscription, problem)`: told what could not be delivered."""

    def __init__(self, cloud: Cloud, catalog: Catalog, report: Callable[[Subscription, str], None]) -> None:
        self._cloud, self._catalog, self._report = cloud, catalog, report
        self._services = ServicePrincipals(cloud.world, cloud.region, cloud.account)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work(), name="sns deliveries")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        self._changed.set()

    async def _work(self) -> None:
        while True:
            self._changed.clear()
            try:
                busy = self.run_due()
            except Exception:  # a task that ended silently would leave everything undelivered
                _log.exception("delivering failed")
                busy = False
                await asyncio.sleep(1)
            if busy:
                await asyncio.sleep(0)  # requests come in between
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._catalog.next_due())

    def run_due(self) -> bool:
        """Deliver one batch of what is due; whether there was anything."""
        deliveries = self._catalog.due(_BATCH)
        if not deliveries:
            return False
        done: list[Delivery] = []
        later: list[tuple[Delivery, float]] = []
        by_subscription: dict[int, list[Delivery]] = {}
        for item in deliveries:
            if item.subscription is None:
                done.append(item)
            else:
                by_subscription.setdefault(item.subscription.number, []).append(item)
        for items in by_subscription.values():
            subscription = items[0].subscription
            assert subscription is not None
            finished, postponed = self._deliver(subscription, items)
            done += finished
            later += postponed
        self._catalog.settle(done, later)
        return True

    def _deliver(
        self, subscription: Subscription, items: Sequence[Delivery]
    ) -> tuple[list[Delivery], list[tuple[Delivery, float]]]:
        """What is finished with, delivered or not, and what is to be tried again."""
        try:
            send = self._sender(subscription)
        except Later:
            return self._postponed(subscription, items)
        except Refused as refusal:
            for item in items:
                self._give_up(subscription, item, str(refusal))
            return list(items), []
        failed = {item.id: problem for item, problem in send(items)}
        for item in items:
            if item.id in failed:
                self._give_up(subscription, item, failed[item.id])
        return list(items), []

    def _postponed(
        self, subscription: Subscription, items: Sequence[Delivery]
    ) -> tuple[list[Delivery], list[tuple[Delivery, float]]]:
        over, later = [], []
        for item in items:
            delay = retry_delay(item.attempts + 1)
            if delay is None:
                self._give_up(subscription, item, f"{MAX_ATTEMPTS} attempts failed")
                over.append(item)
            else:
                later.append((item, delay))
        return over, later

    def _sender(self, subscription: Subscription) -> Callable[[Sequence[Delivery]], list[tuple[Delivery, str]]]:
        """What delivers to this subscriber and says what of it failed; Refused or Later when nothing can."""
        protocol = subscription.definition.protocol
        if protocol == "sqs":
            return lambda items: self._to_queue(subscription, items)
        if protocol == "lambda":
            function = self._function(subscription)
            return lambda items: self._to_function(subscription, function, items)
        return lambda items: self._to_log(subscription, items)

    # ---- queues

    def _to_queue(self, subscription: Subscription, items: Sequence[Delivery]) -> list[tuple[Delivery, str]]:
        return self._send(subscription, subscription.definition.endpoint, items)

    def _send(
        self, subscription: Subscription, queue_arn: str, items: Sequence[Delivery]
    ) -> list[tuple[Delivery, str]]:
        queue = self._cloud.queues.catalog.find(queue_arn)
        if queue is None or queue.arn != queue_arn:
            return [(item, f"the queue {queue_arn} does not exist") for item in items]
        decision = self._services.decide(_PUBLISHER, "sqs:SendMessage", queue_arn, subscription.topic.arn)
        if not decision.allowed:
            denied = f"{_PUBLISHER} is not authorized to perform: sqs:SendMessage on {queue_arn} {decision.reason}"
            return [(item, denied) for item in items]
        drafts: list[QueueDraft] = []
        failed: list[tuple[Delivery, str]] = []
        for item in items:
            try:
                drafts.append(
                    queue_draft(self._queue_message(subscription, item, queue.definition.fifo), queue.definition)
                )
            except ApiError as error:
                failed.append((item, error.message))
        if drafts:
            queue.send(drafts, _SENDER)
        return failed

    def _queue_message(self, subscription: Subscription, delivery: Delivery, fifo: bool) -> dict[str, Any]:
        item = delivery.item
        message: dict[str, Any] = {}
        if subscription.definition.raw:
            message["MessageBody"] = item.draft.text_for("sqs")
            message["MessageAttributes"] = raw_attributes(item.draft.attributes)
        else:
            document = notification(item, "sqs", subscription.arn, self._cloud.endpoint_url)
            message["MessageBody"] = orjson.dumps(document).decode()
        if item.draft.group is not None:
            message["MessageGroupId"] = item.draft.group
        if fifo:
            message["MessageDeduplicationId"] = item.draft.dedup
        return message

    # ---- functions

    def _function(self, subscription: Subscription) -> str:
        arn = subscription.definition.endpoint
        decision = self._services.decide(_PUBLISHER, "lambda:InvokeFunction", arn, subscription.topic.arn)
        name = name_of(arn)
        try:
            self._cloud.functions.get(name)
        except ApiError as error:
            if self._cloud.world.get("AWS::Lambda::Function", name) is None:
                raise Refused(error.message) from error
            raise Later from error  # the supervisor has not brought it back yet, or its application is stopped
        if not decision.allowed:
            raise Refused(
                f"{_PUBLISHER} is not authorized to perform: lambda:InvokeFunction on {arn} {decision.reason}"
            )
        return name

    def _to_function(
        self, subscription: Subscription, function: str, items: Sequence[Delivery]
    ) -> list[tuple[Delivery, str]]:
        failed: list[tuple[Delivery, str]] = []
        with self._cloud.database.transaction():
            for item in items:
                try:
                    event = function_event(item.item, subscription.arn, self._cloud.endpoint_url)
                    self._cloud.functions.enqueue(function, event)
                except ApiError as error:  # an event beyond Lambda's limit
                    failed.append((item, error.message))
        return failed

    # ---- people

    def _to_log(self, subscription: Subscription, items: Sequence[Delivery]) -> list[tuple[Delivery, str]]:
        protocol, endpoint = subscription.definition.protocol, subscription.definition.endpoint
        for item in items:
            subject = f" {item.item.draft.subject!r}:" if item.item.draft.subject else ""
            text = item.item.draft.text_for(protocol)
            line = f"{protocol} to {endpoint} (not sent by the local cloud):{subject} {text}"
            self._cloud.logs.write(log_group(subscription.topic.arn), protocol, line)
        return []

    # ---- failures

    def _give_up(self, subscription: Subscription, item: Delivery, problem: str) -> None:
        target = subscription.definition.dead_letter_arn
        where = "dropped"
        if target is not None:
            failed = self._send(subscription, target, [item])
            where = f"dropped, for its dead letter queue failed too: {failed[0][1]}" if failed else f"sent to {target}"
        self._report(subscription, f"message {item.item.message_id} was not delivered and {where}: {problem}")


def log_group(topic_arn: str) -> str:
    """Where SNS logs the deliveries of a topic (`sns/<region>/<account>/<topic>`)."""
    return "/".join(topic_arn.split(":")[2:])
