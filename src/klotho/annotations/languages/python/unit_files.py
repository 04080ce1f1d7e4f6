"""The files that stand beside or in place of the user's: a module of another unit is replaced, shims are added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from klotho.annotations.findings import construct_name
from klotho.annotations.hosting import Form

FOLDER = "klotho_unit"
"""Of the shims, in each unit."""
SHIMS = ("__init__.py", "answers.py", "calls.py", "routers.py", "store.py", "items.py", "encoding.py")
SHIMS_OF_FORMS: Mapping[Form, tuple[str, ...]] = {
    "function": ("handler.py", "web.py", "balancer.py"),
    "container": ("container.py",),
}
SHIMS_OF_LIBRARIES = ("cache.py", "cache_server.py", "files.py", "sql.py", "events.py", "environment.py")
SHIMS_OF_DJANGO = ("django.py", "django_postgres/__init__.py", "django_postgres/base.py")


def stub(path: str, module: str, unit: str, names: Iterable[str], routers: Mapping[str, str]) -> bytes:
    """Stands in for a module of another unit. `routers`: by name, what makes one without routes."""
    lines = [f"# Klotho: `{path}` runs in the unit {unit}; each function here calls it there."]
    if routers:
        lines.append("# Its routers have no routes here: requests for them go to that unit.")
    made = {name: empty.split(" ", 2) for name, empty in routers.items()}
    lines += sorted({f"from {package} import {cls} as _{cls}" for package, cls, _ in made.values()})
    lines += [f"from {FOLDER}.calls import remote as _remote", f"from {FOLDER}.calls import router as _router", ""]
    where = f"{json.dumps(construct_name(unit))}, {json.dumps(path)}, {json.dumps(module)}"
    lines += [f"{name} = _remote({where}, {json.dumps(name)})" for name in names]
    for name, (_, cls, given) in made.items():
        lines.append(f"{name} = _router({where}, {json.dumps(name)}, lambda: _{cls}{given})")
    return ("\n".join(lines) + "\n").encode()


class UnitParts(NamedTuple):
    """What a unit has beside its files."""

    application: tuple[str, str] | None
    """The module and name of what it serves."""
    variables: Mapping[str, tuple[str, str, str]]
    """By variable of the environment that is set before the code is loaded, where its value is."""
    topics: Iterable[str]
    """What it hears of other units."""
    served: Iterable[tuple[str, str]]
    """Paths that belong to units, the most specific first."""
    django: Iterable[str] = ()
    """The modules that Django loads by their names."""


def unit_file(name: str, entries: Iterable[str], calls: Mapping[str, tuple[str, list[str]]], parts: UnitParts) -> bytes:
    """`klotho_unit/unit.py`: what the handler loads, written out so that what packs it sees every import."""
    lines = ["from importlib import import_module", "", f"NAME = {json.dumps(construct_name(name))}"]
    lines += [f"LISTENS = {json.dumps(sorted(parts.topics))}", "", ""]
    lines += ["def application():", '    """What the unit serves; None for one that is only called."""']
    if parts.variables:
        lines += [f"    from {FOLDER}.environment import given", "", f"    given({json.dumps(dict(parts.variables))})"]
    if parts.application is None:
        lines += [*(f"    import_module({json.dumps(entry)})" for entry in entries), "    return None"]
    else:
        module, variable = parts.application
        lines += [f"    found = import_module({json.dumps(module)}).{variable}"]
        lines += [f'    import_module("{FOLDER}.django").migrate()'] if parts.django else []
        lines += ["    return found"]
    lines += ["", "", "CALLS = {"]
    for path, (module, names) in sorted(calls.items()):
        lines.append(f"    {json.dumps(path)}: ({json.dumps(names)}, lambda: import_module({json.dumps(module)})),")
    lines += ["}", "", "SERVED = ["]
    for path, unit in parts.served:
        claimed = [None if "{" in part else part.lower() for part in path.split("/") if part]
        lines.append(f"    ({claimed!r}, {json.dumps(construct_name(unit))}),")
    lines.append("]")
    if parts.django:
        lines += ["", "", "def named():", '    """What Django loads by its name."""']
        lines += [f"    import_module({json.dumps(name)})" for name in parts.django]
    return "\n".join([*lines, ""]).encode()


@cache
def shim_files(form: Form, is_django: bool = False) -> dict[str, bytes]:
    """The shims by path in a unit."""
    folder = Path(__file__).parent / "shims" / FOLDER
    return {
        f"{FOLDER}/{name}": (folder / name).read_bytes()
        for name in (*SHIMS, *SHIMS_OF_FORMS[form], *SHIMS_OF_LIBRARIES, *(SHIMS_OF_DJANGO if is_django else ()))
    }
