"""Progress as lines: one per event, no cursor moves, for logs and pipes.

Input: events, from several threads. Output: lines on stderr, each with the seconds since the start.
"""

from __future__ import annotations

import threading

from klotho.cli.console import Console
from klotho.deploy import events
from klotho.driver.machine import elapsed_clock

_RESOURCE = {
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "updated",
    "DELETE_COMPLETE": "deleted",
    "DELETE_SKIPPED": "kept",
}
_PAST = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "recreate": "created",
    "contract": "contracted",
    "prove": "its services are ready",
}
_DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "recreate": "deleting and creating",
    "contract": "taking out what nobody uses any more",
    "prove": "waiting until its services are ready, which an earlier run did not see",
}

MOST_NAMED = 3
"""How many resources a line about waiting names."""


class Lines:
    """A sink that prints."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._clock = elapsed_clock()
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        text = line_of(event)
        if text is not None:
            with self._lock:
                self._console.note(f"{self._clock():6.1f}s  {text}")


class Quiet:
    """A sink that prints only what takes time apart from stacks: the local cloud starting, builds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = Lines(console)

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.Step | events.AssetFailed):
            self._lines(event)


class Changes:
    """A sink that prints what changes and what fails, and nothing that stays the same."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: events.Event) -> None:
        if self._console.as_json:
            return
        wanted = events.StackDone | events.StackFailed | events.StackSkipped | events.AssetFailed | events.SiteDone
        text = line_of(event) if isinstance(event, wanted) else None
        if text is not None:
            self._console.note(f"  {text}")


def line_of(event: events.Event) -> str | None:
    """What an event says in one line; None for what is not worth one."""
    match event:
        case events.Step(text):
            return text
        case events.AssetStarted(construct, type_):
            return f"{construct}: building the {type_}"
        case events.AssetProgress(construct, line):
            return f"{construct}: {line}"
        case events.AssetDone(construct, type_, seconds, detail):
            return f"{construct}: {type_} {detail} ({seconds:.1f} s)"
        case events.AssetFailed(construct, message, _):
            return f"{construct}: FAILED: {message}"
        case events.StackStarted(stack, action):
            return f"{stack}: {_DOING[action]}"
        case events.StackDone(stack, action, seconds):
            return f"{stack}: {_PAST[action]} ({seconds:.1f} s)"
        case events.StackUnchanged(stack):
            return f"{stack}: unchanged"
        case events.StackSkipped(stack, because):
            return f"{stack}: skipped, because {because} failed"
        case events.StackFailed(stack, _, cause, seconds):
            return f"{stack}: FAILED ({seconds:.1f} s): {cause.reason.splitlines()[0] if cause.reason else ''}"
        case events.ResourceChanged(stack, logical_id, type_, status, reason, _):
            return _resource(stack, logical_id, type_, status, reason)
        case _:
            return _waiting(event)


def _waiting(event: events.Event) -> str | None:
    match event:
        case events.Waiting(stack, on, seconds):
            more = f" and {len(on) - MOST_NAMED} more" if len(on) > MOST_NAMED else ""
            return f"{stack}: waiting for {seconds:.0f} s on {'; '.join(map(str, on[:MOST_NAMED]))}{more}"
        case events.Draining(stacks):
            if not stacks:
                return "stopping: nothing new begins"
            return (
                f"stopping: nothing new begins; waiting for CloudFormation to finish {', '.join(stacks)} "
                f"(Ctrl-C again stops waiting)"
            )
        case events.StackCancelled(stack):
            return f"{stack}: not begun"
        case events.ResourceLeft(stack, logical_id, type_, physical_id, why):
            return f"{stack}: {type_} {logical_id} ({physical_id}) LEFT BEHIND: {why}"
        case _:
            return _site(event)


def _site(event: events.Event) -> str | None:
    match event:
        case events.SiteStarted(construct, changed, removed):
            return f"{construct}: publishing ({changed} changed, {removed} removed)"
        case events.SiteProgress(construct, text):
            return f"{construct}: {text}"
        case events.SiteDone(construct, seconds, detail):
            return f"{construct}: {detail} ({seconds:.1f} s)"
        case events.SiteUnchanged(construct):
            return f"{construct}: unchanged"
        case events.SiteFailed(construct, message, _):
            return f"{construct}: FAILED: {message}"
        case _:
            return None


def _resource(stack: str, logical_id: str, type_: str, status: str, reason: str) -> str | None:
    if status.endswith("_IN_PROGRESS"):
        return None
    word = "FAILED" if status.endswith("_FAILED") else _RESOURCE.get(status, status.lower().replace("_", " "))
    said = f": {reason.splitlines()[0]}" if reason and status.endswith("_FAILED") else ""
    return f"{stack}: {type_} {logical_id} {word}{said}"
