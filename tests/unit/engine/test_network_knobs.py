"""`Network`: the range, the way out, and somebody else's VPC."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError
from klotho.emit import render
from klotho.engine import resolve
from tests.conftest import RunProgram

HEAD = """import klotho
from klotho import Compute, Databases, Network
klotho.Application("shop")
web = Compute.Container("web", image="public.ecr.aws/nginx/nginx:1.27")
web.reads_from(Databases.KeyValue("carts"))
"""
OURS = ("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::EC2::RouteTable")


def resources(run_program: RunProgram, text: str, folder: Path, environment: str = "prod") -> dict[str, Any]:
    """Everything that is made, by stack and logical id."""
    application, report = run_program(HEAD + text)
    assert application is not None, report.diagnostics
    resolution = resolve(application, environment=environment, files=ProgramFiles(folder), report=report)
    bundle = render(resolution.graph, resolution.setting, region="eu-central-1")
    return {
        f"{stack.name}/{name}": resource
        for stack in bundle.manifest.stacks
        for name, resource in json.loads(bundle.files[f"cloudformation/{stack.template}"])["Resources"].items()
    }


def counted(found: dict[str, Any]) -> dict[str, int]:
    types = Counter(resource["Type"] for resource in found.values())
    return {name: types[name] for name in OURS if types[name]}


def codes(run_program: RunProgram, text: str, folder: Path) -> list[str]:
    with pytest.raises(ProgramError) as raised:
        resources(run_program, text, folder)
    return [item.code for item in raised.value.diagnostics]


def test_subnets_lie_in_the_range_that_was_given(run_program: RunProgram, tmp_path: Path) -> None:
    found = resources(run_program, 'Network(cidr="10.64.16.0/20", egress="nat-per-zone")\n', tmp_path)
    subnets = [item["Properties"]["CidrBlock"] for item in found.values() if item["Type"] == "AWS::EC2::Subnet"]
    assert sorted(subnets) == ["10.64.16.0/24", "10.64.17.0/24", "10.64.31.0/28", "10.64.31.16/28"]
    assert found["shared/Vpc"]["Properties"]["CidrBlock"] == "10.64.16.0/20"


def test_a_nat_gateway_per_zone_has_a_route_table_per_zone(run_program: RunProgram, tmp_path: Path) -> None:
    found = resources(run_program, 'Network(egress="nat-per-zone")\n', tmp_path)
    assert counted(found) == {
        "AWS::EC2::VPC": 1,
        "AWS::EC2::Subnet": 4,
        "AWS::EC2::NatGateway": 2,
        "AWS::EC2::VPCEndpoint": 2,
        "AWS::EC2::RouteTable": 3,
    }
    tables = {
        found[f"shared/PrivateSubnet{zone}Routes"]["Properties"]["RouteTableId"]["Fn::GetAtt"][0] for zone in "AB"
    }
    ways_out = {
        found[f"shared/NatRoute{suffix}"]["Properties"]["RouteTableId"]["Fn::GetAtt"][0] for suffix in ("", "B")
    }
    assert tables == ways_out == {"PrivateRoutes", "PrivateRoutesB"}


def test_endpoints_leave_no_way_to_the_internet(run_program: RunProgram, tmp_path: Path) -> None:
    found = resources(run_program, 'Network(egress="endpoints")\n', tmp_path)
    assert "AWS::EC2::NatGateway" not in counted(found)
    assert not [name for name, item in found.items() if item["Type"] == "AWS::EC2::InternetGateway"]
    services = sorted(
        str(item["Properties"]["ServiceName"]) for item in found.values() if item["Type"] == "AWS::EC2::VPCEndpoint"
    )
    assert [name.rpartition(".")[2].rstrip("'}") for name in services] == ["dynamodb", "api", "dkr", "logs", "s3"]


def test_somebody_elses_vpc_is_used_and_gets_nothing_of_ours(run_program: RunProgram, tmp_path: Path) -> None:
    subnets = '{"prod": ["subnet-00000001", "subnet-00000002"]}'
    text = f'Network(existing={{"prod": "vpc-0a1b2c3d4e5f60718"}}, subnets={subnets})\n'
    found = resources(run_program, text, tmp_path)
    assert counted(found) == {}
    service = next(item for item in found.values() if item["Type"] == "AWS::ECS::Service")
    place = service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert place["Subnets"] == ["subnet-00000001", "subnet-00000002"]
    groups = [item for item in found.values() if item["Type"] == "AWS::EC2::SecurityGroup"]
    assert {group["Properties"]["VpcId"] for group in groups} == {"vpc-0a1b2c3d4e5f60718"}
    assert counted(resources(run_program, text, tmp_path, "local"))["AWS::EC2::VPC"] == 1


def test_an_override_reaches_what_is_shared(run_program: RunProgram, tmp_path: Path) -> None:
    text = 'Network().override("AWS::EC2::VPC", {"InstanceTenancy": "dedicated"})\n'
    assert resources(run_program, text, tmp_path)["shared/Vpc"]["Properties"]["InstanceTenancy"] == "dedicated"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('Network(cidr="8.8.0.0/16")', "bad-network"),
        ('Network(cidr="10.0.0.0/24")', "bad-network"),
        ('Network(cidr="10.0.0.1/16")', "bad-network"),
        ('Network(cidr="home")', "bad-network"),
        ('Network(existing="vpc-12345678")', "bad-network"),
        ('Network(existing="vpc-12345678", subnets=["subnet-12345678"])', "bad-network"),
        ('Network(existing="mine", subnets=["subnet-12345678", "subnet-12345679"])', "bad-existing"),
        ('Network()\nNetwork("second")', "network-twice"),
    ],
)
def test_a_network_that_cant_be_is_refused(run_program: RunProgram, tmp_path: Path, text: str, code: str) -> None:
    assert codes(run_program, text + "\n", tmp_path) == [code]
