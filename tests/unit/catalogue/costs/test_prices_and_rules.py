"""What single resources cost, with the arithmetic of AWS's price pages spelled out, and what the tables hold."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from klotho.application import Application, Requirement
from klotho.catalogue.costs import Estimate, Line, Usages, estimate
from klotho.catalogue.costs.estimate import why_free
from klotho.catalogue.costs.rules import RULES
from klotho.catalogue.prices import priced_regions, prices
from klotho.resources import Ref, Resource, ResourceKey

NOBODY = Usages(Application("shop"))
TYPES = Path(__file__).parents[4] / "src/klotho/catalogue/facts/types.txt"


def resource(key: str, type_: str, **properties: Any) -> Resource:
    return Resource(ResourceKey(key), type_, properties)


def cost(*resources: Resource, region: str = "us-east-1", usages: Usages = NOBODY) -> Estimate:
    return estimate({item.key: item for item in resources}, usages, region)


def fixed(found: Estimate) -> float:
    """US dollars a month, whatever the use."""
    return sum(line.usd.expected for line in found.lines if line.fixed)


def line(found: Estimate, item: str) -> Line:
    (only,) = [line for line in found.lines if line.price.item == item]
    return only


def usage(**said: float) -> Usages:
    return Usages(
        Application("shop", requirements=tuple(Requirement(None, name, value) for name, value in said.items()))
    )


@pytest.mark.parametrize(("region", "hour"), [("us-east-1", 0.045), ("eu-central-1", 0.052)])
def test_a_nat_gateway_is_paid_by_hour_and_by_gigabyte(region: str, hour: float) -> None:
    found = cost(
        resource("shared:nat", "AWS::EC2::NatGateway"), region=region, usages=usage(requests_per_month=1_000_000)
    )
    # 730 hours x 0.045 = 32.85; x 0.052 = 37.96
    assert line(found, "nat-gateway-hour").usd.expected == pytest.approx(730 * hour)
    # 1,000,000 requests x 10 KB = 10 GB
    assert line(found, "nat-gateway-gb").usd.expected == pytest.approx(10 * hour)


def test_a_nat_gateway_in_virginia_is_32_dollars_85() -> None:
    assert fixed(cost(resource("shared:nat", "AWS::EC2::NatGateway"))) == pytest.approx(32.85)


def test_a_quarter_vcpu_and_half_a_gigabyte_of_arm_fargate() -> None:
    task = resource(
        "c/a:task-definition",
        "AWS::ECS::TaskDefinition",
        Cpu="256",
        Memory="512",
        RuntimePlatform={"CpuArchitecture": "ARM64"},
    )
    service = resource("c/a:service", "AWS::ECS::Service", DesiredCount=1, TaskDefinition=Ref(task.key))
    # 256 cpu units are 0.25 vCPU, not 256; 512 MiB are 0.5 GB: 730 x (0.25 x 0.03238 + 0.5 x 0.00356) = 5.909 + 1.299
    assert cost(task, service).total.expected == pytest.approx(7.20875)
    # Frankfurt: 730 x (0.25 x 0.03725 + 0.5 x 0.00409) = 6.798 + 1.493
    assert cost(task, service, region="eu-central-1").total.expected == pytest.approx(8.290975)


def test_x86_tasks_several_of_them_and_disk_beyond_20_gigabytes() -> None:
    task = resource(
        "c/a:task", "AWS::ECS::TaskDefinition", Cpu="1024", Memory="2048", EphemeralStorage={"SizeInGiB": 30}
    )
    service = resource("c/a:service", "AWS::ECS::Service", DesiredCount=2, TaskDefinition=Ref(task.key))
    # 2 x 730 x (1 x 0.04048 + 2 x 0.004445 + 10 x 0.000111)
    assert cost(task, service).total.expected == pytest.approx(2 * 730 * (0.04048 + 0.00889 + 0.00111))


def test_what_scaling_may_start_is_only_in_the_most() -> None:
    task = resource("c/a:task", "AWS::ECS::TaskDefinition", Cpu="256", Memory="512")
    service = resource("c/a:service", "AWS::ECS::Service", DesiredCount=1, TaskDefinition=Ref(task.key))
    target = resource(
        "c/a:scaling", "AWS::ApplicationAutoScaling::ScalableTarget", MaxCapacity=4, ResourceId=Ref(service.key, "Name")
    )
    alone, scaled = cost(task, service).total, cost(task, service, target).total
    assert (scaled.low, scaled.expected) == (alone.low, alone.expected)
    assert scaled.high == pytest.approx(4 * alone.high)


def test_the_smallest_postgres_with_its_disk_and_its_secret() -> None:
    database = resource(
        "d/a:database",
        "AWS::RDS::DBInstance",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage="20",
        ManageMasterUserPassword=True,
    )
    # 730 x 0.016 + 20 GB x 0.115 + a secret of 0.40 = 11.68 + 2.30 + 0.40
    assert cost(database).total.expected == pytest.approx(14.38)
    # Frankfurt: 730 x 0.019 + 20 x 0.137 + 0.40 = 13.87 + 2.74 + 0.40
    assert cost(database, region="eu-central-1").total.expected == pytest.approx(17.01)


def test_a_database_in_two_zones_costs_twice() -> None:
    common: dict[str, Any] = {"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": "20"}
    one = cost(resource("d/a:database", "AWS::RDS::DBInstance", **common)).total.expected
    two = cost(resource("d/a:database", "AWS::RDS::DBInstance", MultiAZ=True, **common)).total.expected
    assert two == pytest.approx(2 * one)


def test_a_load_balancer() -> None:
    inside = resource("a:alb", "AWS::ElasticLoadBalancingV2::LoadBalancer", Type="application", Scheme="internal")
    # 730 x 0.0225
    assert fixed(cost(inside)) == pytest.approx(16.425)
    outside = resource(
        "a:alb", "AWS::ElasticLoadBalancingV2::LoadBalancer", Scheme="internet-facing", Subnets=["a", "b"]
    )
    # besides a public address in each of two zones: 2 x 730 x 0.005 = 7.30
    assert fixed(cost(outside)) == pytest.approx(16.425 + 7.30)
    # 730 x 0.027
    assert fixed(cost(inside, region="eu-central-1")) == pytest.approx(19.71)


def test_a_network_is_free_and_encrypting_it_is_not() -> None:
    plain, encrypted = (
        cost(resource("shared:vpc", "AWS::EC2::VPC", **more)) for more in ({}, {"VpcEncryptionControl": {"Mode": "on"}})
    )
    assert (plain.total.expected, len(plain.free)) == (0, 1)
    # 730 x 0.15
    assert encrypted.total.expected == pytest.approx(109.5)


@pytest.mark.parametrize(
    ("type_", "properties", "item"),
    [
        ("AWS::RDS::DBInstance", {"StorageType": "io2"}, "rds-storage-io2-gb"),
        ("AWS::Lambda::Function", {"EphemeralStorage": {"Size": 10_240}}, "lambda-disk-gb-second"),
        ("AWS::ECS::Service", {"LaunchType": "EC2"}, "ec2-capacity"),
        ("AWS::ECS::Service", {"TaskDefinition": "elsewhere"}, "fargate-task-of-unknown-size"),
    ],
)
def test_what_makes_a_resource_dearer_without_a_known_price_is_named(
    type_: str, properties: dict[str, Any], item: str
) -> None:
    assert item in [unknown.what for unknown in cost(resource("a/b:c", type_, **properties)).unpriced]


def test_an_interface_endpoint_is_paid_in_each_zone_and_a_gateway_endpoint_not_at_all() -> None:
    several = resource("s:e", "AWS::EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"])
    # 730 x 0.01 x 2 zones; in Frankfurt 730 x 0.012 x 2
    assert fixed(cost(several)) == pytest.approx(14.60)
    assert fixed(cost(several, region="eu-central-1")) == pytest.approx(17.52)
    gateway = cost(resource("s:g", "AWS::EC2::VPCEndpoint", VpcEndpointType="Gateway"))
    assert (gateway.lines, gateway.unpriced, len(gateway.free)) == ((), (), 1)


def test_a_function_is_paid_by_calls_and_gigabyte_seconds() -> None:
    code = resource("c/f:function", "AWS::Lambda::Function", MemorySize=512, Architectures=["arm64"])
    found = cost(code, usages=usage(requests_per_month=3_000_000, average_ms=120))
    # 3,000,000 x 0.0000002 = 0.60; 3,000,000 x 0.12 s x 0.5 GB = 180,000 GB seconds x 0.0000133334 = 2.40
    assert line(found, "lambda-request").usd.expected == pytest.approx(0.60)
    assert line(found, "lambda-arm-gb-second").usd.expected == pytest.approx(2.40, abs=0.001)


def test_what_is_said_of_a_construct_wins_over_what_is_said_of_the_application() -> None:
    table = resource("d/t:table", "AWS::DynamoDB::Table", BillingMode="PAY_PER_REQUEST")
    both = Usages(
        Application(
            "shop",
            requirements=(
                Requirement(None, "requests_per_month", 10),
                Requirement("d/t", "requests_per_month", 2_000_000),  # type: ignore[arg-type]
            ),
        )
    )
    # 2,000,000 writes x 0.625 USD a million
    assert line(cost(table, usages=both), "dynamodb-write").usd.expected == pytest.approx(1.25)


def test_a_type_without_a_rule_is_named_and_never_counted_as_nothing() -> None:
    found = cost(resource("a/b:robot", "AWS::RoboMaker::Fleet"), resource("shared:nat", "AWS::EC2::NatGateway"))
    (unknown,) = found.unpriced
    assert (unknown.type, unknown.resource) == ("AWS::RoboMaker::Fleet", "a/b:robot")
    assert "no rule" in unknown.why
    assert fixed(found) == pytest.approx(32.85)


def test_a_size_without_a_price_is_named() -> None:
    found = cost(resource("d/a:d", "AWS::RDS::DBInstance", Engine="postgres", DBInstanceClass="db.x2g.large"))
    assert [item.what for item in found.unpriced] == ["rds-postgres-db.x2g.large-hour"]


def test_a_region_without_a_table_has_no_prices_and_says_so() -> None:
    found = cost(resource("shared:nat", "AWS::EC2::NatGateway"), region="mars-north-1")
    assert found.lines == ()
    assert {item.why for item in found.unpriced} == {"the price table has no row for it in mars-north-1"}


@pytest.mark.parametrize("type_", sorted({name for name in TYPES.read_text().split("\n") if name.startswith("AWS::")}))
def test_every_type_klotho_makes_has_a_rule_or_a_reason_to_be_free(type_: str) -> None:
    assert type_ in RULES or why_free(type_)


@pytest.mark.parametrize("region", priced_regions())
def test_every_price_has_a_date_a_unit_and_a_page_and_is_positive_or_said_to_be_unknown(region: str) -> None:
    rows = prices(region)
    assert len(rows) > 40
    for row in rows.values():
        datetime.date.fromisoformat(row.date)
        assert row.region == region
        assert row.unit
        assert row.source.startswith("https://")
        assert (row.usd is None) == bool(row.unknown)
        assert row.usd is None or row.usd > 0


def test_all_regions_have_the_same_items_with_the_same_units() -> None:
    first, *others = [{item: row.unit for item, row in prices(region).items()} for region in priced_regions()]
    assert others
    assert all(other == first for other in others)
