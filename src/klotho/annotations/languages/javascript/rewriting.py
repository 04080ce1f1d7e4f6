"""The files that stand beside or in place of the user's: a module of another unit is replaced, shims are added."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from klotho.annotations.findings import construct_name
from klotho.annotations.hosting import Form
from klotho.annotations.languages.javascript.modules import NAMESPACE as WHOLE
from klotho.annotations.languages.javascript.modules import Module

FOLDER = "klotho"
"""Of the shims, in each unit."""
SHIMS = ("encoding.cjs", "calls.cjs", "answer.cjs", "routers.cjs")
SHIMS_OF_FORMS: Mapping[Form, tuple[str, ...]] = {
    "function": ("handler.cjs", "module.mjs", "balancer.cjs"),
    "container": ("container.cjs", "require.mjs"),
}


class UnitParts(NamedTuple):
    """What a unit has beside its files."""

    listens: bool
    """Whether its code serves something."""
    emits: bool
    """Whether it has emitters that other units share."""
    variables: Mapping[str, tuple[str, str, str]]
    """By variable of the environment that is set before the code is loaded, where its value is."""
    topics: Iterable[str]
    """What it hears of other units."""
    served: Iterable[tuple[str, str]]
    """Paths that belong to units, the most specific first."""


EMPTY: Mapping[str, tuple[str, str, str]] = {
    "express": ('import express from "express";', "express.Router()", 'require("express").Router()'),
    "fastify": ("", "async () => {}", "async () => {}"),
    "hono": ('import { Hono } from "hono";', "new Hono()", 'new (require("hono").Hono)()'),
}
"""By framework, a router without routes: what an ES module imports for it, how that makes it, and how CommonJS does."""


ModuleKind = Literal["commonjs", "module", "mixed"]
"""`mixed`: written as an ES module and run as CommonJS, as TypeScript without `"type": "module"` is by tsx."""


def stub(module: Module, unit: str, names: Iterable[str], routers: Mapping[str, str], kind: ModuleKind) -> bytes:
    """Stands in for a module of another unit. `names`: functions that are called there; `routers`: by export, the
    framework of what is mounted here and served there."""
    path, given = module.path, list(names)
    shim = json.dumps(way_to(path, "calls.cjs"))
    place = f"{json.dumps(construct_name(unit))}, {json.dumps(path)}"
    first = f"// Klotho: `{path}` runs in the unit {unit}; each function here calls it there.\n"
    if routers:
        first += "// Its routers have no routes here: requests for them go to that unit.\n"
    if kind == "commonjs":
        lines = _commonjs(shim, place, given, routers, module.exports)
    else:
        there = f"await import(remote.there({place}))" if kind == "module" else f"remote.load({place})"
        lines = _esm(shim, place, given, routers, there)
    return (first + "\n".join(lines) + "\n").encode()


def _esm(shim: str, place: str, names: list[str], routers: Mapping[str, str], there: str) -> Iterator[str]:
    yield f"import remote from {shim};"
    yield from sorted({EMPTY[item][0] for item in routers.values()} - {""})
    yield f"const functions = remote({place}, {json.dumps(names)});"
    values = [(name, f"functions[{json.dumps(name)}]") for name in names]
    for name, framework in sorted(routers.items()):
        here = f"({there})[{json.dumps(name)}]"
        values.append((name, f"process.env.KLOTHO_UNIT ? {EMPTY[framework][1]} : {here}"))
    for number, (name, value) in enumerate(values):
        yield f"const f{number} = {value};"
        yield f"export {{ f{number} as {name} }};"


def _commonjs(
    shim: str, place: str, names: list[str], routers: Mapping[str, str], exports: Container[str]
) -> Iterator[str]:
    """`default` of a module that has none is all of it."""
    yield f"const remote = require({shim});"
    values = {name: EMPTY[framework][2] for name, framework in sorted(routers.items())}
    if routers:
        yield f"const there = process.env.KLOTHO_UNIT ? undefined : remote.load({place});"
        values = {name: f"there ? there{_member(name, exports)} : {empty}" for name, empty in values.items()}
    functions = f"remote({place}, {json.dumps(names)})"
    whole = next((value for name, value in values.items() if not _member(name, exports)), None)
    yield f"module.exports = {functions if whole is None else f'Object.assign({whole}, {functions})'};"
    for name, value in values.items():
        if _member(name, exports):
            yield f"module.exports{_member(name, exports)} = {value};"


def _member(name: str, exports: Container[str]) -> str:
    is_whole = name == WHOLE or (name == "default" and name not in exports)
    return "" if is_whole else f"[{json.dumps(name)}]"


def unit_file(name: str, entries: Iterable[str], calls: Mapping[str, list[str]], parts: UnitParts) -> bytes:
    """`klotho/unit.cjs`: what the handler loads, written out so that a bundler sees it."""
    lines = ['"use strict";', "module.exports = {", f"  name: {json.dumps(construct_name(name))},"]
    lines += ['  events: () => require("./events.cjs"),'] if parts.emits else []
    if parts.variables:
        lines.append(f'  ready: () => require("./environment.cjs")({json.dumps(dict(parts.variables))}),')
    lines += [
        f"  listens: {json.dumps(parts.listens)},",
        f"  topics: {json.dumps(sorted(parts.topics))},",
        "  entries: [",
    ]
    lines += [f"    () => import({json.dumps('../' + path)})," for path in entries]
    lines += ["  ],", "  calls: {"]
    for path, names in sorted(calls.items()):
        load = f"() => import({json.dumps('../' + path)})"
        lines.append(f"    {json.dumps(path)}: {{ names: {json.dumps(names)}, load: {load} }},")
    lines += ["  },", "  served: ["]
    for path, unit in parts.served:
        claimed = [None if "{" in part else part.lower() for part in path.split("/") if part]
        lines.append(f"    [{json.dumps(claimed)}, {json.dumps(construct_name(unit))}],")
    return "\n".join([*lines, "  ],", "};", ""]).encode()


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
