"""What a container is told of: by a queue of its own that Klotho gave it, one for each topic, schedule or bucket.

Input: a grant with the queue's URL as `queue`. Output: messages, as of any queue. Raises ValueError, with the line to
write in infra.py, in a service that was given none.
"""

from __future__ import annotations

from klotho.runtime.errors import WrongKindError
from klotho.runtime.grants import Grant, this_service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klotho.runtime.queue import Message, Queue


def inbox(name: str, what: str, verb: str, url: str | None, fifo: bool = False) -> Queue:
    """The queue behind `what` (`topic`, `schedule`, `bucket`) of this name."""
    if url is None:
        called = "subscribed" if verb == "subscribes_to" else "is triggered"
        raise ValueError(
            f"this service does not receive from {what} {name!r}: write "
            f"{this_service() or 'this_service'}.{verb}({name}) in infra.py; "
            f"a function that {called} is called with the {'messages' if what == 'topic' else 'events'} instead"
        )
    from klotho.runtime.queue import Queue

    return Queue(Grant(f"{what}s", "", {"name": name, "kind": "Messaging.Queue", "url": url, "fifo": fifo}))


def schedule(grant: Grant) -> Schedule:
    """The schedule that was granted; WrongKindError for a kind this runtime does not know."""
    if grant.kind != "Schedule":
        raise WrongKindError(
            f"schedule {grant.name!r} is a {grant.kind or 'thing without a kind'}, which this version of the runtime "
            "does not know; it knows Schedule"
        )
    return Schedule(grant)


class Schedule:
    """A schedule that triggers this container: `name` as in infra.py. Safe to use from several threads."""

    __slots__ = ("_queue_url", "kind", "name")

    def __init__(self, grant: Grant) -> None:
        self.name = grant.name
        self.kind = grant.kind
        self._queue_url = str(grant["queue"])

    def __repr__(self) -> str:
        return f"<Schedule {self.name!r}>"

    def receive(self, limit: int = 10, *, wait: int = 20, visibility: int | None = None) -> list[Message]:
        """Up to `limit` runs that are due (1 to 10), none when none came within `wait` seconds.

        `message.payload` is `{"schedule": …, "scheduled_at": …, "run": …}`. As with a queue, each is hidden for
        `visibility` seconds (default 30); `delete` it when it was handled, else it is delivered again, five times in
        all, with the same `run`.
        """
        return inbox(self.name, "schedule", "triggered_by", self._queue_url).receive(
            limit, wait=wait, visibility=visibility
        )
