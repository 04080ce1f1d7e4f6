"""AWS::DynamoDB::Table: the resource handler on a real store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from klotho.catalogue.facts import schema
from klotho.localcloud.cloudformation.capabilities import DecidesReplacement, NamesAttributes
from klotho.localcloud.handler import HandlerError, Outcome, Request
from klotho.localcloud.handlers.dynamodb_table import DynamoDbTable
from tests.localcloud.dynamodb.dynamodb_harness import Store, index, keys

BASE: dict[str, Any] = {**keys("pk"), "BillingMode": "PAY_PER_REQUEST"}


class Bench:
    """A handler with a real store behind it; `cloud` holds nothing else."""

    def __init__(self, state: Path) -> None:
        self.store = Store(state)
        self.handler = DynamoDbTable(SimpleNamespace(tables=self.store.service))  # type: ignore[arg-type]

    def request(self, properties: Any, token: str = "one", **more: Any) -> Request:
        return Request("AWS::DynamoDB::Table", "Things", "shop", "stack-id", token, properties, **more)

    def create(self, properties: Any, token: str = "one", **more: Any) -> Outcome:
        return asyncio.run(self.handler.create(self.request(properties, token, **more)))

    def update(self, name: str, before: Any, after: Any, **more: Any) -> Outcome:
        request = self.request(after, "two", identifier=name, previous=before, **more)
        return asyncio.run(self.handler.update(request))

    def delete(self, name: str) -> None:
        asyncio.run(self.handler.delete(self.request(BASE, "three", identifier=name)))

    def described(self, name: str) -> Any:
        return self.store.call("DescribeTable", TableName=name)["Table"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def with_index(*names: str) -> dict[str, Any]:
    definitions = [*BASE["AttributeDefinitions"]]
    if names:
        definitions.append({"AttributeName": "owner", "AttributeType": "S"})
    indexes = [index(name, "owner") for name in names]
    return {**BASE, "AttributeDefinitions": definitions, "GlobalSecondaryIndexes": indexes}


def test_every_carried_property_exists_in_the_published_schema() -> None:
    facts = schema("AWS::DynamoDB::Table")
    assert {name.partition(".")[0] for name in DynamoDbTable.carries} <= facts.settable
    assert DynamoDbTable.given_attributes <= facts.attributes


def test_the_engine_sees_what_the_handler_can_say(bench: Bench) -> None:
    assert isinstance(bench.handler, DecidesReplacement)
    assert isinstance(bench.handler, NamesAttributes)


def test_creating_twice_with_one_token_gives_one_table(bench: Bench) -> None:
    first = bench.create(BASE)
    assert bench.create(BASE) == first
    assert first.identifier.startswith("shop-Things-")
    assert first.attributes["Arn"] == f"arn:aws:dynamodb:eu-west-1:000000000000:table/{first.identifier}"
    assert bench.create(BASE, token="another").identifier != first.identifier


def test_a_name_that_is_taken_fails_with_awss_code(bench: Bench) -> None:
    bench.create({**BASE, "TableName": "things"})
    with pytest.raises(HandlerError) as failed:
        bench.create({**BASE, "TableName": "things"}, token="another")
    assert (failed.value.code, failed.value.reason) == ("AlreadyExists", "Table already exists: things")


def test_settings_tags_time_to_live_and_recovery_are_there_after_create(bench: Bench) -> None:
    properties = {
        **BASE,
        "TableName": "things",
        "SSESpecification": {"SSEEnabled": True},
        "TableClass": "STANDARD_INFREQUENT_ACCESS",
        "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "Tags": [{"Key": "own", "Value": "1"}],
    }
    arn = bench.create(properties, tags={"stack": "shop", "own": "0"}).attributes["Arn"]
    described = bench.described("things")
    assert described["SSEDescription"]["Status"] == "ENABLED"
    assert described["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    tags = bench.store.call("ListTagsOfResource", ResourceArn=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"stack": "shop", "own": "1"}
    assert bench.store.call("DescribeTimeToLive", TableName="things")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "ends",
    }
    recovery = bench.store.call("DescribeContinuousBackups", TableName="things")["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_an_index_added_by_an_update_is_filled_and_one_removed_is_gone(bench: Bench) -> None:
    name = bench.create(with_index("first")).identifier
    bench.store.call("PutItem", TableName=name, Item={"pk": {"S": "a"}, "owner": {"S": "ann"}})
    bench.update(name, with_index("first"), with_index("first", "second"))
    found = bench.store.call("Scan", TableName=name, IndexName="second")["Items"]
    assert [item["pk"] for item in found] == [{"S": "a"}]
    bench.update(name, with_index("first", "second"), with_index("second"))
    assert [entry["IndexName"] for entry in bench.described(name)["GlobalSecondaryIndexes"]] == ["second"]


def test_two_indexes_in_one_update_fail_as_on_aws(bench: Bench) -> None:
    name = bench.create(with_index("first")).identifier
    with pytest.raises(HandlerError, match="Cannot perform more than one GSI creation or deletion in a single update"):
        bench.update(name, with_index("first"), with_index("second"))
    assert [entry["IndexName"] for entry in bench.described(name)["GlobalSecondaryIndexes"]] == ["first"]


@pytest.mark.parametrize(
    "change",
    [
        {"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}},
        {"DeletionProtectionEnabled": True},
        {"SSESpecification": {"SSEEnabled": True}},
        {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        {"Tags": [{"Key": "new", "Value": "1"}]},
        {"TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": True}},
        {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
        {"OnDemandThroughput": {"MaxReadRequestUnits": 10}},
    ],
)
def test_a_change_and_its_way_back_keep_the_items(bench: Bench, change: Any) -> None:
    name = bench.create(BASE).identifier
    bench.store.call("PutItem", TableName=name, Item={"pk": {"S": "a"}})
    before = (bench.described(name), bench.store.service.find_table(name).__dict__.copy())
    bench.update(name, BASE, {**BASE, **change})
    changed = (bench.described(name), bench.store.service.find_table(name).__dict__.copy())
    assert changed != before
    bench.update(name, {**BASE, **change}, BASE)
    assert bench.described(name) == before[0]
    assert len(bench.store.all(name)) == 1


def test_changes_that_need_a_new_table_are_known(bench: Bench) -> None:
    def replaces(after: Any, before: Any = BASE) -> bool:
        return bench.handler.must_replace(bench.request(after, previous=before))

    assert replaces({**BASE, **keys("other")})
    assert replaces({**BASE, **keys("pk", "sk")})
    assert replaces({**BASE, "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "N"}]})
    assert replaces({**BASE, "LocalSecondaryIndexes": [index("local", "pk", "day")]})
    assert not replaces(with_index("first"))
    assert not replaces({**BASE, "BillingMode": "PROVISIONED"})


def test_another_time_to_live_attribute_fails_while_one_is_on(bench: Bench) -> None:
    one, two = ({**BASE, "TimeToLiveSpecification": {"AttributeName": n, "Enabled": True}} for n in ("one", "two"))
    name = bench.create(one).identifier
    with pytest.raises(HandlerError, match="TimeToLive is active on a different AttributeName"):
        bench.update(name, one, two)


def test_a_protected_table_is_not_deleted_and_deleting_twice_succeeds(bench: Bench) -> None:
    protected = {**BASE, "DeletionProtectionEnabled": True}
    name = bench.create(protected).identifier
    with pytest.raises(HandlerError, match="currently protected against deletion"):
        bench.delete(name)
    bench.update(name, protected, BASE)
    bench.delete(name)
    bench.delete(name)
    assert bench.store.call("ListTables") == {"TableNames": []}
