"""`persist` on a client of redis-py, sync or asyncio: a Redis cache, in cluster mode for `RedisCluster`.

The client keeps its options, `decode_responses` and such; host, port and login are the cache's where the unit is
deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.modules import Module, assigned, keywords_of, text_of
from klotho.annotations.languages.python.wrapping import is_at_top, qualified, wrapped
from klotho.annotations.model import Annotation

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

_MADE = frozenset(
    f"{package}.{name}"
    for package in ("redis", "redis.asyncio", "redis.client", "redis.asyncio.client")
    for name in ("Redis", "StrictRedis", "from_url", "Redis.from_url", "StrictRedis.from_url")
)
_CLUSTERS = frozenset(
    f"{package}.{name}"
    for package in ("redis", "redis.asyncio", "redis.cluster", "redis.asyncio.cluster")
    for name in ("RedisCluster", "RedisCluster.from_url")
)


class RedisClients:
    shapes = "`client = redis.Redis(…)`, `redis.asyncio.Redis(…)`, `RedisCluster(…)` or `….from_url(…)`"

    def resource(
        self, program: PythonProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Resource | None:
        _, value = assigned(target)
        if value is None or not is_at_top(target) or value.type != "call":
            return None
        function = value.child_by_field_name("function")
        made = qualified(module, function)
        if made not in _MADE | _CLUSTERS:
            return None
        given = keywords_of(value)
        for keyword in ("connection_pool", "unix_socket_path"):
            if keyword in given:
                _refuse(program, module, given[keyword], f"`{keyword}` of a persisted Redis client")
        if "db" in given and text_of(given["db"]) != "0":
            _refuse(program, module, given["db"], "another database than 0 of a persisted Redis client")
        edits = wrapped(module, function, "cache_server", "client_of", annotation.id)
        properties = {"cluster": True} if made in _CLUSTERS else {}
        return Resource(annotation, "Databases.Redis", ("read_writes_to",), properties, edits=edits)


def _refuse(program: PythonProgram, module: Module, node: Any, what: str) -> None:
    at = module.source.text.span(node.start_byte, node.end_byte)
    program.code.report.error("annotation-not-yet", f"{what} is not supported yet", at)
