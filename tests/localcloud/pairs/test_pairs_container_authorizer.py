"""APIs that let in whom a container of one's own lets in."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

GATE = """
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if os.path.exists("dead"):
    raise SystemExit("down")
asked = 0


class Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global asked
        asked += 1
        print("ASKED " + json.dumps([self.path, {k.lower(): v for k, v in self.headers.items()}]), flush=True)
        who = (self.headers["authorization"] or self.headers["x-key"] or "").removeprefix("Bearer ")
        status, body = {"ada": (200, {"user": "ada", "asked": asked}), "bob": (204, None), "eve": (403, None),
                        "mallory": (401, None), "lost": (302, None)}.get(who, (500, None))
        if who == "die":
            open("dead", "w").close()
            os._exit(1)
        if who == "slow":
            import time
            time.sleep(30)
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Gate).serve_forever()
"""
PROGRAM = """
gate = Compute.Container("gate", context="./gate")
unit = Compute.Function("unit", handler="who.handler")
door.attach_service(unit, route="/unit")
door.authenticates_with(gate, route="/unit/mine")
door.authenticates_with(gate, route="/unit/kept", identity="header.x-key", cache=300, ask="/oauth2/auth?for=kept")
boxed = container("boxed")
door.authenticates_with(gate, route="/boxed")
stranger = function("stranger")
"""
FILES = {
    "who.py": """
import json
from klotho import config

def handler(event, context):
    who = config.caller(event)
    return {"statusCode": 200, "body": json.dumps(who and [who.by, who.context])}
""",
    "gate/main.py": GATE,
    "gate/Dockerfile": 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n',
}


def get(deployed: Deployed, path: str, who: str, header: str = "authorization") -> tuple[int, Any]:
    value = f"Bearer {who}" if header == "authorization" else who
    answer = deployed.door.call("GET", path, headers={header: value})
    return answer.status, answer.json


def asked(deployed: Deployed) -> list[Any]:
    """Path and headers of each question."""
    lines = deployed.deployment.logs("gate").splitlines()
    return [json.loads(line.partition("ASKED ")[2]) for line in lines if "ASKED " in line]


@pair("authenticates_with", "API", "Compute.Container")
def test_a_container_of_ones_own_decides(deployed: Deployed) -> None:
    status, (by, context) = get(deployed, "/unit/mine/things", "ada")
    assert (status, by, context["user"]) == (200, "function", "ada")
    assert get(deployed, "/unit/mine", "bob") == (200, ["function", {}]), "an answer without a body lets in, too"
    assert get(deployed, "/unit/mine", "eve") == (403, {"message": "Forbidden"})
    assert get(deployed, "/unit/mine", "mallory") == (403, {"message": "Forbidden"})
    assert deployed.door.call("GET", "/unit/mine").status == 401, "without an identity it is not asked"
    assert get(deployed, "/boxed", "ada")[0] == 200
    assert get(deployed, "/boxed", "eve")[0] == 403


def test_no_clear_answer_lets_nobody_in(deployed: Deployed) -> None:
    assert get(deployed, "/unit/mine", "lost") == (500, {"message": "Internal Server Error"})
    assert get(deployed, "/unit/mine", "nobody-knows")[0] == 500
    started = time.monotonic()
    assert get(deployed, "/unit/mine", "slow")[0] == 500
    assert time.monotonic() - started < 12


def test_routes_without_the_rule_are_open(deployed: Deployed) -> None:
    count = get(deployed, "/unit/mine", "ada")[1][1]["asked"]
    assert deployed.door.call("GET", "/unit").json is None
    assert get(deployed, "/unit/mine", "ada")[1][1]["asked"] == count + 1, "nobody was asked about the open route"


def test_the_container_is_told_of_the_request_and_a_client_can_t_say_it_instead(deployed: Deployed) -> None:
    headers = {
        "authorization": "Bearer ada",
        "x-forwarded-uri": "/public",
        "x-forwarded-method": "OPTIONS",
        "x-klotho-caller": "jwt",
        "cookie": "a=1; b=2",
        "if-none-match": "*",
    }
    assert deployed.door.call("DELETE", "/unit/mine/things?page=2&x=%C3%A9", headers=headers).status == 200
    path, told = asked(deployed)[-1]
    assert path == "/authorize"
    assert (told["x-forwarded-method"], told["x-forwarded-uri"]) == ("DELETE", "/unit/mine/things?page=2&x=%C3%A9")
    assert (told["x-forwarded-proto"], told["x-forwarded-for"]) == ("https", "127.0.0.1")
    assert told["x-klotho-route"] == "ANY /unit/mine/{proxy+}"
    assert told["cookie"] == "a=1; b=2"
    assert not {"x-klotho-caller", "if-none-match"} & told.keys()


def test_an_answer_is_kept_for_its_identity_and_route(deployed: Deployed) -> None:
    first = get(deployed, "/unit/kept", "ada", "x-key")
    assert first[0] == 200
    assert get(deployed, "/unit/kept", "ada", "x-key") == first, "the count in its context stands still"
    assert get(deployed, "/unit/kept/below", "ada", "x-key") != first, "another route is asked about"
    assert get(deployed, "/unit/kept", "eve", "x-key")[0] == 403
    assert [path for path, _ in asked(deployed) if path != "/authorize"] == ["/oauth2/auth?for=kept"] * 3


def test_nobody_else_finds_the_container_and_what_asks_may_do_nothing_more(deployed: Deployed) -> None:
    find = """
        from klotho.runtime.discovery import instances
        return instances.one("local.pairs.internal", "gate")
    """
    deployed.denied("stranger", find, "not authorized to perform: servicediscovery:DiscoverInstances")
    statements = [
        statement
        for policy in deployed.resources("AWS::IAM::RolePolicy")
        if "DoorAsksGate" in json.dumps(policy["RoleName"])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert {item["Sid"] for item in statements} == {"DiscoverGate", "EnterTheNetwork", "WriteLogs"}


def test_while_the_container_is_down_nobody_gets_in(deployed: Deployed) -> None:
    """The last test of the module: it breaks what the others ask, as a bad deployment would."""
    kept = get(deployed, "/unit/kept", "ada", "x-key")
    assert get(deployed, "/unit/mine", "die")[0] == 500
    deadline = time.monotonic() + 30
    while get(deployed, "/unit/mine", "ada")[0] == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert get(deployed, "/unit/mine", "ada") == (500, {"message": "Internal Server Error"})
    assert get(deployed, "/unit/kept", "ada", "x-key") == kept, "what is kept holds on"
    assert deployed.door.call("GET", "/unit").status == 200
