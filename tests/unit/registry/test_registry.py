"""The registry in a folder: publishing over what others do, what is never overwritten, withdrawing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from klotho.diagnostics import Failure
from klotho.registry import Registry, entry_name, names_of
from klotho.stores import Kept
from klotho.stores.folder import FolderStore
from tests.unit.registry.applications import application, construct, entry, news

SHOP = application("shop", construct("Messaging.Queue", "jobs"))


class Racing:
    """A store in which somebody else is faster, a few times."""

    def __init__(self, folder: Path, times: int = 0) -> None:
        self._store = FolderStore(folder)
        self.times = times

    def read(self, name: str) -> Kept | None:
        held = self._store.read(name)
        if self.times:
            self.times -= 1
            Registry(self._store, "acme", "prod").publish(news(SHOP, self.times, "bob"))
        return held

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_what_is_published_is_found_with_its_history_newest_first(tmp_path: Path) -> None:
    registry = Registry(FolderStore(tmp_path), "acme", "prod")
    assert registry.read("shop") is None
    assert registry.snapshot().entries == ()
    for number in range(60):
        registry.publish(news(SHOP, number))
    found = registry.read("shop")
    assert found is not None
    assert [item.when_ms for item in found.history] == list(range(1059, 1009, -1))
    assert (found.application, found.needs, found.outputs) == (SHOP, ("vpc",), {"api.url": "https://a.example"})
    assert registry.snapshot().entries == (found,)


def test_whoever_is_slower_adds_to_what_the_faster_one_wrote(tmp_path: Path) -> None:
    store: Any = Racing(tmp_path)
    registry = Registry(store, "acme", "prod")
    for times in (3, 2):  # a create that comes too late, and a replace
        store.times = times
        registry.publish(news(SHOP, 100 + times))
    found = registry.read("shop")
    assert found is not None
    assert len(found.history) == 7
    assert {item.who for item in found.history[1:4]} == {"ann", "bob"}


def test_giving_up_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="others publish it all the time") as caught:
        store: Any = Racing(tmp_path, 10_000)
        Registry(store, "acme", "prod").publish(news(SHOP))
    assert caught.value.diagnostic.code == "registry-busy"


def bad(kind: str) -> bytes:
    body = entry(SHOP).to_bytes()
    return {
        "cut": body[:-40],
        "newer": json.dumps({**json.loads(body), "schema": 7}).encode(),
        "another": entry(application("billing", *SHOP.constructs)).to_bytes(),
        "environment": entry(SHOP, "staging").to_bytes(),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("cut", "registry-damaged", "that publishes it again"),
        ("newer", "registry-newer", "install Klotho 0.1.0, or a newer one"),
        ("another", "registry-damaged", "it is of `billing` in project `acme`, prod"),
        ("environment", "registry-damaged", "it is of `shop` in project `acme`, staging"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_and_never_overwritten(
    tmp_path: Path, kind: str, code: str, says: str
) -> None:
    store, name = FolderStore(tmp_path), entry_name("acme", "prod", "shop")
    store.create(name, bad(kind))
    registry = Registry(store, "acme", "prod")
    registry.publish(news(application("mail", *SHOP.constructs)))
    for act in (lambda: registry.read("shop"), lambda: registry.publish(news(SHOP))):
        with pytest.raises(Failure) as caught:
            act()
        told = caught.value.diagnostic
        assert told.code == code
        assert says in " ".join((*told.notes, *told.helps))
        assert str(tmp_path / "acme" / "prod" / "shop.json") in " ".join(told.notes)
    assert store.read(name) == (bad(kind), store.list("")[name])
    found = registry.snapshot()
    assert [item.application.name for item in found.entries] == ["mail"]
    assert [(item.application, item.diagnostic.code) for item in found.unreadable] == [("shop", code)]


def test_withdrawing_removes_whatever_is_there_and_nothing_else(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    registry = Registry(store, "acme", "prod")
    assert registry.withdraw("shop") is False
    store.create(entry_name("acme", "prod", "shop"), b"damaged")
    registry.publish(news(application("mail", *SHOP.constructs)))
    assert registry.withdraw("shop") is True
    assert list(registry.etags()) == ["acme/prod/mail"]


def test_projects_and_environments_are_apart_whatever_their_names(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    odd = [
        ("a/b", "prod", "shop"),
        ("a", "b/prod", "shop"),
        ("..", "prod", "shop"),
        ("a", "prod", "x.json"),
        ("*", "p", "s"),
    ]
    for project, environment, name in odd:
        Registry(store, project, environment).publish(news(application(name, *SHOP.constructs, project=project)))
    assert names_of(store) == sorted(odd)
    assert names_of(store, "a") == [("a", "b/prod", "shop"), ("a", "prod", "x.json")]
    for project, environment, name in odd:
        (found,) = Registry(store, project, environment).snapshot().entries
        assert found.application.name == name
    assert sorted(path.parent.parent.parent for path in tmp_path.rglob("*.json")) == [tmp_path] * len(odd)
