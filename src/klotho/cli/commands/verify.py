"""`klotho verify`."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from klotho.cli.commands.compile import annotated_program
from klotho.cli.console import Console, counted
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.recorded_requests import Recording, recorded
from klotho.driver.verifying import Request, differences, original_running, read_requests
from klotho.driver.verifying_target import address_of, original_of

_SHOWN = 300


def run(path: Path, requests: Path | None, api: str | None, env: str | None, as_json: bool) -> None:
    console = Console(as_json)
    program = annotated_program(path, "klotho verify")
    given = read_requests(requests or program.folder / "requests.json")
    compiled = address_of(program, api, env)
    source = original_of(program, api)
    with original_running(program.folder, source) as original:
        found = differences(given, original, compiled, source.random)
    if as_json:
        console.json(
            {
                "ok": not found,
                "requests": len(given),
                "differences": [
                    {
                        "request": f"{item.request.method} {item.request.path}",
                        "what": item.what,
                        "original": item.original,
                        "compiled": item.compiled,
                    }
                    for item in found
                ],
            }
        )
    else:
        for item in found:
            console.note(f"{item.request.method} {item.request.path}: {item.what} differs")
            console.note(f"  original  {item.original[:_SHOWN]}")
            console.note(f"  compiled  {item.compiled[:_SHOWN]}")
        console.out(f"{counted(len(given), 'request')}, {counted(len(found), 'difference')}")
    if found:
        raise Failure(
            "verify-differs",
            f"the compiled application differs from the original in {counted(len(found), 'place')}",
            notes=("data of earlier requests is a difference, too: the original starts with none",),
            exit_code=ExitCode.ERROR,
        )


def record(path: Path, requests: Path | None, api: str | None, as_json: bool) -> None:
    """Until Ctrl-C or SIGTERM. An existing file is not written over."""
    console = Console(as_json)
    program = annotated_program(path, "klotho verify")
    into = requests or program.folder / "requests.json"
    if into.exists():
        helps = ("name another one with --requests FILE, or move it away",)
        raise Failure("requests-exist", f"`{into.name}` is there already", helps=helps)
    with original_running(program.folder, original_of(program, api)) as original:
        recording = _recorded(console, original, into)
    if as_json:
        console.json({"ok": True, "requests": recording.requests})
        return
    console.out(f"{counted(len(recording.requests), 'request')} in {into.name}")
    if recording.credentials:
        console.note("note: there are `authorization` headers in it: do not commit it as it is")


def _recorded(console: Console, original: str, into: Path) -> Recording:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def told(request: Request, status: int) -> None:
        console.note(f"{request.method} {request.path} {status}")

    with recorded(original, into, told) as (address, recording):
        console.note(f"recording what is asked of {address}, until Ctrl-C")
        stop.wait()
    return recording
