"""`Messaging.Queue`: work that is handed over now and done soon, each message until it succeeded."""

from __future__ import annotations

from typing import Any, Literal

from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack
from klotho.sdk.statements import verb
from klotho.sdk.topic_filter import Filter, FilterOn, read_filter, read_filter_on


def read_dead_letter(value: Any) -> str | None:
    """The name of another queue; None when that queue's own mistakes were reported already."""
    if not isinstance(value, Queue):
        help_text = 'make one first: `failed = Messaging.Queue("failed")`, then `dead_letter=failed`'
        raise read.wrong("a Messaging.Queue", value, help_text)
    return None if value._made is None else value._made.name


class Queue(Construct):
    """A queue of messages, encrypted; each is delivered at least once, and again until it was handled."""

    KIND = "Messaging.Queue"

    url = OutputAttribute()
    """Its URL, as SQS's calls take it."""
    arn = OutputAttribute()
    """Its ARN."""

    @described(
        fifo=read.truth,
        dead_letter=read_dead_letter,
        visibility=read.whole(0, 43200, unit="seconds"),
        retention=read.whole(60, 1209600, unit="seconds"),
        max_receives=read.whole(1, 1000),
    )
    def __init__(
        self,
        name: str,
        *,
        fifo: bool = False,
        dead_letter: Queue | None = None,
        visibility: int | None = None,
        retention: int | None = None,
        max_receives: int | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe a queue.

        Args:
            name: how services ask for it: `klotho.config.queues.get("jobs")`.
            fifo: True keeps the order within each group and drops a message sent again within five minutes.
                Default: False, order is not kept and there is no limit on throughput.
            dead_letter: the queue that takes messages which failed `max_receives` times. Default: none, a message
                is tried until `retention` is over.
            visibility: seconds a message is hidden after it was received, at most 43200 (12 hours); not deleted by
                then, it is delivered again. Default: six times the longest timeout of the functions that consume it,
                at least 30.
            retention: seconds a message is kept, 60 to 1209600 (14 days). Default: 345600 (4 days); 14 days for a
                queue that is another one's `dead_letter`.
            max_receives: how often a message is tried before it goes to `dead_letter`. Default: 5.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: an ARN to use as it is, never to change; or by environment: `{"prod": "…"}`.
        """

    @verb(
        filter=read_filter,
        filter_on=read_filter_on,
        events=read.choice("created", "removed", "all"),
        prefix=read.some_text,
        suffix=read.some_text,
    )
    def subscribes_to(
        self,
        target: Construct,
        *,
        filter: Filter | None = None,
        filter_on: FilterOn | None = None,
        events: Literal["created", "removed", "all"] | None = None,
        prefix: str | None = None,
        suffix: str | None = None,
    ) -> None:
        """Takes in a topic's messages, as they were published (a FIFO topic keeps its order in a FIFO queue), or an
        event for each object of a bucket.

        For topics: `filter`: only messages that meet it, an SNS filter policy such as `{"kind": ["order", "refund"]}`;
        default: all. `filter_on`: whether it is about the message's `"attributes"` (default) or its `"body"`.

        For buckets: `events`: `"created"` (default), `"removed"` or `"all"`. `prefix` and `suffix`: only keys that
        begin or end so, as they are; default: all keys.
        """

    def _check(self, arguments: Arguments) -> None:
        if arguments.values.get("dead_letter") is None:
            arguments.drop("dead_letter")
        if "max_receives" in arguments.values and arguments.lacks("dead_letter"):
            arguments.complain(
                "conflicting-arguments",
                f"`max_receives` of {arguments.title} has no effect without `dead_letter`",
                "max_receives",
                helps=("say where messages go that failed so often: `dead_letter=failed`",),
            )
