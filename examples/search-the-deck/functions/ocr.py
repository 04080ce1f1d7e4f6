"""Reads what is printed on a slide. A stand-in for real recognition: the words are in the image's comments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from functions import slides

import klotho


def handler(event, context):
    name = event["detail"]["object"]["key"]
    slide = slides.parse(klotho.config.buckets.get("slides").get(name))
    with ThreadPoolExecutor(max_workers=4) as pool:  # strip by strip, side by side
        text = " ".join(pool.map(recognise, slide.strips))
    klotho.config.queues.get("found").send({"slide": name, "text": text})


def recognise(strip):
    """The words of one strip of the image."""
    return " ".join(strip.split())
