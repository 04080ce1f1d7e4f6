"""Libraries by the packages they come in, as people call them: for saying which one is not supported yet.

Whoever adds a library removes nothing here: a name is said only where nothing came of an annotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.annotations.languages.javascript.images import package_of
from klotho.annotations.languages.javascript.modules import NAMESPACE, Import, Module, declared, is_relative, text_of
from klotho.annotations.languages.javascript.tree import nodes_of

LIBRARIES: Mapping[str, str] = {
    "@aws-sdk/client-dynamodb": "the SDK of AWS",
    "@mikro-orm/core": "MikroORM",
    "@prisma/client": "Prisma",
    "drizzle-orm": "Drizzle",
    "events": "EventEmitter",
    "eventemitter3": "EventEmitter3",
    "fs": "fs",
    "fs-extra": "fs-extra",
    "fs/promises": "fs/promises",
    "ioredis": "ioredis",
    "keyv": "Keyv",
    "knex": "Knex",
    "lru-cache": "lru-cache",
    "mongodb": "MongoDB's driver",
    "mongoose": "Mongoose",
    "mysql2": "mysql2",
    "node-cache": "node-cache",
    "pg": "node-postgres",
    "redis": "redis",
    "sequelize": "Sequelize",
    "sequelize-typescript": "Sequelize",
    "sqlite3": "sqlite3",
    "typeorm": "TypeORM",
}
_SUPPORTED = frozenset({"knex", "sequelize"})
"""Their one name is supported: what is not is another shape of statement, of which no name tells."""
REFUSED_FRAMEWORKS: Mapping[str, str] = {
    "@adonisjs/core": "AdonisJS",
    "@loopback/rest": "LoopBack",
    "@remix-run/express": "Remix",
    "@sveltejs/kit": "SvelteKit",
    "astro": "Astro",
    "elysia": "Elysia",
    "next": "Next.js",
    "nuxt": "Nuxt",
    "sails": "Sails",
}
"""Nothing tells that their applications would behave the same."""
LISTENING_FRAMEWORKS: Mapping[str, str] = {
    "@hapi/hapi": "hapi",
    "@nestjs/core": "NestJS with versions or a prefix that is no text",
    "connect": "Connect",
    "http": "node:http",
    "koa": "Koa",
    "polka": "Polka",
    "restify": "Restify",
}
"""They listen as every server of Node does: their unit gets all requests, their routes are not known."""


def library_of(module: Module, statement: Any) -> str | None:
    """The library that a statement makes something of, with the name it uses of it: `createCluster` of redis."""
    for item, used in _used(module, statement):
        name = _known_as(item.specifier)
        if name in _SUPPORTED:
            return None
        title = LIBRARIES.get(name, name)
        return f"`{used}` of {title}" if used and used != title else f"`{title}`"
    return _generated(module, statement)


def _generated(module: Module, statement: Any) -> str | None:
    """What generators write into the program and is a library's all the same."""
    names = {text_of(node) for node in nodes_of(statement, ("identifier",))}
    bound = (binding for item in module.imports for binding in item.bindings if binding.local in names)
    return "`PrismaClient` of Prisma" if any(binding.imported == "PrismaClient" for binding in bound) else None


def framework_of(module: Module, variable: str) -> tuple[str, bool] | None:
    """The framework of the application that a module knows by this name, and whether it is refused."""
    made = declared(module, variable)
    for item, _ in _used(module, made) if made is not None else ():
        name = _known_as(item.specifier)
        if name in REFUSED_FRAMEWORKS:
            return REFUSED_FRAMEWORKS[name], True
        if name in LISTENING_FRAMEWORKS:
            return LISTENING_FRAMEWORKS[name], False
    return None


def refused_imports(module: Module) -> Iterator[tuple[Import, str]]:
    """Imports of frameworks that do not go into a unit, also below a server of another one: a custom server of Next.js
    is an application of Express."""
    for item in module.imports:
        if item.specifier in REFUSED_FRAMEWORKS:
            yield item, REFUSED_FRAMEWORKS[item.specifier]


def _known_as(specifier: str) -> str:
    """The key of a library: `pg` of `pg/lib/client`, `fs/promises` of `node:fs/promises`."""
    plain = specifier.removeprefix("node:")
    return plain if plain in LIBRARIES else package_of(plain)


def _used(module: Module, statement: Any) -> Iterator[tuple[Import, str]]:
    """Imports of packages that a statement uses, or that it is, with the name it takes of them; "" for all of it."""
    names = {text_of(node): node for node in nodes_of(statement, ("identifier",))}
    for item in module.imports:
        if is_relative(item.specifier):
            continue
        used = next((binding for binding in item.bindings if binding.local in names), None)
        if used is not None and used.imported not in (NAMESPACE, "default"):
            yield item, used.imported
        elif used is not None:
            yield item, _member(names[used.local])
        elif statement.start_byte <= item.node.start_byte and item.node.end_byte <= statement.end_byte:
            yield item, ""


def _member(node: Any) -> str:
    """`createCluster` of `redis.createCluster`."""
    parent = node.parent
    is_object = (
        parent is not None and parent.type == "member_expression" and parent.child_by_field_name("object") == node
    )
    return text_of(parent.child_by_field_name("property")) if is_object else ""
