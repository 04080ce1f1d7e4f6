"""Topics, subscriptions, and what is still to be delivered, in one SQLite file.

Input: settings, drafts. Output: `Topic` and `Subscription` objects in step with the file; deliveries that are due.
Publishing stores the message with one delivery for each subscription that wants it in one transaction: what was
answered is delivered, also after a kill of the process at any moment (write-ahead log, synchronous=normal; a power cut
may lose the last commits but never tears the file). Refuses a file from a newer Klotho, and a second topic of one name.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from klotho.localcloud.services.sns.definition import (
    SubscriptionDefinition,
    TopicDefinition,
    define_subscription,
    define_topic,
)
from klotho.localcloud.services.sns.drafts import Draft
from klotho.localcloud.services.sns.envelope import Published
from klotho.localcloud.services.sns.errors import SnsError, invalid, no_subscription, no_topic

FORMAT = 1
DEDUPLICATION_S = 300.0
"""SNS Developer Guide: "within the 5-minute deduplication interval"."""
_SEQUENCE_START = 10**19
_SCHEMA = """
create table if not exists topics (
    number integer primary key autoincrement, name text not null unique, owner text not null, settings text not null,
    tags text not null
);
create table if not exists subscriptions (
    number integer primary key autoincrement, arn text not null unique, topic integer not null,
    protocol text not null, endpoint text not null, settings text not null
);
create table if not exists messages (
    id integer primary key autoincrement, message_id text not null, topic integer not null, draft blob not null,
    sequence text, at real not null
);
create table if not exists deliveries (
    id integer primary key autoincrement, message integer not null, subscription integer not null, grp text,
    attempts integer not null default 0, due real not null
);
create index if not exists due on deliveries (due, id);
create index if not exists of_message on deliveries (message);
create index if not exists of_group on deliveries (subscription, grp, id) where grp is not null;
create table if not exists dedups (
    topic integer not null, dedup text not null, message_id text not null, sequence text not null, at real not null,
    primary key (topic, dedup)
);
"""
_DUE = """
select d.id, d.message, d.subscription, d.grp, d.attempts, m.message_id, m.topic, m.draft, m.sequence, m.at
from deliveries as d indexed by due join messages as m on m.id=d.message
where d.due<=:now and (d.grp is null or not exists (
  select 1 from deliveries as earlier where earlier.subscription=d.subscription and earlier.grp=d.grp
  and earlier.id<d.id and earlier.due>:now
)) order by d.id limit :limit
"""


@dataclass(slots=True)
class Topic:
    number: int
    name: str
    arn: str
    definition: TopicDefinition


@dataclass(slots=True)
class Subscription:
    number: int
    arn: str
    topic: Topic
    definition: SubscriptionDefinition


@dataclass(frozen=True, slots=True)
class Stored:
    """What Publish answers."""

    message_id: str
    sequence: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one subscriber."""

    id: int
    message: int
    subscription: Subscription | None
    """None when it unsubscribed meanwhile."""
    group: str | None
    """In which the order is kept; None where it is not."""
    attempts: int
    item: Published


class Catalog:
    """All topics of one account and region. Used from one thread. `notify`: told when something is to be delivered."""

    def __init__(
        self, path: Path, region: str, account: str, clock: Callable[[], float] = time.time,
        notify: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.region, self.account = region, account
        self._clock, self._notify = clock, notify
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=normal")
        found = int(self.connection.execute("pragma user_version").fetchone()[0])
        if found > FORMAT:
            self.connection.close()
            raise RuntimeError(f"{path} has data format {found}, this Klotho reads up to {FORMAT}")
        self.connection.executescript(_SCHEMA)
        self.connection.execute(f"pragma user_version={FORMAT}")
        self._topics: dict[int, Topic] = {}
        for row in self.connection.execute("select * from topics"):
            self._topics[row["number"]] = self._topic(row)
        self._subscriptions: dict[int, Subscription] = {}
        for row in self.connection.execute("select * from subscriptions"):
            self._subscriptions[row["number"]] = self._subscription(row)

    def _topic(self, row: sqlite3.Row) -> Topic:
        definition = define_topic(row["name"], orjson.loads(row["settings"]))
        return Topic(row["number"], row["name"], self.arn(row["name"]), definition)

    def _subscription(self, row: sqlite3.Row) -> Subscription:
        definition = define_subscription(row["protocol"], row["endpoint"], orjson.loads(row["settings"]))
        return Subscription(row["number"], row["arn"], self._topics[row["topic"]], definition)

    def close(self) -> None:
        self.connection.close()

    # ---- finding

    def arn(self, name: str) -> str:
        return f"arn:aws:sns:{self.region}:{self.account}:{name}"

    def find_topic(self, arn: str) -> Topic | None:
        return next((item for item in self._topics.values() if item.arn == arn), None)

    def topic(self, arn: str) -> Topic:
        """The same; SnsError NotFound."""
        found = self.find_topic(arn)
        if found is None:
            raise no_topic()
        return found

    def topics(self) -> list[Topic]:
        return sorted(self._topics.values(), key=lambda item: item.name)

    def find_subscription(self, arn: str) -> Subscription | None:
        return next((item for item in self._subscriptions.values() if item.arn == arn), None)

    def subscription(self, arn: str) -> Subscription:
        """The same; SnsError NotFound."""
        found = self.find_subscription(arn)
        if found is None:
            raise no_subscription()
        return found

    def subscriptions(self, topic: Topic | None = None) -> list[Subscription]:
        found = [item for item in self._subscriptions.values() if topic is None or item.topic is topic]
        return sorted(found, key=lambda item: item.arn)

    def tags(self, topic: Topic) -> dict[str, str]:
        row = self.connection.execute("select tags from topics where number=?", (topic.number,)).fetchone()
        found: dict[str, str] = orjson.loads(row["tags"])
        return found

    # ---- topics and subscriptions

    def create_topic(self, name: str, settings: Mapping[str, Any], tags: Mapping[str, str], owner: str) -> Topic:
        """Make a topic; the same `owner` gets the one it made before. SnsError for a name that is taken."""
        definition = define_topic(name, settings)
        row = self.connection.execute("select * from topics where name=?", (name,)).fetchone()
        if row is not None and row["owner"] != owner:
            raise SnsError("TopicAlreadyExists", f"A topic already exists with the same name: {name}")
        if row is None:
            self.connection.execute(
                "insert into topics (name, owner, settings, tags) values (?,?,?,?)",
                (name, owner, _json(definition.settings), _json(tags)),
            )
            row = self.connection.execute("select * from topics where name=?", (name,)).fetchone()
            self._topics[row["number"]] = self._topic(row)
        return self._topics[row["number"]]

    def change_topic(self, topic: Topic, settings: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Make its settings and tags these."""
        definition = define_topic(topic.name, settings)
        self.connection.execute(
            "update topics set settings=?, tags=? where number=?",
            (_json(definition.settings), _json(tags), topic.number),
        )
        topic.definition = definition

    def drop_topic(self, topic: Topic) -> None:
        """Delete it with its subscriptions; what was published goes nowhere any more."""
        gone = [item.number for item in self.subscriptions(topic)]
        with self.connection:
            self.connection.execute("begin immediate")
            for table in ("subscriptions", "dedups", "messages"):
                self.connection.execute(f"delete from {table} where topic=?", (topic.number,))
            self.connection.executemany("delete from deliveries where subscription=?", [(item,) for item in gone])
            self.connection.execute("delete from topics where number=?", (topic.number,))
        for number in gone:
            del self._subscriptions[number]
        del self._topics[topic.number]

    def subscribe(
        self, topic: Topic, protocol: str, endpoint: str, settings: Mapping[str, Any], arn_suffix: str
    ) -> Subscription:
        """Add a subscriber; one who subscribes again gets the subscription there is.

        SnsError InvalidParameter when it exists with other settings, as on AWS.
        """
        definition = define_subscription(protocol, endpoint, settings)
        _check_fifo(topic, definition)
        for item in self.subscriptions(topic):
            if (item.definition.protocol, item.definition.endpoint) == (protocol, endpoint):
                if dict(item.definition.settings) != dict(definition.settings):
                    raise invalid("Attributes Reason: Subscription already exists with different attributes")
                return item
        arn = f"{topic.arn}:{arn_suffix}"
        self.connection.execute(
            "insert into subscriptions (arn, topic, protocol, endpoint, settings) values (?,?,?,?,?)",
            (arn, topic.number, protocol, endpoint, _json(definition.settings)),
        )
        row = self.connection.execute("select * from subscriptions where arn=?", (arn,)).fetchone()
        self._subscriptions[row["number"]] = self._subscription(row)
        return self._subscriptions[row["number"]]

    def change_subscription(self, item: Subscription, settings: Mapping[str, Any]) -> None:
        """Make its settings these; what was published before keeps its way."""
        definition = define_subscription(item.definition.protocol, item.definition.endpoint, settings)
        self.connection.execute(
            "update subscriptions set settings=? where number=?", (_json(definition.settings), item.number)
        )
        item.definition = definition

    def unsubscribe(self, item: Subscription) -> None:
        with self.connection:
            self.connection.execute("begin immediate")
            self.connection.execute("delete from deliveries where subscription=?", (item.number,))
            self.connection.execute("delete from subscriptions where number=?", (item.number,))
        del self._subscriptions[item.number]

    # ---- messages

    def publish(self, topic: Topic, drafts: Iterable[Draft]) -> list[Stored]:
        """Store messages in this order, with what is to be delivered; durable when it returns."""
        with self.connection:
            self.connection.execute("begin immediate")
            stored = [self._store(topic, item) for item in drafts]
        self._notify()
        return stored

    def _store(self, topic: Topic, item: Draft) -> Stored:
        now = self._clock()
        if topic.definition.fifo:
            earlier = self.connection.execute(
                "select message_id, sequence from dedups where topic=? and dedup=? and at>?",
                (topic.number, item.dedup, now - DEDUPLICATION_S),
            ).fetchone()
            if earlier is not None:
                return Stored(earlier["message_id"], earlier["sequence"])
        message_id = str(uuid.uuid4())
        cursor = self.connection.execute(
            "insert into messages (message_id, topic, draft, at) values (?,?,?,?)",
            (message_id, topic.number, orjson.dumps(asdict(item)), now),
        )
        number = int(cursor.lastrowid or 0)
        sequence = str(_SEQUENCE_START + number) if topic.definition.fifo else None
        if sequence is not None:
            self.connection.execute("update messages set sequence=? where id=?", (sequence, number))
            self.connection.execute(
                "insert or replace into dedups values (?,?,?,?,?)",
                (topic.number, item.dedup, message_id, sequence, now),
            )
        self._address(topic, item, number, now)
        return Stored(message_id, sequence)

    def _address(self, topic: Topic, item: Draft, message: int, now: float) -> None:
        values = item.values()
        group = item.group if topic.definition.fifo else None
        rows = [
            (message, found.number, group, now)
            for found in self._subscriptions.values()
            if found.topic is topic and found.definition.wants(values, item.text_for(found.definition.protocol))
        ]
        if rows:
            self.connection.executemany(
                "insert into deliveries (message, subscription, grp, due) values (?,?,?,?)", rows
            )
        else:
            self.connection.execute("delete from messages where id=?", (message,))

    # ---- deliveries

    def due(self, limit: int) -> list[Delivery]:
        """What is to be delivered now, oldest first."""
        rows = self.connection.execute(_DUE, {"now": self._clock(), "limit": limit}).fetchall()
        return list(self._deliveries(rows))

    def _deliveries(self, rows: Sequence[sqlite3.Row]) -> Iterator[Delivery]:
        known: dict[int, Published] = {}
        for row in rows:
            item = known.get(row["message"])
            if item is None:
                found = Draft(**orjson.loads(row["draft"]))
                arn = self._topics[row["topic"]].arn
                item = known[row["message"]] = Published(row["message_id"], arn, found, row["sequence"], row["at"])
            subscription = self._subscriptions.get(row["subscription"])
            yield Delivery(row["id"], row["message"], subscription, row["grp"], row["attempts"], item)

    def settle(self, done: Sequence[Delivery], later: Sequence[tuple[Delivery, float]]) -> None:
        """Forget what was delivered or given up, and try the others again so many seconds from now."""
        now = self._clock()
        with self.connection:
            self.connection.execute("begin immediate")
            self.connection.executemany("delete from deliveries where id=?", [(item.id,) for item in done])
            self.connection.executemany(
                "delete from messages where id=? and not exists (select 1 from deliveries where message=messages.id)",
                [(number,) for number in {item.message for item in done}],
            )
            self.connection.executemany(
                "update deliveries set attempts=attempts+1, due=? where id=?",
                [(now + seconds, item.id) for item, seconds in later],
            )

    def next_due(self) -> float | None:
        """Seconds until something is to be delivered; None when nothing waits."""
        row = self.connection.execute("select min(due) from deliveries").fetchone()
        return None if row[0] is None else max(0.0, row[0] - self._clock())

    def waiting(self, topic: Topic) -> int:
        """Deliveries of a topic that are not done."""
        row = self.connection.execute(
            "select count(*) from deliveries as d join subscriptions as s on s.number=d.subscription where s.topic=?",
            (topic.number,),
        ).fetchone()
        return int(row[0])

    def expire(self) -> None:
        """Delete deduplication ids whose interval is over."""
        self.connection.execute("delete from dedups where at<=?", (self._clock() - DEDUPLICATION_S,))


def _check_fifo(topic: Topic, definition: SubscriptionDefinition) -> None:
    """AWS: a FIFO topic delivers to queues only, and a FIFO queue takes from FIFO topics only."""
    if topic.definition.fifo and definition.protocol != "sqs":
        raise invalid(f"Invalid protocol type: {definition.protocol}")
    if definition.protocol == "sqs" and definition.endpoint.endswith(".fifo") and not topic.definition.fifo:
        raise invalid("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value)).decode()
