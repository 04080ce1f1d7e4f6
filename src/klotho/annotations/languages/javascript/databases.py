"""`persist` on clients of databases and caches: `redis` and `ioredis` on a cache, pg, Knex, Sequelize and TypeORM on
Postgres.

The statement keeps its options. What makes the client is handed to a shim, which gives it the address and, when it
connects, the login.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from klotho.annotations.findings import Resource
from klotho.annotations.languages.javascript.modules import Module
from klotho.annotations.languages.javascript.wrapping import assigned, qualified, wrapped
from klotho.annotations.model import Annotation

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram


class _Client(NamedTuple):
    kind: str
    """Of the construct."""
    shim: str
    library: str | None = None
    """How a shim for several knows it."""
    properties: Mapping[str, Any] = {}
    needs: str | None = None
    """A package that the library loads by itself."""


_REDIS, _POSTGRES = "Databases.Redis", "Databases.Postgres"
_CLUSTER = {"cluster": True}
_MADE: Mapping[str, _Client] = {
    "redis.createClient": _Client(_REDIS, "redis.cjs"),
    "redis.createCluster": _Client(_REDIS, "redis.cjs", properties=_CLUSTER),
    "ioredis.default": _Client(_REDIS, "ioredis.cjs"),
    "ioredis.*": _Client(_REDIS, "ioredis.cjs"),
    "ioredis.Redis": _Client(_REDIS, "ioredis.cjs"),
    "ioredis.Cluster": _Client(_REDIS, "ioredis.cjs", properties=_CLUSTER),
    "pg.Pool": _Client(_POSTGRES, "postgres.cjs", "pg"),
    "pg.Client": _Client(_POSTGRES, "postgres.cjs", "pg"),
    "knex.default": _Client(_POSTGRES, "postgres.cjs", "knex", needs="pg"),
    "knex.*": _Client(_POSTGRES, "postgres.cjs", "knex", needs="pg"),
    "knex.knex": _Client(_POSTGRES, "postgres.cjs", "knex", needs="pg"),
    "sequelize.Sequelize": _Client(_POSTGRES, "postgres.cjs", "sequelize", needs="pg"),
    "sequelize.default": _Client(_POSTGRES, "postgres.cjs", "sequelize", needs="pg"),
    "sequelize.*": _Client(_POSTGRES, "postgres.cjs", "sequelize", needs="pg"),
    "typeorm.DataSource": _Client(_POSTGRES, "postgres.cjs", "typeorm", needs="pg"),
}


class Databases:
    shapes = (
        "`createClient(…)` or `createCluster(…)` of redis, `new Redis(…)` or `new Redis.Cluster(…)` of ioredis, "
        "`new Pool(…)` or `new Client(…)` of pg, `knex(…)`, `new Sequelize(…)`, `new DataSource(…)` of typeorm"
    )

    def resources(
        self, program: JavaScriptProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Iterator[Resource]:
        """A cache or a database."""
        _, value = assigned(target)
        if value is None or value.type not in ("call_expression", "new_expression"):
            return
        in_new = value.type == "new_expression"
        maker = value.child_by_field_name("constructor" if in_new else "function")
        client = _MADE.get(qualified(module, maker))
        if client is None or annotation.directives.get("secret") is True:
            return
        if client.needs is not None:
            program.require_package(client.needs, annotation)
        more = () if client.library is None else (client.library,)
        edits = wrapped(module, maker, client.shim, annotation.id or "", program.is_esm(module), *more, in_new=in_new)
        yield Resource(
            annotation, client.kind, ("read_writes_to",), dict(client.properties), edits=edits, shims=(client.shim,)
        )
