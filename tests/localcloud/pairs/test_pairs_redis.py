"""Code that uses a cache: what each verb allows, and what it does not, with one node and with a cluster."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis
from redis.cluster import RedisCluster

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(400)]

PROGRAM = """
cache = Databases.Redis("cache")
shards = Databases.Redis("shards", cluster=True)
reader, writer, both = function("reader"), function("writer"), function("both")
boxed_reader, boxed_writer, boxed_both = container("boxed-reader"), container("boxed-writer"), container("boxed-both")
stranger = function("stranger")
for unit in (reader, boxed_reader):
    unit.reads_from(cache)
    unit.reads_from(shards)
for unit in (writer, boxed_writer):
    unit.writes_to(cache)
for unit in (both, boxed_both):
    unit.read_writes_to(cache)
    unit.read_writes_to(shards)
"""
UNITS = ("Compute.Function", "Compute.Container")
CACHE = "Databases.Redis"
ASK = 'db = config.datastores.get("%s"); return [db.url, db.cluster, db.tls, db.kind]'


def client(deployed: Deployed, unit: str) -> Any:
    url, cluster, tls, kind = deployed.run(unit, ASK % "cache")
    assert (cluster, tls, kind) == (False, True, CACHE)
    return redis.Redis.from_url(url, decode_responses=True)


def cluster_client(deployed: Deployed, unit: str) -> Any:
    url, cluster, _, _ = deployed.run(unit, ASK % "shards")
    assert cluster
    return RedisCluster.from_url(url, decode_responses=True)


def is_refused(command: Any, *words: Any) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError, match="no permissions"):
        command(*words)


@pair("reads_from", UNITS, CACHE)
@pytest.mark.parametrize("unit", ["reader", "boxed-reader"])
def test_a_reader_gets_and_may_not_set(deployed: Deployed, unit: str) -> None:
    client(deployed, "both").set(f"for-{unit}", "x")
    reader = client(deployed, unit)
    assert reader.get(f"for-{unit}") == "x"
    assert f"for-{unit}" in list(reader.scan_iter())
    is_refused(reader.set, f"for-{unit}", "y")
    is_refused(reader.delete, f"for-{unit}")
    is_refused(reader.publish, "news", "x")
    assert reader.get(f"for-{unit}") == "x"


@pair("writes_to", UNITS, CACHE)
@pytest.mark.parametrize("unit", ["writer", "boxed-writer"])
def test_a_writer_sets_and_may_not_get(deployed: Deployed, unit: str) -> None:
    writer = client(deployed, unit)
    writer.set(f"from-{unit}", unit)
    is_refused(writer.get, f"from-{unit}")
    is_refused(writer.scan)
    assert client(deployed, "both").get(f"from-{unit}") == unit
    # A script may do what its caller may.
    writer.eval("return redis.call('set', KEYS[1], 'script')", 1, f"from-{unit}")
    with pytest.raises(redis.exceptions.ResponseError):
        writer.eval("return redis.call('get', KEYS[1])", 1, f"from-{unit}")


@pair("read_writes_to", UNITS, CACHE)
@pytest.mark.parametrize("unit", ["both", "boxed-both"])
def test_one_that_does_both_may_do_nothing_that_harms_others(deployed: Deployed, unit: str) -> None:
    both = client(deployed, unit)
    with both.pipeline(transaction=True) as together:
        together.set(f"by-{unit}", 1).incr(f"by-{unit}").expire(f"by-{unit}", 100)
        assert together.execute() == [True, 2, True]
    heard = both.pubsub(ignore_subscribe_messages=True)
    heard.subscribe("news")
    heard.get_message(timeout=5)
    both.publish("news", "hello")
    deadline = time.monotonic() + 10
    while (message := heard.get_message(timeout=1)) is None:
        assert time.monotonic() < deadline
    assert message["data"] == "hello"
    is_refused(both.flushall)
    is_refused(both.keys)
    is_refused(both.config_get, "*")
    is_refused(both.acl_list)
    is_refused(both.execute_command, "CLIENT", "KILL", "ID", "1")
    is_refused(both.execute_command, "DEBUG", "SLEEP", "0")


def test_a_cluster_spreads_the_keys_and_holds_to_the_same_rules(deployed: Deployed) -> None:
    both, reader = cluster_client(deployed, "both"), cluster_client(deployed, "boxed-reader")
    assert len(both.get_primaries()) == 2
    for number in range(50):
        both.set(f"key-{number}", number)
    assert [reader.get(f"key-{number}") for number in range(50)] == [str(number) for number in range(50)]
    sizes = [node.redis_connection.dbsize() for node in both.get_primaries()]
    assert sum(sizes) >= 50 and all(sizes)
    is_refused(reader.set, "key-1", "x")


def test_nobody_comes_in_without_a_login_and_a_stranger_reads_none(deployed: Deployed) -> None:
    told = deployed.run("reader", 'return json.loads(os.environ["KLOTHO_DATASTORE_CACHE"])')
    file = deployed.run("reader", 'return config.datastores.get("cache").ssl_ca_certs')
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(host=told["host"], port=int(told["port"]), ssl=True, ssl_ca_certs=file).ping()
    with pytest.raises(redis.exceptions.ConnectionError):
        redis.Redis(host=told["host"], port=int(told["port"])).ping()  # in the clear
    for unit in ("stranger", "writer"):
        with pytest.raises(Exception, match="not authorized to perform: secretsmanager:GetSecretValue"):
            deployed.client("secretsmanager", unit).get_secret_value(SecretId=told["secret"])
    assert all("GenerateSecretString" in item for item in deployed.resources("AWS::SecretsManager::Secret"))
