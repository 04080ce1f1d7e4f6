"""The API's edges: paging, tokens, parameters, and everything that is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .builders import ServedCloud, log_group, subnet, template, vpc
from .test_stacks import create, error_of, status_of, update

pytestmark = pytest.mark.localcloud
ONE = {"Vpc": vpc()}


def refusal(served: ServedCloud, body: str, **rest: Any) -> tuple[str, str]:
    """Code and message of a CreateStack that must not start."""
    with pytest.raises(ClientError) as caught:
        served.client.create_stack(StackName="refused", TemplateBody=body, **rest)
    assert served.client.list_stacks()["StackSummaries"] == []
    return error_of(caught)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "Template Body must be specified"),
        ("{", "is not JSON"),
        ("[]", "not a JSON object"),
        (template({}), "At least one Resources member must be defined."),
        (template(ONE, Transform="AWS::Serverless-2016-10-31"), "Template section Transform is not supported"),
        (template(ONE, Wishes={}), "Invalid template property or properties [Wishes]"),
        (template({"a-b": vpc()}), "Resource name a-b is non alphanumeric."),
        (template({"A": vpc()}, Parameters={"a-b": {"Type": "String"}}), "Parameter name a-b is non alphanumeric."),
        (template({"V": {**vpc(), "UpdatePolicy": {}}}), "Resource attribute UpdatePolicy of [V] is not supported"),
        (template({"V": {**vpc(), "DeletionPolicy": "Maybe"}}), "Unrecognized DeletionPolicy Maybe for resource V"),
        (
            template({"B": {"Type": "AWS::EC2::Instance"}}),
            "Resource type AWS::EC2::Instance of [B] is not supported by the local cloud yet",
        ),
        (template({"C": {"Type": "Alexa::ASK::Skill"}}), "Unrecognized resource types: [Alexa::ASK::Skill]"),
        (template({"V": vpc(Colour="red")}), "unsupported property Colour on resource [V]"),
        (
            template({"V": {"Type": "AWS::EC2::VPC", "Properties": {"Cidr": "x"}}}),
            "resource V (AWS::EC2::VPC): Cidr: is no property here; did you mean `CidrBlock`?",
        ),
        (
            template({"V": {"Type": "AWS::EC2::VPC", "Properties": {"Ipv4NetmaskLength": 1}}}),
            "Property Ipv4NetmaskLength of [V] (AWS::EC2::VPC) is not supported",
        ),
        (
            template({"S": subnet({"Ref": "Nothing"})}),
            "Unresolved resource dependencies [Nothing] in the Resources block",
        ),
        (
            template({"S": subnet({"Fn::GetAtt": ["S2", "Colour"]}), "S2": subnet("vpc-1")}),
            "resource S2 does not support attribute type Colour in Fn::GetAtt",
        ),
        (
            template({"S": subnet({"Fn::GetAtt": ["V", "VpcEncryptionControl.State"]}), "V": vpc()}),
            "Attribute VpcEncryptionControl.State of [V] (AWS::EC2::VPC) in Fn::GetAtt is not supported",
        ),
        (
            template({"A": {**vpc(), "DependsOn": "B"}, "B": {**vpc(), "DependsOn": "A"}}),
            "Circular dependency between resources: [A, B]",
        ),
        (template({"S": subnet({"Fn::ImportValue": "x"})}), "Intrinsic function Fn::ImportValue is not supported"),
        (
            template({"S": subnet("{{resolve:ssm-secure:name}}")}),
            "Dynamic reference to ssm-secure in [S] is not supported",
        ),
        (template(ONE, Outputs={"O": {"Value": "x", "Export": {"Name": "n"}}}), "Export of output [O]"),
        (template(ONE, Parameters={"P": {"Type": "String"}}), "Parameters: [P] must have values"),
        (
            template(ONE, Parameters={"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "x"}}),
            "Parameter type AWS::SSM::Parameter::Value<String> of [P] is not supported",
        ),
        (
            template(ONE, Parameters={"P": {"Type": "String", "Default": "x", "AllowedValues": ["y"]}}),
            "Parameter 'P' must be one of AllowedValues",
        ),
        (template(ONE, Parameters={"P": {"Type": "Number", "Default": "x"}}), "Parameter 'P' must be a number"),
        (
            template(ONE, Parameters={"P": {"Type": "AWS::EC2::VPC::Id", "Default": "vpc-9"}}),
            "parameter value vpc-9 for parameter name P does not exist",
        ),
        (template({"V": {**vpc(), "Condition": "No"}}), "Unresolved condition dependency No of [V]"),
    ],
)
def test_a_template_that_cannot_be_carried_out_is_refused_before_anything_starts(
    served: ServedCloud, body: str, words: str
) -> None:
    if not body:
        with pytest.raises(ClientError) as caught:
            served.client.create_stack(StackName="refused")
        assert words in error_of(caught)[1]
        return
    code, message = refusal(served, body)
    assert code == "ValidationError"
    assert words in message


def test_iam_resources_need_their_capability(served: ServedCloud) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
    assert refusal(served, template({"R": role})) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    )
    named = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}, "RoleName": "n"}}
    assert refusal(served, template({"R": named}), Capabilities=["CAPABILITY_IAM"]) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    )


def test_options_and_actions_that_are_not_carried_are_refused_by_name(served: ServedCloud) -> None:
    assert (
        "Option ResourceTypes of CreateStack is not supported"
        in refusal(served, template(ONE), ResourceTypes=["AWS::EC2::VPC"])[1]
    )
    assert "Option OnFailure=DELETE of CreateStack" in refusal(served, template(ONE), OnFailure="DELETE")[1]
    for config in ({"Mode": "EXPRESS"}, {"Mode": "EXPRESS", "DisableRollback": True}, {"DisableRollback": True}):
        said = refusal(served, template(ONE), DeploymentConfig=config)[1]
        assert "Option DeploymentConfig without DisableRollback=false" in said
    assert "cannot be assumed" in refusal(served, template(ONE), RoleARN="arn:aws:iam::000000000000:role/none")[1]
    with pytest.raises(ClientError) as caught:
        served.client.list_exports()
    assert error_of(caught) == (
        "InvalidAction",
        "CloudFormation action ListExports is not supported by the local cloud yet",
    )


def test_a_second_stack_of_a_name_is_refused_and_the_same_token_is_not(served: ServedCloud) -> None:
    stack_id = create(served, "net", template(ONE), ClientRequestToken="one")
    assert create(served, "net", template(ONE), ClientRequestToken="one") == stack_id
    with pytest.raises(ClientError) as caught:
        create(served, "net", template(ONE))
    assert error_of(caught) == ("AlreadyExistsException", "Stack [net] already exists")
    with pytest.raises(ClientError) as caught:
        create(served, "net", template({"Other": vpc()}), ClientRequestToken="one")
    assert error_of(caught)[0] == "TokenAlreadyExistsException"
    update(served, "net", template({"Vpc": vpc(), "More": vpc()}), ClientRequestToken="two")
    update(served, "net", template({"Vpc": vpc(), "More": vpc()}), ClientRequestToken="two")
    assert len(served.cloud.world.list("AWS::EC2::VPC")) == 2


def test_a_stack_made_again_under_its_name_has_another_id(served: ServedCloud) -> None:
    first = create(served, "net", template(ONE))
    served.client.delete_stack(StackName="net")
    served.settle()
    second = create(served, "net", template(ONE))
    assert first != second
    assert first.startswith("arn:aws:cloudformation:eu-west-1:000000000000:stack/net/")


def test_parameters_are_split_masked_kept_and_coerced(served: ServedCloud) -> None:
    declared = {
        "Days": {"Type": "Number"},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Secret": {"Type": "String", "NoEcho": True},
    }
    resources = {
        "Logs": log_group(RetentionInDays={"Ref": "Days"}),
        "Cluster": {
            "Type": "AWS::ECS::Cluster",
            "Properties": {"CapacityProviders": {"Ref": "Names"}, "ClusterSettings": [{"Name": {"Ref": "Secret"}}]},
        },
    }
    body = template(resources, Parameters=declared)
    values = [{"ParameterKey": "Days", "ParameterValue": "7"}, {"ParameterKey": "Secret", "ParameterValue": "s3cret"}]
    create(served, "logs", body, Parameters=values)
    (logs,) = served.cloud.world.list("AWS::Logs::LogGroup")
    (cluster,) = served.cloud.world.list("AWS::ECS::Cluster")
    assert logs.properties == {"RetentionInDays": 7}
    assert cluster.properties["CapacityProviders"] == ["a", "b"]
    shown = served.client.describe_stacks(StackName="logs")["Stacks"][0]["Parameters"]
    assert {item["ParameterKey"]: item["ParameterValue"] for item in shown} == {
        "Days": "7",
        "Names": "a, b",
        "Secret": "****",
    }
    kept = [{"ParameterKey": "Days", "ParameterValue": "14"}, {"ParameterKey": "Secret", "UsePreviousValue": True}]
    served.client.update_stack(StackName="logs", UsePreviousTemplate=True, Parameters=kept)
    served.settle()
    assert served.cloud.world.list("AWS::Logs::LogGroup")[0].properties == {"RetentionInDays": 14}
    assert served.cloud.world.list("AWS::ECS::Cluster")[0].properties["ClusterSettings"] == [{"Name": "s3cret"}]
    with pytest.raises(ClientError, match=r"Parameters: \[Wrong\] do not exist in the template"):
        update(served, "logs", body, Parameters=[*values, {"ParameterKey": "Wrong", "ParameterValue": "1"}])


def test_conditions_decide_what_exists(served: ServedCloud) -> None:
    sections: dict[str, Any] = {
        "Parameters": {"Env": {"Type": "String", "Default": "dev"}},
        "Conditions": {
            "Prod": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
            "Dev": {"Fn::Not": [{"Condition": "Prod"}]},
        },
        "Outputs": {"Only": {"Condition": "Prod", "Value": {"Ref": "Big"}}},
    }
    resources = {
        "Big": {**vpc(), "Condition": "Prod"},
        "Logs": log_group(
            RetentionInDays={"Fn::If": ["Prod", 30, 1]}, LogGroupName={"Fn::If": ["Dev", {"Ref": "AWS::NoValue"}, "/p"]}
        ),
    }
    body = template(resources, **sections)
    create(served, "logs", body)
    assert [record.properties for record in served.cloud.world.all()] == [{"RetentionInDays": 1}]
    update(served, "logs", body, Parameters=[{"ParameterKey": "Env", "ParameterValue": "prod"}])
    assert served.cloud.world.list("AWS::Logs::LogGroup")[0].properties == {"RetentionInDays": 30, "LogGroupName": "/p"}
    assert len(served.client.describe_stacks(StackName="logs")["Stacks"][0]["Outputs"]) == 1


def test_lists_come_in_pages(served: ServedCloud) -> None:
    create(served, "big", template({f"Logs{number}": log_group() for number in range(120)}))
    client = served.client
    events = [
        e
        for page in client.get_paginator("describe_stack_events").paginate(StackName="big")
        for e in page["StackEvents"]
    ]
    assert len(events) == 242
    assert len({item["EventId"] for item in events}) == 242
    assert events[0]["ResourceStatus"] == "CREATE_COMPLETE" and events[0]["LogicalResourceId"] == "big"
    pages = list(client.get_paginator("list_stack_resources").paginate(StackName="big"))
    assert [len(page["StackResourceSummaries"]) for page in pages] == [100, 20]
    with pytest.raises(ClientError, match="NextToken !! is not valid"):
        client.list_stacks(NextToken="!!")


def test_a_stack_in_progress_takes_no_other_operation_and_protection_holds(served: ServedCloud) -> None:
    create(served, "net", template(ONE), EnableTerminationProtection=True)
    with pytest.raises(ClientError, match=r"Stack \[net\] cannot be deleted while TerminationProtection is enabled"):
        served.client.delete_stack(StackName="net")
    served.client.update_termination_protection(StackName="net", EnableTerminationProtection=False)
    served.client.delete_stack(StackName="net")
    served.settle()
    assert served.client.describe_stacks()["Stacks"] == []


def test_templates_can_be_validated_and_summarised(served: ServedCloud) -> None:
    body = template(ONE, Parameters={"P": {"Type": "String", "Default": "x", "AllowedValues": ["x"]}}, Description="d")
    assert served.client.validate_template(TemplateBody=body)["Parameters"] == [
        {"ParameterKey": "P", "DefaultValue": "x", "NoEcho": False}
    ]
    summary = served.client.get_template_summary(TemplateBody=body)
    assert summary["ResourceTypes"] == ["AWS::EC2::VPC"]
    assert summary["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["x"]}


def test_a_template_longer_than_the_quota_is_refused(served: ServedCloud) -> None:
    code, message = refusal(served, template(ONE, Description="x" * 51_200))
    assert code == "ValidationError" and "less than or equal to 51200" in message


def test_names_of_stacks_follow_the_pattern_of_aws(served: ServedCloud) -> None:
    with pytest.raises(ClientError, match="Value '1net' at 'stackName' failed to satisfy constraint"):
        served.client.create_stack(StackName="1net", TemplateBody=template(ONE))


def test_a_replacement_of_a_custom_named_resource_fails_as_on_aws(served: ServedCloud) -> None:
    def body(group_class: str) -> str:
        return template({"Group": {"Type": "AWS::RDS::DBParameterGroup", "Properties": {
            "DBParameterGroupName": "mine", "Description": "d", "Family": group_class}}})  # fmt: skip

    create(served, "db", body("postgres16"))
    update(served, "db", body("postgres17"))
    assert status_of(served, "db") == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [
        e.get("ResourceStatusReason", "") for e in served.client.describe_stack_events(StackName="db")["StackEvents"]
    ]
    assert any(
        "cannot update a stack when a custom-named resource requires replacing. Rename mine" in r for r in reasons
    )


@pytest.mark.parametrize(("section", "most"), [("Resources", 500), ("Parameters", 200), ("Outputs", 200)])
def test_a_template_beyond_a_quota_is_refused_as_on_aws(served: ServedCloud, section: str, most: int) -> None:
    member = {"Resources": {"Type": "AWS::EC2::InternetGateway"}, "Parameters": {"Type": "String", "Default": ""}}
    members = {f"N{number}": member.get(section, {"Value": "x"}) for number in range(most + 1)}
    rest = {} if section == "Resources" else {section: members}
    body = template(members if section == "Resources" else ONE, **rest)
    assert refusal(served, body)[1] == (
        f"Template format error: Number of {section.lower()}, {most + 1}, is greater than maximum allowed, {most}"
    )


def test_too_many_dynamic_references_are_refused(served: ServedCloud) -> None:
    name = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "{{resolve:ssm:x}}"}}
    many = template({f"N{number}": name for number in range(61)})
    assert "Number of dynamic references, 61, is greater than maximum allowed, 60" in refusal(served, many)[1]
