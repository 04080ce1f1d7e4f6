"""Cluster mode: nodes become one cluster, and slots move when their number changes.

Input: the running servers of one cache, in order. Output: a cluster in which each node has its share of the slots.
Everything may be done again after a crash: what is so already stays. Refuses, as `RedisError`, nodes that do not become
a cluster in half a minute.

Source: Redis cluster specification ("Hash slot resharding"), the commands CLUSTER SETSLOT and MIGRATE.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence

from klotho.localcloud.planes.database_servers import HOST
from klotho.localcloud.planes.redis_node import ADMIN, RedisServer, Talk, admin_password, cache_of
from klotho.localcloud.planes.redis_programs import RedisError

SLOTS = 16384
JOIN_TIMEOUT_S = 30.0
MOVE_TIMEOUT_MS = 10_000
_KEYS_AT_ONCE = 200


def join(servers: Sequence[RedisServer], leaving: Sequence[RedisServer] = ()) -> None:
    """Make one cluster of the nodes, with all slots in equal shares; `leaving` are nodes that give theirs up."""
    with contextlib.ExitStack() as stack:
        everybody = [stack.enter_context(Talk(server)) for server in (*servers, *leaving)]
        nodes, going = everybody[: len(servers)], everybody[len(servers) :]
        if not any(_owners(node) for node in everybody):
            for index, node in enumerate(nodes):
                node.ask("CLUSTER", "ADDSLOTS", *_share(index, len(nodes)))
                # Nodes that began at the same epoch would have to settle whose slots count.
                node.ask("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        for node in everybody[1:]:
            node.ask("CLUSTER", "MEET", HOST, everybody[0].server.own_port)
        _wait(everybody, lambda node: _is_up(node) and len(_owners(node)) == SLOTS and _known(node) >= len(everybody))
        ids = {node.port: node.ask("CLUSTER", "MYID") for node in everybody}
        for index, node in enumerate(nodes):
            _take(node, _share(index, len(nodes)), {item.port: item for item in everybody}, ids)
        _wait(nodes, lambda node: _is_settled(node, nodes))
        for node in nodes:
            for gone in going:
                node.ask("CLUSTER", "FORGET", ids[gone.port])


def _share(index: int, size: int) -> range:
    return range(SLOTS * index // size, SLOTS * (index + 1) // size)


def _take(node: Talk, wanted: range, at_port: Mapping[int, Talk], ids: Mapping[int, bytes]) -> None:
    """Move the slots that others have to this node, with their keys."""
    owners = _owners(node)
    login = ("AUTH2", ADMIN, admin_password(node.server.data))
    for slot in wanted:
        source = at_port[owners[slot]]
        if source is node:
            continue
        node.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source.port])
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[node.port])
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, _KEYS_AT_ONCE):
            source.ask("MIGRATE", HOST, node.server.own_port, "", 0, MOVE_TIMEOUT_MS, "REPLACE", *login, "KEYS", *keys)
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[node.port])
        try:
            source.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[node.port])
        except RedisError as error:
            # It has heard of its last slot's new owner already, and follows it now.
            if "only with masters" not in str(error):
                raise


def _wait(nodes: Sequence[Talk], holds: Callable[[Talk], bool]) -> None:
    deadline = time.monotonic() + JOIN_TIMEOUT_S
    while not all(holds(node) for node in nodes):
        if time.monotonic() > deadline:
            told = nodes[0].ask("CLUSTER", "INFO").decode().split()
            raise RedisError(f"the nodes of {cache_of(nodes[0].server.identifier)} do not become a cluster: {told}")
        time.sleep(0.05)


def _is_up(node: Talk) -> bool:
    return b"cluster_state:ok" in node.ask("CLUSTER", "INFO")


def _known(node: Talk) -> int:
    """How many nodes it is in touch with, itself included."""
    lines = node.ask("CLUSTER", "NODES").decode().splitlines()
    return sum(1 for line in lines if " connected" in line and "handshake" not in line)


def _owners(node: Talk) -> dict[int, int]:
    """Slot -> port of the node that has it, as this node knows it."""
    found = {}
    for first, last, master, *_ in node.ask("CLUSTER", "SLOTS"):
        found.update(dict.fromkeys(range(first, last + 1), int(master[1])))
    return found


def _is_settled(node: Talk, nodes: Sequence[Talk]) -> bool:
    owners = _owners(node)
    wanted = {slot: item.port for index, item in enumerate(nodes) for slot in _share(index, len(nodes))}
    return owners == wanted and _is_up(node)
