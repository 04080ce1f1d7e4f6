"""The deployer's policies: what is in them and what is not, how they are cut, how narrow they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from klotho.catalogue.deployer import MAX_CHARACTERS, Policies, Target, policy_documents, size
from klotho.catalogue.deployer.needs import OPERATIONS, needed_actions
from klotho.catalogue.facts import known_types, schema
from klotho.catalogue.facts.actions import iam_action
from klotho.catalogue.retention import RETENTION
from klotho.catalogue.tables import table
from klotho.resources.naming import stack_name, stack_prefix

PREFIX = stack_prefix("acme", "shop", "prod")
TARGET = Target("eu-central-1", "123456789012", "assets", PREFIX, "projects", "acme")


def policies(*resources: Mapping[str, Any], **more: Any) -> Policies:
    template = {"Resources": {f"R{number}": resource for number, resource in enumerate(resources)}}
    return policy_documents({f"{PREFIX}web": template}, TARGET, **more)


def of(type_name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_name, "Properties": properties}


def statements(found: Policies) -> Iterator[Mapping[str, Any]]:
    for document in found.documents:
        yield from document["Statement"]


def resources(found: Policies, action: str) -> set[str]:
    return {arn for item in statements(found) if action in item["Action"] for arn in item["Resource"]}


def test_only_what_the_properties_need_is_allowed() -> None:
    plain, encrypted = of("AWS::DynamoDB::Table"), of("AWS::DynamoDB::Table", SSESpecification={"SSEEnabled": True})
    assert not [
        action for action in policies(plain).actions if action.startswith(("kms:", "kinesis:", "s3:GetObjectM"))
    ]
    assert "dynamodb:PutItem" not in policies(plain).actions
    assert "kms:DescribeKey" in policies(encrypted).actions


def test_a_role_is_passed_only_by_a_property_that_names_one_and_only_to_its_service() -> None:
    assert "iam:PassRole" not in policies(of("AWS::ECS::TaskDefinition")).actions
    found = policies(of("AWS::ECS::TaskDefinition", TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]}))
    passing = [item for item in statements(found) if "iam:PassRole" in item["Action"]]
    assert [item["Condition"] for item in passing] == [
        {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}}
    ]
    assert resources(found, "iam:PassRole") == {"arn:aws:iam::123456789012:role/acme-*shop-*prod-*"}


def test_what_changes_another_applications_resource_is_allowed_on_that_applications_only() -> None:
    theirs = {"Ref": "StockHasRole"}
    found = policies(
        of("AWS::IAM::RolePolicy", RoleName=theirs), of("Custom::SqlRole", ServiceToken=theirs),
        of("AWS::SNS::Subscription", TopicArn=theirs), of("AWS::Lambda::Permission", FunctionName=theirs),
        of("AWS::IAM::Role"), of("AWS::Lambda::Function", Role=theirs),
        others={"StockHasRole": stack_prefix("acme", "stock", "prod")},
    )  # fmt: skip
    assert resources(found, "iam:PutRolePolicy") == {"arn:aws:iam::123456789012:role/acme-*stock-*prod-*"}
    assert resources(found, "lambda:InvokeFunction") == {
        "arn:aws:lambda:eu-central-1:123456789012:function:acme-*stock-*prod-*"
    }
    assert resources(found, "lambda:AddPermission") == resources(found, "lambda:InvokeFunction")
    assert resources(found, "sns:Subscribe") == {"arn:aws:sns:eu-central-1:123456789012:acme-*stock-*prod-*"}
    assert not [arn for arn in resources(found, "lambda:CreateFunction") if "stock" in arn]
    assert not [arn for arn in resources(found, "iam:CreateRole") if "stock" in arn]


@pytest.mark.parametrize("dashes", ["--", "-"])
def test_names_made_by_cloudformation_are_covered_however_it_writes_double_dashes(dashes: str) -> None:
    """Most handlers make one dash of two (`IdentifierUtils` of AWS's java plugin for handlers); older types do not."""
    made = stack_name("acme", "shop", "prod", "network").replace("--", dashes)
    (pattern,) = resources(policies(of("AWS::Lambda::Function")), "lambda:CreateFunction")
    assert fnmatchcase(f"arn:aws:lambda:eu-central-1:123456789012:function:{made}-Fn-1A2B3C", pattern)
    assert not fnmatchcase("arn:aws:lambda:eu-central-1:123456789012:function:other-shop-prod-Fn-1A2B3C", pattern)


def test_a_name_in_the_template_is_the_only_one_allowed() -> None:
    found = policies(of("AWS::SQS::Queue", QueueName="acme--shop--prod--jobs"))
    assert resources(found, "sqs:DeleteQueue") == {"arn:aws:sqs:eu-central-1:123456789012:acme--shop--prod--jobs"}


def test_stacks_of_other_applications_are_out_of_reach() -> None:
    found = policies(of("AWS::SQS::Queue"))
    assert resources(found, "cloudformation:DeleteStack") == {
        "arn:aws:cloudformation:eu-central-1:123456789012:stack/acme--shop--prod--*/*"
    }


def test_what_the_deployer_calls_itself_follows_what_the_application_has() -> None:
    queue = of("AWS::SQS::Queue")
    assert "ecr:PutImage" not in policies(queue).actions
    assert "ecr:PutImage" in policies(queue, images=True).actions
    assert "acm:ImportCertificate" not in policies(queue).actions
    assert "acm:ImportCertificate" in policies(queue, steps=["certificate"]).actions
    assert "cloudfront:CreateInvalidation" in policies(of("AWS::CloudFront::Distribution")).actions


@pytest.mark.parametrize("type_name", RETENTION)
def test_whoever_deploys_data_may_move_them_to_another_stack(type_name: str) -> None:
    """Also in an application that has no log group: one stands in for what moves."""
    found = policies(of(type_name))
    own = {"arn:aws:cloudformation:eu-central-1:123456789012:stack/acme--shop--prod--*/*"}
    for action in ("CreateStackRefactor", "CreateChangeSet", "ExecuteChangeSet", "ListStackResources"):
        assert resources(found, f"cloudformation:{action}") == own
    assert {"cloudformation:DescribeStackRefactor", "cloudformation:ExecuteStackRefactor"} <= set(found.actions)
    groups = "arn:aws:logs:eu-central-1:123456789012:log-group:acme-*shop-*prod-*"
    assert groups in resources(found, "logs:CreateLogGroup")
    assert found.types == (type_name,)


def test_without_data_nothing_of_that_is_allowed() -> None:
    found = policies(of("AWS::SQS::Queue"))
    assert not [action for action in found.actions if "Refactor" in action or action.startswith("logs:")]
    assert "cloudformation:ExecuteChangeSet" not in found.actions


def test_several_sets_of_templates_make_one_policy() -> None:
    before = {"a": {"Resources": {"R": of("AWS::S3::Bucket", CorsConfiguration={"CorsRules": []})}}}
    after = {"a": {"Resources": {"R": of("AWS::S3::Bucket")}}}
    assert "s3:PutBucketCORS" not in policy_documents(after, TARGET).actions
    assert "s3:PutBucketCORS" in policy_documents([before, after], TARGET).actions


def everything() -> Policies:
    """Every vendored type with every property it has."""
    found = [of(name, **{key: {"x": "y"} for key in schema(name).settable}) for name in known_types()]
    return policies(*found, steps=["certificate", "zone", "cdn-certificate"], images=True)


def test_it_is_cut_into_policies_that_iam_takes_and_is_the_same_each_time() -> None:
    found = everything()
    assert len(found.documents) > 1
    assert all(size(document) <= MAX_CHARACTERS for document in found.documents)
    assert json.dumps(found.documents) == json.dumps(everything().documents)


def test_a_star_stands_alone_only_where_aws_takes_nothing_narrower() -> None:
    found = everything()
    for item in statements(found):
        assert not [action for action in item["Action"] if "*" in action]
        if "*" in item["Resource"]:
            assert item["Resource"] == ["*"]
            scoped = {name for name in item["Action"] if (action := iam_action(name)) and action.scoped}
            assert scoped == {  # requests without a name, see `deployer.toml`
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackRefactor",
                "cloudformation:ExecuteStackRefactor",
            }


def test_every_resource_of_an_action_is_one_that_it_takes() -> None:
    """Of what AWS's reference knows; HTTP APIs and a few tags it does not."""
    for item in statements(everything()):
        assert item["Resource"]
        for name in item["Action"]:
            action = iam_action(name)
            assert action is not None
            if name.startswith("apigateway:") or not action.scoped or item["Resource"] == ["*"]:
                continue
            assert [arn for arn in item["Resource"] if action.takes(arn)] or name in _LAGGING, name


_LAGGING = {
    "s3:ListTagsForResource",
    "s3:TagResource",
    "s3:UntagResource",
    "cloudfront:TagResource",
    "cloudfront:UntagResource",
    "cloudfront:ListTagsForResource",
}


def test_every_vendored_type_and_no_other_is_in_the_table() -> None:
    assert set(table("deployer")["types"]) == set(known_types())


@pytest.mark.parametrize("rule", table("deployer")["rules"], ids=lambda rule: f"{rule['type']} {rule['actions'][0]}")
def test_every_rule_speaks_of_actions_and_properties_that_there_are(rule: Mapping[str, Any]) -> None:
    types = known_types() if rule["type"] == "*" else [rule["type"]]
    named = {
        action.lower()
        for name in types
        for action in [
            *(item for operation in OPERATIONS for item in schema(name).permissions(operation)),
            *schema(name).document.get("tagging", {}).get("permissions", ()),
            *table("deployer")["types"][name].get("actions", ()),
        ]
    }
    for form in rule["actions"]:
        assert any(fnmatchcase(action, form.lower()) for action in named), form
    for path in rule["when"]:
        if not path.startswith("@"):
            assert path.split("=")[0].split(".")[0] in schema(rule["type"]).properties, path
    assert rule["reason"]


def test_nothing_of_what_is_used_now_is_left_out() -> None:
    """An action that AWS's reference lacks can't be in a policy unless `newer` says that it exists."""
    for name in known_types():
        assert needed_actions(name, {"Type": name, "Properties": {}})[1] == set(), name


def test_a_function_s_image_may_be_read_and_a_zip_s_deployer_needs_no_repository() -> None:
    """Lambda reads the image with the rights of whoever makes the function (Lambda Developer Guide, "Amazon ECR
    permissions")."""
    image = policies(of("AWS::Lambda::Function", PackageType="Image", Code={"ImageUri": {"Ref": "Image"}}))
    repository = {"arn:aws:ecr:eu-central-1:123456789012:repository/klotho-assets"}
    assert resources(image, "ecr:BatchGetImage") == resources(image, "ecr:GetDownloadUrlForLayer") == repository
    zipped = policies(of("AWS::Lambda::Function", Code={"S3Bucket": "b", "S3Key": "k"}))
    assert not [action for action in zipped.actions if action.startswith("ecr:")]
