"""The events plane: EventBridge's buses, rules and deliveries.

Input: events by `put`, from services of the local cloud and PutEvents; rules as the World has them. Output: each event
at every target of every enabled rule of its bus that matches, at least once, soon after `put` returned; also when the
supervisor is killed in between, since `put` stores what is to be delivered. Refuses nothing itself: a delivery that
can't succeed is logged, counted in `status` and put into the target's dead letter queue if it has one.

Rules are those of the World at the time of the `put`. Order is not promised, as on AWS. Retries wait 1, 2, 4 … at most
60 seconds, within the target's RetryPolicy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud.planes.events.rules import DEFAULT_BUS, RULE, Rule, Target, rule_of
from klotho.localcloud.planes.events.store import Deliveries
from klotho.localcloud.planes.events.targets import FUNCTION, Deliverer, UndeliverableError
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

BATCH = 100
_LONGEST_WAIT_S = 60.0
"""Between retries, and until the clock is looked at again: it may be set, and a laptop may sleep."""
_log = logging.getLogger("klotho.localcloud.events")


class Events:
    """Used from the supervisor's event loop only. `clock`: seconds since 1970."""

    def __init__(self, cloud: Cloud, *, clock: Callable[[], float] = time.time) -> None:
        self._cloud = cloud
        self._clock = clock
        self._deliveries = Deliveries(cloud.database)
        self._deliverer = Deliverer(cloud)
        self._rules: dict[str, Rule] | None = None
        self._failures: Counter[str] = Counter()
        self._last_failure: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        cloud.world.subscribe(RULE, self._forget)

    async def start(self) -> None:
        """Begin to deliver, first what a crash left."""
        self._task = asyncio.get_running_loop().create_task(self._work(), name="deliver events")

    async def stop(self) -> None:
        """Deliver nothing more; what is not delivered is kept for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def put(
        self,
        source: str,
        detail_type: str,
        resources: Sequence[str],
        detail: Mapping[str, Any],
        *,
        bus: str = DEFAULT_BUS,
        at: float | None = None,
    ) -> str:
        """Take an event; durable when this returns. Its id.

        `source`: `aws.s3`, or a name of the application's own. `at`: when it happened, seconds since 1970; now if None.
        """
        now = self._clock()
        identifier = str(uuid.uuid4())
        event = {
            "version": "0",
            "id": identifier,
            "detail-type": detail_type,
            "source": source,
            "account": self._cloud.account,
            "time": _iso(now if at is None else at),
            "region": self._cloud.region,
            "resources": list(resources),
            "detail": detail,
        }
        wanted = [rule for rule in self.rules().values() if rule.enabled and rule.bus == bus]
        goes_to = [(rule.arn, target.id) for rule in wanted if rule.pattern.matches(event) for target in rule.targets]
        if goes_to:
            self._deliveries.add(orjson.dumps(event), now, goes_to)
            self._changed.set()
        return identifier

    def rules(self) -> dict[str, Rule]:
        """Every rule by ARN."""
        if self._rules is None:
            found = [rule_of(record) for record in self._cloud.world.list(RULE)]
            self._rules = {rule.arn: rule for rule in found}
        return self._rules

    def pending(self) -> int:
        """Deliveries not done yet, those that wait for a retry included."""
        return self._deliveries.pending()

    def status(self) -> list[UnitStatus]:
        return [self._status(rule) for _, rule in sorted(self.rules().items())]

    def deliver_due(self) -> int:
        """Deliver what is due by the clock; how many were tried."""
        rows = self._deliveries.due(self._clock(), BATCH)
        with self._cloud.database.transaction():
            for row in rows:
                self._deliver(row)
        return len(rows)

    def _forget(self, _: str) -> None:
        self._rules = None

    async def _work(self) -> None:
        while True:
            self._changed.clear()
            try:
                while self.deliver_due() == BATCH:
                    await asyncio.sleep(0)  # others have their turn
                due = self._deliveries.next_due()
            except sqlite3.Error:  # a full disk must not end all deliveries
                _log.exception("delivering events failed")
                due = self._clock() + 1
            wait = _LONGEST_WAIT_S if due is None else min(_LONGEST_WAIT_S, max(0.001, due - self._clock()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)

    def _deliver(self, row: sqlite3.Row) -> None:
        rule = self.rules().get(row["rule"])
        targets = () if rule is None else rule.targets
        target = next((item for item in targets if item.id == row["target"]), None)
        if rule is None or target is None:
            _log.warning("an event for %s of %s is dropped: it is gone", row["target"], row["rule"])
            self._deliveries.done(row["id"])
            return
        try:
            self._deliverer.deliver(rule, target, orjson.loads(row["event"]), _iso(row["since"]))
        except UndeliverableError as error:
            self._give_up(rule, target, row, {"ERROR_CODE": error.code, "ERROR_MESSAGE": str(error)})
        except sqlite3.Error as error:
            self._retry(rule, target, row, error)
        else:
            self._deliveries.done(row["id"])

    def _retry(self, rule: Rule, target: Target, row: sqlite3.Row, error: Exception) -> None:
        now, attempt = self._clock(), row["attempt"] + 1
        wait = min(_LONGEST_WAIT_S, 2.0 ** min(attempt - 1, 10)) * random.uniform(0.75, 1.25)
        exhausted = (
            "MaximumRetryAttempts"
            if attempt > target.max_attempts
            else "MaximumEventAgeInSeconds"
            if now + wait - row["since"] > target.max_age_s
            else None
        )
        if exhausted is None:
            self._deliveries.postpone(row["id"], attempt, now + wait)
            return
        reason = {"ERROR_CODE": "SDK_CLIENT_ERROR", "ERROR_MESSAGE": str(error)}
        self._give_up(rule, target, row, {**reason, "EXHAUSTED_RETRY_CONDITION": exhausted})

    def _give_up(self, rule: Rule, target: Target, row: sqlite3.Row, why: Mapping[str, str]) -> None:
        text = f"event {orjson.loads(row['event'])['id']} of rule {rule.name} is not delivered: {why['ERROR_MESSAGE']}"
        if target.dead_letter_arn is not None:
            try:
                self._deliverer.bury(rule, target, row["event"], {**why, "RETRY_ATTEMPTS": str(row["attempt"])})
                text += f"; it is in the dead letter queue {target.dead_letter_arn.rpartition(':')[2]}"
            except UndeliverableError as error:
                text += f"; nor to its dead letter queue: {error}"
        self._deliveries.done(row["id"])
        self._failures[rule.arn] += 1
        self._last_failure[rule.arn] = why["ERROR_MESSAGE"]
        self._cloud.logs.write(self._log_group(target, rule), "events", text)

    def _log_group(self, target: Target, rule: Rule) -> str:
        """Where the developer looks: the function's log, or the rule's own."""
        function = self._cloud.world.get(FUNCTION, name_of(target.arn)) if ":lambda:" in target.arn else None
        if function is None:
            return f"/aws/events/{rule.name}"
        logging_config = function.properties.get("LoggingConfig", {})
        return str(logging_config.get("LogGroup", f"/aws/lambda/{function.identifier}"))

    def _status(self, rule: Rule) -> UnitStatus:
        waiting, failed = self._deliveries.pending(rule.arn), self._failures[rule.arn]
        parts = [f"sends events to {', '.join(target.arn.rpartition(':')[2] for target in rule.targets) or 'nobody'}"]
        parts += [f"{waiting} waiting"] if waiting else []
        parts += [f"{failed} not delivered, last: {self._last_failure[rule.arn]}"] if failed else []
        return UnitStatus(
            rule.construct,
            "rule",
            "stopped" if not rule.enabled else "running" if waiting else "idle",
            log_group=None if all(":lambda:" in target.arn for target in rule.targets) else f"/aws/events/{rule.name}",
            detail="; ".join(parts),
            application=rule.application,
        )


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
