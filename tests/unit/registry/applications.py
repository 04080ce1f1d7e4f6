"""Applications and what they publish, for the tests of the registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from klotho.application import Application, Construct, Relationship
from klotho.diagnostics import Span
from klotho.registry import Entry, News, Origin, Publication, digest_of
from klotho.resources import Export, Shared


def application(name: str, *constructs: Construct, project: str = "acme") -> Application:
    return Application(name, project, constructs=constructs, span=Span("infra.py", 1))


def construct(kind: str, name: str, line: int = 3, **more: object) -> Construct:
    return replace(Construct(kind, name, span=Span("infra.py", line, 5, line, 20)), **more)  # type: ignore[arg-type]


def news(of: Application, number: int = 1, who: str = "ann", **more: object) -> News:
    published = Publication(
        1000 + number, who, "laptop", "0.1.0", digest_of(of), f"id-{who}-{number}", "4f2a91c00", True
    )
    given = News(of, "eu-west-1", Origin(f"/home/ann/{of.name}"), published, ("vpc",), {"api.url": "https://a.example"})
    return replace(given, **more)  # type: ignore[arg-type]


def entry(of: Application, environment: str = "prod", origin: Origin | None = None) -> Entry:
    given = news(of)
    where = origin or given.origin
    told = {
        item.id: Shared("x", (Export("table", None, "stack", "Out"), Export("table", "Arn", "stack", "OutArn")))
        for item in of.constructs
        if not item.from_project
    }
    return Entry(of, environment, given.region, where, (given.publication,), given.needs, given.outputs, told)


def large(number: int, constructs: int = 20, shared: Iterable[str] = ()) -> Application:
    """With as many constructs, half of them functions that use the others."""
    half = constructs // 2
    tables = [construct("Databases.KeyValue", f"table{item}", item) for item in range(half)]
    functions = [
        construct("Compute.Function", f"work{item}", 100 + item, properties={"handler": "f.h", "memory": 512})
        for item in range(half)
    ]
    uses = [
        Relationship("reads_from", one.id, other.id, span=Span("infra.py", 200))
        for one, other in zip(functions, tables, strict=True)
    ]
    named = [construct("Domain", host, 300) for host in shared]
    return replace(application(f"app{number:02}", *tables, *functions, *named), relationships=tuple(uses))
