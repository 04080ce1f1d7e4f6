"""The objects of clusters, in the state database: they outlive the local cloud's process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from klotho.localcloud.database import Database

_TABLE = """
create table if not exists kubernetes_objects (
    cluster text not null, path text not null, generation integer not null, body text not null,
    primary key (cluster, path)
)
"""


class Objects:
    """Objects by cluster and path (`/apis/apps/v1/namespaces/shop/deployments/orders`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.connection.execute(_TABLE)

    def get(self, cluster: str, path: str) -> dict[str, Any] | None:
        """The object as it was applied, its generation in the metadata."""
        row = self._database.connection.execute(
            "select body, generation from kubernetes_objects where cluster=? and path=?", (cluster, path)
        ).fetchone()
        return None if row is None else _with_generation(json.loads(row["body"]), int(row["generation"]))

    def below(self, cluster: str, prefix: str) -> list[dict[str, Any]]:
        """All objects whose path begins so, by path."""
        rows = self._database.connection.execute(
            "select path, body, generation from kubernetes_objects where cluster=? order by path", (cluster,)
        )
        return [
            _with_generation(json.loads(row["body"]), int(row["generation"]))
            for row in rows
            if str(row["path"]).startswith(prefix)
        ]

    def of_kind(self, cluster: str, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.below(cluster, "") if item["kind"] == kind]

    def put(self, cluster: str, path: str, body: Mapping[str, Any]) -> bool:
        """Keep it; whether there was none. Its generation counts changes of what is wanted."""
        before = self.get(cluster, path)
        generation = 1 if before is None else int(before["metadata"]["generation"])
        if before is not None and {**before, "metadata": None} != {**body, "metadata": None}:
            generation += 1
        with self._database.transaction() as connection:
            connection.execute(
                "insert or replace into kubernetes_objects values (?,?,?,?)",
                (cluster, path, generation, json.dumps(body)),
            )
        return before is None

    def remove(self, cluster: str, path: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("delete from kubernetes_objects where cluster=? and path=?", (cluster, path))

    def forget(self, cluster: str) -> None:
        """The cluster is gone, and everything in it."""
        with self._database.transaction() as connection:
            connection.execute("delete from kubernetes_objects where cluster=?", (cluster,))


def _with_generation(body: dict[str, Any], generation: int) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "generation": generation}}
