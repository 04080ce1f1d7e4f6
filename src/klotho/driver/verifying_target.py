"""What is compared: the address of the compiled application's one API, and how the original is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klotho.diagnostics import Failure, Report, one_of
from klotho.driver import inspection
from klotho.driver.identity import Where
from klotho.driver.program import Program

if TYPE_CHECKING:
    from klotho.annotations.findings import Original
    from klotho.annotations.reading import CodeBase


def address_of(program: Program, environment: str | None) -> str:
    """Failure where nothing is up, and where not exactly one of the APIs that annotations expose is."""
    from klotho.annotations.findings import construct_name

    code = _code_of(program)
    exposed = {f"{construct_name(item.id)}.url" for _, item in code.all("expose") if item.id is not None}
    _, found = inspection.outputs(Where(program.path, "klotho verify"), environment)
    addresses = {name: value for name, value in found.items() if name in exposed}
    if len(addresses) != 1:
        nobody = "a private API is reached from inside its network only, and is not compared"
        notes = (f"there is {one_of(sorted(addresses))}" if addresses else nobody,)
        raise Failure("verify-no-api", f"{len(addresses)} annotated APIs are up, and one is compared", notes=notes)
    return next(iter(addresses.values())).rstrip("/")


def original_of(program: Program) -> Original:
    """Failure where the code exposes nothing: then there is nothing to compare."""
    from klotho.annotations.programs import Programs

    code = _code_of(program)
    exposing = next((source for source, _ in code.all("expose")), None)
    found = None if exposing is None else Programs(code).of_file(exposing.path)
    if found is None:
        raise Failure("verify-no-api", "this program exposes nothing that could be compared")
    return found.original


def _code_of(program: Program) -> CodeBase:
    from klotho.annotations.reading import read_code_base

    return read_code_base(program.folder, Report())
