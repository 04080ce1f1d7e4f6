"""Libraries by the packages they come in, as people call them: for saying which one is not supported yet.

Whoever adds a library removes nothing here: a name is said only where nothing came of an annotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.annotations.languages.javascript.images import package_of
from klotho.annotations.languages.javascript.modules import Import, Module, declared, is_relative, text_of
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
    "path": "files (fs)",
    "pg": "node-postgres",
    "redis": "redis",
    "sequelize": "Sequelize",
    "sequelize-typescript": "Sequelize",
    "sqlite3": "sqlite3",
    "typeorm": "TypeORM",
}
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
    """The library that a statement makes something of: `Sequelize`; a package's own name where it has no other."""
    for item in _used(module, statement):
        name = _known_as(item.specifier)
        return f"`{LIBRARIES.get(name, name)}`"
    return None


def framework_of(module: Module, variable: str) -> tuple[str, bool] | None:
    """The framework of the application that a module knows by this name, and whether it is refused."""
    made = declared(module, variable)
    for item in _used(module, made) if made is not None else ():
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


def _used(module: Module, statement: Any) -> Iterator[Import]:
    """Imports of packages that a statement uses, or that it is."""
    names = {text_of(node) for node in nodes_of(statement, ("identifier",))}
    for item in module.imports:
        if is_relative(item.specifier):
            continue
        inside = statement.start_byte <= item.node.start_byte and item.node.end_byte <= statement.end_byte
        if inside or any(binding.local in names for binding in item.bindings):
            yield item
