"""The entries of a project in an environment: reading, publishing, withdrawing.

Input: a store, names. Output: `Entry` values. Publishing is compare-and-swap: whoever was slower reads again and adds
to what is there. Refuses, by a `Failure` that says where it lies and what to do, an entry that is damaged
(`registry-damaged`) or of a newer Klotho (`registry-newer`): such a one is never overwritten.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import unquote

from klotho.application import Application
from klotho.diagnostics import Diagnostic, Failure
from klotho.registry.entry import KEPT, Entry, EntryError, Origin, Publication, entry_of
from klotho.resources import Shared
from klotho.stores import Kept, Store, key_part

_READERS = 8
_ATTEMPTS = 200
"""Of one publication: each one that fails is another's success."""


@dataclass(frozen=True, slots=True)
class News:
    """What an application publishes of itself."""

    application: Application
    region: str
    origin: Origin
    publication: Publication
    needs: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, Shared] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that is there and can't be understood."""

    application: str
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All entries at one time."""

    project: str
    environment: str
    entries: tuple[Entry, ...] = ()
    """Sorted by the application's name."""
    unreadable: tuple[Unreadable, ...] = ()
    etags: Mapping[str, str] = field(default_factory=dict)
    """Of every entry, by its name in the store: what to compare to know whether anything has changed."""


def entry_name(project: str, environment: str, application: str) -> str:
    """Where an entry is in the store."""
    return "/".join(map(key_part, (project, environment, application)))


def names_of(store: Store, project: str | None = None) -> list[tuple[str, str, str]]:
    """Project, environment and application of every entry in a store; nothing is read."""
    prefix = "" if project is None else f"{key_part(project)}/"
    parts = (name.split("/") for name in store.list(prefix))
    return sorted((unquote(a), unquote(b), unquote(c)) for a, b, c in (found for found in parts if len(found) == 3))


class Registry:
    """Of one project in one environment."""

    def __init__(self, store: Store, project: str, environment: str) -> None:
        self.project = project
        self.environment = environment
        self._store = store

    def read(self, application: str) -> Entry | None:
        """Failure for an entry that can't be read."""
        name = self._name(application)
        held = self._store.read(name)
        return None if held is None else self._parsed(name, application, held)

    def etags(self) -> dict[str, str]:
        """What is there, without reading it."""
        found = self._store.list(f"{key_part(self.project)}/{key_part(self.environment)}/")
        return {name: etag for name, etag in found.items() if name.count("/") == 2}  # without what lies beside them

    def elsewhere(self) -> tuple[Entry, ...]:
        """The project's entries in other environments of the store; those that can't be read are left out."""
        others = sorted({place for _, place, _ in names_of(self._store, self.project)} - {self.environment})
        found = [Registry(self._store, self.project, place).snapshot().entries for place in others]
        return tuple(entry for entries in found for entry in entries)

    def snapshot(self) -> Snapshot:
        """Every entry; those that can't be read are named, and the others are read all the same."""
        names = list(self.etags())
        with ThreadPoolExecutor(_READERS, thread_name_prefix="registry") as threads:
            held = dict(zip(names, threads.map(self._store.read, names), strict=True))
        entries, unreadable = [], []
        for name, kept in held.items():
            if kept is None:
                continue  # withdrawn a moment ago
            application = unquote(name.rpartition("/")[2])
            try:
                entries.append(self._parsed(name, application, kept))
            except Failure as failure:
                unreadable.append(Unreadable(application, failure.diagnostic))
        etags = {name: kept.etag for name, kept in held.items() if kept is not None}
        ordered = tuple(sorted(entries, key=lambda item: item.application.name))
        return Snapshot(self.project, self.environment, ordered, tuple(unreadable), etags)

    def publish(self, news: News) -> Entry:
        """Put it in the place of what is there, whose history it continues."""
        name, application = self._name(news.application.name), news.application.name
        for _ in range(_ATTEMPTS):
            held = self._store.read(name)
            before = self._parsed(name, application, held).history if held is not None else ()
            entry = self._entry(news, before)
            body = entry.to_bytes()
            done = self._store.create(name, body) if held is None else self._store.replace(name, body, held.etag)
            if done is not None:
                return entry
        raise Failure(
            "registry-busy",
            f"`{application}` could not be published: others publish it all the time",
            notes=(f"{_ATTEMPTS} attempts were made; the entry is {self._store.address(name)}",),
            helps=("run `klotho up` again",),
        )

    def keep(self, entry: Entry) -> None:
        """Put a copy of an entry of another registry here, whatever was here."""
        name, body = self._name(entry.application.name), entry.to_bytes()
        for _ in range(_ATTEMPTS):
            held = self._store.read(name)
            done = self._store.create(name, body) if held is None else self._store.replace(name, body, held.etag)
            if done is not None:
                return

    def withdraw(self, application: str) -> bool:
        """Remove the entry, whatever it holds: the application is gone. False when there was none."""
        name = self._name(application)
        held = self._store.read(name) if name in self.etags() else None
        return held is not None and self._store.delete(name, held.etag)

    def _entry(self, news: News, before: Iterable[Publication]) -> Entry:
        return Entry(
            news.application,
            self.environment,
            news.region,
            news.origin,
            (news.publication, *before)[:KEPT],
            news.needs,
            dict(news.outputs),
            dict(news.shared),
        )

    def _parsed(self, name: str, application: str, held: Kept) -> Entry:
        try:
            entry = entry_of(held.body)
        except EntryError as error:
            raise self._refused(name, application, error) from error
        found = (entry.application.project, entry.environment, entry.application.name)
        if found != (self.project, self.environment, application):
            elsewhere = EntryError(f"it is of `{found[2]}` in project `{found[0]}`, {found[1]}")
            raise self._refused(name, application, elsewhere)
        return entry

    def _refused(self, name: str, application: str, error: EntryError) -> Failure:
        address = self._store.address(name)
        what = f"what `{application}` published in project `{self.project}`, {self.environment}"
        if error.newer:
            version = f"Klotho {error.klotho}" if error.klotho else "the Klotho that wrote it"
            return Failure(
                "registry-newer",
                f"{what}, was written by a newer Klotho",
                notes=(str(error), f"it is {address}, and stays as it is"),
                helps=(f"install {version}, or a newer one",),
            )
        in_bucket = address.startswith("s3://")
        delete = f"{'aws s3 rm' if in_bucket else 'rm'} {shlex.quote(address)}"
        return Failure(
            "registry-damaged",
            f"{what}, can't be read",
            notes=(str(error), f"it is {address}, and stays as it is"),
            helps=(
                "bring an earlier version of it back: the bucket keeps them for 90 days" if in_bucket else None,
                f"remove it by `{delete}`, and run `klotho up` where `{application}` is: that publishes it again",
            ),
        )

    def _name(self, application: str) -> str:
        return entry_name(self.project, self.environment, application)
