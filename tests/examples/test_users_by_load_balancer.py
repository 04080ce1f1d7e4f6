"""The users example, unchanged, with its API made as a public load balancer by klotho.yaml: the same suite passes."""

from __future__ import annotations

import json

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Client, Deployment
from tests.examples.test_users import (
    test_a_user_is_created_listed_read_changed_and_deleted,
    test_after_kill_9_of_everything_up_brings_back_the_same_url_and_the_data,
    test_an_address_that_is_taken_is_refused,
    test_an_unknown_user_and_an_unknown_page_are_not_found,
    test_what_is_no_user_is_refused,
)
from tests.tls_client import fetch

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

__all__ = [
    "test_a_user_is_created_listed_read_changed_and_deleted",
    "test_after_kill_9_of_everything_up_brings_back_the_same_url_and_the_data",
    "test_an_address_that_is_taken_is_refused",
    "test_an_unknown_user_and_an_unknown_page_are_not_found",
    "test_what_is_no_user_is_refused",
]


@pytest.fixture(scope="module")
def users(deploy: Deploy) -> Deployment:
    deployment = deploy("users")
    settings = deployment.folder / "klotho.yaml"
    settings.write_text(f"{settings.read_text()}constructs:\n  users-api: {{use: public-alb}}\n")
    deployment.up()
    assert "AWS::ElasticLoadBalancingV2::LoadBalancer" in "".join(deployment.output)
    return deployment


@pytest.fixture(scope="module")
def api(users: Deployment) -> Client:
    return users.client("users-api")


def test_its_domain_leads_there_and_to_an_http_api_in_its_place_and_back(users: Deployment) -> None:
    program, settings = users.folder / "infra.py", users.folder / "klotho.yaml"
    by_balancer = settings.read_text()
    program.write_text(f'{program.read_text()}\nklotho.Domain("users.example", exposes=api)\n')
    for said in (by_balancer, by_balancer.partition("constructs:")[0], by_balancer):
        settings.write_text(said)
        users.up()
        units = json.loads(users.klotho("status", "--json").stdout)["units"]
        port = int(next(unit["address"] for unit in units if unit["name"] == "users.example").rpartition(":")[2])
        authority = (users.state_home / "klotho/.ca/klotho-local-ca.pem").read_text()
        answer = fetch("users.example", port, "/users", trusting=authority)
        assert answer.status == 200 and "users" in answer.json
