"""`POST /billing` has an invoice written and keeps it, `GET /billing` lists them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import klotho


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    invoices = klotho.config.datastores.get("invoices")
    if event["requestContext"]["http"]["method"] == "GET":
        return answer(200, {"invoices": list(invoices.scan())})
    asked = json.loads(event["body"])
    # Another repository's function, by the name this one knows it by.
    invoice = klotho.config.services.get("create_invoice").invoke({"user": asked["user"], "cents": asked["cents"]})
    kept = {"id": str(uuid.uuid4()), **invoice}
    invoices.put(kept)
    return answer(201, kept)


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
