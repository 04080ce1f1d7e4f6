"""The address of every resource in AWS's console."""

from __future__ import annotations

import pytest

from klotho.deploy.console_links import PAGES, console_link, stack_link

STACK = "arn:aws:cloudformation:eu-central-1:123456789012:stack/acme--shop/7f0e"
HOST = "https://eu-central-1.console.aws.amazon.com"
TABLE = [
    ("AWS::Lambda::Function", "shop-hello", f"{HOST}/lambda/home?region=eu-central-1#/functions/shop-hello"),
    (
        "AWS::Logs::LogGroup",
        "/aws/lambda/shop-hello",
        f"{HOST}/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fshop-hello",
    ),
    (
        "AWS::ECS::Service",
        "arn:aws:ecs:eu-central-1:123456789012:service/shop-cluster/orders",
        f"{HOST}/ecs/v2/clusters/shop-cluster/services/orders/health?region=eu-central-1",
    ),
    (
        "AWS::ECS::TaskDefinition",
        "arn:aws:ecs:eu-central-1:123456789012:task-definition/orders:7",
        f"{HOST}/ecs/v2/task-definitions/orders/7?region=eu-central-1",
    ),
    (
        "AWS::SecretsManager::Secret",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/key-a1B2c3",
        f"{HOST}/secretsmanager/secret?name=shop%2Fkey&region=eu-central-1",
    ),
    (
        "AWS::SQS::Queue",
        "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs",
        f"{HOST}/sqs/v3/home?region=eu-central-1#/queues/"
        "https%3A%2F%2Fsqs.eu-central-1.amazonaws.com%2F123456789012%2Fjobs",
    ),
    (
        "AWS::SNS::Topic",
        "arn:aws:sns:eu-central-1:123456789012:news",
        f"{HOST}/sns/v3/home?region=eu-central-1#/topic/arn:aws:sns:eu-central-1:123456789012:news",
    ),
    ("AWS::Events::Rule", "orders|late", f"{HOST}/events/home?region=eu-central-1#/eventbus/orders/rules/late"),
    ("AWS::Events::Rule", "late", f"{HOST}/events/home?region=eu-central-1#/eventbus/default/rules/late"),
    ("AWS::IAM::Role", "shop-role", "https://console.aws.amazon.com/iam/home#/roles/details/shop-role"),
    ("AWS::CloudFront::Distribution", "E1", "https://console.aws.amazon.com/cloudfront/v4/home#/distributions/E1"),
    ("AWS::ECR::Repository", "assets", f"{HOST}/ecr/repositories/private/123456789012/assets?region=eu-central-1"),
    ("AWS::DynamoDB::Table", "carts", f"{HOST}/dynamodbv2/home?region=eu-central-1#table?name=carts"),
    ("AWS::RDS::DBInstance", "db", f"{HOST}/rds/home?region=eu-central-1#database:id=db;is-cluster=false"),
]


@pytest.mark.parametrize(("type_name", "physical_id", "link"), TABLE)
def test_a_resource_has_its_page(type_name: str, physical_id: str, link: str) -> None:
    assert console_link(type_name, physical_id, "eu-central-1", STACK) == link


@pytest.mark.parametrize("type_name", sorted(PAGES))
def test_every_page_is_filled_in(type_name: str) -> None:
    link = console_link(type_name, "arn:aws:x:eu-central-1:123456789012:thing/group/name:1", "eu-central-1", STACK)
    assert link.startswith("https://") and "{" not in link and "//" not in link.removeprefix("https://").split("#")[0]


def test_what_has_no_page_of_its_own_leads_to_its_stack() -> None:
    page = stack_link(STACK, "eu-central-1")
    assert page.startswith(f"{HOST}/cloudformation/home?region=eu-central-1#/stacks/resources?stackId=arn%3Aaws")
    assert console_link("AWS::Lambda::Permission", "x", "eu-central-1", STACK) == page
    assert console_link("AWS::Lambda::Function", "", "eu-central-1", STACK) == page


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_other_partitions_have_their_own_consoles(region: str, host: str) -> None:
    assert console_link("AWS::Lambda::Function", "f", region, STACK).startswith(host)
