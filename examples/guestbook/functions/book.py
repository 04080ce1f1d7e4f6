"""GET lists the entries, POST adds one."""

import json
import time
import uuid

from klotho import config


def handler(event, context):
    entries = config.datastores.get("entries")
    if event["requestContext"]["http"]["method"] == "POST":
        text = str(json.loads(event["body"])["text"])[:200]
        entries.put({"id": uuid.uuid4().hex, "at": int(time.time() * 1000), "text": text})
    listed = sorted(entries.scan(), key=lambda entry: entry["at"], reverse=True)
    return [{"text": entry["text"], "at": int(entry["at"])} for entry in listed]
