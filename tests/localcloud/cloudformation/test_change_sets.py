"""Change sets, called with boto3 over a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from klotho.localcloud.cloudformation.plan import compare

from .builders import ServedCloud, log_group, subnet, template, vpc
from .test_stacks import create, error_of, events, status_of

pytestmark = pytest.mark.localcloud
BEFORE = {
    "Vpc": vpc(),
    "Subnet": subnet({"Ref": "Vpc"}),
    "Logs": log_group(RetentionInDays=7),
    "Old": {"Type": "AWS::EC2::InternetGateway"},
    "Cluster": {
        "Type": "AWS::ECS::Cluster",
        "Properties": {"ClusterSettings": [{"Name": "x", "Value": {"Ref": "Logs"}}]},
    },
}
AFTER = {
    "Vpc": vpc("10.8.0.0/16"),
    "Subnet": subnet({"Ref": "Vpc"}),
    "Logs": log_group(RetentionInDays=14),
    "New": {"Type": "AWS::EC2::InternetGateway"},
    "Cluster": {
        "Type": "AWS::ECS::Cluster",
        "Properties": {"ClusterSettings": [{"Name": "x", "Value": {"Ref": "Logs"}}]},
    },
}


def propose(served: ServedCloud, body: str, kind: str = "UPDATE", name: str = "next") -> dict[str, Any]:
    served.client.create_change_set(
        StackName="net", ChangeSetName=name, ChangeSetType=kind, TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )
    found: dict[str, Any] = served.client.describe_change_set(StackName="net", ChangeSetName=name)
    return found


def test_an_update_change_set_says_what_changes_and_does_it(served: ServedCloud) -> None:
    create(served, "net", template(BEFORE))
    before = list(served.cloud.world.all())
    found = propose(served, template(AFTER))
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    changes = {item["ResourceChange"]["LogicalResourceId"]: item["ResourceChange"] for item in found["Changes"]}
    actions = {name: (change["Action"], change.get("Replacement")) for name, change in changes.items()}
    assert actions == {
        "Vpc": ("Modify", "True"),
        "Subnet": ("Modify", "True"),
        "Logs": ("Modify", "False"),
        "New": ("Add", None),
        "Old": ("Remove", None),
    }
    (cidr,) = changes["Vpc"]["Details"]
    assert cidr["Target"] == {"Attribute": "Properties", "Name": "CidrBlock", "RequiresRecreation": "Always"}
    assert (cidr["Evaluation"], cidr["ChangeSource"]) == ("Static", "DirectModification")
    (reference,) = changes["Subnet"]["Details"]
    assert (reference["Evaluation"], reference["ChangeSource"], reference["CausingEntity"]) == (
        "Dynamic",
        "ResourceReference",
        "Vpc",
    )
    assert changes["Vpc"]["Scope"] == ["Properties"]
    assert list(served.cloud.world.all()) == before

    served.client.execute_change_set(StackName="net", ChangeSetName="next", ClientRequestToken="once")
    served.settle()
    assert status_of(served, "net") == "UPDATE_COMPLETE"
    done = served.client.describe_change_set(StackName="net", ChangeSetName="next")
    assert done["ExecutionStatus"] == "EXECUTE_COMPLETE"
    served.client.execute_change_set(StackName="net", ChangeSetName="next", ClientRequestToken="once")
    with pytest.raises(ClientError) as caught:
        served.client.execute_change_set(StackName="net", ChangeSetName="next")
    assert error_of(caught)[0] == "InvalidChangeSetStatus"


def test_a_change_set_without_changes_fails_in_the_words_of_aws(served: ServedCloud) -> None:
    create(served, "net", template(BEFORE))
    found = propose(served, template(BEFORE))
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create a change set."
    )
    with pytest.raises(ClientError) as caught:
        served.client.execute_change_set(StackName="net", ChangeSetName="next")
    assert error_of(caught)[0] == "InvalidChangeSetStatus"


def test_a_change_set_may_create_the_stack(served: ServedCloud) -> None:
    found = propose(served, template(BEFORE), "CREATE")
    assert status_of(served, "net") == "REVIEW_IN_PROGRESS"
    assert {item["ResourceChange"]["Action"] for item in found["Changes"]} == {"Add"}
    assert list(served.cloud.world.all()) == []
    served.client.execute_change_set(StackName="net", ChangeSetName="next")
    served.settle()
    stack = served.client.describe_stacks(StackName="net")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["ChangeSetId"] == found["ChangeSetId"]
    assert events(served, "net")[0] == ("net", "REVIEW_IN_PROGRESS")
    with pytest.raises(ClientError, match="already exists and cannot be created again with the changeSet"):
        propose(served, template(BEFORE), "CREATE", "again")


def test_change_sets_are_listed_and_deleted(served: ServedCloud) -> None:
    propose(served, template(BEFORE), "CREATE", "one")
    propose(served, template(AFTER), "CREATE", "two")
    listed = served.client.list_change_sets(StackName="net")["Summaries"]
    assert [item["ChangeSetName"] for item in listed] == ["one", "two"]
    served.client.delete_change_set(StackName="net", ChangeSetName="one")
    served.client.delete_change_set(StackName="net", ChangeSetName="one")
    with pytest.raises(ClientError) as caught:
        served.client.describe_change_set(StackName="net", ChangeSetName="one")
    assert error_of(caught)[0] == "ChangeSetNotFound"
    with pytest.raises(ClientError) as caught:
        propose(served, template(AFTER), "CREATE", "two")
    assert error_of(caught)[0] == "AlreadyExistsException"
    served.client.delete_stack(StackName="net")
    served.settle()
    assert served.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]


def test_executing_one_change_set_drops_the_others(served: ServedCloud) -> None:
    create(served, "net", template(BEFORE))
    propose(served, template(AFTER), name="one")
    propose(served, template({"Vpc": vpc()}), name="two")
    served.client.execute_change_set(StackName="net", ChangeSetName="two")
    served.settle()
    listed = served.client.list_change_sets(StackName="net")["Summaries"]
    assert [item["ChangeSetName"] for item in listed] == ["two"]


def test_a_changed_parameter_is_named_as_the_cause(served: ServedCloud) -> None:
    """As in "Example change sets for CloudFormation stacks" of the User Guide: what happens, and its cause."""
    body = template(
        {"Logs": log_group(RetentionInDays={"Ref": "Days"}), "Vpc": vpc()}, Parameters={"Days": {"Type": "Number"}}
    )

    def days(value: str) -> list[dict[str, str]]:
        return [{"ParameterKey": "Days", "ParameterValue": value}]

    served.client.create_stack(StackName="net", TemplateBody=body, Parameters=days("7"))
    served.settle()
    served.client.create_change_set(
        StackName="net", ChangeSetName="next", TemplateBody=body, Parameters=days("14"), ChangeSetType="UPDATE"
    )
    found = served.client.describe_change_set(StackName="net", ChangeSetName="next")
    (change,) = [item["ResourceChange"] for item in found["Changes"]]
    details = [(item["Evaluation"], item["ChangeSource"], item.get("CausingEntity")) for item in change["Details"]]
    assert change["LogicalResourceId"] == "Logs"
    assert details == [("Dynamic", "DirectModification", None), ("Static", "ParameterReference", "Days")]


def test_an_update_makes_earlier_change_sets_obsolete(served: ServedCloud) -> None:
    create(served, "net", template(BEFORE))
    propose(served, template(AFTER))
    served.client.update_stack(StackName="net", TemplateBody=template({"Vpc": vpc()}))
    served.settle()
    (left,) = served.client.list_change_sets(StackName="net")["Summaries"]
    assert left["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(ClientError, match="OBSOLETE"):
        served.client.execute_change_set(StackName="net", ChangeSetName="next")


def test_a_changed_attribute_of_another_resource_is_a_possible_change(served: ServedCloud) -> None:
    def body(days: int) -> str:
        arn = {"Fn::GetAtt": ["Logs", "Arn"]}
        cluster = {"ClusterSettings": [{"Name": "x", "Value": arn}]}
        return template(
            {"Logs": log_group(RetentionInDays=days), "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": cluster}}
        )

    create(served, "net", body(7))
    changes = [item["ResourceChange"] for item in propose(served, body(14))["Changes"]]
    (cluster,) = [change for change in changes if change["LogicalResourceId"] == "Cluster"]
    assert cluster["Replacement"] == "False"
    assert cluster["Details"][0]["CausingEntity"] == "Logs.Arn"
    assert cluster["Details"][0]["Evaluation"] == "Dynamic"
    served.client.execute_change_set(StackName="net", ChangeSetName="next")
    served.settle()
    assert ("Cluster", "UPDATE_COMPLETE") not in events(served, "net")


def test_tags_alone_are_a_change_of_every_resource_that_takes_tags(served: ServedCloud) -> None:
    create(served, "net", template(BEFORE))
    served.client.create_change_set(
        StackName="net", ChangeSetName="tags", UsePreviousTemplate=True, Tags=[{"Key": "team", "Value": "x"}]
    )
    found = served.client.describe_change_set(StackName="net", ChangeSetName="tags")
    scopes = {tuple(item["ResourceChange"]["Scope"]) for item in found["Changes"]}
    assert scopes == {("Tags",)}
    served.client.execute_change_set(StackName="net", ChangeSetName="tags")
    served.settle()
    assert {record.tags["team"] for record in served.cloud.world.all()} == {"x"}


def table(key: str = "id", type_: str = "S", **more: Any) -> dict[str, Any]:
    return {
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": type_}],
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


LOCAL = [{"IndexName": "l", "KeySchema": [], "Projection": {"ProjectionType": "ALL"}}]


@pytest.mark.parametrize(
    ("after", "replacing"),
    [
        (table("sku"), {"KeySchema"}),
        (table(type_="N"), {"AttributeDefinitions"}),
        (table(LocalSecondaryIndexes=LOCAL), {"LocalSecondaryIndexes"}),
        (table("sku", TableClass="STANDARD"), {"KeySchema"}),
        (table(TableClass="STANDARD"), set()),
    ],
)
def test_a_tables_key_its_types_and_local_indexes_replace_it(after: dict[str, Any], replacing: set[str]) -> None:
    found = compare("AWS::DynamoDB::Table", table(), after)
    assert {change.name for change in found if change.recreation == "Always"} == replacing
