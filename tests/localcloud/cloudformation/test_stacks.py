"""Stack operations, called with boto3 over a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .builders import ServedCloud, log_group, subnet, template, vpc

pytestmark = pytest.mark.localcloud

NETWORK = {"Vpc": vpc(), "Subnet": subnet({"Ref": "Vpc"}), "Group": log_group(RetentionInDays=7)}
OUTPUTS = {"VpcId": {"Value": {"Ref": "Vpc"}}, "Arn": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}, "Description": "d"}}


def status_of(served: ServedCloud, name: str) -> str:
    return str(served.client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def resource_statuses(served: ServedCloud, name: str) -> dict[str, str]:
    found = served.client.describe_stack_resources(StackName=name)["StackResources"]
    return {item["LogicalResourceId"]: item["ResourceStatus"] for item in found}


def events(served: ServedCloud, name: str) -> list[tuple[str, str]]:
    """Oldest first."""
    found = served.client.describe_stack_events(StackName=name)["StackEvents"]
    return [(item["LogicalResourceId"], item["ResourceStatus"]) for item in reversed(found)]


def create(served: ServedCloud, name: str, body: str, **rest: Any) -> str:
    stack_id = served.client.create_stack(
        StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **rest
    )
    served.settle()
    return str(stack_id["StackId"])


def update(served: ServedCloud, name: str, body: str, **rest: Any) -> None:
    served.client.update_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **rest)
    served.settle()


def error_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    found = error.value.response["Error"]
    return found["Code"], found["Message"]


def test_a_stack_is_created_described_and_deleted(served: ServedCloud) -> None:
    stack_id = create(served, "net", template(NETWORK, Outputs=OUTPUTS), Tags=[{"Key": "a", "Value": "b"}])
    stack = served.client.describe_stacks(StackName="net")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Tags"] == [{"Key": "a", "Value": "b"}]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    (record,) = served.cloud.world.list("AWS::EC2::VPC")
    assert outputs["VpcId"] == record.identifier
    assert outputs["Arn"].startswith("arn:aws:logs:eu-west-1:000000000000:log-group:net-Group-")
    assert record.tags == {"a": "b"}
    assert served.cloud.world.list("AWS::EC2::Subnet")[0].properties["VpcId"] == record.identifier
    listed = events(served, "net")
    assert listed[0] == ("net", "CREATE_IN_PROGRESS")
    assert listed[-1] == ("net", "CREATE_COMPLETE")
    assert listed.index(("Vpc", "CREATE_COMPLETE")) < listed.index(("Subnet", "CREATE_IN_PROGRESS"))

    served.client.delete_stack(StackName="net")
    served.settle()
    assert list(served.cloud.world.all()) == []
    gone = served.client.describe_stacks(StackName=stack_id)["Stacks"][0]
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError) as caught:
        served.client.describe_stacks(StackName="net")
    assert error_of(caught) == ("ValidationError", "Stack with id net does not exist")
    served.client.delete_stack(StackName="net")


def test_an_update_changes_in_place_replaces_adds_and_removes(served: ServedCloud) -> None:
    create(served, "net", template(NETWORK))
    (old_vpc,), (old_group,) = (served.cloud.world.list(name) for name in ("AWS::EC2::VPC", "AWS::Logs::LogGroup"))
    changed = {
        "Vpc": vpc("10.9.0.0/16"),
        "Subnet": subnet({"Ref": "Vpc"}, "10.9.1.0/24"),
        "Group": log_group(RetentionInDays=14),
        "More": log_group(),
    }
    update(served, "net", template(changed))
    assert status_of(served, "net") == "UPDATE_COMPLETE"
    (new_vpc,) = served.cloud.world.list("AWS::EC2::VPC")
    assert new_vpc.identifier != old_vpc.identifier
    (new_subnet,) = served.cloud.world.list("AWS::EC2::Subnet")
    assert new_subnet.properties["VpcId"] == new_vpc.identifier
    assert served.cloud.world.get("AWS::Logs::LogGroup", old_group.identifier).properties == {"RetentionInDays": 14}  # type: ignore[union-attr]
    assert len(served.cloud.world.list("AWS::Logs::LogGroup")) == 2
    listed = events(served, "net")
    cleanup = listed.index(("net", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert ("Vpc", "DELETE_COMPLETE") in listed[cleanup:]
    assert resource_statuses(served, "net") == {
        "Vpc": "UPDATE_COMPLETE",
        "Subnet": "UPDATE_COMPLETE",
        "Group": "UPDATE_COMPLETE",
        "More": "CREATE_COMPLETE",
    }

    update(served, "net", template({"Vpc": vpc("10.9.0.0/16")}))
    assert [record.logical_id for record in served.cloud.world.all()] == ["Vpc"]
    assert resource_statuses(served, "net") == {"Vpc": "UPDATE_COMPLETE"}


def test_an_update_without_changes_is_refused_in_the_words_of_aws(served: ServedCloud) -> None:
    create(served, "net", template(NETWORK, Outputs=OUTPUTS))
    with pytest.raises(ClientError) as caught:
        update(served, "net", template(NETWORK, Outputs=OUTPUTS, Description="only words"))
    assert error_of(caught) == ("ValidationError", "No updates are to be performed.")
    assert status_of(served, "net") == "CREATE_COMPLETE"
