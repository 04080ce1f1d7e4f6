"""`persist` on what has keys and values: the table it becomes, and `ttl`.

A language finds the statement and what is done with it. The items have one form in all of them, so that units of two
languages share a table: `key` and `value` are text (docs/annotations.md, "Calls between units"), `order` is when the
entry came, and `until` when it ends, in seconds since 1970. An entry without `until` stays.
"""

from __future__ import annotations

from klotho.annotations.findings import Edit, Resource
from klotho.annotations.model import Annotation
from klotho.diagnostics import Report

TTL = "ttl"
_UNTIL = "until"


def ttl(annotation: Annotation) -> int | None:
    """How many seconds an entry is there after it was set last; None: until it is deleted."""
    return annotation.directives.get(TTL)


def table(annotation: Annotation, verb: str, edits: tuple[Edit, ...], shims: tuple[str, ...] = ()) -> Resource:
    """What the statement asks for. `verb`: what the unit does with it. `shims`: what its code needs beside it."""
    ends = {} if ttl(annotation) is None else {"ttl": _UNTIL}
    properties = {"key": [["key", "S"]], **ends}
    return Resource(annotation, "Databases.KeyValue", (verb,), properties, edits=edits, shims=shims)


def check_ttl(resource: Resource, report: Report) -> None:
    """Refuses `ttl` on what has no entries, or says itself how long they are there."""
    annotation = resource.annotation
    if ttl(annotation) is None or resource.properties.get("ttl") == _UNTIL:
        return
    why, help_ = "nothing ends in it", "`ttl` is for the entries of a Map or a dict: leave it out"
    if resource.kind == "Databases.KeyValue":
        why, help_ = "a cache says it itself", "write `ttl=…` where the cache is made, and leave it out here"
    message = f"`ttl` of {annotation.title} is not for such a statement: {why}"
    report.error("annotation-directive", message, annotation.span, helps=(help_,))
