"""What the registry holds of one application in one environment, as bytes and back.

Input: an `Entry`, or bytes somebody wrote. Output: the other. Refuses (`EntryError`) bytes that are damaged (no JSON,
another shape, a checksum that does not fit) and those of a newer Klotho, whatever else is in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from klotho.application import Application, ApplicationFormatError, from_json, to_json
from klotho.application.model import SCHEMA_VERSION as MODEL_SCHEMA
from klotho.resources import Shared, shared_from_json, shared_to_json

SCHEMA = 2
"""2: with what other applications may take of each construct."""
KEPT = 50
"""How many publications an entry remembers."""


class EntryError(ValueError):
    """The bytes are no entry that this version can read."""

    def __init__(self, why: str, *, newer: bool = False, klotho: str | None = None) -> None:
        super().__init__(why)
        self.newer = newer
        self.klotho = klotho
        """The version of Klotho that wrote it, where a newer one did and says so."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an application's program is."""

    folder: str
    """An absolute path on the publisher's machine; within `repository`, if there is one, relative to its root."""
    repository: str | None = None
    """`host/owner/name`, without any credentials of its URL."""

    def shown(self) -> str:
        if self.repository is None:
            return self.folder
        return self.repository if self.folder in ("", ".") else f"{self.repository}/{self.folder}"


@dataclass(frozen=True, slots=True)
class Broken:
    """What somebody has allowed by `--allow-breaking`."""

    application: str
    """Whose use of it is broken."""
    construct: str
    """What it uses, by the id it refers to it."""
    why: str
    """As the conflict said it."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One time an application was published."""

    when_ms: int
    """Milliseconds since 1970 by the publisher's clock."""
    who: str
    host: str
    klotho: str
    """The version of Klotho."""
    model: str
    """`digest_of` the application."""
    id: str
    """Random, so that no two publications have the same bytes."""
    commit: str | None = None
    """Of the program's source; None outside of git repositories."""
    dirty: bool = False
    """Whether files differed from the commit."""
    rollback: int | None = None
    """The revision that `klotho rollback` deployed: what runs is older than the model says."""
    broke: tuple[Broken, ...] = ()
    """What it broke of others, with consent."""
    down: bool = False
    """Whether it took the application down: the entry stays to say what that broke."""

    def version(self) -> str:
        """`1a2b3c4d5`, with `+` where files differed; `-` for none."""
        return f"{self.commit[:9]}{'+' if self.dirty else ''}" if self.commit else "-"


@dataclass(frozen=True, slots=True)
class Entry:
    """An application as it was last deployed."""

    application: Application
    environment: str
    region: str
    origin: Origin
    history: tuple[Publication, ...]
    """Newest first; never empty, at most `KEPT`."""
    needs: tuple[str, ...] = ()
    """Names of what it needs of the shared infrastructure: `vpc`, `cluster`; sorted."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What people see, by the name they know: `shop-api.url`."""
    shared: Mapping[str, Shared] = field(default_factory=dict)
    """What others may take of each construct, by its id; empty where an older Klotho published it."""

    @property
    def latest(self) -> Publication:
        return self.history[0]

    def to_bytes(self) -> bytes:
        content = {
            "schema": SCHEMA,
            "environment": self.environment,
            "region": self.region,
            "origin": asdict(self.origin),
            "needs": list(self.needs),
            "outputs": dict(self.outputs),
            "shared": shared_to_json(self.shared),
            "history": [asdict(item) for item in self.history],
            "application": to_json(self.application),
        }
        return _json({**content, "checksum": _digest(content)})


def digest_of(application: Application) -> str:
    """Two models with one digest are the same."""
    return _digest(to_json(application))


def entry_of(body: bytes) -> Entry:
    """EntryError for anything that `Entry.to_bytes` of this version, or an older one, did not write."""
    import orjson

    try:
        data = orjson.loads(body)
    except ValueError as error:
        raise EntryError(f"it is no JSON: {error}") from error
    if not isinstance(data, dict) or not _is_number(data.get("schema")):
        raise EntryError("it has no `schema` number")
    if data["schema"] > SCHEMA:
        raise EntryError(
            f"it has schema {data['schema']}, this Klotho reads up to {SCHEMA}", newer=True, **_writer(data)
        )
    content = {name: value for name, value in data.items() if name != "checksum"}
    if data.get("checksum") != _digest(content):
        raise EntryError("its checksum does not fit: it was changed by hand, or cut off")
    try:
        return _entry(data)
    except EntryError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise EntryError(f"{type(error).__name__}: {error}") from error


def _entry(data: Mapping[str, Any]) -> Entry:
    history = tuple(_publication(item) for item in data["history"])
    if not history:
        raise ValueError("nobody published it")
    return Entry(
        _application(data),
        _text(data["environment"]),
        _text(data["region"]),
        Origin(_text(data["origin"]["folder"]), _text_or_none(data["origin"]["repository"])),
        history[:KEPT],
        tuple(map(_text, data["needs"])),
        {_text(name): _text(value) for name, value in data["outputs"].items()},
        shared_from_json(data["shared"] if data["schema"] > 1 else {}),
    )


def _application(data: Mapping[str, Any]) -> Application:
    model = data["application"]
    if isinstance(model, dict) and _is_number(model.get("schema")) and model["schema"] > MODEL_SCHEMA:
        raise EntryError(
            f"its model has schema {model['schema']}, this Klotho reads up to {MODEL_SCHEMA}",
            newer=True,
            **_writer(data),
        )
    try:
        return from_json(model)
    except ApplicationFormatError as error:
        raise EntryError(str(error)) from error


def _publication(data: Mapping[str, Any]) -> Publication:
    rollback = data["rollback"]
    if not _is_number(data["when_ms"]) or not (rollback is None or _is_number(rollback)):
        raise TypeError("a publication without numbers")
    if not isinstance(data["dirty"], bool):
        raise TypeError("a publication without a state")
    return Publication(
        data["when_ms"],
        _text(data["who"]),
        _text(data["host"]),
        _text(data["klotho"]),
        _text(data["model"]),
        _text(data["id"]),
        commit=_text_or_none(data["commit"]),
        dirty=data["dirty"],
        rollback=rollback,
        broke=tuple(
            Broken(_text(item["application"]), _text(item["construct"]), _text(item["why"]))
            for item in data.get("broke", ())  # before 2026-11-28 there was none
        ),
        down=bool(data.get("down", False)),
    )


def _writer(data: Mapping[str, Any]) -> dict[str, Any]:
    """The version of Klotho that wrote it, if it stands where this version would look for it."""
    try:
        return {"klotho": _text(data["history"][0]["klotho"])}
    except (KeyError, TypeError, IndexError):
        return {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _digest(data: Any) -> str:
    return hashlib.sha256(_json(data)).hexdigest()


def _json(data: Any) -> bytes:
    import orjson

    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
