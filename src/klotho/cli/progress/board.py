"""The state of a deployment as far as a screen shows it.

Input: events. Output: rows, one per stack, with its running resources below. Knows nothing of terminals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from klotho.deploy import events

RowState = Literal["waiting", "building", "working", "done", "unchanged", "failed", "skipped", "cancelled"]

_DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "recreate": "creating anew",
    "contract": "taking out what nobody uses",
    "prove": "waiting for its services",
}
_DONE = {
    "create": "created", "update": "updated", "delete": "deleted", "recreate": "created", "contract": "contracted",
    "prove": "its services are ready",
}  # fmt: skip


@dataclass
class Running:
    """A resource something happens to."""

    type: str
    status: str
    begun: float


@dataclass
class Row:
    """One stack or asset."""

    name: str
    state: RowState = "waiting"
    text: str = ""
    waits_for: tuple[str, ...] = ()
    begun: float | None = None
    seconds: float | None = None
    """How long it took; None while it goes on."""
    resources: dict[str, Running] = field(default_factory=dict)
    """By logical id."""
    finished: int = 0
    """Resources done so far."""


class Board:
    """All rows in the order they are shown."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.rows: dict[str, Row] = {}
        self.step = ""
        self.left: list[str] = []
        """What AWS would not let go of."""

    def receive(self, event: events.Event) -> None:
        match event:
            case events.Step(text):
                self.step = text
            case events.DeploymentPlanned(stacks):
                for name, upstream in stacks:
                    self.rows[name] = Row(name, waits_for=upstream)
            case events.AssetStarted(construct, type_):
                self.rows[construct] = Row(construct, "building", f"building the {type_}", begun=self._clock())
            case events.AssetProgress(construct, line):
                self._row(construct).text = line
            case events.AssetDone(construct, _, seconds, detail):
                self._end(construct, "done", detail, seconds)
            case events.AssetFailed(construct, message, seconds):
                self._end(construct, "failed", message, seconds)
            case _:
                self._stack(event)

    def waiting_on(self, row: Row) -> list[str]:
        """The upstream stacks a waiting row waits for."""
        ended = ("done", "unchanged")
        return [name for name in row.waits_for if name in self.rows and self.rows[name].state not in ended]

    def _stack(self, event: events.Event) -> None:
        match event:
            case events.StackStarted(stack, action):
                row = self._row(stack)
                row.state, row.text, row.begun = "working", _DOING[action], self._clock()
            case events.ResourceChanged(stack, logical_id, type_, status, _, _):
                self._resource(self._row(stack), logical_id, type_, status)
            case events.StackDone(stack, action, seconds):
                self._end(stack, "done", _DONE[action], seconds)
            case events.StackUnchanged(stack):
                self._end(stack, "unchanged", "", 0.0)
            case events.StackFailed(stack, _, cause, seconds):
                self._end(stack, "failed", cause.reason.split("\n")[0], seconds)
            case events.Draining(stacks):
                named = ", ".join(stacks)
                self.step = f"stopping: waiting for {named} (Ctrl-C again stops waiting)" if stacks else "stopping"
            case events.StackCancelled(stack):
                self._end(stack, "cancelled", "not begun", 0.0)
            case events.ResourceLeft(stack, logical_id, _, _, why):
                self.left.append(f"{stack}: {logical_id} is left behind: {why}")
            case events.StackSkipped(stack, because):
                self._end(stack, "skipped", f"{because} failed", 0.0)
            case _:
                self._site(event)

    def _site(self, event: events.Event) -> None:
        match event:
            case events.SiteStarted(construct):
                row = self._row(construct)
                row.state, row.text, row.begun, row.seconds = "working", "publishing", self._clock(), None
            case events.SiteProgress(construct, text):
                self._row(construct).text = text
            case events.SiteDone(construct, seconds, detail):
                self._end(construct, "done", detail, seconds)
            case events.SiteUnchanged(construct):
                self._end(construct, "unchanged", "", 0.0)
            case events.SiteFailed(construct, message, seconds):
                self._end(construct, "failed", message, seconds)
            case _:
                return

    def _row(self, name: str) -> Row:
        return self.rows.setdefault(name, Row(name))

    def _resource(self, row: Row, logical_id: str, type_: str, status: str) -> None:
        if status.endswith("_IN_PROGRESS"):
            row.resources[logical_id] = Running(type_, status, self._clock())
        else:
            row.resources.pop(logical_id, None)
            row.finished += status.endswith("_COMPLETE")

    def _end(self, name: str, state: RowState, text: str, seconds: float) -> None:
        row = self._row(name)
        row.state, row.text, row.seconds = state, text, seconds
        row.resources.clear()
