"""Where the compiled application answers: the address of its one API."""

from __future__ import annotations

from klotho.diagnostics import Failure, one_of
from klotho.driver import inspection
from klotho.driver.identity import Where
from klotho.driver.program import Program


def address_of(program: Program, environment: str | None) -> str:
    """Failure where nothing is up, and where there is not exactly one API."""
    _, found = inspection.outputs(Where(program.path, "klotho verify"), environment)
    addresses = {name: value for name, value in found.items() if name.endswith(".url")}
    if len(addresses) != 1:
        notes = (f"there is {one_of(sorted(addresses))}",) if addresses else ()
        raise Failure("verify-no-api", f"{len(addresses)} APIs are up, and one is compared", notes=notes)
    return next(iter(addresses.values())).rstrip("/")
