"""The SNS API of the local cloud.

Input: authenticated `ApiCall`s of the query protocol, which is the one SDKs speak with SNS, and in-process calls of the
resource handlers through `catalog`. Output: AWS's answers; deliveries to queues and functions. Durable in
`state/sns.db`. Refuses by name every operation that is not carried: topics are made, changed and deleted by
CloudFormation stacks here (CreateTopic, SetTopicAttributes …); HTTP, mobile and Firehose endpoints; text messages to a
telephone number. Not as on AWS: subscriptions of e-mail addresses need no confirmation, because nothing is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from klotho.localcloud import wire
from klotho.localcloud.cloudformation import query
from klotho.localcloud.handler import application_of
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.sns.catalog import Catalog, Subscription, Topic
from klotho.localcloud.services.sns.delivery import Deliveries, log_group
from klotho.localcloud.services.sns.operations import OPERATIONS
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
TOPIC = "AWS::SNS::Topic"
_UPKEEP_S = 60.0


class Sns:
    """The service: `call` for requests, `catalog` for the resource handlers and for services that publish."""

    name = "sns"

    def __init__(self, cloud: Cloud, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since 1970, for tests of what takes long."""
        self._cloud = cloud
        self.catalog = Catalog(cloud.state / "sns.db", cloud.region, cloud.account, clock, self._wake)
        self.deliveries = Deliveries(cloud, self.catalog, self._failed)
        self._problems: dict[str, str] = {}
        """The last failed delivery, by topic ARN; gone with the next start."""
        self._upkeep: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on with what is still to be delivered."""
        self.deliveries.start()
        self._upkeep = asyncio.get_running_loop().create_task(self._expire(), name="sns upkeep")

    async def stop(self) -> None:
        """Deliver no more and close the file; what was acknowledged is stored already."""
        await self.deliveries.stop()
        if self._upkeep is not None:
            self._upkeep.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._upkeep
        self.catalog.close()

    async def call(self, call: ApiCall) -> ApiResponse:
        request_id = wire.request_id()
        try:
            operation = OPERATIONS.get(call.action)
            if operation is None:
                raise wire.not_carried("sns", call.action or "(none)")
            answer = operation(self.catalog, query.parse(call.body, call.query))
        except ApiError as error:
            return wire.error_response(error, "query", request_id)
        return query.answer(call.action, answer, request_id, NAMESPACE)

    def status(self) -> list[UnitStatus]:
        return [self._status(topic) for topic in self.catalog.topics()]

    def _status(self, topic: Topic) -> UnitStatus:
        record = self._cloud.world.get(TOPIC, topic.arn)
        waiting = self.catalog.waiting(topic)
        parts = [f"{len(self.catalog.subscriptions(topic))} subscriptions", f"{waiting} deliveries waiting"]
        problem = self._problems.get(topic.arn)
        if problem is not None:
            parts.append(f"last failure: {problem}")
        return UnitStatus(
            _construct(record.properties.get("Tags")) if record else topic.name,
            "topic",
            "running" if waiting else "idle",
            log_group=log_group(topic.arn),
            detail="; ".join(parts),
            application=application_of(record) if record else None,
        )

    def _failed(self, subscription: Subscription, problem: str) -> None:
        line = f"{subscription.definition.protocol} {subscription.definition.endpoint}: {problem}"
        self._problems[subscription.topic.arn] = line
        self._cloud.logs.write(log_group(subscription.topic.arn), "failures", line)

    def _wake(self) -> None:
        self.deliveries.wake()

    async def _expire(self) -> None:
        while True:
            self.catalog.expire()
            await asyncio.sleep(_UPKEEP_S)


def _construct(tags: object) -> str:
    """The construct's name in the resource's tags."""
    pairs = tags if isinstance(tags, list) else []
    found = next((str(tag.get("Value")) for tag in pairs if tag.get("Key") == "klotho:construct"), "")
    return found.rpartition("/")[2]
