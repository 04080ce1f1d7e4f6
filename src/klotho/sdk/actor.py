"""The verbs of constructs that run code: containers and functions."""

from __future__ import annotations

from typing import Literal

from klotho.sdk import readers as read
from klotho.sdk.construct import Construct
from klotho.sdk.queue import Queue, read_dead_letter
from klotho.sdk.statements import verb
from klotho.sdk.topic_filter import Filter, FilterOn, read_filter, read_filter_on

Protocol = Literal["http", "grpc", "async"]
Architecture = Literal["arm64", "x86_64"]
"""Processors of AWS: Graviton, and Intel or AMD."""
Events = Literal["created", "removed", "all"]


class Actor(Construct):
    """A construct that runs code and so can use others."""

    @verb()
    def reads_from(self, target: Construct) -> None:
        """May read the target's data, and nothing else: SELECT of a database, get and query of a table."""

    @verb()
    def writes_to(self, target: Construct) -> None:
        """May write the target's data, without reading it where the target can tell the two apart."""

    @verb()
    def read_writes_to(self, target: Construct) -> None:
        """May read and write the target's data."""

    @verb()
    def uses(self, target: Construct) -> None:
        """May read a secret, which `klotho.config.secrets.get(name).value` then gives; or knows a user pool, which
        `klotho.config.user_pools.get(name)` then finds, without any right to its users."""

    @verb(protocol=read.choice("http", "grpc", "async"))
    def calls(self, target: Construct, protocol: Protocol = "http") -> None:
        """May call the target, which `klotho.config.services.get(name)` then finds.

        `protocol`: `"http"` (default), `"grpc"`, or `"async"`, which does not wait for an answer.
        """

    @verb()
    def sends_to(self, target: Construct) -> None:
        """May send messages to the queue, which `klotho.config.queues.get(name)` then finds."""

    @verb(
        batch=read.whole(1, 10000),
        window=read.whole(0, 300, unit="seconds"),
        concurrency=read.whole(2, 1000),
    )
    def consumes(
        self,
        target: Construct,
        *,
        batch: int | None = None,
        window: int | None = None,
        concurrency: int | None = None,
    ) -> None:
        """Handles the queue's messages: a function is called with them, a container receives them itself.

        For functions: `batch`: the most messages in one call, default 10; beyond 10 it needs a `window`, and a FIFO
        queue allows no more. `window`: seconds to wait for a batch to fill, 0 (default) to 300, not of FIFO queues.
        `concurrency`: the most calls at once, 2 to 1000; default: AWS's own scaling.
        """

    @verb()
    def publishes_to(self, target: Construct) -> None:
        """May publish to the topic, which `klotho.config.topics.get(name)` then finds."""

    @verb(filter=read_filter, filter_on=read_filter_on)
    def subscribes_to(
        self, target: Construct, *, filter: Filter | None = None, filter_on: FilterOn | None = None
    ) -> None:
        """Gets the topic's messages: a function is called with each, a container receives them from a queue of its own.

        `filter`: only messages that meet it, an SNS filter policy such as `{"kind": ["order", "refund"]}`; default:
        all. `filter_on`: whether it is about the message's `"attributes"` (default) or its `"body"`.
        """

    @verb(
        batch=read.whole(1, 10000),
        window=read.whole(0, 300, unit="seconds"),
        from_start=read.truth,
        retries=read.whole(0, 10000),
        dead_letter=read_dead_letter,
        events=read.choice("created", "removed", "all"),
        prefix=read.some_text,
        suffix=read.some_text,
    )
    def triggered_by(
        self,
        target: Construct,
        *,
        batch: int | None = None,
        window: int | None = None,
        from_start: bool | None = None,
        retries: int | None = None,
        dead_letter: Queue | None = None,
        events: Events | None = None,
        prefix: str | None = None,
        suffix: str | None = None,
    ) -> None:
        """Functions: runs at the times of a schedule, after each change of a key-value table, in order, or for each
        object of a bucket that is created or removed. Containers: receives the same events of a schedule or bucket,
        `klotho.config.schedules.get("nightly").receive()`, from a queue of its own.

        For tables: `batch`: the most changes in one call, default 100. `window`: seconds to wait for a batch to fill, 0
        (default) to 300. `from_start`: True (default) begins with the oldest change that is kept, False with the next.
        `retries`: how often a batch that failed is tried again; default: until its changes are a day old, 10 with a
        `dead_letter`, the queue that is told which changes were given up.

        For buckets: `events`: `"created"` (default), `"removed"` or `"all"`. `prefix` and `suffix`: only keys that
        begin or end so, as they are; default: all keys. `klotho.config.buckets.event(event)` reads the event.
        """
