"""Writes one invoice. Whoever calls it says for whom and how much."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    cents = int(event["cents"])
    return {"to": event["user"], "cents": cents, "text": f"{event['user']} owes {cents // 100}.{cents % 100:02} EUR"}
