"""The loop of `klotho dev`: bring up, watch, put each saved file in place, and leave behind what `up` would have.

Input: a program, an environment, where to tell what happens, and when to stop. Output: events. Effects: deployments,
swapped code, published sites. What is wrong with a saved file is told and changes nothing.

Code of functions and containers is swapped in place (`CodeSwap`), files of sites are published; what decides about the
infrastructure is deployed like `up` does it. At the end `up` runs once more when code was swapped, so that what is
deployed is what serves.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from klotho.deploy.events import Sink, Step
from klotho.deploy.functions.package import FunctionPackager, FunctionSources
from klotho.deploy.lease import Lease
from klotho.deploy.sites.step import SiteStep
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.threads import workers
from klotho.diagnostics import Diagnostic, Failure, ProgramError
from klotho.driver import local_cloud
from klotho.driver import session as sessions
from klotho.driver.access import require_access
from klotho.driver.build import Build
from klotho.driver.deployment import Consent, deployed_of, up
from klotho.driver.dev.code_swap import CodeSwap, LocalSwap
from klotho.driver.dev.events import Ended, Planned, Refused, Reloaded, Show, Watching
from klotho.driver.dev.follower import Follower
from klotho.driver.dev.lambda_swap import LambdaSwap
from klotho.driver.dev.turn import taken
from klotho.driver.dev.units import Unit, Units, units_of
from klotho.driver.dev.watching import Saved, Watch
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.machine import cache_folder, local_pace, new_run_id
from klotho.driver.program import Program, find_program
from klotho.stacks import AssetSource, Site

_LOOK_EVERY_S = 0.1
"""How soon a Ctrl-C is seen."""
_PARALLEL_SWAPS = 4
_RECENT_S = 5.0
"""A file saved longer ago (moved here, its time set by a tool) is timed from when it was seen."""


class Dev:
    """One run of `klotho dev`."""

    def __init__(
        self,
        program: Program,
        environment: str | None,
        sink: Sink,
        show: Show,
        stop: threading.Event,
        consent: Consent | None = None,
        *,
        take_over: bool = False,
    ) -> None:
        """`sink` gets the progress of deployments, `show` everything else; `stop` ends it, cleanly. `consent` is asked
        at the first deployment: who saves a file has agreed to what it changes, except to losing data. `take_over`:
        another `klotho dev` of the application ends, and this one goes on."""
        self._program = program
        self._environment = environment
        self._sink = sink
        self._show = show
        self._stop = stop
        self._consent = consent
        self._take_over = take_over
        self._turn: Lease | None = None
        self._built: Build | None = None
        self._units: Units | None = None
        self._session: sessions.Session | None = None
        self._way_there: CodeSwap | None = None
        self._swapped: set[str] = set()
        """Constructs that run other code than the last deployment's."""
        self._settled = 0.0
        """When the last deployment had ended."""
        self._behind = False
        """The last attempt to deploy did not work: what is saved next may mend it."""

    def run(self) -> None:
        """Returns when it was stopped and everything is in line. Raises what makes a first `up` impossible, and
        Failure (`lease-lost`) when another one took over."""
        identity = identify(Where(self._program.path), self._environment)
        require_access(identity.environment, "dev")
        with ExitStack() as held, Follower(Where(self._program.path), self._environment, self._show) as follower:
            if identity.environment.target == "local":
                self._turn = held.enter_context(self._taken(identity))
            folders: tuple[Path, ...] = (self._program.folder,)
            first = True
            while not self._stop.is_set():
                with Watch(folders) as watch:
                    if first:
                        self._deploy((), first=True)
                        if self._turn is None:  # on AWS it lies in the bucket, which is there for certain now
                            self._turn = held.enter_context(self._taken(identity))
                        follower.restart()
                        self._show(Watching(self._name, str(self._program.folder)))
                        first = False
                    # A plan may have added folders outside the program's: those need another watch.
                    while not self._stop.is_set() and set(folders) == set(self._folders()):
                        self._turn_is_ours()
                        saved = watch.next(_LOOK_EVERY_S)
                        if saved and self._changed(saved):
                            follower.restart()
                folders = self._folders()
            self._turn_is_ours()
            self._reconcile()

    def _taken(self, identity: Identity) -> Lease:
        return taken(identity, lambda line: self._sink(Step(line)), take_over=self._take_over)

    def _turn_is_ours(self) -> None:
        if self._turn is not None:
            self._turn.check()

    @property
    def _name(self) -> str:
        return self._built.application.name if self._built is not None else self._program.folder.name

    def _folders(self) -> tuple[Path, ...]:
        return (self._program.folder, *(self._units.extra if self._units is not None else ()))

    # --- what was saved -----------------------------------------------------------------------------------------

    def _changed(self, saved: frozenset[Saved]) -> bool:
        """Put what was saved in place; returns whether that was a deployment."""
        seen = time.time()
        units = self._units
        if units is None or self._behind or units.plans(saved):
            self._deploy(self._named(item.path for item in saved))
            return True
        with ThreadPoolExecutor(_PARALLEL_SWAPS) as threads:
            touched = units.touched(saved)
            planned = [done for done in threads.map(lambda unit: self._reload(unit, saved, seen), touched) if done]
        if planned:
            self._deploy(self._named(item.path for item in saved))
            return True
        sites = units.sites_touched(saved)
        if sites:
            self._publish(sites, saved, seen)
        return False

    def _reload(self, unit: Unit, saved: frozenset[Saved], seen: float) -> bool:
        """Returns whether only a deployment can do it: other packages are to be installed."""
        paths = {item.path for item in saved}
        if not self._swap.can(unit):
            return True
        try:
            if unit.kind == "container":
                served = self._reload_container(unit)
            else:
                sources = self._packager.sources(unit.asset.properties, lambda line: None)
                if unit.sources is None:
                    return True
                served = self._reload_function(unit, sources, again=_last(saved, seen) <= self._settled)
                paths &= sources.read
        except Failure as failure:
            unit.refused = True
            self._show(Refused(unit.name, (failure.diagnostic,)))
            return False
        except OSError as error:
            unit.refused = True
            self._show(Refused(unit.name, (_unreadable(error),)))
            return False
        if served:
            self._swapped.add(unit.construct)
        if served or unit.refused:  # also when a mistake was taken back: it serves what is saved again
            unit.refused = False
            self._show(Reloaded(unit.name, unit.kind, self._named(paths), _since(saved, seen)))
        return False

    def _reload_function(self, unit: Unit, sources: FunctionSources, *, again: bool) -> bool:
        """False when it serves exactly that already. `again`: saved while a deployment ran, which may have read the
        file before or after."""
        if sources.digest == unit.digest and not again:
            return False
        self._swap.function(unit, sources)
        unit.sources, unit.digest = sources, sources.digest
        return True

    def _reload_container(self, unit: Unit) -> bool:
        digest = self._swap.container(unit, lambda line: None)
        if digest is None:
            return False
        unit.digest = digest
        return True

    def _publish(self, sites: Iterable[Site], saved: frozenset[Saved], seen: float) -> None:
        assert self._built is not None and self._session is not None
        built, clients = self._built, self._session.clients
        step = SiteStep(
            tuple(sites),
            program_root=self._program.folder,
            cache=cache_folder(),
            sink=lambda event: None,
            clock=time.monotonic,
            spans=built.spans,
        )
        with workers(1, "site") as threads:
            step.start(threads)
            outputs = self._outputs(built)
            outcomes = step.publish(step.compare(outputs, clients), outputs, clients, new_run_id(), local_pace())
        for outcome in outcomes:
            name = outcome.construct.rpartition("/")[2]
            if outcome.diagnostic is not None:
                self._show(Refused(name, (outcome.diagnostic,)))
            elif outcome.result == "published":
                files = self._named(item.path for item in saved)
                self._show(Reloaded(name, "site", files, _since(saved, seen)))

    # --- deployments --------------------------------------------------------------------------------------------

    def _deploy(self, files: tuple[str, ...], first: bool = False) -> bool:
        """What `up` does. Mistakes are told and leave everything as it was; returns whether it worked."""
        self._behind = True
        try:
            program = find_program(self._program.path, "klotho dev")
            result = up(program, self._environment, self._sink, consent=self._consent if first else None)
        except (Failure, ProgramError) as error:
            if first and isinstance(error, Failure):
                raise
            found = error.diagnostics if isinstance(error, ProgramError) else [error.diagnostic]
            self._show(Refused(None, tuple(found)))
            return False
        self._program, self._built = program, result.built
        self._session = sessions.answering(result.built.environment, result.built.application.project)
        if self._session is not None and self._way_there is None:
            self._way_there = self._way(result.built, self._session)
        if self._session is not None and result.deployment.ok:
            self._units = units_of(result.built, self._session.clients, self._packager)
            self._swapped.clear()
            self._settled = time.time()
        self._behind = not result.ok
        self._show(Planned(result, files))
        return result.ok

    def _reconcile(self) -> None:
        """What is deployed becomes what serves; where that is not possible, what serves becomes what is deployed."""
        if self._built is None or self._session is None:
            self._show(Ended(deployed=False))
            return
        in_line = self._deploy(())
        taken_back = self._swap.end(self._name)
        self._show(Ended(in_line, () if in_line else taken_back))

    @property
    def _swap(self) -> CodeSwap:
        assert self._way_there is not None
        return self._way_there

    @property
    def _packager(self) -> FunctionPackager:
        assert self._built is not None
        return FunctionPackager(self._program.folder, cache_folder(), sessions.target_of(self._built.environment))

    def _way(self, built: Build, session: sessions.Session) -> CodeSwap:
        """How code is put in place in this environment."""
        if isinstance(session, local_cloud.Session):
            build_image = sessions.image_builder(built)
            return LocalSwap(session.connection, self._program.folder, self._packager, build_image)
        return LambdaSwap(
            session.clients, self._packager, self._packages, lambda: self._units.units if self._units else ()
        )

    def _packages(self) -> dict[str, str]:
        """The key of each deployed function's package, by construct."""
        assert self._built is not None
        by_name = {stack.stack_name: stack for stack in self._built.manifest.stacks}
        return {
            source.construct: deployed.parameters[parameter]
            for name, deployed in self._deployed(self._built).items()
            if name in by_name
            for parameter, source in by_name[name].parameters.items()
            if isinstance(source, AssetSource) and source.part == "key" and parameter in deployed.parameters
        }

    def _deployed(self, built: Build) -> Mapping[str, DeployedStack]:
        assert self._session is not None
        return deployed_of(built, self._session)

    def _outputs(self, built: Build) -> dict[str, Mapping[str, str]]:
        """Of every stack, by its short name."""
        return {stack.name: stack.outputs for stack in self._deployed(built).values()}

    def _named(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """Relative to the program's folder, as people write them."""
        folder = self._program.folder
        return tuple(
            sorted(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path) for path in paths)
        )


def _last(saved: Iterable[Saved], seen: float) -> float:
    """When the last of them was saved; `seen` where none is left."""
    times = []
    for item in saved:
        with contextlib.suppress(OSError):
            times.append(item.path.stat().st_mtime)
    return max(times, default=seen)


def _since(saved: Iterable[Saved], seen: float) -> int:
    """Milliseconds from the last save until now."""
    now, last = time.time(), _last(saved, seen)
    return round((now - (last if 0 <= now - last < _RECENT_S else seen)) * 1000)


def _unreadable(error: OSError) -> Diagnostic:
    return Failure("file-refused", f"`{error.filename}`: {(error.strerror or str(error)).lower()}").diagnostic
