"""Who may call a route: tokens as a JWT authorizer judges them, and functions that decide."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from functions.testbed import make, make_function
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.apis import Api, gateway_cloud
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.handlers.http_api import HttpAuthorizer, HttpRoute
from klotho.localcloud.planes.gateway.tokens import KeySets, TokenError, claims_of, keys_of

pytestmark = pytest.mark.localcloud

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
ECHO = "def handler(event, context):\n    return event\n"
LAMBDA_PATH = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions"
DOOR = """
def handler(event, context):
    said = event["headers"].get("x-key", "")
    print("ASKED", said)
    if said == "raise":
        raise Exception("Unauthorized")
    if said == "broken":
        return {"yes": True}
    return {"isAuthorized": said == "open", "context": {"who": "me", "arn": event["routeArn"],
            "sources": event["identitySource"], "type": event["type"]}}
"""
POLICY = """
def handler(event, context):
    effect = "Allow" if event["headers"].get("x-key") == "open" else "Deny"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["routeArn"]}
    return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
"""


def jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    return {
        **json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())),
        "kid": kid,
        "use": "sig",
        "alg": "RS256",
    }


class Provider:
    """An OpenID Connect provider on this machine."""

    def __init__(self) -> None:
        self.keys = [jwk(KEY, "one")]
        self.asked = 0
        self.issuer = ""
        self.answer: Any = None

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Provider]:
        async def discovery(request: web.Request) -> web.Response:
            return web.json_response({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"})

        async def keys(request: web.Request) -> web.Response:
            self.asked += 1
            return web.json_response({"keys": self.keys})

        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", discovery)
        app.router.add_get("/keys", keys)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert runner.addresses
        self.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def token(self, key: Any = KEY, kid: str | None = "one", algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        given = {"iss": self.issuer, "aud": "shop", "sub": "ada", "iat": now, "exp": now + 60, **claims}
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode({k: v for k, v in given.items() if v is not None}, key, algorithm=algorithm, headers=headers)


@asynccontextmanager
async def guarded(state: Path, provider: Provider, **route: Any) -> AsyncIterator[tuple[Cloud, Api]]:
    """An API whose `GET /who` asks for a token, and whose `GET /open` does not."""
    async with gateway_cloud(state) as cloud:
        function = await make_function(cloud, "work", {"app.py": ECHO}, handler="app.handler")
        api = await Api.create(cloud, CorsConfiguration={"AllowOrigins": ["*"], "AllowHeaders": ["*"]})
        await api.to_function("GET /open", function)
        authorizer = await make_authorizer(cloud, api, provider.issuer)
        integration = cloud.world.list("AWS::ApiGatewayV2::Integration")[0]
        await guard(cloud, api, "GET /who", integration, authorizer, **route)
        yield cloud, api


async def make_authorizer(cloud: Cloud, api: Api, issuer: str) -> Record:
    properties = {
        "ApiId": api.id, "Name": "login", "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Issuer": issuer, "Audience": ["shop", "other"]},
    }  # fmt: skip
    return await make(cloud, HttpAuthorizer(cloud), "Login", properties)


async def guard(cloud: Cloud, api: Api, key: str, integration: Record, authorizer: Record, **more: Any) -> None:
    properties = {
        "ApiId": api.id, "RouteKey": key, "Target": f"integrations/{integration.identifier}",
        "AuthorizationType": "JWT", "AuthorizerId": authorizer.identifier, **more,
    }  # fmt: skip
    await make(cloud, HttpRoute(cloud), f"{api.id}-{key}", properties)


async def ask(url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> tuple[int, Any, Any]:
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None, answer.headers


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def test_a_token_opens_the_route_and_its_claims_reach_the_function(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Provider().up() as provider, guarded(tmp_path, provider) as (_, api):
            token = provider.token(groups=["admin", "staff"], n=1, ok=True, none=None, deep={"a": 1})
            status, event, _ = await ask(f"{api.url}/who", bearer(token))
            assert status == 200
            told = event["requestContext"]["authorizer"]["jwt"]
            assert told["scopes"] is None
            assert {name: told["claims"][name] for name in ("sub", "groups", "n", "ok", "deep")} == {
                "sub": "ada", "groups": "[admin staff]", "n": "1", "ok": "true", "deep": '{"a":1}',
            }  # fmt: skip
            assert "none" not in told["claims"]
            assert (await ask(f"{api.url}/who", {"Authorization": token}))[0] == 200, "without the word Bearer, too"
            open_event = (await ask(f"{api.url}/open"))[1]
            assert "authorizer" not in open_event["requestContext"]
            assert provider.asked == 1, "the keys are kept"

    run(scenario())


def test_without_a_valid_token_it_is_401_and_the_log_says_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Provider().up() as provider, guarded(tmp_path, provider) as (cloud, api):
            now = int(time.time())
            cases = {
                "no token": {},
                "expired": bearer(provider.token(exp=now - 1)),
                "without an end": bearer(provider.token(exp=None)),
                "not yet valid": bearer(provider.token(nbf=now + 60)),
                "issued in the future": bearer(provider.token(iat=now + 60)),
                "another issuer": bearer(provider.token(iss="https://evil.example")),
                "another audience": bearer(provider.token(aud="nobody")),
                "aud counts before client_id": bearer(provider.token(aud="nobody", client_id="shop")),
                "another key": bearer(provider.token(OTHER)),
                "an unknown kid": bearer(provider.token(OTHER, kid="two")),
                "no kid": bearer(provider.token(kid=None)),
                "unsigned": bearer(provider.token(None, algorithm="none")),
                "the public key as an HMAC secret": bearer(forged(provider)),
                "two tokens": {"Authorization": f"Bearer {provider.token()},Bearer {provider.token()}"},
                "garbage": bearer("a.b.c"),
            }
            for name, headers in cases.items():
                status, body, answered = await ask(f"{api.url}/who", headers)
                assert (status, body) == (401, {"message": "Unauthorized"}), name
                assert answered["www-authenticate"].startswith("Bearer")
            lines = "\n".join(cloud.logs.tail("/aws/apigateway/shop", 50))
            assert "Signature has expired" in lines and "its aud is 'nobody'" in lines
            assert (await ask(f"{api.url}/who", bearer(provider.token(aud=None, client_id="other"))))[0] == 200

    run(scenario())


def forged(provider: Provider) -> str:
    """HS256 with the public key as the secret: what libraries that trust the header's `alg` fall for."""

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    now = int(time.time())
    claims = {"iss": provider.issuer, "aud": "shop", "sub": "root", "iat": now, "exp": now + 60}
    text = part({"alg": "HS256", "typ": "JWT", "kid": "one"}) + b"." + part(claims)
    signature = base64.urlsafe_b64encode(hmac.digest(PUBLIC_PEM, text, hashlib.sha256)).rstrip(b"=")
    return (text + b"." + signature).decode()


def test_a_missing_scope_is_403(tmp_path: Path) -> None:
    async def scenario() -> None:
        route = {"AuthorizationScopes": ["orders/write", "admin"]}
        async with Provider().up() as provider, guarded(tmp_path, provider, **route) as (_, api):
            status, event, _ = await ask(f"{api.url}/who", bearer(provider.token(scope="a admin")))
            assert (status, event["requestContext"]["authorizer"]["jwt"]["scopes"]) == (200, ["a", "admin"])
            assert (await ask(f"{api.url}/who", bearer(provider.token(scp=["admin"]))))[0] == 200
            for claims in ({}, {"scope": "read"}, {"scope": ["x"]}, {"scope": 5}):
                status, body, headers = await ask(f"{api.url}/who", bearer(provider.token(**claims)))
                assert (status, body) == (403, {"message": "Forbidden"})
                assert 'error="insufficient_scope"' in headers["www-authenticate"]

    run(scenario())


def test_a_new_key_is_fetched_once_and_an_issuer_that_is_away_is_401(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with Provider().up() as provider, guarded(tmp_path, provider) as (_, api):
            assert (await ask(f"{api.url}/who", bearer(provider.token())))[0] == 200
            provider.keys = [jwk(OTHER, "two")]
            monkeypatch.setattr("klotho.localcloud.planes.gateway.tokens.PAUSE_S", 0.0)
            assert (await ask(f"{api.url}/who", bearer(provider.token(OTHER, kid="two"))))[0] == 200
            assert provider.asked == 2
            assert (await ask(f"{api.url}/who", bearer(provider.token())))[0] == 401, "the old key is gone"
            token = provider.token(OTHER, kid="three")
            monkeypatch.setattr("klotho.localcloud.planes.gateway.tokens.PAUSE_S", 60.0)
            before = provider.asked
            answers = await asyncio.gather(*(ask(f"{api.url}/who", bearer(token)) for _ in range(20)))
            assert {status for status, _, _ in answers} == {401} and provider.asked == before, "no flood of fetches"
        async with guarded(tmp_path / "second", provider) as (cloud, api):
            assert (await ask(f"{api.url}/who", bearer(token)))[0] == 401
            assert "can't be fetched" in "\n".join(cloud.logs.tail("/aws/apigateway/shop", 5))

    run(scenario())


def test_preflights_pass_beside_a_guarded_route_and_not_through_one_that_takes_options(tmp_path: Path) -> None:
    async def scenario() -> None:
        preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        async with Provider().up() as provider, guarded(tmp_path, provider) as (cloud, api):
            status, _, headers = await ask(f"{api.url}/who", preflight, "OPTIONS")
            assert (status, headers["access-control-allow-origin"]) == (204, "*")
            refused = await ask(f"{api.url}/who", {"Origin": "https://shop.example"})
            assert (refused[0], refused[2]["access-control-allow-origin"]) == (401, "*"), "a page can read the refusal"
            integration = cloud.world.list("AWS::ApiGatewayV2::Integration")[0]
            authorizer = cloud.world.list("AWS::ApiGatewayV2::Authorizer")[0]
            await guard(cloud, api, "ANY /all", integration, authorizer)
            assert (await ask(f"{api.url}/all", preflight, "OPTIONS"))[0] == 401, "as on AWS"

    run(scenario())


@asynccontextmanager
async def asking(state: Path, source: str, **more: Any) -> AsyncIterator[tuple[Cloud, Api, Record]]:
    async with gateway_cloud(state) as cloud:
        work = await make_function(cloud, "work", {"app.py": ECHO}, handler="app.handler")
        door = await make_function(cloud, "door", {"app.py": source}, handler="app.handler")
        api = await Api.create(cloud)
        await api.to_function("GET /open", work)
        properties = {
            "ApiId": api.id, "Name": "door", "AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0",
            "IdentitySource": ["$request.header.x-key"], "EnableSimpleResponses": True,
            "AuthorizerUri": f"{LAMBDA_PATH}/{door.attributes['Arn']}/invocations", **more,
        }  # fmt: skip
        authorizer = await make(cloud, HttpAuthorizer(cloud), "Door", properties)
        integration = cloud.world.list("AWS::ApiGatewayV2::Integration")[0]
        await guard(cloud, api, "GET /who/{id}", integration, authorizer, AuthorizationType="CUSTOM")
        yield cloud, api, door


def asked(cloud: Cloud) -> int:
    return sum("ASKED" in line for line in cloud.logs.tail("/aws/lambda/door", 200))


def test_a_function_says_yes_or_no_and_what_it_adds_reaches_the_service(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking(tmp_path, DOOR) as (cloud, api, door):
            url = f"{api.url}/who/7"
            assert (await ask(url, {"x-key": "open"}))[0] == 500, "nobody may ask it yet"
            api.permit(door, f"authorizers/{cloud.world.list('AWS::ApiGatewayV2::Authorizer')[0].identifier}")
            status, event, _ = await ask(url, {"x-key": "open"})
            told = event["requestContext"]["authorizer"]["lambda"]
            assert status == 200 and (told["who"], told["sources"], told["type"]) == ("me", ["open"], "REQUEST")
            assert told["arn"].endswith(f"{api.id}/$default/GET/who/7")
            assert (await ask(url, {"x-key": "closed"}))[:2] == (403, {"message": "Forbidden"})
            assert (await ask(url, {"x-key": "raise"}))[:2] == (401, {"message": "Unauthorized"})
            assert (await ask(url, {"x-key": "broken"}))[:2] == (500, {"message": "Internal Server Error"})
            before = asked(cloud)
            assert (await ask(url))[:2] == (401, {"message": "Unauthorized"})
            assert asked(cloud) == before, "without the identity it is not asked"

    run(scenario())


def test_a_kept_answer_is_not_asked_for_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking(tmp_path, DOOR, AuthorizerResultTtlInSeconds=60) as (cloud, api, door):
            api.permit(door)
            for key, status in (("open", 200), ("open", 200), ("closed", 403), ("closed", 403)):
                assert (await ask(f"{api.url}/who/7", {"x-key": key}))[0] == status
            assert asked(cloud) == 2

    run(scenario())


def test_a_function_may_answer_with_a_policy(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking(tmp_path, POLICY, EnableSimpleResponses=False) as (_, api, door):
            api.permit(door)
            assert (await ask(f"{api.url}/who/7", {"x-key": "open"}))[0] == 200
            assert (await ask(f"{api.url}/who/7", {"x-key": "no"}))[0] == 403

    run(scenario())


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"JwtConfiguration": None}, "Issuer must be an https URL"),
        ({"JwtConfiguration": {"Issuer": "http://evil.example", "Audience": ["a"]}}, "Issuer must be an https URL"),
        ({"JwtConfiguration": {"Issuer": "https://a.example"}}, "needs an Audience"),
        ({"IdentitySource": []}, "IdentitySource"),
        ({"IdentitySource": ["$request.body.a"]}, "identity source"),
        ({"AuthorizerType": "TOKEN"}, "JWT or REQUEST"),
        ({"AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "1.0", "JwtConfiguration": None}, "2.0"),
    ],
)
def test_an_authorizer_aws_would_refuse(tmp_path: Path, properties: dict[str, Any], words: str) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await Api.create(cloud)
            base = {
                "ApiId": api.id, "Name": "n", "AuthorizerType": "JWT", "IdentitySource": ["$request.header.a"],
                "JwtConfiguration": {"Issuer": "https://a.example", "Audience": ["shop"]},
            }  # fmt: skip
            with pytest.raises(HandlerError, match=words):
                await make(cloud, HttpAuthorizer(cloud), "Bad", {**base, **properties})

    run(scenario())


_SETS = keys_of({"keys": [jwk(KEY, "one"), {"kty": "RSA", "kid": "broken", "n": "!", "e": 5}, {"kty": "EC"}, 7]})
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_HEADER = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["none", "HS256", "RS256", "ES256", "PS256"]) | _JSON,
        "kid": _JSON,
        "crit": _JSON,
    },
)
_NAMES = st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "client_id", "scope", "sub"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    header=_HEADER | _JSON,
    claims=st.dictionaries(_NAMES, _JSON) | _JSON,
    signature=st.binary(max_size=40),
    raw=st.text(),
)
def test_what_is_no_good_token_is_refused_and_never_a_fault(
    header: Any, claims: Any, signature: bytes, raw: str
) -> None:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode("utf-8", "surrogatepass")).rstrip(b"=").decode()

    end = base64.urlsafe_b64encode(signature).decode()
    for token in (f"{part(header)}.{part(claims)}.{end}", raw, f"{raw}.{raw}.{raw}", f"{part(header)}.{raw}."):
        with pytest.raises(TokenError):
            asyncio.run(claims_of(token, "https://a.example", ["shop"], KeySets(lambda issuer: _SETS)))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(claims=st.dictionaries(_NAMES, _JSON))
def test_signed_nonsense_is_refused_too(claims: dict[str, Any]) -> None:
    """The issuer's own key under claims of any type: only the right ones come through."""
    token = jwt.api_jws.encode(json.dumps(claims).encode(), KEY, "RS256", {"kid": "one"})
    with pytest.raises(TokenError):
        asyncio.run(claims_of(token, "https://a.example", ["shop"], KeySets(lambda issuer: _SETS)))
