"""A change to an application in an environment: from taking its lease to giving it back.

Input: the environment, names, a sink. Output: a `Session` whose every write passes the lease. Refuses what leases and
sessions refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import TracebackType

from klotho.deploy.events import Sink, Step
from klotho.deploy.lease import Lease, Room, Timing
from klotho.driver import leases, session
from klotho.driver.session import Session
from klotho.driver.settings import Environment
from klotho.driver.underway import Underway

_PATIENCE_S = 60.0
"""How long the project's lease is waited for; what is done under it takes a fraction of a second."""


class Change:
    """Enter it, then `open` the environment.

    On this machine the lease is held from the beginning: bringing a stopped application back is a change too. On AWS it
    lies in the bucket that bootstrapping makes, so it is held from `open` on, before anything deployed is read.
    """

    def __init__(self, environment: Environment, project: str, application: str, command: str, sink: Sink) -> None:
        """`command` is shown to whoever meets the lease: `klotho up`."""
        self._environment = environment
        self._project = project
        self._application = application
        self._command = command
        self._sink = sink
        self._lease: Lease | None = None
        self._place: tuple[Room, Timing] | None = None
        self._held = ExitStack()

    def __enter__(self) -> Change:
        if self._environment.target == "local":
            from klotho.driver.local_cloud import local_failures

            with local_failures():  # names a state folder nobody can use
                self._take(leases.local_room(), leases.local_timing())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._lease is not None:
                # Whatever failed because the lease was gone is told as that, and not part by part.
                self._lease.check()
        finally:
            self._held.close()

    def open(self, consent: Callable[[str], bool]) -> Session:
        """The environment, started and prepared; `consent` as for `Session.prepare`."""
        found = session.started(
            self._environment, self._project, lambda line: self._sink(Underway(line)), application=self._application
        )
        found.prepare(consent)
        return self.guard(found)

    def guard(self, found: Session) -> Session:
        """The same environment, whose writes pass the lease."""
        if self._lease is None:
            self._take(leases.bucket_room(found.clients), leases.aws_timing())
        return found.guarded(self.lease.guard)

    @property
    def lease(self) -> Lease:
        """The lease that is held."""
        assert self._lease is not None
        return self._lease

    def shared(self, patience: float = _PATIENCE_S) -> Lease:
        """The lease on what the project's applications share, waited for; enter it for as long as it takes.

        `patience`: seconds to wait for whoever has it.
        """
        assert self._place is not None
        room, timing = self._place
        take = partial(self._held_by_us, room, timing, None)
        return leases.waited_for(take, timing, patience, lambda line: self._sink(Step(line)))

    def _take(self, room: Room, timing: Timing) -> None:
        self._place = (room, timing)
        self._lease = self._held.enter_context(self._held_by_us(room, timing, self._application))

    def _held_by_us(self, room: Room, timing: Timing, application: str | None) -> Lease:
        return leases.held(
            room,
            timing,
            self._command,
            lambda line: self._sink(Step(line)),
            project=self._project,
            environment=self._environment.name,
            application=application,
        )
