"""`Messaging.Topic`: messages that everyone who subscribed gets."""

from __future__ import annotations

from klotho.sdk import readers as read
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack


class Topic(Construct):
    """A topic, encrypted: what is published to it goes to each subscriber that wants it, at least once."""

    KIND = "Messaging.Topic"

    arn = OutputAttribute()
    """Its ARN, as SNS's calls take it."""

    @described(fifo=read.truth)
    def __init__(
        self,
        name: str,
        *,
        fifo: bool = False,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe a topic.

        Args:
            name: how services ask for it: `klotho.config.topics.get("orders")`.
            fifo: True keeps the order within each group, and drops what is published again within five minutes; only
                queues and containers can subscribe then. Default: False.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: an ARN to use as it is, never to change; or by environment: `{"prod": "…"}`.
        """
