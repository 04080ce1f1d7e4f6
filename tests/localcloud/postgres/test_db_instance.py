"""AWS::RDS::DBInstance behaves as on RDS: credentials, attributes, protection, refusals, retries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from klotho.catalogue.facts import schema
from klotho.catalogue.facts.validate import validate
from klotho.localcloud.handler import HandlerError, Outcome, Record, Request
from klotho.localcloud.handlers.db_instance import DbInstance
from klotho.localcloud.planes.processes import ProcessTable

pytestmark = pytest.mark.localcloud
MANAGED = {
    "Engine": "postgres",
    "EngineVersion": "17.4",
    "DBInstanceClass": "db.t4g.micro",
    "AllocatedStorage": "20",
    "MasterUsername": "app",
    "ManageMasterUserPassword": True,
    "DBName": "shop",
    "StorageEncrypted": True,
    "Tags": [{"Key": "klotho:construct", "Value": "shop_db"}],
}


def request(properties: dict[str, Any], **options: Any) -> Request:
    facts = {"stack_id": "arn:stack", "stack_name": "shop-data", "logical_id": "ShopDb", "token": "t1", **options}
    return Request(type_name="AWS::RDS::DBInstance", properties=properties, **facts)


def run(cloud: Any, work: Callable[[DbInstance], Awaitable[None]]) -> None:
    async def whole() -> None:
        await cloud.postgres.start()
        try:
            await work(DbInstance(cloud))
        finally:
            await cloud.postgres.stop()
            ProcessTable.of(cloud.state).close()

    asyncio.run(whole())


def login(outcome: Outcome, user: str, password: str) -> Any:
    attributes = outcome.attributes
    return psycopg.connect(
        host=attributes["Endpoint.Address"],
        port=attributes["Endpoint.Port"],
        user=user,
        password=password,
        dbname="shop",
        autocommit=True,
    )


def test_the_managed_secret_holds_what_logs_in_and_goes_with_the_instance(make_cloud: Callable[[], Any]) -> None:
    cloud = make_cloud()

    async def work(handler: DbInstance) -> None:
        made = await handler.create(request(MANAGED))
        secret = made.attributes["MasterUserSecret.SecretArn"]
        value = json.loads(cloud.secrets.value(secret))
        assert set(value) == {"username", "password"}
        assert ":secret:rds!db-" in secret
        login(made, value["username"], value["password"]).close()
        assert cloud.postgres.status()[0].name == "shop_db"
        again = await handler.create(request(MANAGED))
        assert again == made
        await handler.delete(request(MANAGED, identifier=made.identifier, attributes=made.attributes))
        await handler.delete(request(MANAGED, identifier=made.identifier, attributes=made.attributes))
        assert cloud.secrets.list() == []
        assert cloud.postgres.status() == []

    run(cloud, work)


def test_every_attribute_is_one_the_schema_names(make_cloud: Callable[[], Any]) -> None:
    async def work(handler: DbInstance) -> None:
        made = await handler.create(request(MANAGED))
        assert set(made.attributes) <= schema(handler.type_name).attributes
        assert handler.carries <= schema(handler.type_name).settable
        assert validate(handler.type_name, MANAGED) == []

    run(make_cloud(), work)


def test_a_new_password_and_a_turn_to_a_managed_one_take_effect(make_cloud: Callable[[], Any]) -> None:
    cloud = make_cloud()
    given = {key: value for key, value in MANAGED.items() if key != "ManageMasterUserPassword"}

    async def work(handler: DbInstance) -> None:
        first = {**given, "MasterUserPassword": "first-password"}
        made = await handler.create(request(first))
        second = {**given, "MasterUserPassword": "second-password"}
        known = {"identifier": made.identifier, "attributes": made.attributes}
        made = await handler.update(request(second, previous=first, **known))
        login(made, "app", "second-password").close()
        with pytest.raises(psycopg.OperationalError):
            login(made, "app", "first-password")
        known["attributes"] = made.attributes
        managed = await handler.update(request(MANAGED, previous=second, **known))
        value = json.loads(cloud.secrets.value(managed.attributes["MasterUserSecret.SecretArn"]))
        login(managed, "app", value["password"]).close()
        known["attributes"] = managed.attributes
        back = await handler.update(request(second, previous=MANAGED, **known))
        login(back, "app", "second-password").close()
        assert cloud.secrets.list() == []

    run(cloud, work)


def test_a_protected_instance_is_not_deleted(make_cloud: Callable[[], Any]) -> None:
    async def work(handler: DbInstance) -> None:
        protected = {**MANAGED, "DeletionProtection": True}
        made = await handler.create(request(protected))
        with pytest.raises(HandlerError, match="Cannot delete protected DB Instance"):
            await handler.delete(request(protected, identifier=made.identifier, attributes=made.attributes))
        assert handler.cloud.postgres.status()[0].state == "running"

    run(make_cloud(), work)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Engine": "mariadb"}, "Engine `mariadb` is not carried by a DB Instance"),
        ({"Engine": "aurora-postgresql"}, "carries `postgres` and `mysql`"),
        ({"Engine": "sqlite"}, "Engine `sqlite` is not carried"),
        ({"MasterUserPassword": "x"}, "when ManageMasterUserPassword is true"),
        ({"ManageMasterUserPassword": False}, "MasterUserPassword or ManageMasterUserPassword is required"),
        ({"MasterUsername": "rdsadmin"}, "reserved"),
    ],
)
def test_what_is_not_carried_is_refused_by_name(
    make_cloud: Callable[[], Any], changed: dict[str, Any], message: str
) -> None:
    async def work(handler: DbInstance) -> None:
        with pytest.raises(HandlerError, match=message):
            await handler.create(request({**MANAGED, **changed}))

    run(make_cloud(), work)


def test_a_major_version_change_is_refused_by_name(make_cloud: Callable[[], Any]) -> None:
    async def work(handler: DbInstance) -> None:
        made = await handler.create(request({**MANAGED, "EngineVersion": "16.3"}))
        with pytest.raises(HandlerError, match="from PostgreSQL 16 to 18"):
            known = {"identifier": made.identifier, "attributes": made.attributes}
            await handler.update(request({**MANAGED, "EngineVersion": "18.1"}, **known))

    run(make_cloud(), work)


def test_a_resumed_instance_and_a_snapshot_have_the_data(make_cloud: Callable[[], Any]) -> None:
    kept: list[Any] = []
    properties = {key: value for key, value in MANAGED.items() if key != "ManageMasterUserPassword"}
    properties["MasterUserPassword"] = "long-enough"

    async def first(handler: DbInstance) -> None:
        made = await handler.create(request(properties))
        with login(made, "app", "long-enough") as connection:
            connection.execute("create table t as select 1 as n")
        kept.append(made)

    async def second(handler: DbInstance) -> None:
        made = kept[0]
        record = Record(handler.type_name, made.identifier, properties, made.attributes, "t1", "s", "s", "l", {})
        await handler.resume(record)
        with login(made, "app", "long-enough") as connection:
            assert connection.execute("select n from t").fetchone() == (1,)
        copy = await handler.snapshot(record)
        assert copy == await handler.snapshot(replace(record))
        await handler.delete(request(properties, identifier=made.identifier, attributes=made.attributes))

    run(make_cloud(), first)
    run(make_cloud(), second)
