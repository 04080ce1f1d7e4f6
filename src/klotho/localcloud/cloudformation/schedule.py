"""Runs work on resources in dependency order, what is independent at the same time.

Input: names, what each waits for, and a coroutine per name. Output: the names that failed. Nothing is swallowed: only
`StepFailed` counts as a failure, everything else (cancelling, a crash in a test) stops all work at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

AT_ONCE = 16
"""How many resources are worked on at the same time."""


class StepFailed(Exception):
    """The work on one resource failed; the reason is journaled already."""


async def run_in_order(
    waits_for: Mapping[str, Iterable[str]], work: Callable[[str], Awaitable[None]], stop_on_failure: bool
) -> list[str]:
    """Work on every name after those it waits for.

    With `stop_on_failure` nothing new starts after a failure, though what runs is finished; without it only what waits
    for a failed name is left out. Gives the failed names, sorted.
    """
    pending = {name: {other for other in others if other in waits_for} for name, others in waits_for.items()}
    running: dict[asyncio.Task[None], str] = {}
    failed: list[str] = []
    try:
        while True:
            if not (failed and stop_on_failure):
                for name in [name for name, others in pending.items() if not others][: AT_ONCE - len(running)]:
                    del pending[name]
                    running[asyncio.ensure_future(work(name))] = name
            if not running:
                # Sorted: which of several failed first is chance, and a restart must give the same words.
                return sorted(failed)
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                name = running.pop(task)
                if isinstance(task.exception(), StepFailed):
                    failed.append(name)
                    continue
                task.result()
                for others in pending.values():
                    others.discard(name)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def reversed_order(depends_on: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """What each name waits for when things are taken down: everything that depends on it."""
    waits: dict[str, set[str]] = {name: set() for name in depends_on}
    for name, others in depends_on.items():
        for other in others:
            if other in waits:
                waits[other].add(name)
    return waits
