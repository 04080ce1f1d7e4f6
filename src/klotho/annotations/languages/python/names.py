"""Libraries by the packages they come in, as people call them: for saying which one is not supported yet.

Whoever adds a library removes nothing here: a name is said only where nothing came of an annotation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from klotho.annotations.languages.python.modules import Import, Module, assigned, nodes_of, text_of

LIBRARIES: Mapping[str, str] = {
    "asyncpg": "asyncpg",
    "beanie": "Beanie",
    "boto3": "the SDK of AWS",
    "cachetools": "cachetools",
    "databases": "databases",
    "diskcache": "DiskCache",
    "django": "Django",
    "flask_sqlalchemy": "Flask-SQLAlchemy",
    "motor": "Motor",
    "peewee": "Peewee",
    "piccolo": "Piccolo",
    "pony": "Pony ORM",
    "psycopg": "psycopg",
    "psycopg2": "psycopg2",
    "pymongo": "PyMongo",
    "redis": "redis-py",
    "shelve": "shelve",
    "sqlite3": "sqlite3",
    "tortoise": "Tortoise ORM",
}
REFUSED_FRAMEWORKS: Mapping[str, str] = {
    "aiohttp": "aiohttp",
    "cherrypy": "CherryPy",
    "django": "Django",
    "sanic": "Sanic",
    "tornado": "Tornado",
}
"""Their applications are neither ASGI's nor WSGI's, or nothing tells that they would behave the same."""
SERVED_FRAMEWORKS: Mapping[str, str] = {
    "bottle": "Bottle",
    "falcon": "Falcon",
    "litestar": "Litestar",
    "pyramid": "Pyramid",
    "quart": "Quart",
}
"""ASGI or WSGI: their unit gets all requests, their routes are not known."""
_DJANGO_SETTINGS = ("DATABASES", "CACHES", "STORAGES")


def library_of(module: Module, statement: Any) -> str | None:
    """The library that a statement makes something of, with the name it uses of it."""
    setting = django_setting(module, statement)
    if setting is not None:
        return f"`{setting}` of Django"
    for item, used in _used(module, statement):
        title = LIBRARIES.get(item.module[0], item.module[0])
        return f"`{used}` of {title}" if used != item.module[0] else f"`{title}`"
    return None


def django_setting(module: Module, statement: Any) -> str | None:
    """The setting of Django that an assignment is: a dict at the top of a module, which is no store of its own."""
    name, _ = assigned(statement)
    is_of_django = "INSTALLED_APPS" in module.defines or "django." in text_of(statement)
    return name if name in _DJANGO_SETTINGS and is_of_django else None


def framework_of(module: Module, made: Any) -> tuple[str, bool] | None:
    """The framework of the application that an expression makes, and whether it is refused."""
    for item, _ in _used(module, made) if made is not None else ():
        name = item.module[0]
        if name in REFUSED_FRAMEWORKS:
            return REFUSED_FRAMEWORKS[name], True
        if name in SERVED_FRAMEWORKS:
            return SERVED_FRAMEWORKS[name], False
    return None


def _used(module: Module, statement: Any) -> Iterator[tuple[Import, str]]:
    names = {text_of(node): node for node in nodes_of(statement, ("identifier",))}
    for item in module.imports:
        if item.module and item.local in names and (item.module[0] in LIBRARIES or not _is_standard(item)):
            yield item, item.name or _attribute(names[item.local]) or item.module[0]


def _attribute(node: Any) -> str:
    """`RedisCluster` of `redis.cluster.RedisCluster`."""
    found = ""
    while node.parent is not None and node.parent.type == "attribute":
        node = node.parent
        found = text_of(node.child_by_field_name("attribute"))
    return found


def _is_standard(item: Import) -> bool:
    return item.module[0] in sys.stdlib_module_names
