"""The files that stand beside or in place of the user's: a module of another unit is replaced, shims are added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from klotho.annotations.findings import construct_name
from klotho.annotations.hosting import Form

FOLDER = "klotho_unit"
"""Of the shims, in each unit."""
SHIMS = ("__init__.py", "answers.py", "calls.py", "store.py", "encoding.py")
SHIMS_OF_FORMS: Mapping[Form, tuple[str, ...]] = {
    "function": ("handler.py", "web.py", "balancer.py"),
    "container": ("container.py",),
}
SHIMS_OF_LIBRARIES = ("cache.py", "cache_server.py", "files.py", "sql.py", "events.py", "variables.py")
SHIMS_OF_DJANGO = ("django.py", "django_postgres/__init__.py", "django_postgres/base.py")


def stub(path: str, module: str, unit: str, names: Iterable[str]) -> bytes:
    """Stands in for a module of another unit."""
    lines = [
        f"# Klotho: `{path}` runs in the unit {unit}; each function here calls it there.",
        f"from {FOLDER}.calls import remote as _remote",
        "",
    ]
    where = f"{json.dumps(construct_name(unit))}, {json.dumps(path)}, {json.dumps(module)}"
    lines += [f"{name} = _remote({where}, {json.dumps(name)})" for name in names]
    return ("\n".join(lines) + "\n").encode()


def unit_file(
    name: str,
    entries: Iterable[str],
    served: tuple[str, str] | None,
    calls: Mapping[str, tuple[str, list[str]]],
    listens: Iterable[str],
    *,
    variables: Mapping[str, tuple[str, str]],
    django: Iterable[str],
) -> bytes:
    """`klotho_unit/unit.py`: what the handler loads, written out so that what packs it sees every import. `listens`: to
    the topics of these names. `variables`: what is set before it is loaded. `django`: the modules that Django loads by
    their names."""
    lines = ["from importlib import import_module", "", f"NAME = {json.dumps(construct_name(name))}"]
    lines += [f"LISTENS = {json.dumps(sorted(listens))}", "", ""]
    lines += ["def application():", '    """What the unit serves; None for one that is only called."""']
    if variables:
        lines += [f"    from {FOLDER}.variables import set_variables", "", "    set_variables({"]
        lines += [f"        {json.dumps(name)}: {where!r}," for name, where in variables.items()]
        lines += ["    })"]
    if served is None:
        lines += [*(f"    import_module({json.dumps(entry)})" for entry in entries), "    return None"]
    else:
        lines += [f"    found = import_module({json.dumps(served[0])}).{served[1]}"] if django else []
        lines += [f'    import_module("{FOLDER}.django").migrate()', "    return found"] if django else []
        lines += [f"    return import_module({json.dumps(served[0])}).{served[1]}"] if not django else []
    lines += ["", "", "CALLS = {"]
    for path, (module, names) in sorted(calls.items()):
        lines.append(f"    {json.dumps(path)}: ({json.dumps(names)}, lambda: import_module({json.dumps(module)})),")
    lines += ["}"]
    if django:
        lines += ["", "", "def named():", '    """What Django loads by its name."""']
        lines += [f"    import_module({json.dumps(name)})" for name in django]
    return "\n".join([*lines, ""]).encode()


@cache
def shim_files(form: Form, is_django: bool = False) -> dict[str, bytes]:
    """The shims by path in a unit."""
    folder = Path(__file__).parent / "shims" / FOLDER
    return {
        f"{FOLDER}/{name}": (folder / name).read_bytes()
        for name in (*SHIMS, *SHIMS_OF_FORMS[form], *SHIMS_OF_LIBRARIES, *(SHIMS_OF_DJANGO if is_django else ()))
    }
