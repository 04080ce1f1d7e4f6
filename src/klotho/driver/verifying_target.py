"""What is compared: the address of one API of the compiled application, and how the original is run that it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klotho.diagnostics import Failure, Report, meant_or_listed, one_of
from klotho.driver import inspection
from klotho.driver.identity import Where
from klotho.driver.program import Program

if TYPE_CHECKING:
    from klotho.annotations.findings import Original
    from klotho.annotations.reading import CodeBase


def address_of(program: Program, api: str | None, environment: str | None) -> str:
    """`api`: its id; default: the only one. Failure where nothing is up, and where not exactly one of the APIs that
    annotations expose is."""
    from klotho.annotations.findings import construct_name

    code = _code_of(program, api)
    exposed = {f"{construct_name(item.id)}.url" for _, item in code.all("expose") if item.id is not None}
    _, found = inspection.outputs(Where(program.path, "klotho verify"), environment)
    addresses = {name: value for name, value in found.items() if name in exposed}
    if len(addresses) != 1:
        nobody = "a private API is reached from inside its network only, and is not compared"
        notes = (f"there is {one_of(sorted(addresses))}" if addresses else nobody,)
        helps = ("name it with --api ID, and its requests with --requests FILE",) if addresses else ()
        message = f"{len(addresses)} annotated APIs are up, and one is compared"
        raise Failure("verify-no-api", message, notes=notes, helps=helps)
    return next(iter(addresses.values())).rstrip("/")


def original_of(program: Program, api: str | None) -> Original:
    """`api`: its id; default: the first one. Failure where the code exposes nothing that could be compared."""
    from klotho.annotations.programs import Programs

    code = _code_of(program, api)
    exposing = next((source for source, _ in code.all("expose")), None)
    found = None if exposing is None else Programs(code).of_file(exposing.path)
    if found is None:
        raise Failure("verify-no-api", "this program exposes nothing that could be compared")
    return found.original


def _code_of(program: Program, api: str | None) -> CodeBase:
    """The code base, as if it exposed nothing but that API."""
    from klotho.annotations.reading import read_code_base

    code = read_code_base(program.folder, Report())
    if api is None:
        return code
    exposed = {item.id or "": source for source, item in code.all("expose")}
    if api not in exposed:
        helps = (meant_or_listed(api, list(exposed), "there is"),) if exposed else ()
        raise Failure("verify-no-api", f'no annotation exposes an API "{api}"', helps=helps)
    code.annotated = {exposed[api].path: exposed[api]}
    return code
