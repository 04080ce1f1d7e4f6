"""A bundle of rules: read from the text of its `bundle.toml`.

Input: text. Output: a `Bundle`, with its digest. Refuses (`guardrail-bundle-damaged`), at the line: what is no TOML,
what the form (`vocabulary`) does not have, a rule or test that names what is not there, a resource type or a property
that AWS does not have.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from klotho.catalogue.facts import is_custom, is_known, known_types, schema
from klotho.diagnostics import Diagnostic, Label, Report, Span, did_you_mean
from klotho.guardrails import form, vocabulary

BUNDLE_FILE = "bundle.toml"
LARGEST = 1_000_000
"""Bytes of a bundle."""
Severity = Literal["deny", "warn", "info"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its author wrote it."""

    id: str
    bundle: str
    owner: str
    message: str
    fix: str
    subject: str
    """Which of `vocabulary.SUBJECTS` it is about."""
    match: Mapping[str, Any] = field(repr=False)
    """What it says of that, in the shapes of the vocabulary."""
    severity: Severity = "deny"
    why: str = ""
    environments: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Unique among all bundles: `acme-platform/no-public-database`."""
        return f"{self.bundle}/{self.id}"


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception: where a rule does not hold, who agreed, and until when."""

    rule: str
    applications: tuple[str, ...]
    reason: str
    approver: str
    until: datetime.date
    constructs: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose applications are, as the bundle's owner says."""

    match: tuple[str, ...]
    team: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fixture:
    """A program that tells whether the rules do what their author means."""

    program: str
    environment: str
    region: str | None
    expect: tuple[str, ...]
    """Ids of rules it breaks, sorted."""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rules with one owner and one version."""

    name: str
    version: str
    owner: str
    digest: str
    """sha256 of its text, hexadecimal."""
    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...] = ()
    ownership: tuple[Ownership, ...] = ()
    fixtures: tuple[Fixture, ...] = ()
    about: str = ""
    text: str = field(default="", repr=False, compare=False)
    """As it was read: what a store or a cache keeps."""


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_bundle(text: str, shown: str, report: Report) -> Bundle | None:
    """The bundle; None when it can't be used, and the report says why. `shown`: its file, for people."""
    reader = _Reader(text, shown, report)
    data = reader.data()
    return None if data is None else reader.bundle(data)


class _Reader:
    def __init__(self, text: str, shown: str, report: Report) -> None:
        self._text, self._shown, self._report = text, shown, report
        self._lines = _Lines(text)
        self._right = True

    def data(self) -> dict[str, Any] | None:
        if len(self._text) > LARGEST:
            self._note((), f"is larger than {LARGEST // 1000} kB", None)
            return None
        try:
            raw = tomllib.loads(self._text)
        except (ValueError, RecursionError) as error:  # a ValueError: numbers with thousands of digits, too
            found = re.search(r"at line (\d+)", str(error))
            said = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
            self._damaged(f"can't be read: {said}", int(found[1]) if found else 1)
            return None
        return form.read(vocabulary.BUNDLE, raw, self._note)

    def bundle(self, data: Mapping[str, Any]) -> Bundle | None:
        head = data["bundle"]
        rules = tuple(_rule(item, head) for item in data["rule"])
        self._doubles(rules)
        for index, rule in enumerate(rules):
            self._facts(rule, ("rule", index))
        known = {rule.id for rule in rules}
        waivers = tuple(Waiver(**item) for item in data.get("exception", ()))
        for index, waiver in enumerate(waivers):
            self._named(waiver.rule, known, ("exception", index, "rule"))
        fixtures = tuple(self._fixtures(data.get("test", ()), known))
        if not self._right:
            return None
        return Bundle(
            name=head["name"],
            version=head["version"],
            owner=head["owner"],
            about=head.get("about", ""),
            digest=digest_of(self._text),
            rules=rules,
            waivers=waivers,
            ownership=tuple(Ownership(**item) for item in data.get("application", ())),
            fixtures=fixtures,
            text=self._text,
        )

    def _fixtures(self, given: tuple[dict[str, Any], ...], known: set[str]) -> Iterator[Fixture]:
        for index, item in enumerate(given):
            expect, path = item["expect"], ("test", index)
            if not isinstance(expect, list) or not all(isinstance(name, str) for name in expect):
                self._note((*path, "expect"), "must be a list of ids of rules", None)
                continue
            for name in expect:
                self._named(name, known, (*path, "expect"))
            program = item["program"]
            if program.startswith("/") or ".." in program.split("/"):
                self._note((*path, "program"), "must be a folder below the bundle", None)
            line = self._lines.of(path)
            environment = item.get("environment", "prod")
            yield Fixture(program, environment, item.get("region"), tuple(sorted(expect)), line)

    def _doubles(self, rules: tuple[Rule, ...]) -> None:
        seen: set[str] = set()
        for index, rule in enumerate(rules):
            if rule.id in seen:
                self._note(("rule", index, "id"), f"is `{rule.id}`, as that of another rule", None)
            seen.add(rule.id)

    def _named(self, name: str, known: set[str], path: form.Path) -> None:
        if name not in known:
            self._note(path, f"names a rule `{name}`, which the bundle does not have", did_you_mean(name, known))

    def _facts(self, rule: Rule, path: form.Path) -> None:
        """A slip in a type or property would make a rule that never finds anything."""
        if rule.subject == "count" and rule.match.get("per") == "project" and "resources" in rule.match:
            said = "counts resources in the whole project: what others make is not known, count `constructs`"
            self._note((*path, "count"), said, None)
        if rule.subject != "resources":
            return
        here = (*path, "resources")
        known: list[str] = []
        for type_name in rule.match["type"]:
            if "*" in type_name or "?" in type_name or is_custom(type_name):
                return  # of many types: any property may be one's
            if is_known(type_name):
                known.append(type_name)
                continue
            nearest = did_you_mean(type_name, known_types()) or "see `klotho explain` for what Klotho makes"
            self._note((*here, "type"), f"names `{type_name}`, which Klotho makes nothing of", nearest)
        if known:
            self._properties(rule, known, here)

    def _properties(self, rule: Rule, types: list[str], here: form.Path) -> None:
        """Each is a property of one of the types."""
        settable = frozenset().union(*(schema(name).settable for name in types))
        used = [
            ((*here, name, index), item["property"]) for name in ("where", "must") for index, item in _items(rule, name)
        ]
        used += [((*here, "enforce"), name) for name in rule.match.get("enforce", {})]
        for at, path in used:
            first = path.partition(".")[0]
            if first not in settable and first != "*":
                self._note(
                    at, f"names `{first}`, which {' and '.join(types)} can't be given", did_you_mean(first, settable)
                )
        for name in rule.match.get("enforce", {}):
            if "*" in name.split("."):
                self._note((*here, "enforce"), "sets a property of every item: only named ones can be set", None)

    def _note(self, path: form.Path, message: str, fix: str | None) -> None:
        named = ".".join(str(part) if isinstance(part, str) else f"{part + 1}" for part in path)
        self._damaged(f"{f'`{named}` ' if named else ''}{message}", self._lines.of(path), fix)

    def _damaged(self, message: str, line: int, fix: str | None = None) -> None:
        self._right = False
        text = f"the bundle `{self._shown}`: {message}"
        helps = (fix or "`klotho guardrails schema` prints what a bundle may hold, for editors",)
        label = Label(Span(self._shown, line))
        self._report.add(Diagnostic("guardrail-bundle-damaged", text, (label,), helps=helps))


def _items(rule: Rule, name: str) -> list[tuple[int, Any]]:
    return list(enumerate(rule.match.get(name, ())))


def _rule(item: Mapping[str, Any], head: Mapping[str, Any]) -> Rule:
    subject = next(name for name in vocabulary.SUBJECTS if name in item)
    own = {key: value for key, value in item.items() if key not in vocabulary.SUBJECTS}
    own |= {key: " ".join(own[key].split()) for key in ("message", "why", "fix", "owner") if key in own}
    return Rule(**{"owner": head["owner"], **own}, bundle=head["name"], subject=subject, match=item[subject])


class _Lines:
    """Where things stand in the text: tomllib does not say."""

    _HEAD = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?")

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def of(self, path: form.Path) -> int:
        """The line of a key, else of the table it is in; 1 for what can't be found."""
        at = 0
        if len(path) > 1 and isinstance(path[1], int):
            at = self._header(str(path[0]), path[1])
        names = [str(part) for part in path if isinstance(part, str)]
        key = (
            re.compile(rf'\s*"?{re.escape(names[-1])}"?\s*=|.*[{{,]\s*"?{re.escape(names[-1])}"?\s*=')
            if names
            else None
        )
        for number in range(at, len(self._lines)):
            line = self._lines[number]
            if number > at and line.strip().startswith("[[") and at:
                break
            found = self._HEAD.fullmatch(line)
            if key is not None and (key.match(line) or (found and found[1] == ".".join(names))):
                return number + 1
        return at + 1

    def _header(self, name: str, index: int) -> int:
        seen = -1
        for number, line in enumerate(self._lines):
            if re.match(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]", line):
                seen += 1
                if seen == index:
                    return number
        return 0
