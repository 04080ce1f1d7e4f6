"""The step that looks up what `existing=` does not tell, against a Cloud Control that says what a test wants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from klotho.deploy.place import Clients, Place
from klotho.deploy.steps import KINDS, Steps, Surroundings
from klotho.diagnostics import ExitCode, Failure
from klotho.resources import DeployerStep
from klotho.stacks import Manifest, StepSource

DATABASE = "Databases.Postgres/orders"
FACTS = {"Endpoint.Address": "endpoint", "MasterUserSecret.SecretArn": "admin_secret"}
LOOKED_UP = {"id": "orders-prod", "type": "AWS::RDS::DBInstance", "identifier": "orders-prod", "facts": FACTS}
THERE = {"Endpoint": {"Address": "db.example", "Port": 5432}, "VPCSecurityGroups": ["sg-1", "sg-2"]}


class CloudControl:
    def __init__(self, properties: dict[str, Any] | None) -> None:
        self.properties = properties
        self.asked: list[dict[str, str]] = []

    def get_resource(self, **asked: str) -> dict[str, Any]:
        self.asked.append(asked)
        if self.properties is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "not found"}}, "GetResource")
        return {"ResourceDescription": {"Properties": json.dumps(self.properties)}}


def steps(properties: dict[str, Any] | None, **more: str) -> tuple[Steps, CloudControl]:
    clients = Clients(Place("eu-central-1", "123456789012", None, "id", "key"))
    fake = CloudControl(properties)
    clients.in_region(more.get("region", "eu-central-1"))._made["cloudcontrol"] = fake
    step = DeployerStep(DATABASE, "adopted", {**LOOKED_UP, **more})
    manifest = Manifest("shop", "acme", "prod", "eu-central-1", (), (), (), steps=(step,))
    return Steps(manifest, Surroundings(clients, Path(), lambda event: None, {})), fake


def source(part: str) -> StepSource:
    return StepSource(DATABASE, "adopted", part)


def test_values_are_found_at_their_paths_and_are_text() -> None:
    found, fake = steps(THERE)
    assert found.value(source("Endpoint.Address")) == "db.example"
    assert found.value(source("Endpoint.Port")) == "5432"
    assert found.known(source("VPCSecurityGroups.0")) == "sg-1"
    assert fake.asked[0] == {"TypeName": "AWS::RDS::DBInstance", "Identifier": "orders-prod"}
    assert KINDS["adopted"].early, "before the first stack"


def test_an_arn_is_looked_up_in_its_own_region() -> None:
    found, fake = steps(THERE, region="eu-west-1")
    assert found.value(source("Endpoint.Address")) == "db.example"
    assert len(fake.asked) == 1


def test_what_is_not_there_is_refused_with_what_could_be_said_instead() -> None:
    found, _ = steps(None)
    assert found.known(source("Endpoint.Address")) is None
    with pytest.raises(Failure) as refused:
        found.value(source("Endpoint.Address"))
    assert (refused.value.diagnostic.code, refused.value.exit_code) == ("existing-missing", ExitCode.NOT_FOUND)
    assert "endpoint=…, admin_secret=…" in str(refused.value.diagnostic.helps)


def test_a_property_it_has_not_is_refused_with_the_fact_to_say() -> None:
    found, _ = steps(THERE)
    assert found.known(source("MasterUserSecret.SecretArn")) is None
    with pytest.raises(Failure) as refused:
        found.value(source("MasterUserSecret.SecretArn"))
    assert refused.value.diagnostic.code == "existing-untold"
    assert 'Existing("orders-prod", admin_secret=…)' in str(refused.value.diagnostic.helps)
