"""Which applications of the local cloud run and which are stopped, and how one is stopped or brought back.

Input: the live records of the `World`, whose stack tags carry `klotho:application`. Output: planes that run what their
handlers bring back (`Handler.resume`) or let go (`Handler.suspend`), data first, then compute, then the ways in; and a
durable flag per stopped application. Refuses nothing: an unknown application has nothing to stop or bring back.

A record without the tag belongs to no application (a stack made with another tool): it is always brought back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Literal

from klotho.localcloud.database import Database
from klotho.localcloud.handler import APPLICATION_TAG, Handler, Record, application_of
from klotho.localcloud.world import World

RESUME_WAVES = (
    ("AWS::ServiceDiscovery::", "AWS::SecretsManager::", "AWS::DynamoDB::", "AWS::RDS::", "AWS::SQS::"),
    ("AWS::Lambda::", "AWS::ECS::"),
    ("AWS::ApiGatewayV2::",),
)
"""What is brought back before what, and stopped after what: data, what uses them, the ways in. Other types are last."""
_FACT = "stopped/"
"""Prefix of the durable flags among the facts of the database."""

ApplicationState = Literal["running", "stopped"]
Attempt = Callable[[str, Callable[[], Awaitable[object]]], Awaitable[None]]
"""Does one step named by a text; a failure is noted and does not pass on."""


class Applications:
    """The applications of one running local cloud."""

    def __init__(self, database: Database, world: World, handlers: Mapping[str, Handler], attempt: Attempt) -> None:
        self._database = database
        self._world = world
        self._handlers = handlers
        self._attempt = attempt
        self._lock = asyncio.Lock()

    def states(self) -> dict[str, ApplicationState]:
        """Every application that has live resources."""
        names = sorted({name for record in self._world.all() if (name := application_of(record)) is not None})
        return {name: "stopped" if self._is_stopped(name) else "running" for name in names}

    async def bring_back(self) -> None:
        """Once, at the supervisor's start: everything but what belongs to stopped applications."""
        states = self.states()
        async with self._lock:
            await self._in_waves(r for r in self._world.all() if states.get(application_of(r) or "") != "stopped")

    async def resume(self, name: str) -> None:
        """Mark it running and bring back what does not run; what runs already is left alone."""
        async with self._lock:
            self._mark(name, stopped=False)
            await self._in_waves(self._of(name))

    async def pause(self, name: str) -> None:
        """Mark it stopped and stop its processes and ports; its data stay, and so do all other applications."""
        async with self._lock:
            self._mark(name, stopped=True)
            for wave in reversed(_waves(self._of(name))):
                await asyncio.gather(*(self._suspend(record) for record in wave))

    async def deploying(self, tags: Mapping[str, str]) -> None:
        """A stack with these tags is about to be created or changed: its application runs from now on."""
        name = tags.get(APPLICATION_TAG)
        if name is not None and self._is_stopped(name):
            await self.resume(name)

    def _of(self, name: str) -> list[Record]:
        return [record for record in self._world.all() if application_of(record) == name]

    def _is_stopped(self, name: str) -> bool:
        asked = self._database.connection.execute("select 1 from facts where name=?", (_FACT + name,))
        return asked.fetchone() is not None

    def _mark(self, name: str, *, stopped: bool) -> None:
        with self._database.transaction() as connection:
            if stopped:
                connection.execute("insert or replace into facts values (?, '1')", (_FACT + name,))
            else:
                connection.execute("delete from facts where name=?", (_FACT + name,))

    async def _in_waves(self, records: Iterable[Record]) -> None:
        for wave in _waves(records):
            await asyncio.gather(*(self._resume(record) for record in wave))

    async def _resume(self, record: Record) -> None:
        if self._world.get(record.type_name, record.identifier) is None:
            return  # deleted while what comes before it was brought back
        handler = self._handlers.get(record.type_name)
        what = f"bringing back {record.logical_id} ({record.type_name})"
        await self._attempt(what, _no_handler if handler is None else partial(handler.resume, record))

    async def _suspend(self, record: Record) -> None:
        handler = self._handlers.get(record.type_name)
        if handler is not None:
            what = f"stopping {record.logical_id} ({record.type_name})"
            await self._attempt(what, partial(handler.suspend, record))


class _NoHandlerError(Exception):
    """A live resource of a type this Klotho does not know."""


async def _no_handler() -> None:
    raise _NoHandlerError("this Klotho has no handler for the type")


def _waves(records: Iterable[Record]) -> list[list[Record]]:
    """The records by wave of `RESUME_WAVES`."""
    waves: list[list[Record]] = [[] for _ in range(len(RESUME_WAVES) + 1)]
    for record in records:
        numbers = (n for n, prefixes in enumerate(RESUME_WAVES) if record.type_name.startswith(prefixes))
        waves[next(numbers, len(RESUME_WAVES))].append(record)
    return waves
