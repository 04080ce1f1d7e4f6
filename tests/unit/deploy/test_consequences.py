"""What a change opens: permissions, network rules, resource policies, public exposure."""

from __future__ import annotations

from typing import Any

import pytest

from klotho.catalogue.wildcard import Patterns
from klotho.deploy.consequences import Consequence, consequences

Resources = dict[str, dict[str, Any]]


def resource(type_: str, construct: str = "Compute.Function/work", **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties, "Metadata": {"klotho": {"construct": construct}}}


def between(before: Resources, after: Resources) -> list[Consequence]:
    return list(consequences({"one": {"Resources": before}}, {"one": {"Resources": after}}))


def told(before: Resources, after: Resources) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(item.kind, item.text, item.details) for item in between(before, after)]


def statement(actions: Any, resources: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def role_with(*statements: dict[str, Any], **role: Any) -> Resources:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    policy = resource("AWS::IAM::RolePolicy", PolicyName="p", RoleName={"Ref": "Role"}, PolicyDocument=document)
    return {"Role": resource("AWS::IAM::Role", **role), "Policy": policy}


TABLE = {"Table": resource("AWS::DynamoDB::Table", "Databases.KeyValue/carts")}
ARN = {"Fn::GetAtt": ["Table", "Arn"]}


@pytest.mark.parametrize(
    ("had", "asked", "covered"),
    [
        ("s3:*", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject*", True),
        ("S3:get*", "s3:GetObject", True),
        ("s3:GetObject", "s3:Get*", False),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get?bject", "s3:Get*bject", False),
        ("*", "s3:*", True),
        ("s3:*Object", "s3:*tObject", True),
    ],
)
def test_a_pattern_covers_another_when_it_matches_all_that_one_does(had: str, asked: str, covered: bool) -> None:
    assert Patterns([had], ignore_case=True).cover(asked) is covered


def test_actions_that_were_not_covered_before_are_named_with_the_construct() -> None:
    before = {**TABLE, **role_with(statement("dynamodb:Get*", [ARN]))}
    after = {**TABLE, **role_with(statement(["dynamodb:GetItem", "dynamodb:PutItem"], [ARN]))}
    assert told(before, after) == [("permission", "work may do more with carts", ("dynamodb:PutItem",))]


def test_a_resource_more_is_a_widening_and_one_within_a_wildcard_is_none() -> None:
    before = role_with(statement("s3:GetObject", "arn:aws:s3:::shop/*"))
    assert told(before, role_with(statement("s3:GetObject", "arn:aws:s3:::shop/a/*"))) == []
    (found,) = told(before, role_with(statement("s3:GetObject", "arn:aws:s3:::*")))
    assert found == ("permission", "work may do more with arn:aws:s3:::*", ("s3:GetObject",))


def test_a_condition_that_is_gone_widens_and_one_that_is_added_does_not() -> None:
    free = role_with(statement("s3:GetObject", "*"))
    bound = role_with(statement("s3:GetObject", "*", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    assert told(free, bound) == []
    assert [item[0] for item in told(bound, free)] == ["permission"]


def test_a_statement_in_another_policy_or_stack_is_no_widening() -> None:
    inline = {"Role": resource("AWS::IAM::Role", Policies=[{"PolicyName": "p", "PolicyDocument": {"Statement": [
        statement("sqs:SendMessage", "*")]}}])}  # fmt: skip
    apart = role_with(statement("sqs:SendMessage", "*"))
    assert told(inline, apart) == []
    role = {"Resources": {"Role": apart["Role"]}, "Outputs": {"RoleRef": {"Value": {"Ref": "Role"}}}}
    policy = {**apart["Policy"], "Properties": {**apart["Policy"]["Properties"], "RoleName": {"Ref": "RoleRef"}}}
    other = {"Parameters": {"RoleRef": {"Type": "String"}}, "Resources": {"Policy": policy}}
    assert consequences({"one": {"Resources": apart}}, {"one": role, "two": other}) == ()


def test_a_denial_a_boundary_and_a_managed_policy_count_too() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    before = role_with(deny, statement("s3:*", "*"), PermissionsBoundary="arn:aws:iam::1:policy/edge")
    after = role_with(statement("s3:*", "*"), ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])
    assert {item.text for item in between(before, after)} == {
        "work is not denied any more what a policy denied",
        "the permissions boundary of work is gone",
        "work gets what more policies allow",
    }


def test_what_a_new_role_may_is_marked_as_new() -> None:
    (found,) = [item for item in between({}, role_with(statement("s3:GetObject", "*"))) if "use" in item.text]
    assert found.fresh is True
    assert between(role_with(statement("s3:GetObject", "*")), {}) == [], "narrowing is no consequence"


def test_a_login_that_may_write_now_is_a_widening() -> None:
    def login(access: str) -> Resources:
        return {"Login": resource("Custom::SqlRole", Access=access, Host="db")}

    assert told(login("read"), login("read_write")) == [("permission", "work may write to a database", ())]
    assert told(login("read_write"), login("read")) == []


GROUP = {"Group": resource("AWS::EC2::SecurityGroup", "Databases.Postgres/db")}


def rule(**properties: Any) -> Resources:
    return {**GROUP, "Rule": resource("AWS::EC2::SecurityGroupIngress", GroupId={"Ref": "Group"}, **properties)}


def test_a_security_group_that_lets_in_more_says_from_where_and_to_which_port() -> None:
    wide = rule(IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="10.0.0.0/8")
    assert told(GROUP, wide) == [("network", "10.0.0.0/8 can reach db on tcp port 5432", ())]
    assert told(wide, rule(IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="10.1.0.0/16")) == []
    everyone = rule(IpProtocol="-1", CidrIp="0.0.0.0/0")
    assert told(wide, everyone) == [("public", "everyone can reach db on every port", ())]


def test_a_queue_and_a_function_that_others_may_use() -> None:
    queue = resource("AWS::SQS::Queue", "Messaging.Queue/jobs")

    def policy(principal: Any, **more: Any) -> Resources:
        said = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*", **more}
        document = {"Statement": [said]}
        return {
            "Jobs": queue,
            "P": resource("AWS::SQS::QueueInlinePolicy", Queue={"Ref": "Jobs"}, PolicyDocument=document),
        }

    topic = {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-west-1:1:t"}}
    narrow = policy({"Service": "sns.amazonaws.com"}, Condition=topic)
    assert told({"Jobs": queue}, narrow) == [("permission", "sns.amazonaws.com may use jobs", ("sqs:SendMessage",))]
    assert told(narrow, policy("*")) == [("public", "everyone may use jobs", ("sqs:SendMessage",))]
    assert told(narrow, policy("*", Condition=topic))[0][0] == "permission"
    called = {
        "F": resource("AWS::Lambda::Function"),
        "P": resource(
            "AWS::Lambda::Permission", FunctionName={"Ref": "F"}, Action="lambda:InvokeFunction", Principal="*"
        ),
    }
    assert ("public", "everyone may use work", ("lambda:InvokeFunction",)) in told({}, called)


@pytest.mark.parametrize(
    ("type_", "properties", "closed"),
    [
        ("AWS::ApiGatewayV2::Api", {"Name": "a"}, {"DisableExecuteApiEndpoint": True}),
        ("AWS::ApiGateway::RestApi", {}, {"EndpointConfiguration": {"Types": ["PRIVATE"]}}),
        ("AWS::Lambda::Url", {"AuthType": "NONE"}, {"AuthType": "AWS_IAM"}),
        (
            "AWS::CloudFront::Distribution",
            {"DistributionConfig": {"Enabled": True}},
            {"DistributionConfig": {"Enabled": False}},
        ),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", {}, {"Scheme": "internal"}),
        ("AWS::RDS::DBInstance", {"PubliclyAccessible": True}, {"PubliclyAccessible": False}),
        (
            "AWS::S3::Bucket",
            {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": True}},
            {
                "PublicAccessBlockConfiguration": dict.fromkeys(
                    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
                )
            },
        ),
    ],
)
def test_what_is_public_by_itself(type_: str, properties: dict[str, Any], closed: dict[str, Any]) -> None:
    opened, shut = {"X": resource(type_, **properties)}, {"X": resource(type_, **closed)}
    assert [item.kind for item in between({}, opened)] == ["public"]
    assert [item.kind for item in between(shut, opened)] == ["public"]
    assert between({}, shut) == []
    assert between(opened, opened) == []


def test_a_bucket_that_loses_the_word_about_public_access_is_told() -> None:
    block = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    before = {"B": resource("AWS::S3::Bucket", PublicAccessBlockConfiguration=block)}
    assert told(before, {"B": resource("AWS::S3::Bucket")})[0][1].endswith("does not refuse public access any more")
    assert told({}, {"B": resource("AWS::S3::Bucket")}) == [], "a new one refuses it by default"


def test_a_route_that_loses_its_authorizer_is_public_and_one_of_a_private_api_is_not() -> None:
    def api(authorization: str, **more: Any) -> Resources:
        return {
            "Api": resource("AWS::ApiGatewayV2::Api", "API/front", **more),
            "Route": resource(
                "AWS::ApiGatewayV2::Route", ApiId={"Ref": "Api"}, RouteKey="GET /a", AuthorizationType=authorization
            ),
        }

    assert told(api("JWT"), api("NONE")) == [("public", "front does not ask any more who calls", ("GET /a",))]
    without = {"Api": api("NONE")["Api"]}
    assert told(without, api("NONE")) == [("public", "everyone may call front", ("GET /a",))]
    assert told(without, api("JWT")) == []
    private = {"Api": resource("AWS::ApiGatewayV2::Api", "API/front", DisableExecuteApiEndpoint=True)}
    assert told(private, api("NONE", DisableExecuteApiEndpoint=True)) == []
