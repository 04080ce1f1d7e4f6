"""APIs that let in whom a provider, or a function of one's own, vouches for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.localcloud.pairs.harness import SERVER, Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider(BaseHTTPRequestHandler):
    """Discovery and keys."""

    def do_GET(self) -> None:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        documents = {
            "/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"},
            "/keys": {"keys": [{**key, "kid": "one", "use": "sig"}]},
        }
        body = json.dumps(documents[self.path]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


LISTENER = ThreadingHTTPServer(("127.0.0.1", 0), Provider)  # bound now, because the program names its port
ISSUER = f"http://127.0.0.1:{LISTENER.server_port}"
PROGRAM = f"""
login = Auth.OIDC("login", issuer="{ISSUER}", audience="pairs")
gate = Compute.Function("gate", handler="gate.handler")
unit, boxed = Compute.Function("unit", handler="who.handler"), Compute.Container("boxed", context="./box")
door.attach_service(unit, route="/unit")
door.attach_service(boxed, route="/boxed")
door.authenticates_with(login, route="/unit/mine")
door.authenticates_with(login, route="/unit/mine/write", scopes=["things/write"])
door.authenticates_with(login, route="/boxed/mine")
door.authenticates_with(gate, route="/unit/gated", identity="header.x-key")
door.authenticates_with(gate, route="/boxed/gated", identity="header.x-key")
mixed = Compute.Function("mixed", handler="who.handler")
door.attach_service(mixed, route="/mixed")
door.authenticates_with(login, route="/mixed")
function("insider").calls(mixed)
crossed = API("crossed", cors=["https://shop.example"])
crossed.attach_service(unit)
crossed.authenticates_with(login, route="/mine")
"""
FILES: Mapping[str, str] = {
    "gate.py": """
def handler(event, context):
    return {"isAuthorized": event["headers"]["x-key"] == "open", "context": {"key": event["identitySource"][0]}}
""",
    "who.py": """
import json
from klotho import config

def handler(event, context):
    who = config.caller(event)
    return {"statusCode": 200, "body": json.dumps(who and [who.by, who.subject, who.context])}
""",
    "box/main.py": SERVER.replace("import probe", "from klotho import config").replace(
        'self.answer(json.dumps({"name": os.environ["KLOTHO_UNIT"], "path": self.path}))',
        "who = config.caller(self.headers); self.answer(json.dumps(who and [who.by, who.subject, who.context]))",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def provider() -> Iterator[None]:
    threading.Thread(target=LISTENER.serve_forever, daemon=True).start()
    yield
    LISTENER.shutdown()


def token(**claims: Any) -> dict[str, str]:
    now = int(time.time())
    given = {"iss": ISSUER, "aud": "pairs", "sub": "ada", "iat": now, "exp": now + 60, **claims}
    return {"Authorization": f"Bearer {jwt.encode(given, KEY, 'RS256', {'kid': 'one'})}"}


def get(deployed: Deployed, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    answer = deployed.door.call("GET", path, headers=headers)
    return answer.status, answer.json


@pair("authenticates_with", "API", "Auth.OIDC")
@pytest.mark.parametrize("unit", ["unit", "boxed"])
def test_a_token_opens_its_route_and_no_other_does(deployed: Deployed, unit: str) -> None:
    ada = ["jwt", "ada", {}]
    assert get(deployed, f"/{unit}/mine/things", token()) == (200, ada)
    assert get(deployed, f"/{unit}/mine") == (401, {"message": "Unauthorized"})
    assert get(deployed, f"/{unit}/mine/things", token(aud="others"))[0] == 401
    assert get(deployed, f"/{unit}/mine/things", token(exp=int(time.time()) - 1))[0] == 401
    assert get(deployed, f"/{unit}/open") == (200, None)
    forged = {"x-klotho-caller": "jwt", **token(sub="root")}
    assert get(deployed, f"/{unit}/open", forged) == (200, None), "a client can't say that somebody vouched for it"


def test_nobody_is_believed_where_a_service_could_forge_what_the_api_says(deployed: Deployed) -> None:
    assert get(deployed, "/mixed", token())[0] == 500
    assert "insider can reach it without the API that checks tokens" in deployed.deployment.logs("mixed")
    forge = """
        event = {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "root"}}}}}
        return config.services.get("mixed").invoke(event)
    """
    deployed.denied("insider", forge, "CallerNotVouchedError", "nobody can say who called mixed")


def test_a_scope_is_asked_for(deployed: Deployed) -> None:
    assert get(deployed, "/unit/mine/write", token()) == (403, {"message": "Forbidden"})
    assert get(deployed, "/unit/mine/write", token(scope="things/write"))[0] == 200


@pair("authenticates_with", "API", "Compute.Function")
@pytest.mark.parametrize("unit", ["unit", "boxed"])
def test_a_function_of_ones_own_decides(deployed: Deployed, unit: str) -> None:
    status, who = get(deployed, f"/{unit}/gated/things", {"x-key": "open"})
    assert (status, who) == (200, ["function", "", {"key": "open"} if unit == "unit" else {}])
    assert get(deployed, f"/{unit}/gated", {"x-key": "closed"}) == (403, {"message": "Forbidden"})
    assert get(deployed, f"/{unit}/gated") == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize("path", ["/mine", "/mine/things"])
def test_with_cors_no_method_goes_around_a_guard(deployed: Deployed, path: str) -> None:
    crossed = deployed.deployment.client("crossed")
    assert crossed.call("GET", "/open").status == 200
    assert (crossed.call("GET", path).status, crossed.call("GET", path, headers=token()).status) == (401, 200)
    assert [crossed.call(method, path).status for method in ("OPTIONS", "PROPFIND", "TRACE")] == [404, 404, 404]
    asking = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    assert crossed.call("OPTIONS", path, headers=asking).status == 204


def test_other_spellings_reach_the_open_route_as_the_warning_says(deployed: Deployed) -> None:
    crossed = deployed.deployment.client("crossed")
    assert [crossed.call("GET", path).status for path in ("//mine", "/Mine", "/mine%2f")] == [200, 200, 200]
