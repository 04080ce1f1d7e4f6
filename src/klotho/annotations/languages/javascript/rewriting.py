"""The files that stand beside or in place of the user's: a module of another unit is replaced, shims are added."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from klotho.annotations.findings import construct_name
from klotho.annotations.hosting import Form

FOLDER = "klotho"
"""Of the shims, in each unit."""
VARIABLES = "variables.cjs"
SHIMS = ("encoding.cjs", "calls.cjs", "answer.cjs")
SHIMS_OF_FORMS: Mapping[Form, tuple[str, ...]] = {
    "function": ("handler.cjs", "module.mjs", "balancer.cjs"),
    "container": ("container.cjs", "require.mjs"),
}


def stub(path: str, unit: str, names: Iterable[str], is_esm: bool) -> bytes:
    """Stands in for a module of another unit."""
    shim, given = json.dumps(way_to(path, "calls.cjs")), list(names)
    made = f"({json.dumps(construct_name(unit))}, {json.dumps(path)}, {json.dumps(given)})"
    first = f"// Klotho: `{path}` runs in the unit {unit}; each function here calls it there.\n"
    if not is_esm:
        return f"{first}module.exports = require({shim}){made};\n".encode()
    lines = [f"import remote from {shim};", f"const functions = remote{made};"]
    for number, name in enumerate(given):
        lines += [f"const f{number} = functions[{json.dumps(name)}];", f"export {{ f{number} as {name} }};"]
    return (first + "\n".join(lines) + "\n").encode()


def unit_file(
    name: str,
    entries: Iterable[str],
    calls: dict[str, list[str]],
    *,
    listens: bool,
    emits: bool,
    topics: Iterable[str],
    variables: Mapping[str, tuple[str, str]],
) -> bytes:
    """`klotho/unit.cjs`: what the handler loads, written out so that a bundler sees it. `listens`: whether its code
    serves something; `emits`: whether it has emitters that other units share; `topics`: what it hears of others;
    `variables`: what is set before it is loaded."""
    prepare = f"require({json.dumps('./' + VARIABLES)})({json.dumps(variables)})" if variables else "Promise.resolve()"
    lines = ['"use strict";', "module.exports = {", f"  name: {json.dumps(construct_name(name))},"]
    lines += ['  events: () => require("./events.cjs"),'] if emits else []
    lines += [f"  listens: {json.dumps(listens)},", f"  topics: {json.dumps(sorted(topics))},"]
    lines += [f"  prepare: () => {prepare},", "  entries: ["]
    lines += [f"    () => import({json.dumps('../' + path)})," for path in entries]
    lines += ["  ],", "  calls: {"]
    for path, names in sorted(calls.items()):
        load = f"() => import({json.dumps('../' + path)})"
        lines.append(f"    {json.dumps(path)}: {{ names: {json.dumps(names)}, load: {load} }},")
    return "\n".join([*lines, "  },", "};", ""]).encode()


def shim_files(form: Form, used: Iterable[str]) -> dict[str, bytes]:
    """The shims by path in a unit; `.cjs`, so that they are CommonJS also in a package of ES modules. `used`: those of
    libraries."""
    return {f"{FOLDER}/{name}": _shim(name) for name in (*SHIMS, *SHIMS_OF_FORMS[form], *sorted(used))}


@cache
def _shim(name: str) -> bytes:
    return (Path(__file__).parent / "shims" / name).read_bytes()


def way_to(path: str, shim: str) -> str:
    """How a file of the unit names a shim: `./klotho/map.cjs`."""
    found = posixpath.relpath(f"{FOLDER}/{shim}", posixpath.dirname(path) or ".")
    return found if found.startswith("../") else f"./{found}"
