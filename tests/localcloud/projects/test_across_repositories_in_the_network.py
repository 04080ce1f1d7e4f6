"""Databases, caches, containers and private APIs of another repository of the project, reached inside its network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pymysql
import pytest
import redis
from psycopg.errors import InsufficientPrivilege

from tests.localcloud.pairs.harness import SERVER, Deployed
from tests.localcloud.projects.repositories import Repositories

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(500)]

STOCK = """
ledger, books = Databases.Postgres("ledger"), Databases.MySQL("books")
cache = Databases.Redis("cache")
pricer = container("pricer", ports={"http": 8080, "grpc": 9090})
front, inside = API("front"), API("inside", public=False)
keeper = function("keeper")
for store in (ledger, books, cache):
    keeper.read_writes_to(store)
"""
SHOP = """
def of_project(kind, name):
    return kind(name, from_project=True)

ledger, books = of_project(Databases.Postgres, "ledger"), of_project(Databases.MySQL, "books")
cache, pricer = of_project(Databases.Redis, "cache"), of_project(Compute.Container, "pricer")
front, inside = of_project(API, "front"), of_project(API, "inside")

reader, writer, both, stranger = function("reader"), function("writer"), container("both"), function("stranger")
for store in (ledger, books, cache):
    reader.reads_from(store)
    writer.writes_to(store)
    both.read_writes_to(store)
reader.calls(pricer)
both.calls(pricer)
both.calls(pricer, "grpc")
reader.calls(inside)
both.calls(inside)
for api in (front, inside):
    api.attach_service(both, route="/boxed")
    api.attach_service(writer, route="/plain")
told = container("told", environment={"PRICER": pricer.url, "LEDGER": ledger.endpoint})
"""
FETCH = """
import urllib.request
with urllib.request.urlopen(config.services.get(%r).url + %r, timeout=10) as answer:
    return json.load(answer)
"""
MYSQL = """
    db = config.datastores.mysql("books")
    return [db.host, db.port, db.user, db.password, db.database]
"""
FILES = {
    "box/main.py": (
        "import os, socket\n"
        'if os.environ.get("GRPC_PORT"):\n'
        '    second = socket.create_server(("0.0.0.0", int(os.environ["GRPC_PORT"])))\n'
    )
    + SERVER
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repositories]:
    made = Repositories(tmp_path_factory.mktemp("network"), STOCK, SHOP, FILES)
    try:
        made.up()
        yield made
    finally:
        left = made.end()
    assert left == [], "processes are left after `klotho down`"


@pytest.fixture(scope="module")
def stock(both: Repositories) -> Deployed:
    return both.stock


@pytest.fixture(scope="module")
def shop(both: Repositories) -> Deployed:
    return both.shop


def postgres(deployed: Deployed, unit: str, statement: str) -> list[Any]:
    url = deployed.run(unit, 'return config.datastores.get("ledger").url')
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(statement)
        return found.fetchall() if found.description else []


def mysql(deployed: Deployed, unit: str, statement: str) -> list[Any]:
    host, port, user, password, database = deployed.run(unit, MYSQL)
    tls = {"check_hostname": False, "verify_mode": "none"}
    with (
        closing(
            pymysql.connect(
                host=host, port=port, user=user, password=password, database=database, autocommit=True, ssl=tls
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall())


def client(deployed: Deployed, unit: str) -> Any:
    return redis.Redis.from_url(deployed.run(unit, 'return config.datastores.get("cache").url'), decode_responses=True)


def test_the_owners_stacks_stay_as_they_are_and_the_network_is_one(both: Repositories) -> None:
    before = both.stacks("stock")
    assert set(both.stock.deployment.up().values()) == {"unchanged"}
    assert set(both.shop.deployment.up().values()) == {"unchanged"}
    assert both.stacks("stock") == before
    assert len(both.stock.resources("AWS::EC2::VPC")) == 1


def test_each_service_has_a_login_of_its_own_in_a_postgres_of_another_repository(
    stock: Deployed, shop: Deployed
) -> None:
    postgres(stock, "keeper", "create table entries (id bigint generated always as identity, by text)")
    postgres(shop, "writer", "insert into entries (by) values ('shop')")
    assert postgres(stock, "keeper", "select by from entries") == [("shop",)]
    assert postgres(shop, "reader", "select by from entries") == [("shop",)]
    assert postgres(shop, "both", "update entries set by = 'both' returning by") == [("both",)]
    for unit, statement in (("reader", "insert into entries (by) values ('no')"), ("writer", "select * from entries")):
        with pytest.raises(InsufficientPrivilege, match="permission denied"):
            postgres(shop, unit, statement)
    shop.denied("stranger", 'return config.datastores.get("ledger").url', "ledger")
    users = {shop.run(unit, 'return config.datastores.get("ledger").user') for unit in ("reader", "writer", "both")}
    assert len(users) == 3


def test_nobody_reads_the_secret_of_another_or_of_the_master(stock: Deployed, shop: Deployed) -> None:
    own = 'return json.loads(os.environ["KLOTHO_DATASTORE_LEDGER"])["secret"]'
    secrets = [stock.deployment.klotho("outputs", "ledger.secret_arn").stdout.strip(), shop.run("writer", own)]
    secrets.append(stock.run("keeper", own))
    for arn in secrets:
        with pytest.raises(Exception, match="not authorized to perform: secretsmanager:GetSecretValue"):
            shop.client("secretsmanager", "reader").get_secret_value(SecretId=arn)


def test_each_service_has_a_login_of_its_own_in_a_mysql_of_another_repository(stock: Deployed, shop: Deployed) -> None:
    mysql(stock, "keeper", "create table entries (id bigint auto_increment primary key, author varchar(40))")
    mysql(shop, "writer", "insert into entries (author) values ('shop')")
    assert mysql(shop, "reader", "select author from entries") == [("shop",)]
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        mysql(shop, "reader", "insert into entries (author) values ('no')")


def test_a_cache_of_another_repository_does_what_the_verb_says(stock: Deployed, shop: Deployed) -> None:
    client(stock, "keeper").set("by", "stock")
    assert client(shop, "reader").get("by") == "stock"
    client(shop, "writer").set("by", "shop")
    assert client(shop, "both").get("by") == "shop"
    for unit, ask in (("reader", ("set", "by", "no")), ("writer", ("get", "by"))):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client(shop, unit).execute_command(*ask)


@pytest.mark.parametrize("unit", ["reader", "both"])
def test_a_container_of_another_repository_is_called_by_who_may(shop: Deployed, unit: str) -> None:
    assert shop.run(unit, FETCH % ("pricer", "/hello")) == {"name": "pricer", "path": "/hello"}
    shop.denied("stranger", FETCH % ("pricer", "/hello"), "pricer")


def test_addresses_of_another_repository_are_told(stock: Deployed, shop: Deployed) -> None:
    assert shop.run("both", 'return config.services.get("pricer").grpc').partition(":")[2]
    told = shop.environment("told")
    assert told["PRICER"].startswith("http://") and told["LEDGER"]


def test_services_attach_themselves_to_apis_of_another_repository(stock: Deployed, shop: Deployed) -> None:
    front = stock.deployment.client("front")
    for path, unit in (("/boxed", "both"), ("/plain", "writer")):
        answer = front.call("POST", path, 'return os.environ["KLOTHO_UNIT"]')
        assert (answer.status, answer.json) == (200, {"value": unit})
    for caller in ("reader", "both"):
        assert shop.run(caller, FETCH % ("inside", "/boxed/x")) == {"name": "both", "path": "/boxed/x"}
    shop.denied("stranger", FETCH % ("inside", "/boxed"), "inside")
