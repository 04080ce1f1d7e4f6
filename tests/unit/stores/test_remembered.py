"""What was read before is not fetched again, and never taken for something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klotho.registry import Registry
from klotho.stores import Kept, Remembered
from klotho.stores.folder import FolderStore
from tests.unit.registry.applications import application, construct, news

SHOP = application("shop", construct("Messaging.Queue", "jobs"))


def test_only_this_very_state_is_remembered(tmp_path: Path) -> None:
    memory = Remembered(tmp_path / "cache")
    assert memory.get("a/b", "1") is None
    memory.put("a/b", "1", b"one")
    assert memory.get("a/b", "1") == b"one"
    assert memory.get("a/b", "2") is None
    assert memory.get("a/c", "1") is None
    memory.put("a/b", "2", b"two")
    assert (memory.get("a/b", "1"), memory.get("a/b", "2")) == (None, b"two")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_rubbish_in_the_folder_is_forgotten(tmp_path: Path) -> None:
    memory = Remembered(tmp_path)
    memory.put("a", "1", b"one")
    (file,) = tmp_path.iterdir()
    for content in (b"", b"x", file.read_bytes()[:-1], b"\xff" * 100):
        file.write_bytes(content)
        assert memory.get("a", "1") is None
    file.unlink()
    file.mkdir()
    assert memory.get("a", "1") is None
    memory.put("a", "1", b"one")  # says nothing


class Counting:
    def __init__(self, folder: Path) -> None:
        self._store = FolderStore(folder)
        self.reads = 0

    def read(self, name: str) -> Kept | None:
        self.reads += 1
        return self._store.read(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_registry_fetches_what_changed_and_nothing_else(tmp_path: Path) -> None:
    store: Any = Counting(tmp_path / "store")
    registry = Registry(store, "acme", "prod", Remembered(tmp_path / "cache"))
    for number in range(3):
        app = application(f"app{number}", construct("Messaging.Queue", "jobs"))
        registry.publish(news(app, number))
    first = registry.snapshot()
    store.reads = 0
    assert registry.snapshot() == first
    assert store.reads == 0
    registry.publish(news(application("app1", construct("Messaging.Queue", "mails")), 9))
    store.reads = 0
    now = registry.snapshot()
    assert store.reads == 1
    assert [item.application.constructs[0].name for item in now.entries] == ["jobs", "mails", "jobs"]
