"""APIs made of something else than an HTTP API: what they let through that one does not, and whom they lead to."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from contextlib import closing
from functools import cache
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

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
    "LoadBalancerAttributes": [
        {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
        {"Key": "idle_timeout.timeout_seconds", "Value": "1"},
    ]
})
named = API("named")
named.use("public-alb")
named.attach_service(boxed, route="/boxed")
solo = API("solo", cors=["https://shop.example"])
solo.use("function-url")
alone = Compute.Function("alone", handler="probe.handler", timeout=60)
solo.attach_service(alone)
unit = function("unit", environment={"SOLO": solo.url, "BELOW": f"{solo.url}/below?by=unit"})
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


@cache
def outputs_of(deployed: Deployed) -> dict[str, str]:
    found: dict[str, str] = json.loads(deployed.deployment.klotho("outputs", "--json").stdout)["outputs"]
    return found


def url_of(deployed: Deployed, api: str) -> str:
    return outputs_of(deployed)[f"{api}.url"]


def announced(url: str, size: int) -> int:
    """The status for a body of so many bytes, which is not sent: the answer comes before it."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    with closing(connection):
        connection.putrequest("POST", "/")
        connection.putheader("content-length", str(size))
        connection.endheaders()
        return connection.getresponse().status


def ask(url: str, body: bytes | None = None) -> Answer:
    try:
        with urllib.request.build_opener(_Stay).open(
            urllib.request.Request(url, body, {"content-type": "text/plain"}), timeout=20
        ) as answer:
            return Answer(answer.status, answer.read().decode(), None)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(), error.headers.get("location"))


@pair("attach_service", "API", "Compute.Container")
def test_an_api_required_to_answer_longer_is_a_public_load_balancer(deployed: Deployed) -> None:
    url = url_of(deployed, "long")
    (long,) = [item for item in balancers(deployed) if item["LoadBalancerAttributes"][-1].get("Value") == "125"]
    assert long["Scheme"] == "internet-facing"
    assert json.loads(ask(f"{url}/boxed/below?a=%20b").body) == {"name": "boxed", "path": "/boxed/below?a=%20b"}
    assert ask(f"{url}/only/7", b"return 5").body == '{"value": 5}'
    assert ask(f"{url}/only/7") == Answer(404, '{"message":"Not Found"}', None)


def test_it_takes_bodies_larger_than_an_http_api_does(deployed: Deployed) -> None:
    body = b"return 1 #" + b"x" * (11 * MEGABYTE)
    assert ask(f"{url_of(deployed, 'long')}/boxed", body).body == '{"value": 1}'


def test_it_waits_as_long_as_it_is_told(deployed: Deployed) -> None:
    url = url_of(deployed, "wide")
    assert ask(url, b"import time; time.sleep(0.5); return 2").body == '{"value": 2}'
    assert ask(url, b"import time; time.sleep(2.5); return 2").status == 504


@pair("attach_service", "API", "Compute.Function")
def test_a_function_url_leads_everybody_to_its_function(deployed: Deployed) -> None:
    url = url_of(deployed, "solo")
    assert not url.endswith("/")
    assert ask(f"{url}/any/path", b"return os.environ['KLOTHO_UNIT']").body == '{"value": "alone"}'
    assert announced(url, 7 * MEGABYTE) == 413
    assert ask(url, b"os._exit(3)").status == 502


def test_others_are_told_its_address_without_a_slash_at_the_end(deployed: Deployed) -> None:
    url = url_of(deployed, "solo")
    told = deployed.environment("unit")
    assert told["SOLO"] == url and told["BELOW"] == f"{url}/below?by=unit"


def test_its_permissions_let_nobody_call_the_function_by_lambdas_own_api(deployed: Deployed) -> None:
    (name,) = [item["FunctionName"] for item in functions(deployed) if "alone" in item["FunctionName"].lower()]
    with pytest.raises(ClientError, match="AccessDenied"):
        deployed.client("lambda", "unit").invoke(FunctionName=name)


def functions(deployed: Deployed) -> list[Any]:
    found: list[Any] = deployed.client("lambda").list_functions()["Functions"]
    return found


@pair("exposes", "Domain", "API")
def test_with_a_domain_it_answers_by_tls_and_sends_plain_http_there(deployed: Deployed) -> None:
    assert url_of(deployed, "named") == "https://shop.example"
    units = json.loads(deployed.deployment.klotho("status", "--json").stdout)["units"]
    port = int(next(item["address"] for item in units if item["name"] == "shop.example").rpartition(":")[2])
    answer = fetch("shop.example", port, "/boxed", trusting=CHAIN.root, body="return 7")
    assert answer.status == 200 and answer.json == {"value": 7}
    assert fetch("shop.example", port, "/nobody", trusting=CHAIN.root).status == 404
    plain = next(item["address"] for item in units if item["name"] == "API/named")
    assert ask(f"{plain}/boxed?a=b") == Answer(301, "", f"https://shop.example:{port}/boxed?a=b")


def balancers(deployed: Deployed) -> list[dict[str, object]]:
    return deployed.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")
