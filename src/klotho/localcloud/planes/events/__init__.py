"""EventBridge of the local cloud: events in, rules that match them, deliveries to their targets."""

from __future__ import annotations

from klotho.localcloud.planes.events.plane import Events

__all__ = ["Events"]
