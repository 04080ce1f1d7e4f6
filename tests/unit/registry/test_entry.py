"""Entries as bytes: what was written is read again, and anything else is refused by an error that says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.application import Existing
from klotho.diagnostics import render_text
from klotho.registry import EntryError, Snapshot, join
from klotho.registry.entry import _digest, entry_of
from tests.unit.registry.applications import application, construct, entry, large

SOME = application(
    "shop",
    construct("Domain", "shop.example", existing={"prod": Existing("arn:aws:acm:…", {"path": "v1"})}),
    construct("Databases.Postgres", "orders", 4, properties={"size": [1, {"a": None}]}, was="old", stack="data"),
    construct("API", "shared", 5, from_project=True),
)
BODY = entry(SOME).to_bytes()


def signed(data: dict[str, Any]) -> bytes:
    """With a checksum that fits: what somebody wrote who knows how."""
    content = {name: value for name, value in data.items() if name != "checksum"}
    return json.dumps({**content, "checksum": _digest(content)}).encode()


def test_what_is_written_is_read_again_and_the_same_entry_is_the_same_bytes() -> None:
    for item in (entry(SOME), entry(large(1), "staging")):
        assert entry_of(item.to_bytes()) == item
        assert entry_of(item.to_bytes()).to_bytes() == item.to_bytes()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"schema":"1"}', b'{"schema":true}', b"\xff\xfe", b"{}"])
def test_what_is_no_entry_is_refused(body: bytes) -> None:
    with pytest.raises(EntryError):
        entry_of(body)


@pytest.mark.parametrize("place", range(0, len(BODY), 97))
def test_one_changed_byte_is_noticed(place: int) -> None:
    changed = bytearray(BODY)
    changed[place] ^= 1
    with pytest.raises(EntryError):
        entry_of(bytes(changed))
    with pytest.raises(EntryError):
        entry_of(BODY[:place])


def test_a_newer_schema_is_told_apart_whatever_else_is_in_it_and_says_who_wrote_it() -> None:
    for changes in ({"schema": 3, "history": [{"klotho": "9.1"}], "whatever": 1}, {"schema": 3}):
        with pytest.raises(EntryError) as caught:
            entry_of(json.dumps({**json.loads(BODY), **changes}).encode())
        assert caught.value.newer
    with pytest.raises(EntryError) as caught:
        data = json.loads(BODY)
        entry_of(signed({**data, "application": {**data["application"], "schema": 99}}))
    assert (caught.value.newer, caught.value.klotho) == (True, "0.1.0")


def test_what_an_older_klotho_published_tells_nothing_of_its_constructs() -> None:
    data = {name: value for name, value in json.loads(BODY).items() if name != "shared"}
    assert entry_of(signed({**data, "schema": 1})).shared == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def paths(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(path for key, value in items for path in paths(value, (*at, key)))]


PATHS = [path for path in paths(json.loads(BODY)) if path]


@given(st.sampled_from(PATHS), JSON, st.booleans())
def test_any_content_is_an_entry_that_can_be_joined_or_an_error(path: tuple[Any, ...], value: Any, drop: bool) -> None:
    """Something in the entry is another thing, or missing, and the checksum fits."""
    data = json.loads(BODY)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    try:
        found = entry_of(signed(data))
    except EntryError as error:
        assert str(error)
        return
    assert entry_of(found.to_bytes()) == found
    others = (found, entry(application("billing", construct("Domain", "shop.example"))))
    for conflict in join(Snapshot("acme", "staging", others), application("shop", *SOME.constructs), "/here"):
        assert render_text([conflict.diagnostic], Path("/nowhere"))


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(EntryError):
        entry_of(body)
