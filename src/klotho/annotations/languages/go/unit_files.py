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
from klotho.annotations.hosting import Form
from klotho.annotations.languages.go.modules import GoFile
from klotho.runtime import authority
from klotho.runtime.authority import BUNDLE

FOLDER = "klotho_unit"
BLOBS = "klotho_unit_blobs"
"""The package of buckets: it needs gocloud.dev, and is there where the unit does."""
PROGRAM = "klotho_unit_main"
"""The folder of the program of a unit without `package main`."""


def unit_file(
    name: str,
    variables: Mapping[str, tuple[str, str, str]],
    served: Iterable[tuple[str, str]],
    form: Form,
) -> bytes:
    """`klotho_unit/unit.go`."""
    lines = [f"package {FOLDER}", "", "// What this unit is; the other files are the same in each.", ""]
    lines += [f"const Name = {_text(construct_name(name))}", "", "// A function, and not a container."]
    lines += [
        f"const isFunction = {'true' if form == 'function' else 'false'}",
        "",
        "var variables = map[string][3]string{",
    ]
    lines += [f"\t{_text(at)}: {{{', '.join(map(_text, place))}}}," for at, place in variables.items()]
    lines += ["}", "", "// Paths that belong to units, the most specific first.", "var served = [][2]string{"]
    lines += [f"\t{{{_text(path)}, {_text(construct_name(unit))}}}," for path, unit in served]
    return "\n".join([*lines, "}", ""]).encode()


def _text(value: str) -> str:
    """A literal of Go: JSON's is one."""
    return json.dumps(value, ensure_ascii=False)


def imports_unit(file: GoFile, module: str, name: str = FOLDER, package: str = FOLDER) -> Edit:
    """The import, on the line of the package clause."""
    text = f'; import {name} "{module}/{package}"'
    return Edit(file.path, file.package_end, file.package_end, text.encode())


def with_imports(file: GoFile, module: str, edits: list[Edit]) -> list[Edit]:
    """Edits of a file, with the imports of what they use, each once."""
    used = [name for name in (FOLDER, BLOBS) if any(f"{name}.".encode() in edit.text for edit in edits)]
    if FOLDER in used:
        edits = [edit for edit in edits if edit != imports_unit(file, module, "_")]
    return [*(imports_unit(file, module, name, name) for name in used), *edits]


def keeps(file: GoFile, expression: str) -> Edit:
    """An import that an edit leaves without a use is kept after the last line: `var _ = http.ListenAndServe`."""
    content = file.source.text.content
    begin = "" if content.endswith(b"\n") else "\n"
    text = f"{begin}\nvar _ = {expression}\n"
    return Edit(file.path, len(content), len(content), text.encode())


_OF_VARIABLES = ("authority.go", "connections.go", "environment.go")
_OF_BUCKETS = ("objects.go",)


def shim_files(module: str, has_variables: bool, has_buckets: bool) -> dict[str, bytes]:
    """The shims by path in a unit; those for variables and buckets where it has any."""
    without = (() if has_variables else _OF_VARIABLES) + (() if has_buckets else _OF_BUCKETS)
    found = {path: content for path, content in _shims(FOLDER).items() if path.rpartition("/")[2] not in without}
    if has_variables:
        found[f"{FOLDER}/{BUNDLE}"] = (Path(authority.__file__).parent / BUNDLE).read_bytes()
    if has_buckets:
        found |= {path: content.replace(_ANY_MODULE, module.encode()) for path, content in _shims(BLOBS).items()}
    return found


_ANY_MODULE = b"klotho.invalid"
"""What stands for the user's module in shims that import others."""


@cache
def _shims(folder: str) -> dict[str, bytes]:
    home = Path(__file__).parent / "shims" / folder
    return {f"{folder}/{path.name}": path.read_bytes() for path in sorted(home.glob("*.go"))}
