"""The annotated shelf in JavaScript answers as the original does: pg, Knex, Sequelize and TypeORM on Postgres, redis
and ioredis on caches, in two units; clients of clusters on caches in cluster mode, and a cache by an
environment variable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.databases import postgres, redis_servers
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]

CLUSTERS = {
    "package.json": json.dumps(
        {
            "name": "counters",
            "main": "index.js",
            "dependencies": {"express": "4.21.2", "ioredis": "5.4.2", "redis": "5.8.0"},
        }
    ),
    "node.js": 'const { createClient } = require("redis");\n// @klotho::persist { id = "node" }\n'
    "exports.node = createClient({ url: process.env.REDIS_URL });\n",
    "cluster.js": 'const redis = require("redis");\n// @klotho::persist { id = "cluster" }\n'
    "exports.cluster = redis.createCluster({ rootNodes: [{ url: process.env.CLUSTER_URL }] });\n",
    "io.js": 'const { Cluster } = require("ioredis");\n// @klotho::persist { id = "io" }\n'
    "exports.io = new Cluster([process.env.CLUSTER_URL]);\n",
    "hits.js": 'const { createClient } = require("redis");\n// @klotho::persist {\n//   id = "hits"\n'
    '//   [environment_variables]\n//   REDIS_URL = "redis_node.connection_string"\n// }\n'
    "const url = process.env.REDIS_URL;\nlet client;\nexports.hit = async (name) => {\n"
    "  client ??= await createClient({ url }).connect();\n  return client.incr(`hits:${name}`);\n};\n",
    "counting.js": '// @klotho::execution_unit { id = "counting" }\nconst { cluster } = require("./cluster");\n'
    "let ready;\nexports.count = async (name) => {\n  await (ready ??= cluster.connect());\n"
    "  return cluster.incr(name);\n};\n",
    "index.js": 'const app = require("express")();\nconst { node } = require("./node");\n'
    'const { io } = require("./io");\nconst { hit } = require("./hits");\n'
    'const { count } = require("./counting");\nlet ready;\n'
    "app.get('/node/:name', async (req, res) => {\n  await (ready ??= node.connect());\n"
    "  res.json(await node.incr(req.params.name));\n});\n"
    "app.get('/cluster/:name', async (req, res) => res.json(await count(req.params.name)));\n"
    "app.get('/io/:name', async (req, res) => res.json(await io.incr(`io:${req.params.name}`)));\n"
    "app.get('/hits/:name', async (req, res) => res.json(await hit(req.params.name)));\n"
    '// @klotho::expose { id = "counters" }\napp.listen(process.env.PORT || 3000);\n',
    "requests.json": json.dumps(
        [{"path": f"/{kind}/{name}"} for kind in ("node", "cluster", "io", "hits") for name in ("a", "b", "a", "pet")]
    ),
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the original keeps things: a database and caches of this machine, without data."""
    with redis_servers(tmp_path_factory) as ports, postgres(tmp_path_factory.mktemp("postgres")) as database:
        redis_url, cluster_url = (f"redis://127.0.0.1:{port}" for port in ports)
        yield {"DATABASE_URL": database, "REDIS_URL": redis_url, "CLUSTER_URL": cluster_url}


def verified(deployment: Deployment) -> None:
    found = json.loads(deployment.klotho("verify", "--json").stdout)
    assert found["differences"] == []
    assert found["requests"] == len(json.loads((deployment.folder / "requests.json").read_text(encoding="utf-8")))


def test_every_client_of_the_shelf_answers_as_the_original_on_every_route(
    deploy: Deploy, servers: dict[str, str]
) -> None:
    deployment = deploy("annotated-shelf-javascript")
    deployment.environment = {**deployment.environment, **servers}
    assert {"main-unit", "search-unit"} <= set(deployment.up())
    verified(deployment)


def test_redis_5_and_clients_of_clusters_in_two_units_answer_as_the_original(
    deploy: Deploy, servers: dict[str, str]
) -> None:
    deployment = deploy("annotated-pets")
    for path in deployment.folder.rglob("*.js*"):
        path.unlink()
    for name, content in CLUSTERS.items():
        Path(deployment.folder, name).write_text(content, encoding="utf-8")
    deployment.environment = {**deployment.environment, **servers}
    assert {"main-unit", "counting-unit"} <= set(deployment.up())
    verified(deployment)
