"""`klotho dev`."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from klotho.cli import asked_for
from klotho.cli.commands.logs import Writer
from klotho.cli.commands.program import program_at
from klotho.cli.commands.up import show_failure, summary
from klotho.cli.consent import Asked
from klotho.cli.console import Console
from klotho.cli.progress import Progress, progress_for
from klotho.cli.progress.lines import Changes
from klotho.cli.streams import StdoutError
from klotho.deploy.events import Event
from klotho.diagnostics import Diagnostic, ExitCode, Failure, render_json
from klotho.driver.deployment import Consent
from klotho.driver.dev import Dev, DevEvent, Ended, Lines, Planned, Refused, Reloaded, Watching


def run(path: Path, env: str | None, yes: bool, take_over: bool, as_json: bool) -> int:
    console = Console(as_json)
    program = program_at(path, "klotho dev")
    with _stopped_by_signals(console) as stop:
        teller = _Teller(console, program.folder, stop)
        try:
            consent = Consent() if yes else Asked(console, teller).consent
            Dev(program, env, teller, teller.show, stop, consent, take_over=take_over).run()
        except Failure as failure:
            failure.diagnostic = _by_up(failure.diagnostic)
            if not as_json:
                raise
            # One line, as every other event of the stream.
            console.json_line({"ok": False, "diagnostics": render_json([asked_for.advice(failure.diagnostic)])})
            return failure.exit_code
    return teller.exit_code


def _by_up(item: Diagnostic) -> Diagnostic:
    """What agrees to losing data, or to another folder, is said to `up` and not to `dev`."""

    def said(text: str) -> str:
        found = re.search(r"(?:run it with|add) `(--[^`]+)`", text)
        return text if found is None else text.replace(found[0], f"run `klotho up {found[1]}` first")

    return replace(item, helps=tuple(said(text) for text in item.helps))


@contextmanager
def _stopped_by_signals(console: Console) -> Iterator[threading.Event]:
    """The first Ctrl-C ends it cleanly, a second one at once."""
    stop = threading.Event()

    def end(number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        if not console.as_json:
            console.note("\nending: deploying what was changed (Ctrl-C again to leave at once)")

    former = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class _Teller:
    """Shows what happens; called from several threads."""

    def __init__(self, console: Console, folder: Path, stop: threading.Event) -> None:
        """`stop` is set when nobody reads any more what is told."""
        self._console = console
        self._folder = folder
        self._stop = stop
        self._lock = threading.RLock()
        self._writer = Writer(console, [])
        self._later = Changes(console)
        self._screen = ExitStack()
        self._first: Progress | None = None
        self._up = False
        self.exit_code: int = ExitCode.OK

    def __call__(self, event: Event) -> None:
        """The first deployment is shown like that of `up`, later ones by what they change only."""
        with self._lock:
            if self._up:
                self._later(event)
                return
            if self._first is None:
                self._first = self._screen.enter_context(progress_for(self._console))
            self._first(event)

    def paused(self) -> AbstractContextManager[None]:
        """A block in which the screen is free for a question."""
        return nullcontext() if self._first is None else self._first.paused()

    def show(self, event: DevEvent) -> None:
        """Everything but the progress of deployments."""
        with self._lock:
            if isinstance(event, Planned | Refused | Watching):
                self._end_first()
            try:
                if self._console.as_json:
                    self._as_json(event)
                else:
                    self._as_text(event)
            except StdoutError:
                self._stop.set()

    def _end_first(self) -> None:
        self._screen.close()
        self._first, self._up = None, True

    def _as_text(self, event: DevEvent) -> None:
        console = self._console
        match event:
            case Lines(lines):
                self._writer.write(lines)
            case Watching():
                console.note(f"watching {event.folder}; Ctrl-C ends")
            case Reloaded():
                mark = console.paint("reloaded", "green")
                console.note(f"{mark} {event.service}: {', '.join(event.files) or event.kind} in {event.ms} ms")
            case Refused():
                console.note(console.paint(_kept(event), "yellow"))
                console.diagnostics(event.diagnostics, self._folder)
            case Planned():
                self._planned(event)
            case Ended():
                self._ended(event)

    def _planned(self, event: Planned) -> None:
        result = event.result
        if not result.ok:
            show_failure(self._console, result)
            return
        self._console.diagnostics(result.built.diagnostics, self._folder)
        changed = [item for item in result.deployment.outcomes if item.result != "unchanged"]
        what = ", ".join(f"{item.stack} {item.result}" for item in changed) or "nothing differs"
        self._console.note(f"{self._console.paint('deployed', 'green')} in {result.seconds:.1f} s: {what}")
        if not event.files:
            self._console.table(sorted((name, url) for name, url in result.outputs.items() if url.startswith("http")))

    def _ended(self, event: Ended) -> None:
        if event.deployed:
            self._console.note("ended: what runs is what is deployed; `klotho down` stops it")
            return
        self.exit_code = ExitCode.ERROR
        back = f"; {', '.join(event.taken_back)} runs the code deployed before" if event.taken_back else ""
        self._console.note(f"ended before all changes were deployed{back}; `klotho up` deploys them")

    def _as_json(self, event: DevEvent) -> None:
        if isinstance(event, Lines):
            self._writer.write(event.lines)
            return
        if isinstance(event, Ended) and not event.deployed:
            self.exit_code = ExitCode.ERROR
        self._console.json_line({"event": type(event).__name__.lower(), **_data(event)})


def _kept(event: Refused) -> str:
    if event.service is None:
        return "not deployed: what ran before goes on"
    return f"not reloaded: {event.service} goes on with the code from before"


def _data(event: DevEvent) -> dict[str, Any]:
    match event:
        case Watching():
            return {"application": event.application, "folder": event.folder}
        case Reloaded():
            return {"service": event.service, "kind": event.kind, "files": list(event.files), "ms": event.ms}
        case Refused():
            return {"service": event.service, "diagnostics": render_json(event.diagnostics)}
        case Planned():
            return {"ok": event.result.ok, "files": list(event.files), **summary(event.result)}
        case Ended():
            return {"deployed": event.deployed, "taken_back": list(event.taken_back)}
        case _:
            return {}
