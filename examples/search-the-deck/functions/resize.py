"""Makes a thumbnail of each slide, and a card and its words for the search.

A message may come twice, or again after half of the work: everything is put under a key that follows from the slide
alone, and the card last, so that doing it again changes nothing.
"""

from __future__ import annotations

import json
import os
import zlib

from functions import slides

import klotho
from klotho.runtime.errors import ConditionFailedError

FAIL_EVERY = int(os.environ["FAIL_EVERY"])


def handler(event, context):
    failures = []
    for record in event["Records"]:
        try:
            make(json.loads(record["body"]), first=record["attributes"]["ApproximateReceiveCount"] == "1")
        except Exception as error:
            print(f"{record['messageId']}: {error}")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def make(message, first):
    name, text = message["slide"], message["text"]
    small = slides.thumbnail(slides.parse(klotho.config.buckets.get("slides").get(name)), 64)
    thumbnail = name.removesuffix(".pgm") + ".png"
    klotho.config.buckets.get("thumbnails").put(thumbnail, small, content_type="image/png")
    for word in set(text.lower().split()):
        klotho.config.datastores.get("words").put({"word": word, "slide": name})
    if first and FAIL_EVERY and zlib.crc32(name.encode()) % FAIL_EVERY == 0:
        raise RuntimeError(f"{name} fails at its first try, as FAIL_EVERY={FAIL_EVERY} wants")
    try:
        card = {"slide": name, "text": text, "thumbnail": thumbnail}
        klotho.config.datastores.get("cards").put(card, if_absent=True)
    except ConditionFailedError:
        print(f"{name} has its card already")
