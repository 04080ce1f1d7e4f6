"""`requires(encrypted_in_transit=True)` deployed and used: every hop that the requirement lets stand carries a call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.examples.deployment import Client
from tests.localcloud.pairs.harness import Deployed

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
front = function("front")
caller, callee = Compute.Container("caller", context="./box"), Compute.Container("callee", context="./box")
inside = API("inside", public=False)
ledger, cache = Databases.Postgres("ledger"), Databases.Redis("cache")
inside.attach_service(callee, route="/callee")
caller.calls(callee)
caller.calls(inside)
for unit in (caller, front):
    unit.read_writes_to(ledger)
caller.read_writes_to(cache)
caller.requires(encrypted_in_transit=True)
"""
CALLS = """
import urllib.request

def get(address):
    with urllib.request.urlopen(address, timeout=20) as answer:
        return json.load(answer)["name"]

ledger, cache = (config.datastores.get(name) for name in ("ledger", "cache"))
return {
    "container": get(config.services.get("callee").url + "/"),
    "load balancer": get(config.services.get("inside").url + "/callee"),
    "sql": [ledger.url, ledger.sslmode], "cache": [cache.url, cache.tls],
}
"""


def in_container(shop: Deployed, name: str, code: str) -> Any:
    """What the code returns inside the container, which no public API leads to."""
    units = json.loads(shop.deployment.klotho("status", "--json").stdout)["units"]
    (address,) = (item["address"] for item in units if item["name"].endswith(f"/{name}"))
    answer = Client(address).call("POST", "/", code).json
    assert "value" in answer, answer
    return answer["value"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = Deployed(tmp_path_factory.mktemp("transit"), PROGRAM)
    try:
        made.deployment.up()
        yield made
    finally:
        made.deployment.end()


def test_every_hop_carries_a_call_where_everything_is_encrypted_in_transit(shop: Deployed) -> None:
    import psycopg
    import redis

    found = in_container(shop, "caller", CALLS)
    assert (found["container"], found["load balancer"]) == ("callee", "callee")
    address, mode = found["sql"]
    with psycopg.connect(address) as connection:
        assert (mode, connection.execute("select 1").fetchone()) == ("verify-full", (1,))
    address, tls = found["cache"]
    assert tls and redis.Redis.from_url(address).ping()
    assert shop.run("front", 'return config.datastores.get("ledger").sslmode') == "verify-full"


def test_the_network_enforces_it_and_the_databases_can(shop: Deployed) -> None:
    cloudformation = shop.client("cloudformation")
    bodies = [
        cloudformation.get_template(StackName=stack["StackName"])["TemplateBody"]
        for stack in cloudformation.describe_stacks()["Stacks"]
    ]
    templates = [json.loads(body) if isinstance(body, str) else body for body in bodies]
    made = [item for template in templates for item in template["Resources"].values()]
    (vpc,) = (item["Properties"] for item in made if item["Type"] == "AWS::EC2::VPC")
    assert vpc["VpcEncryptionControl"]["Mode"] == "enforce"
    (database,) = (item["Properties"] for item in made if item["Type"] == "AWS::RDS::DBInstance")
    assert database["DBInstanceClass"] == "db.m7g.large"


def test_a_hop_nothing_can_encrypt_is_refused_with_what_to_do(shop: Deployed) -> None:
    program = shop.deployment.folder / "infra.py"
    before = program.read_text()
    try:
        program.write_text(before + "front.calls(callee)\n")
        said = shop.deployment.klotho("check", exit_code=1)
    finally:
        program.write_text(before)
    assert "hop-in-the-clear" in said.stderr + said.stdout
    assert "make the caller a container" in said.stderr + said.stdout
