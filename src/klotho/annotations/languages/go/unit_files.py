"""What a unit of Go has beside the module's files: the package `klotho_unit`.

`unit.go` says what the unit is; the rest is the same in each. A file of the user's that uses it imports it on the line
of its package clause, so that no line gets another number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from klotho.annotations.findings import Edit, construct_name
from klotho.annotations.languages.go.modules import GoFile

FOLDER = "klotho_unit"
PROGRAM = "klotho_unit_main"
"""The folder of the program of a unit without `package main`."""


def unit_file(
    name: str,
    variables: Mapping[str, tuple[str, str, str]],
    served: Iterable[tuple[str, str]],
    elsewhere: Iterable[str],
) -> bytes:
    """`klotho_unit/unit.go`. `elsewhere`: the units whose functions this one calls."""
    lines = [f"package {FOLDER}", "", "// What this unit is; the other files are the same in each.", ""]
    lines += [f"const Name = {_text(construct_name(name))}", "", "var variables = map[string][3]string{"]
    lines += [f"\t{_text(at)}: {{{', '.join(map(_text, place))}}}," for at, place in variables.items()]
    lines += ["}", "", "// Paths that belong to units, the most specific first.", "var served = [][2]string{"]
    lines += [f"\t{{{_text(path)}, {_text(construct_name(unit))}}}," for path, unit in served]
    lines += ["}", "", "// Units whose functions this one calls.", "var elsewhere = map[string]bool{"]
    lines += [f"\t{_text(construct_name(unit))}: true," for unit in sorted(set(elsewhere))]
    return "\n".join([*lines, "}", ""]).encode()


def _text(value: str) -> str:
    """A literal of Go: JSON's is one."""
    return json.dumps(value, ensure_ascii=False)


def imports_unit(file: GoFile, module: str, name: str = FOLDER) -> Edit:
    """The import, on the line of the package clause."""
    text = f'; import {name} "{module}/{FOLDER}"'
    return Edit(file.path, file.package_end, file.package_end, text.encode())


def keeps(file: GoFile, expression: str) -> Edit:
    """An import that an edit leaves without a use is kept after the last line: `var _ = http.ListenAndServe`."""
    content = file.source.text.content
    begin = "" if content.endswith(b"\n") else "\n"
    text = f"{begin}\nvar _ = {expression}\n"
    return Edit(file.path, len(content), len(content), text.encode())


@cache
def shim_files() -> dict[str, bytes]:
    """The shims by path in a unit."""
    folder = Path(__file__).parent / "shims" / FOLDER
    return {f"{FOLDER}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.go"))}
