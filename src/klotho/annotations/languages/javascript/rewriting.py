"""What is changed of the user's code: a Map is wrapped where it is made, a module of another unit is replaced.

Everything else is copied byte for byte, and no line gets another number.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from klotho.annotations.languages.javascript.maps import StoredMap
from klotho.annotations.languages.javascript.modules import Module

FOLDER = "klotho"
"""Of the shims, in each unit."""
SHIMS = ("encoding.cjs", "map.cjs", "calls.cjs", "handler.cjs")


def with_stored_maps(module: Module, maps: Iterable[StoredMap], is_esm: bool) -> bytes:
    content = module.source.text.content
    wanted = sorted(maps, key=lambda item: item.new.start_byte, reverse=True)
    path = json.dumps(_from(module.path, "map.cjs"))
    opening = "__klothoMap" if is_esm else f"require({path})"
    for item in wanted:
        start, end = item.new.start_byte, item.new.end_byte
        wrapped = f"{opening}({json.dumps(construct_name(item.id))}, ".encode() + content[start:end] + b")"
        content = content[:start] + wrapped + content[end:]
    if wanted and is_esm:  # imports are hoisted, so that this one may stand where it moves no line
        content += (b"" if content.endswith(b"\n") else b"\n") + f"import __klothoMap from {path};\n".encode()
    return content


def stub(path: str, unit: str, names: Iterable[str], is_esm: bool) -> bytes:
    """Stands in for a module of another unit."""
    shim, given = json.dumps(_from(path, "calls.cjs")), list(names)
    made = f"({json.dumps(construct_name(unit))}, {json.dumps(path)}, {json.dumps(given)})"
    first = f"// Klotho: `{path}` runs in the unit {unit}; each function here calls it there.\n"
    if not is_esm:
        return f"{first}module.exports = require({shim}){made};\n".encode()
    lines = [f"import remote from {shim};", f"const functions = remote{made};"]
    for number, name in enumerate(given):
        lines += [f"const f{number} = functions[{json.dumps(name)}];", f"export {{ f{number} as {name} }};"]
    return (first + "\n".join(lines) + "\n").encode()


def unit_file(name: str, entries: Iterable[str], calls: dict[str, list[str]]) -> bytes:
    """`klotho/unit.cjs`: what the handler loads, written out so that a bundler sees it."""
    lines = ['"use strict";', "module.exports = {", f"  name: {json.dumps(construct_name(name))},", "  entries: ["]
    lines += [f"    () => import({json.dumps('../' + path)})," for path in entries]
    lines += ["  ],", "  calls: {"]
    for path, names in sorted(calls.items()):
        load = f"() => import({json.dumps('../' + path)})"
        lines.append(f"    {json.dumps(path)}: {{ names: {json.dumps(names)}, load: {load} }},")
    return "\n".join([*lines, "  },", "};", ""]).encode()


@cache
def shim_files() -> dict[str, bytes]:
    """The shims by path in a unit; `.cjs`, so that they are CommonJS also in a package of ES modules."""
    folder = Path(__file__).parent / "shims"
    return {f"{FOLDER}/{name}": (folder / name).read_bytes() for name in SHIMS}


def construct_name(id: str) -> str:
    """The name of a unit, table or API: `/` and `:` are no characters of a name."""
    return id.replace("/", "-").replace(":", "-")


def _from(path: str, shim: str) -> str:
    found = posixpath.relpath(f"{FOLDER}/{shim}", posixpath.dirname(path) or ".")
    return found if found.startswith("../") else f"./{found}"
