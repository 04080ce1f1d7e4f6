"""Functions called with the changes of tables: what AWS does behind an event source mapping on a stream."""

from __future__ import annotations

from klotho.localcloud.planes.table_events.plane import TableEvents

__all__ = ["TableEvents"]
