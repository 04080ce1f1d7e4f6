"""Functions called with the messages of queues: what AWS does behind an event source mapping."""

from __future__ import annotations

from klotho.localcloud.planes.queue_events.plane import QueueEvents

__all__ = ["QueueEvents"]
