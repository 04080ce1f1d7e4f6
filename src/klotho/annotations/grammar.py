"""Reads annotations out of comments: `@klotho::capability { TOML }`, several in one comment.

Input: a comment with the place of each character. Output: annotations with exact spans; what is wrong is reported,
all of it, and the annotation left out. The body ends at the brace that closes it: braces in TOML strings and comments
do not count, those of inline tables are balanced.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from klotho.annotations.capabilities import CAPABILITIES, EXPECTED, ID, ID_RULE, LONGEST_ID, fits
from klotho.annotations.model import Annotation, Comment, Text
from klotho.diagnostics import Report, Span, did_you_mean, one_of

_TOKEN = re.compile(r"@klotho::(\w*)")
_BODY = re.compile(r"\s*\{")
_AT = re.compile(r" *\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class _Found:
    """An annotation's text within its comment: token, name and body."""

    start: int
    name: str
    end: int
    body_start: int
    """Of the first character inside the braces; -1 without a body."""
    body: str
    closed: bool = True


def read_annotations(text: Text, comment: Comment, report: Report) -> list[Annotation]:
    """The annotations of one comment that follow the rules."""
    reader = _Reader(text, comment, report)
    return [item for found in _scan(comment.body) if (item := reader.read(found)) is not None]


def _scan(body: str) -> Iterator[_Found]:
    at = 0
    while (token := _TOKEN.search(body, at)) is not None:
        opening = _BODY.match(body, token.end())
        if opening is None:
            yield _Found(token.start(), token[1], token.end(), -1, "")
            at = token.end()
            continue
        end = _closing_brace(body, opening.end())
        if end is None:
            yield _Found(token.start(), token[1], opening.end(), opening.end(), body[opening.end() :], closed=False)
            return
        yield _Found(token.start(), token[1], end + 1, opening.end(), body[opening.end() : end])
        at = end + 1


def _closing_brace(body: str, at: int) -> int | None:
    """The place of the brace that closes the one before `at`; None when there is none."""
    depth = 1
    while at < len(body):
        char = body[at]
        if char in "\"'":
            at = _after_string(body, at)
            continue
        if char == "#":
            at = _after_comment(body, at)
            continue
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return at
        at += 1
    return None


def _keys_only(body: str) -> str:
    """The body with everything blanked, character by character, in which a directive's name is no directive: values,
    comments, inline tables."""
    kept, at, depth = list(body), 0, 0
    while at < len(body):
        char, end = body[at], at + 1
        if char in "\"'":
            end = _after_string(body, at)
        elif char == "#":
            end = _after_comment(body, at)
        is_key = char in "\"'" and body[end:].lstrip(" \t")[:1] in ("=", ".", "]") and depth == 0
        depth -= char == "}"
        if (depth > 0 or char in "\"'#") and not is_key:
            kept[at:end] = "\0" * (end - at)
        depth += char == "{"
        at = end
    return "".join(kept)


def _after_comment(body: str, at: int) -> int:
    """The end of a TOML comment's line."""
    end = body.find("\n", at)
    return len(body) if end < 0 else end


def _after_string(body: str, at: int) -> int:
    quote = body[at]
    triple = body.startswith(quote * 3, at)
    mark = quote * 3 if triple else quote
    at += len(mark)
    while at < len(body):
        if body.startswith(mark, at):
            at += len(mark)
            while triple and at < len(body) and body[at] == quote:  # `""""` ends with a quote of its own
                at += 1
            return at
        if body[at] == "\n" and not triple:
            return at  # an unclosed string: TOML says so with its line
        at += 2 if body[at] == "\\" and quote == '"' else 1
    return len(body)


class _Reader:
    def __init__(self, text: Text, comment: Comment, report: Report) -> None:
        self._text, self._comment, self._report = text, comment, report

    def read(self, found: _Found) -> Annotation | None:
        span = self._span(found.start, found.start + len("@klotho::") + len(found.name))
        capability = CAPABILITIES.get(found.name)
        if capability is None:
            known = did_you_mean(found.name, CAPABILITIES) or f"there is {one_of(CAPABILITIES)}"
            shown = f"`{found.name}` is no capability" if found.name else "this annotation names no capability"
            self._report.error("annotation-unknown", shown, span, helps=(known,))
            return None
        if not found.closed:
            message = f"the body of `@klotho::{found.name}` is never closed"
            self._report.error("annotation-syntax", message, span, helps=("add the closing `}`",))
            return None
        directives = self._directives(found)
        if directives is None or not self._follows_rules(found, directives, span):
            return None
        return Annotation(found.name, directives, span, self._comment.end)

    def _directives(self, found: _Found) -> dict[str, Any] | None:
        try:
            return tomllib.loads(found.body.replace("\r\n", "\n"))
        except (ValueError, RecursionError) as error:
            self._report.error(
                "annotation-syntax",
                f"the body of `@klotho::{found.name}` is no TOML: {_AT.sub('', str(error)).strip()[:200].lower()}",
                self._error_place(found, str(error)),
                helps=('write one directive a line: `id = "pets"`',),
            )
            return None

    def _error_place(self, found: _Found, message: str) -> Span:
        where = _AT.search(message)
        if where is None or where[1] is None:
            return self._span(max(found.end - 1, found.start), found.end)
        lines = found.body.splitlines(keepends=True)
        offset = sum(len(line) for line in lines[: int(where[1]) - 1]) + int(where[2]) - 1
        start = min(found.body_start + offset, found.end - 1)
        return self._span(start, start + 1)

    def _follows_rules(self, found: _Found, directives: dict[str, Any], span: Span) -> bool:
        capability, good = CAPABILITIES[found.name], True
        for key, value in directives.items():
            shape, at = capability.directives.get(key), self._key(found, key)
            if shape is None:
                helps = did_you_mean(key, capability.directives) or f"there is {one_of(capability.directives)}"
                message = f"`{key}` is no directive of `@klotho::{found.name}`"
                self._report.error("annotation-directive", message, at, helps=(helps,))
                good = False
            elif not fits(value, shape):
                self._report.error("annotation-directive", f"`{key}` must be {EXPECTED[shape]}", at)
                good = False
        return self._has_good_id(found, directives, span) and good

    def _has_good_id(self, found: _Found, directives: dict[str, Any], span: Span) -> bool:
        value = directives.get("id")
        if value is None:
            if CAPABILITIES[found.name].needs_id:
                helps = (f'write `@klotho::{found.name} {{ id = "…" }}`',)
                self._report.error("annotation-id", f"`@klotho::{found.name}` needs an id", span, helps=helps)
                return False
            return True
        if isinstance(value, str) and (len(value) > LONGEST_ID or not ID.fullmatch(value)):
            message = (
                f"`{value[:60]}` is no id" if len(value) <= LONGEST_ID else f"`{value[:60]}` is too long for an id"
            )
            self._report.error("annotation-id", message, self._key(found, "id"), notes=(f"an id is {ID_RULE}",))
            return False
        return True

    def _key(self, found: _Found, key: str) -> Span:
        """Where a directive stands, else the annotation."""
        pattern = rf"(?m)(?:^|[{{\[,\s])(\"?{re.escape(key)}\"?)\s*(?:=|\]|\.)"
        match = re.search(pattern, _keys_only(found.body))
        if match is None:
            return self._span(found.start, found.end)
        return self._span(found.body_start + match.start(1), found.body_start + match.end(1))

    def _span(self, start: int, end: int) -> Span:
        places = self._comment.positions
        first = places[min(start, len(places) - 1)]
        last = places[min(end, len(places)) - 1] + 1
        return self._text.span(first, max(first, last))
