"""Redis servers behind AWS::ElastiCache::ReplicationGroup: one process a shard, with the users of its user groups.

Input: replication groups, users and user groups, from their handlers. Output: servers on 127.0.0.1 at ports that stay
the same, logging to `/aws/elasticache/<id>`; with cluster mode one for each shard, with the slots assigned. Refuses,
as `RedisError`: no server on this machine, a port somebody else holds, an access string the server does not take.

Every write is in the append-only file before it is answered: it survives a kill -9 of everything. Replicas are
recorded and not run: on one machine they would fail together. Nobody connects without TLS, as with
`TransitEncryptionEnabled`: the bundled server has none, so a front of ours speaks it (`tls_front`). What users may do
is written to the server's ACL file as it is deployed; nobody else comes in but the supervisor, with a random password.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from klotho.localcloud.planes.database_servers import HOST, Servers, end_orphan
from klotho.localcloud.planes.processes import Child, describe_exit
from klotho.localcloud.planes.redis_access import Access, User
from klotho.localcloud.planes.redis_cluster import join
from klotho.localcloud.planes.redis_node import ADMIN, RedisServer, admin_password, ask, cache_of
from klotho.localcloud.planes.redis_programs import RedisError, check_maker, program
from klotho.localcloud.ports import is_free

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

__all__ = ["RedisError", "RedisServers", "User"]

BUS_OFFSET = 10000
"""A node of a cluster also listens this far above its port. Source: Redis cluster specification."""
START_TIMEOUT_S = 60.0
_READY = "Ready to accept connections"
_SETTINGS: Mapping[str, str] = {
    "bind": HOST,
    "protected-mode": "no",
    "appendonly": "yes",
    "save": "",
    # As in the parameter groups default.valkey…: only keys that expire may be dropped for room.
    "maxmemory-policy": "volatile-lru",
    "acl-pubsub-default": "resetchannels",
}
_CLUSTER: Mapping[str, str] = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    "cluster-announce-ip": HOST,
    # As on ElastiCache: a slot on its way must not stop the others.
    "cluster-require-full-coverage": "no",
}


class RedisServers(Servers[RedisServer]):
    """All caches of one local cloud."""

    kind: ClassVar[str] = "redis"
    error = RedisError
    noun: ClassVar[str] = "cache node"

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.access = Access(self._root / "access.json")
        self._reloading = asyncio.Lock()

    async def open(
        self,
        identifier: str,
        *,
        shards: int | None,
        groups: Sequence[str],
        name: str | None = None,
        application: str | None = None,
    ) -> tuple[str, int]:
        """Make the cache exist and run with the users of these groups; returns its (host, port). Idempotent.

        `shards`: of cluster mode; None without. `name`: what `status` calls it (default: the identifier).
        """
        self.access.set_cache(identifier, groups)
        nodes = node_names(identifier, shards)
        for node in nodes:
            await self.launch(
                node,
                parameters=_parameters(shards),
                name=_shown(name or identifier, node, shards),
                application=application,
            )
        await self._reload(nodes)
        if shards is not None:
            await self._form(identifier, nodes)
        return HOST, self._port(nodes[0])

    async def back(self, identifier: str, *, shards: int | None, name: str, application: str | None) -> None:
        """`open` for a cache that ran before: a node whose port somebody holds waits for it, shown as failed."""
        for node in node_names(identifier, shards):
            await self.bring_back(
                node,
                parameters=_parameters(shards),
                engine_version=None,
                name=_shown(name, node, shards),
                application=application,
            )

    async def close(self, identifier: str, shards: int | None) -> None:
        """Stop the cache and leave its data. Idempotent."""
        for node in node_names(identifier, shards):
            await self.suspend(node)

    async def remove(self, identifier: str, shards: int | None) -> None:
        """Stop the cache and remove its data. Idempotent."""
        for node in node_names(identifier, shards):
            await self.delete(node)
        self.access.drop_cache(identifier)

    async def keep(self, identifier: str, shards: int | None, snapshot: str) -> Path:
        """Copy the cache's data to a snapshot of this name, and leave the cache stopped; returns the (first) copy."""
        copies = [
            await self.snapshot(node, f"{snapshot}{node[len(identifier) :]}") for node in node_names(identifier, shards)
        ]
        return copies[0]

    async def set_user(self, user_id: str, user: User | None) -> None:
        """Add, change or (None) remove a user; running caches know at once. A change they refuse is not kept."""
        former = self.access.user(user_id)
        self.access.set_user(user_id, user)
        try:
            await self._reload()
        except RedisError:
            self.access.set_user(user_id, former)
            raise

    async def set_group(self, group_id: str, users: Sequence[str] | None) -> None:
        """Say who is in a user group (None: there is no such group any more); running caches know at once."""
        former = self.access.group(group_id)
        self.access.set_group(group_id, users)
        try:
            await self._reload()
        except RedisError:
            self.access.set_group(group_id, former)
            raise

    async def _reload(self, nodes: Sequence[str] | None = None) -> None:
        """Tell running servers (all, or these) who may do what; one at a time, for each must have the newest."""
        async with self._reloading:
            for identifier, server in list(self._servers.items()):
                if nodes is not None and identifier not in nodes:
                    continue
                await asyncio.to_thread(self._write_users, server)
                try:
                    await asyncio.to_thread(ask, server, "ACL", "LOAD")
                except RedisError:
                    # One that is stopped meanwhile, or being restarted, reads the file when it starts.
                    if self._servers.get(identifier) is server and server.kept.state == "running":
                        raise

    def _port(self, identifier: str) -> int:
        """What is handed out is the port of the cluster bus, and the server's is below it.

        The other way round the bus would be among the ports that systems give to outgoing connections (from 32768 on),
        any of which may be taken at any moment.
        """
        return self._below(f"{self.kind}/{identifier}")

    def _below(self, name: str) -> int:
        return self._cloud.ports.of(name, beside=-BUS_OFFSET) - BUS_OFFSET

    def _write_users(self, server: RedisServer) -> None:
        self.access.write(cache_of(server.identifier), server.data / "users.acl", ADMIN, admin_password(server.data))

    def _prepare(
        self, identifier: str, parameters: dict[str, str], engine_version: str | None, name: str
    ) -> RedisServer:
        found = program()
        data = self._root / identifier / "data"
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_maker(found, data)
        return RedisServer(
            identifier, name, data, self._port(identifier), found.title,
            f"/aws/elasticache/{cache_of(identifier)}", parameters, program=found,
            inner=(inner := self._below(f"{self.kind}/{identifier}/inner")),
            front=self._front(self._port(identifier), inner),
        )  # fmt: skip

    async def _launch(self, server: RedisServer) -> Child:
        await asyncio.to_thread(end_orphan, server.pidfile, server.program.path.name, server.data, signal.SIGTERM)
        self._free_port(server)
        if server.is_cluster and not is_free(server.own_port + BUS_OFFSET):
            raise RedisError(f"port {server.own_port + BUS_OFFSET} of the cluster bus of {server.identifier} is in use")
        await asyncio.to_thread(self._write_users, server)
        ready = asyncio.Event()

        def watch(line: str) -> None:
            if _READY in line:
                ready.set()

        child = await Child.start(
            self._cloud,
            [str(server.program.path), *_options(server)],
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            log_group=server.log_group,
            log_stream=server.identifier,
            cwd=server.data,
            stop_signal=signal.SIGTERM,
            grace_s=10.0,
            on_line=watch,
        )
        await until_ready(child, ready, START_TIMEOUT_S)
        if ready.is_set() and child.returncode is None:
            return child
        code = await child.stop(grace_s=1.0)
        lines = "\n".join(child.tail(6))
        raise RedisError(f"{server.version} for {server.identifier} did not start ({describe_exit(code)}):\n{lines}")

    async def _form(self, identifier: str, nodes: Sequence[str]) -> None:
        """One cluster of these nodes; of a larger one there was, the others give up their slots and go."""
        found = sorted(path.name for path in self._root.glob(f"{identifier}-[0-9][0-9][0-9][0-9]"))
        surplus = [node for node in found if node not in nodes]
        leaving = [self._servers[node] for node in surplus if node in self._servers]
        await asyncio.to_thread(join, [self._running(node) for node in nodes], leaving)
        for node in surplus:
            await self.delete(node)


def node_names(identifier: str, shards: int | None) -> list[str]:
    """One node for each shard, named as ElastiCache names them."""
    return [f"{identifier}-{number:04d}" for number in range(1, (shards or 1) + 1)]


async def until_ready(child: Child, ready: asyncio.Event, seconds: float) -> None:
    """Wait until the server takes connections or has ended, at most so many seconds."""
    waits = [asyncio.ensure_future(ready.wait()), asyncio.ensure_future(child.wait())]
    _, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()


def _parameters(shards: int | None) -> dict[str, str]:
    return {} if shards is None else {"cluster": "yes"}


def _shown(name: str, node: str, shards: int | None) -> str:
    return name if shards is None else f"{name}-{node.rpartition('-')[2]}"


def _options(server: RedisServer) -> list[str]:
    # Other nodes talk on the bus and move keys; clients are sent to the fronts.
    cluster = {
        **_CLUSTER,
        "cluster-announce-port": str(server.port),
        "cluster-announce-bus-port": str(server.own_port + BUS_OFFSET),
    }
    settings = {
        **_SETTINGS,
        **(cluster if server.is_cluster else {}),
        "port": str(server.own_port),
        "dir": str(server.data),
        "aclfile": str(server.data / "users.acl"),
        "pidfile": str(server.pidfile),
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]
