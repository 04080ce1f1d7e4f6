"""A private API: its callers reach the services behind it, and nobody else gets a byte through."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
inside = API("inside", public=False)
caller, boxed_caller = function("caller"), container("boxed-caller")
stranger, boxed_stranger = function("stranger"), container("boxed-stranger")
behind = Compute.Function("behind", handler="behind.handler")
boxed_behind = Compute.Container("boxed-behind", context="./box")
inside.attach_service(behind, route="/f")
inside.attach_service(boxed_behind, route="/c/{id}")
inside.attach_service(behind, route="/c/one", methods=["POST"])
caller.calls(inside)
boxed_caller.calls(inside)
"""
FILES = {
    "behind.py": """\
import json


def handler(event, context):
    shown = {name: event[name] for name in ("httpMethod", "path", "queryStringParameters", "body")}
    return {"statusCode": 201, "headers": {"x-by": "behind"}, "body": json.dumps(shown)}
""",
}
FETCH = """
import urllib.error
import urllib.request
data = {data!r}
headers = {{"content-type": "text/plain"}}
request = urllib.request.Request({base} + {path!r}, data and data.encode(), headers, method={method!r})
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [answer.status, json.load(answer)]
except urllib.error.HTTPError as error:
    return [error.code, error.read().decode()]
"""
GRANTED = 'config.services.get("inside").url'


def fetch(path: str, method: str = "GET", data: str | None = None, base: str = GRANTED) -> str:
    return FETCH.format(path=path, method=method, data=data, base=base)


@pair("calls", ("Compute.Function", "Compute.Container"), "API")
@pytest.mark.parametrize("unit", ["caller", "boxed-caller"])
def test_who_may_calls_functions_and_containers_by_their_routes(deployed: Deployed, unit: str) -> None:
    said = {"httpMethod": "POST", "path": "/f/below", "queryStringParameters": {"a": "%20b"}, "body": "hello"}
    assert deployed.run(unit, fetch("/f/below?a=%20b", "POST", "hello")) == [201, said]
    assert deployed.run(unit, fetch("/c/7/more")) == [200, {"name": "boxed-behind", "path": "/c/7/more"}]
    # The more specific route wins, for its method only.
    assert deployed.run(unit, fetch("/c/one", "POST", "x"))[0] == 201
    assert deployed.run(unit, fetch("/c/one")) == [200, {"name": "boxed-behind", "path": "/c/one"}]
    assert deployed.run(unit, fetch("/nobody")) == [404, '{"message":"Not Found"}']


@pytest.mark.parametrize("unit", ["stranger", "boxed-stranger"])
def test_who_may_not_does_not_find_it_and_gets_no_byte_through(deployed: Deployed, unit: str) -> None:
    deployed.denied(unit, fetch("/f"), "inside")
    url = deployed.run("caller", f"return {GRANTED}")
    refused = deployed.run(
        unit,
        f"""
        import urllib.request
        try:
            urllib.request.urlopen({url!r} + "/f", timeout=10)
        except OSError as error:
            return type(error).__name__
        return "answered"
        """,
    )
    assert refused != "answered"


def test_a_program_of_this_machine_is_no_member_of_the_network(deployed: Deployed) -> None:
    url = deployed.run("caller", f"return {GRANTED}")
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{url}/f", timeout=10)
    shown = deployed.deployment.klotho("outputs", "--json").stdout
    assert url not in shown, "nobody is told an address that nobody may use"
    units = json.loads(deployed.deployment.klotho("status", "--json").stdout)["units"]
    private = next(unit for unit in units if unit["kind"] == "private api")
    assert private["address"] is None and "refused" in private["detail"]
