"""`[environment_variables]` of persist: values of a database or cache under names of the user's own, for code of no
library that is known.

Input: annotated files. Output: a resource for each such annotation; its statement stays as it is. The values are put
into the environment of the unit's process when it starts, before its code is loaded: an address may hold a password,
which must be in no template and in no configuration of a function. Refuses, at the annotation, what a kind does not
have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from klotho.annotations.findings import Resource
from klotho.annotations.model import Annotation, Source
from klotho.diagnostics import Report, one_of

DIRECTIVE = "environment_variables"
_LOGIN = {"connection_string": "url", "host": "host", "port": "port", "user": "user", "password": "password"}
_KINDS: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, str]]] = {
    "orm": ("Databases.Postgres", {}, {**_LOGIN, "database": "database"}),
    "redis_node": ("Databases.Redis", {}, _LOGIN),
    "redis_cluster": ("Databases.Redis", {"cluster": True}, _LOGIN),
}
"""By the word of the directive: the construct with its properties, and the values with their names in the runtime."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KEPT = ("KLOTHO_", "AWS_", "LAMBDA_")
"""Beginnings of names that the unit's place sets."""


def rewritten(source: Source) -> list[tuple[Annotation, Any]]:
    """The `persist` annotations whose statements are changed: those that name no variables."""
    return [(item, target) for item, target in source.of("persist") if DIRECTIVE not in item.directives]


def variable_resources(sources: Iterable[Source], shims: tuple[str, ...], report: Report) -> Iterator[Resource]:
    """What annotations that name variables ask for. `shims`: what sets them."""
    found: dict[str, Annotation] = {}
    for source in sources:
        for annotation, target in source.of("persist"):
            if DIRECTIVE in annotation.directives and target is not None:
                for name in annotation.directives[DIRECTIVE]:
                    if found.setdefault(name, annotation) is not annotation:
                        message = f"`{name}` is also set by {found[name].title} in the same unit"
                        report.error("annotation-directive", message, annotation.span)
                resource = _resource(annotation, shims, report)
                if resource is not None:
                    yield resource


def _resource(annotation: Annotation, shims: tuple[str, ...], report: Report) -> Resource | None:
    """None for one that is wrong, which is reported."""
    given = annotation.directives[DIRECTIVE]
    read = {name: _read(annotation, name, value, report) for name, value in given.items()}
    kinds = sorted({item[0] for item in read.values() if item is not None})
    if len(kinds) > 1:
        message = f"{annotation.title} names values of {' and '.join(kinds)}: one annotation is one database or cache"
        report.error("annotation-directive", message, annotation.span)
    if not given:
        message = f"`{DIRECTIVE}` of {annotation.title} names no variable"
        helps = ('write a line such as `DATABASE_URL = "orm.connection_string"` below it',)
        report.error("annotation-directive", message, annotation.span, helps=helps)
    if annotation.directives.get("secret") is True:
        message = f"{annotation.title} is a secret, which `{DIRECTIVE}` does not name"
        report.error("annotation-directive", message, annotation.span, helps=("give a database or cache its own id",))
    if len(kinds) != 1 or None in read.values():
        return None
    kind, properties, _ = _KINDS[kinds[0]]
    variables = {name: item[1] for name, item in read.items() if item is not None}
    return Resource(annotation, kind, ("read_writes_to",), dict(properties), shims=shims, variables=variables)


def _read(annotation: Annotation, name: str, value: Any, report: Report) -> tuple[str, str] | None:
    """The kind, and the value's name in the runtime."""
    kind, _, wanted = value.partition(".") if isinstance(value, str) else ("", "", "")
    problem = ""
    helps: tuple[str, ...] = ()
    if not _NAME.fullmatch(name) or name.upper().startswith(_KEPT) or name == "PORT":
        problem = f"`{name}` can't be set: it is no name of a variable, or one that the unit's place sets"
    elif kind not in _KINDS:
        problem = f"`{name}` is to be {value!r}, which is no value of a database or cache"
        helps = (f'write the kind, a dot and the value, such as "orm.connection_string"; kinds: {one_of(_KINDS)}',)
    elif wanted not in _KINDS[kind][2]:
        problem, helps = f"`{kind}` has no value `{wanted}`", (f"its values are {one_of(_KINDS[kind][2])}",)
    if problem:
        report.error("annotation-directive", f"{annotation.title}: {problem}", annotation.span, helps=helps)
        return None
    return kind, _KINDS[kind][2][wanted]
