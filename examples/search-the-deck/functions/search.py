"""`GET /search?q=two+words` finds slides with all the words; `GET /thumbnails/<slide>.png` shows one."""

from __future__ import annotations

import base64
import json

import klotho

MOST = 50


def handler(event, context):
    path = event["rawPath"]
    if path.startswith("/thumbnails/"):
        return thumbnail(path.removeprefix("/thumbnails/"))
    return answer(200, find((event.get("queryStringParameters") or {}).get("q", "")))


def find(query):
    words = query.lower().split()
    if not words:
        return {"slides": []}
    index = klotho.config.datastores.get("words")
    hits = [{row["slide"] for row in index.query({"word": word})} for word in words]
    names = sorted(set.intersection(*hits))
    cards = klotho.config.datastores.get("cards")
    found = [cards.get({"slide": name}) for name in names[:MOST]]
    return {"count": len(names), "slides": [card for card in found if card]}


def thumbnail(name):
    bucket = klotho.config.buckets.get("thumbnails")
    if not name or not bucket.exists(name):
        return answer(404, {"message": "no such slide"})
    body = base64.b64encode(bucket.get(name)).decode()
    return {"statusCode": 200, "headers": {"content-type": "image/png"}, "body": body, "isBase64Encoded": True}


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
