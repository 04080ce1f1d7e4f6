"""Objects in a folder: what a listing has, and what of other processes' work is never seen or lost."""

from __future__ import annotations

from pathlib import Path

from klotho.stores import key_part
from klotho.stores.folder import FolderStore


def test_a_listing_has_the_objects_below_a_prefix_with_the_etags_that_reading_gives(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert store.list("") == store.list("acme/") == {}
    names = ["acme/prod/shop", "acme/prod/mail", "acme/dev/shop", "acmes/prod/shop"]
    for name in names:
        store.create(name, name.encode())
    (tmp_path / "acme" / "prod" / "half.new").write_bytes(b"a draft")
    assert list(store.list("")) == sorted(names)
    assert list(store.list("acme/")) == ["acme/dev/shop", "acme/prod/mail", "acme/prod/shop"]
    for name, etag in store.list("acme/prod/").items():
        held = store.read(name)
        assert held is not None and held.etag == etag
        assert store.delete(name, etag)
    assert store.list("acme/prod/") == {}


def test_any_name_is_one_part_of_a_path_and_no_two_are_the_same() -> None:
    names = ["", ".", "..", "a/b", "a%2Fb", "a.b", "a b", "ä", "*", "%"]
    parts = [key_part(name) for name in names]
    assert len(set(parts)) == len(names)
    assert not any({"/", "."} & set(part) or not part for part in parts)
