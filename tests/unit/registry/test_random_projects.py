"""Projects nobody would write: joining them gives conflicts, never a traceback, and the same whatever the order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from klotho.application import Application, Construct, ConstructId, Directive, Existing, Relationship, token
from klotho.diagnostics import Span, render_text
from klotho.registry import Snapshot, Unreadable, join, leave
from klotho.registry.entry import entry_of
from klotho.registry.joined import ids_of
from tests.unit.registry.applications import entry

KINDS = (
    "API", "Auth.UserPool", "Compute.Container", "Compute.Function", "Databases.KeyValue", "Databases.Postgres",
    "Domain", "Messaging.Queue", "Messaging.Topic", "Unheard.Of",
)  # fmt: skip
VERBS = ("attach_service", "attach_service", "authenticates_with", "calls", "consumes", "exposes", "reads_from")
NAMES = ("a", "b", "a.example")
ROUTES = ("/", "/a", "/{x}", "/a/{x}", "/{x}/b", "/a/b/{y}", "no route", "//")
ANYTHING: tuple[Any, ...] = (None, True, 0, 2, "a", "18", "x.1", [], ["id"], {}, {"http": 1}, {"grpc": "x"}, ["GET"])
seeds = st.integers(0, 2**32)
"""Drawn as one number: what is made of it is written out by Hypothesis, which shrinks nothing here, and is fast."""


class Dice:
    """Makes applications of a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def some(self, *options: Any) -> Any:
        return self.random.choice(options)

    def id(self) -> ConstructId:
        return ConstructId(f"{self.some(*KINDS)}/{self.some(*NAMES)}")

    def properties(self, *names: str) -> dict[str, Any]:
        return {name: self.some(*ANYTHING) for name in names if self.random.random() < 0.4}

    def span(self) -> Span | None:
        line = self.random.randrange(1, 99)
        return self.some(None, Span("infra.py", line, 1, line, 9))

    def construct(self) -> Construct:
        properties = self.properties("key", "indexes", "fifo", "version", "public", "port", "ports", "dead_letter")
        if self.some(True, False):
            properties["environment"] = {"URL": token(self.id(), "url")}
        return Construct(
            self.some(*KINDS),
            self.some(*NAMES),
            properties,
            self.span(),
            stack=self.some(None, "one"),
            from_project=self.some(True, False),
            existing=self.some(None, None, Existing("arn:x"), {"prod": Existing("arn:x")}),
            renamed_to=self.some(None, None, *NAMES),
        )

    def relationship(self) -> Relationship:
        properties = self.properties("methods", "public", "protocol", "dead_letter")
        properties |= {"route": self.some(*ROUTES)} if self.some(True, True, False) else {}
        actor = self.some(self.id(), ConstructId("API/a"))
        return Relationship(self.some(*VERBS), actor, self.id(), properties, self.span())

    def application(self, name: str, *, valid: bool = False) -> Application:
        """`valid`: no two constructs have one name, as in everything that was ever deployed."""
        several = range(self.random.randrange(12))
        constructs = [self.construct() for _ in several]
        if valid:
            by_id = {name: item for item in constructs for name in ids_of(item)}
            constructs = [item for item in constructs if all(by_id[name] is item for name in ids_of(item))]
        return Application(
            name,
            "acme",
            constructs=tuple(constructs),
            relationships=tuple(self.relationship() for _ in several),
            directives=(Directive(self.id(), "use", "rds", self.properties("version", "port", "fifo")),),
        )

    def project(self, *, valid: bool = False) -> list[Application]:
        names = [name for name in ("mail", "shop", "users") if self.some(True, True, False)]
        return [self.application(name, valid=valid) for name in names]

    def change(self, published: list[Application]) -> Application:
        """`shop` as it is published, but for some properties and relationships."""
        now = next((item for item in published if item.name == "shop"), self.application("shop"))
        constructs = [
            replace(item, properties=self.construct().properties) if self.some(True, False) else item
            for item in now.constructs
        ]
        kept = [item for item in now.relationships if self.some(True, False)]
        return replace(now, constructs=tuple(constructs), relationships=tuple(kept))


@given(seeds)
def test_any_project_is_joined_in_any_order_and_every_conflict_can_be_shown(seed: int) -> None:
    dice = Dice(seed)
    published = dice.project()
    local = dice.some(None, dice.application("shop"), dice.change(published))
    entries = [entry_of(entry(item).to_bytes()) for item in published]
    elsewhere = [entry_of(entry(item, "staging").to_bytes()) for item in published]
    found = join(Snapshot("acme", "prod", tuple(entries)), local, "/here", elsewhere=elsewhere)
    for item in found:
        assert render_text([item.diagnostic], Path("/nowhere"))
        assert item.diagnostic.helps
        assert item.applications
        assert not item.breaks or (local is not None and local.name not in item.breaks)
    dice.random.shuffle(entries)
    dice.random.shuffle(elsewhere)
    assert join(Snapshot("acme", "prod", tuple(entries)), local, "/here", elsewhere=elsewhere) == found
    for name in ("shop", "users"):
        assert all(item.breaks for item in leave(Snapshot("acme", "prod", tuple(entries)), name))


@given(seeds)
def test_what_is_published_as_it_is_breaks_nobody(seed: int) -> None:
    """Nothing that compares with what was there before says a word when nothing changes."""
    published = Dice(seed).project(valid=True)
    entries = tuple(map(entry, published))
    for item in published:
        found = join(Snapshot("acme", "prod", entries), item, "/here")
        assert not any(conflict.breaks for conflict in found)


def test_random_projects_have_conflicts_of_all_these_kinds() -> None:
    """Else the tests above would prove little."""
    found: set[str] = set()
    for seed in range(200):
        dice = Dice(seed)
        published = dice.project()
        snapshot = Snapshot("acme", "prod", tuple(map(entry, published)))
        for local in (dice.application("shop"), dice.change(published)):
            found |= {item.diagnostic.code for item in join(snapshot, local, "/here")}
    assert found >= {
        "dangling-reference", "wrong-kind", "duplicate-definition", "domain-claimed-twice", "route-conflict",
        "guard-conflict", "guard-of-others", "guard-in-use", "project-circle", "in-use-elsewhere", "changed-in-use",
        "route-in-use",
    }  # fmt: skip


def test_entries_that_cannot_be_read_come_first_in_the_order_of_their_names() -> None:
    told = [Unreadable(name, entry_diagnostic(name)) for name in ("b", "a")]
    found = join(Snapshot("acme", "prod", (), tuple(told)))
    assert [sorted(item.applications) for item in found] == [["a"], ["b"]]


def entry_diagnostic(name: str) -> Any:
    from klotho.diagnostics import Diagnostic

    return Diagnostic("registry-newer", f"what `{name}` published")
