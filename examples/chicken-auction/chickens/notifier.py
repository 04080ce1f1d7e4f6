"""Tells everyone who asked that a chicken's auction has begun, once each, however often the message comes.

A stand-in for sending mail: each notice is a row of its own and a line of the log.
"""

from __future__ import annotations

import json
from typing import Any

import klotho
from klotho.runtime.errors import ConditionFailedError


def handler(event: dict[str, Any], context: object) -> None:
    for record in event["Records"]:
        tell(json.loads(record["Sns"]["Message"]))


def tell(begun: dict[str, str]) -> None:
    subscriptions = klotho.config.datastores.get("subscriptions_db")
    for row in subscriptions.query({"chicken_id": begun["chickenId"]}):
        notice = {"auction_id": begun["auctionId"], "email": row["email"], "chicken_id": begun["chickenId"]}
        try:
            klotho.config.datastores.get("notices_db").put(notice, if_absent=True)
        except ConditionFailedError:
            continue  # told already
        print(f"to {row['email']}: the auction {begun['auctionId']} has begun")
