"""What was answered is there after a kill -9; and the store does what a plain dictionary of lists would do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from klotho.localcloud.services.object_store import Bucket, ObjectStore, uploads
from klotho.localcloud.services.object_store.listing import Asked, listing

WRITER = """
import sys
from pathlib import Path
from klotho.localcloud.services.object_store import ObjectStore
store = ObjectStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 1_000_000):
    content = (b"%d " % number) * (20_000 if number % 3 else 10)
    told = lambda head: ("Object Created", {"bucket": {"name": "b"}, "number": number})
    store.commit("b", f"k{number % 11}", store.draft(content), {"n": str(number)}, event=told)
    print(number, flush=True)
"""


@pytest.mark.localcloud
def test_every_answered_put_survives_a_kill_and_no_file_is_left_over(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    store.set_bucket(Bucket("b", "t", 1.0, "Enabled"))
    store.close()
    last, told = -1, set[int]()
    for lines in (60, 200, 20):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(last + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(lines):
                last = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            last = max([last, *(int(line) for line in writer.stdout.read().split("\n") if line.strip())])
        store = ObjectStore(tmp_path)
        heads = _everything(store)
        found = {int(head.headers["n"]): head for head in heads}
        assert set(range(last + 1)) <= set(found)
        for number, head in found.items():
            content = store.content(head)
            data = content if isinstance(content, bytes) else content.read_bytes()
            assert data == (b"%d " % number) * (20_000 if number % 3 else 10)
        while waiting := store.posted():
            told |= {detail["number"] for _, _, detail in waiting}
            for number, _, _ in waiting:
                store.told(number)
        assert told == set(found), "an event for each, in the same transaction"
        root = tmp_path / "objects"
        assert {path.name for path in (root / "content").rglob("*") if path.is_file()} == {
            head.place for head in found.values() if head.place
        }
        assert list((root / "incoming").iterdir()) == []
        last = max(found)
        store.close()


def _everything(store: ObjectStore) -> list[Any]:
    heads: list[Any] = []
    after, version = "", None
    while True:
        page = listing(store, Asked("b", after=after, after_version=version, versions=True, limit=97))
        heads += page.items
        if page.last is None:
            return heads
        after, version = page.last


KEYS = st.sampled_from(["a", "a/b", "a/b/c", "a/c", "ab", "b/", "b/a", "ü/\U0010ffff", "ü/é", " ", "a//b"])


class Versions(RuleBasedStateMachine):
    """The model: by key a list of (version, content or None for a marker), oldest first."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.temporary = tempfile.TemporaryDirectory()
        self.store = ObjectStore(Path(self.temporary.name))
        self.versioning = ""
        self.model: dict[str, list[tuple[str, bytes | None]]] = {}
        self._set("")

    def _set(self, versioning: str) -> None:
        self.versioning = versioning
        self.store.set_bucket(Bucket("b", "t", 1.0, versioning))

    @rule(state=st.sampled_from(["Enabled", "Suspended"]))
    def turn(self, state: str) -> None:
        self._set(state)

    @rule(key=KEYS, content=st.binary(max_size=5), large=st.booleans())
    def put(self, key: str, content: bytes, large: bool) -> None:
        head = self.store.commit("b", key, self.store.draft(content, as_file=large))
        self._add(key, head.version, content)

    def _add(self, key: str, version: str, content: bytes | None) -> None:
        history = self.model.setdefault(key, [])
        if self.versioning != "Enabled":
            assert version == "null"
            history[:] = [item for item in history if item[0] != "null"]
        history.append((version, content))

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        done = self.store.delete("b", key)
        if self.versioning:
            assert done.version is not None
            self._add(key, done.version, None)
        else:
            history = self.model.get(key, [])
            history[:] = [item for item in history if item[0] != "null"]

    @rule(key=KEYS, which=st.integers(0, 9))
    def delete_version(self, key: str, which: int) -> None:
        history = self.model.get(key, [])
        if history:
            gone = history.pop(which % len(history))
            assert self.store.delete("b", key, gone[0]).removed is not None
        assert self.store.delete("b", key, "nothing").removed is None

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = ObjectStore(Path(self.temporary.name))

    @rule(prefix=st.sampled_from(["", "a", "a/", "b", "ü/"]), delimiter=st.sampled_from(["", "/", "b"]),
          limit=st.integers(1, 5))  # fmt: skip
    def pages(self, prefix: str, delimiter: str, limit: int) -> None:
        current = sorted((key for key in self._current() if key.startswith(prefix)), key=str.encode)
        wanted: list[str] = []
        for key in current:
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            entry = key if cut < 0 else key[: cut + len(delimiter)]
            if entry not in wanted:
                wanted.append(entry)
        found: list[str] = []
        after = ""
        while True:
            page = listing(self.store, Asked("b", prefix, delimiter, after, limit=limit))
            entries = sorted([*(head.key for head in page.items), *page.prefixes], key=str.encode)
            assert len(entries) <= limit
            found += entries
            if page.last is None:
                break
            assert len(entries) == limit
            after = page.last[0]
        assert found == wanted

    def _current(self) -> dict[str, bytes]:
        latest = {key: history[-1][1] for key, history in self.model.items() if history}
        return {key: content for key, content in latest.items() if content is not None}

    @invariant()
    def agrees(self) -> None:
        assert {key: self.store.get("b", key) for key in self.store.keys("b")} == self._current()
        versions = [(head.key, head.version, head.latest, head.marker) for head in _everything(self.store)]
        wanted = [
            (key, version, number == 0, content is None)
            for key in sorted(self.model, key=str.encode)
            for number, (version, content) in enumerate(reversed(self.model[key]))
        ]
        assert versions == wanted

    def teardown(self) -> None:
        self.store.close()
        self.temporary.cleanup()


TestVersions = Versions.TestCase
TestVersions.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestVersions.pytestmark = [pytest.mark.localcloud]  # type: ignore[attr-defined]


@pytest.mark.localcloud
def test_an_upload_survives_a_restart_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    upload = uploads.begin(store, "b", "k", {"content-type": "x/y"}, {})
    for number in (1, 2):
        uploads.put_part(store, upload, number, store.draft(b"part %d " % number, as_file=True), {})
    store.close()
    store = ObjectStore(tmp_path)
    again = uploads.find(store, "b", "k", upload.id)
    draft = uploads.joined(store, uploads.parts_of(store, again))
    head = store.commit("b", "k", draft, again.headers, instead_of=again.id)
    assert (store.get("b", "k"), head.headers) == (b"part 1 part 2 ", {"content-type": "x/y"})
    files = [path for path in (tmp_path / "objects" / "content").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [head.place]
