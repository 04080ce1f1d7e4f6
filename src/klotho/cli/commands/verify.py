"""`klotho verify`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.compile import annotated_program
from klotho.cli.console import Console, counted
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.verifying import differences, original_running, read_requests
from klotho.driver.verifying_target import address_of, original_of

_SHOWN = 300


def run(path: Path, requests: Path | None, env: str | None, as_json: bool) -> None:
    console = Console(as_json)
    program = annotated_program(path, "klotho verify")
    given = read_requests(requests or program.folder / "requests.json")
    compiled = address_of(program, env)
    with original_running(program.folder, original_of(program)) as original:
        found = differences(given, original, compiled)
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
