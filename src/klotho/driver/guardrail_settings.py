"""`guardrails:` of klotho.yaml: which bundles of rules an application answers to.

Input: the parsed value. Output: `GuardrailSettings`. Refuses, at the line: what names no source, a git reference that
could be an option, tags that are no texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from klotho.diagnostics import Report, Span, did_you_mean, one_of

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PLAIN = re.compile(r"[^\s\x00-\x1f-][^\s\x00-\x1f]*")
"""A git URL or ref: no white space, and no `-` in front, which git would take for an option."""
_SCHEMES = re.compile(r"(https?|ssh|git|file)://.+|[\w.-]+@[\w.-]+:.+|/.+|\.{1,2}/.+")
_KEYS = ("bundles", "team", "tags")
_GIT = ("git", "ref", "path")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a bundle comes from."""

    kind: Literal["builtin", "folder", "git", "store"]
    name: str
    """The bundle's name, the folder as it is written, or git's URL."""
    ref: str = ""
    """Of git: a tag, a branch or a commit."""
    path: str = ""
    """Of git: the folder in the repository."""
    span: Span | None = None

    @property
    def shown(self) -> str:
        """For people, and the key in klotho.lock."""
        if self.kind == "git":
            return f"{self.name}#{self.ref}{f':{self.path}' if self.path else ''}"
        return f"store:{self.name}" if self.kind == "store" else self.name


@dataclass(frozen=True, slots=True)
class GuardrailSettings:
    """What is said at one place of the file."""

    sources: tuple[Source, ...] = ()
    teams: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def over(self, general: GuardrailSettings) -> GuardrailSettings:
        """An environment's part adds to the general one, and takes nothing from it."""
        known = {item.shown for item in general.sources}
        added = tuple(item for item in self.sources if item.shown not in known)
        return GuardrailSettings((*general.sources, *added), general.teams | self.teams, general.tags | self.tags)


def read_guardrails(
    data: Mapping[Any, Any], where: str, report: Report, line_of: Callable[[Mapping[Any, Any], Any], Span]
) -> GuardrailSettings:
    """`guardrails: [klotho-best-practice, ./rules]`, or with `bundles:`, `team:` and `tags:` below it."""
    value = data.get("guardrails")
    if value is None:
        return GuardrailSettings()
    return _Reader(f"{where}guardrails", line_of(data, "guardrails"), report, line_of).settings(value)


class _Reader:
    def __init__(self, where: str, at: Span, report: Report, line_of: Callable[[Mapping[Any, Any], Any], Span]) -> None:
        self._where, self._at, self._report, self._line_of = where, at, report, line_of

    def settings(self, value: Any) -> GuardrailSettings:
        if not isinstance(value, Mapping):
            return GuardrailSettings(self._sources(value))
        for key in value:
            if key not in _KEYS:
                helps = (did_you_mean(str(key), _KEYS) or f"there is {one_of(_KEYS)}",)
                message = f"`{self._where}.{key}` is no setting"
                self._report.error("settings-key-unknown", message, self._line_of(value, key), helps=helps)
        teams = self._names(value, "team")
        return GuardrailSettings(self._sources(value.get("bundles", [])), teams, self._names(value, "tags"))

    def _names(self, value: Mapping[Any, Any], key: str) -> frozenset[str]:
        given = value.get(key)
        items = given if isinstance(given, list) else [] if given is None else [given]
        if all(isinstance(item, str) and item for item in items):
            return frozenset(map(str, items))
        message = f"`{self._where}.{key}` must be a name, or a list of names"
        self._report.error("settings-value", message, self._line_of(value, key))
        return frozenset()

    def _sources(self, given: Any) -> tuple[Source, ...]:
        if not isinstance(given, list):
            self._refuse("must be a list of bundles", self._at)
            return ()
        found = [self._source(item, self._item_line(given, index)) for index, item in enumerate(given)]
        return tuple({item.shown: item for item in found if item is not None}.values())

    def _source(self, item: Any, at: Span) -> Source | None:
        if isinstance(item, str) and _NAME.fullmatch(item):
            return Source("builtin", str(item), span=at)
        if isinstance(item, str) and "/" in item and not item.startswith("-") and "\0" not in item:
            return Source("folder", str(item), span=at)
        if isinstance(item, Mapping) and set(item) == {"store"} and _NAME.fullmatch(str(item["store"])):
            return Source("store", str(item["store"]), span=at)
        if isinstance(item, Mapping) and "git" in item:
            return self._git(item, at)
        self._refuse(
            "holds something that is no bundle: a name such as `klotho-best-practice`, a folder such as `./rules`, "
            "`{git: URL, ref: TAG}` or `{store: NAME}`",
            at,
        )
        return None

    def _git(self, item: Mapping[Any, Any], at: Span) -> Source | None:
        url, ref, path = (item.get(key, "") for key in _GIT)
        if set(item) - set(_GIT) or not all(isinstance(part, str) for part in (url, ref, path)):
            self._refuse(f"has a git bundle with other keys than {one_of(_GIT)}, each a text", at)
        elif not _PLAIN.fullmatch(url) or not _SCHEMES.fullmatch(url):
            self._refuse(f"has a git bundle at `{url}`, which is no URL of a repository", at)
        elif not _PLAIN.fullmatch(ref):
            self._refuse("has a git bundle without `ref:`, the tag, branch or commit to take", at)
        elif path.startswith(("/", "-")) or ".." in path.split("/") or ":" in path:
            self._refuse(f"has a git bundle at `{path}`, which is no folder in a repository", at)
        else:
            return Source("git", url, ref, path.strip("/"), at)
        return None

    def _item_line(self, given: Any, index: int) -> Span:
        try:
            line, column = given.lc.item(index)
        except (AttributeError, KeyError, TypeError):
            return self._at
        return Span(self._at.file, line + 1, column + 1)

    def _refuse(self, message: str, at: Span) -> None:
        helps = ("docs/guardrails.md shows every form",)
        self._report.error("settings-value", f"`{self._where}` {message}", at, helps=helps)
