"""APIs made of something else than an HTTP API: what they let through that one does not, and whom they lead to."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import NamedTuple

import pytest

from tests.certificates import make_chain
from tests.localcloud.pairs.harness import Deployed, pair
from tests.tls_client import fetch

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
boxed = container("boxed")
long = API("long")
long.requires(max_duration_s=120)
long.attach_service(boxed, route="/boxed")
long.attach_service(boxed, route="/only/{id}", methods=["POST"])
wide = API("wide")
wide.use("public-alb")
wide.attach_service(boxed)
wide.override("AWS::ElasticLoadBalancingV2::LoadBalancer", {
    "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "1"}]
})
named = API("named")
named.use("public-alb")
named.attach_service(boxed, route="/boxed")
shop = Domain("shop.example", exposes=named)
shop.attach_cert("./certs/shop.crt")
"""
CHAIN = make_chain("shop.example")
FILES = {"certs/shop.crt": CHAIN.certificates, "certs/shop.key": CHAIN.key}
MEGABYTE = 1024 * 1024


class Answer(NamedTuple):
    status: int
    body: str
    location: str | None


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **more: object) -> None:
        """Redirects are looked at, not followed."""


def ask(url: str, body: bytes | None = None) -> Answer:
    try:
        with urllib.request.build_opener(_Stay).open(urllib.request.Request(url, body), timeout=20) as answer:
            return Answer(answer.status, answer.read().decode(), None)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(), error.headers.get("location"))


@pair("attach_service", "API", "Compute.Container")
def test_an_api_required_to_answer_longer_is_a_public_load_balancer(deployed: Deployed) -> None:
    url = deployed.deployment.url("long")
    (long,) = [item for item in balancers(deployed) if item["LoadBalancerAttributes"][-1].get("Value") == "125"]
    assert long["Scheme"] == "internet-facing"
    assert json.loads(ask(f"{url}/boxed/below?a=%20b").body) == {"name": "boxed", "path": "/boxed/below?a=%20b"}
    assert ask(f"{url}/only/7", b"return 5").body == '{"value": 5}'
    assert ask(f"{url}/only/7") == Answer(404, '{"message":"Not Found"}', None)


def test_it_takes_bodies_larger_than_an_http_api_does(deployed: Deployed) -> None:
    body = b"return 1 #" + b"x" * (11 * MEGABYTE)
    assert ask(f"{deployed.deployment.url('long')}/boxed", body).body == '{"value": 1}'


def test_it_waits_as_long_as_it_is_told(deployed: Deployed) -> None:
    url = deployed.deployment.url("wide")
    assert ask(url, b"import time; time.sleep(0.5); return 2").body == '{"value": 2}'
    assert ask(url, b"import time; time.sleep(2.5); return 2").status == 504


@pair("exposes", "Domain", "API")
def test_with_a_domain_it_answers_by_tls_and_sends_plain_http_there(deployed: Deployed) -> None:
    assert deployed.deployment.url("named") == "https://shop.example"
    units = json.loads(deployed.deployment.klotho("status", "--json").stdout)["units"]
    port = int(next(item["address"] for item in units if item["name"] == "shop.example").rpartition(":")[2])
    answer = fetch("shop.example", port, "/boxed", trusting=CHAIN.root, body="return 7")
    assert answer.status == 200 and answer.json == {"value": 7}
    assert fetch("shop.example", port, "/nobody", trusting=CHAIN.root).status == 404
    plain = next(item["address"] for item in units if item["name"] == "API/named")
    assert ask(f"{plain}/boxed?a=b") == Answer(301, "", f"https://shop.example:{port}/boxed?a=b")


def balancers(deployed: Deployed) -> list[dict[str, object]]:
    return deployed.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")
