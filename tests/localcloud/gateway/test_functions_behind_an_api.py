"""Requests reach functions as payload 2.0, and their answers come back as HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from functions.testbed import make_function
from hypothesis import given
from hypothesis import strategies as st

from gateway.apis import Api, gateway_cloud, python_api
from klotho.localcloud.planes.gateway.proxy_event import MalformedResponseError, response

pytestmark = pytest.mark.localcloud
ECHO = "def handler(event, context):\n    return event\n"


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


async def ask(url: str, method: str = "GET", **options: Any) -> tuple[int, dict[str, str], bytes]:
    from yarl import URL

    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(method, URL(url, encoded=True), allow_redirects=False, **options) as answer,
    ):
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()


def test_the_event_has_awss_shape(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, ECHO, "POST /users/{id}/files/{path+}")
            status, headers, body = await ask(
                f"{api.url}/users/a%20b/files/x/y%2Fz?q=1&q=2&r=%C3%BC&empty=",
                "POST",
                data=b'{"n": 1}',
                headers={"Content-Type": "application/json", "Cookie": "a=1; b=2", "X-Multi": "v", "User-Agent": "t"},
            )
            event = json.loads(body)
            assert (status, headers["content-type"]) == (200, "application/json")
            assert event["version"] == "2.0"
            assert event["routeKey"] == "POST /users/{id}/files/{path+}"
            assert event["rawPath"] == "/users/a b/files/x/y/z"
            assert event["rawQueryString"] == "q=1&q=2&r=%C3%BC&empty="
            assert event["queryStringParameters"] == {"q": "1,2", "r": "ü", "empty": ""}
            assert event["pathParameters"] == {"id": "a b", "path": "x/y/z"}
            assert event["cookies"] == ["a=1", "b=2"] and "cookie" not in event["headers"]
            assert event["headers"]["x-multi"] == "v" and event["headers"]["x-forwarded-for"] == "127.0.0.1"
            assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1}', False)
            context = event["requestContext"]
            assert (context["apiId"], context["stage"], context["accountId"]) == (api.id, "$default", "000000000000")
            assert context["http"] == {
                "method": "POST", "path": "/users/a b/files/x/y/z", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                "userAgent": "t",
            }  # fmt: skip
            assert context["requestId"] == headers["apigw-requestid"]

    run(scenario())


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("application/octet-stream", b"text", True),
        ("text/plain", b"\xff\xfe", True),
        ("text/plain; charset=utf-8", "grüße".encode(), False),
        ("application/vnd.api+json", b"{}", False),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("image/png", b"\x89PNG", True),
    ],
)
def test_a_body_that_is_no_text_goes_as_base64(tmp_path: Path, content_type: str, body: bytes, encoded: bool) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, ECHO)
            _, _, answer = await ask(api.url, "PUT", data=body, headers={"Content-Type": content_type})
            event = json.loads(answer)
            assert event["isBase64Encoded"] is encoded
            assert event["body"] == (base64.b64encode(body).decode() if encoded else body.decode())

    run(scenario())


def test_a_function_decides_status_headers_cookies_and_binary_bodies(tmp_path: Path) -> None:
    source = (
        "def handler(event, context):\n"
        "    headers = {'X-One': 'ü', 'content-type': 'image/png', 'Content-Length': '999'}\n"
        "    return {'statusCode': 201, 'headers': headers,\n"
        "            'cookies': ['a=1; Path=/', 'b=2'], 'isBase64Encoded': True, 'body': 'iVBORw=='}\n"
    )

    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, source)
            async with aiohttp.ClientSession() as session, session.get(api.url) as answer:
                assert answer.status == 201
                assert await answer.read() == b"\x89PNG"
                assert answer.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2"]
                assert answer.headers.getall("Content-Length") == ["4"]
                assert answer.headers["X-One"] == "ü"
            status, headers, body = await ask(api.url, "HEAD")
            assert (status, body, headers["content-length"]) == (201, b"", "4")

    run(scenario())


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("def handler(e, c): raise ValueError('broken')", "ValueError"),
        ("def handler(e, c): return {'statusCode': 'many'}", "statusCode"),
        ("def handler(e, c): return {'statusCode': 200, 'body': {'a': 1}}", "body is dict"),
        ("def handler(e, c): return {'statusCode': 200, 'headers': {'a': {}}}", "header a"),
        ("def handler(e, c): return {'statusCode': 200, 'headers': {'a': 'x\\r\\ny: z'}}", "line break"),
        ("import nowhere", "Runtime.ImportModuleError"),
    ],
)
def test_a_function_that_fails_or_answers_nonsense_is_500_and_the_log_says_why(
    tmp_path: Path, source: str, cause: str
) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, source)
            status, headers, body = await ask(f"{api.url}/x")
            assert (status, body) == (500, b'{"message":"Internal Server Error"}')
            assert headers["content-type"] == "application/json"
            line = cloud.logs.tail("/aws/apigateway/shop", 1)[0]
            assert cause in line and "GET '/x'" in line

    run(scenario())


def test_without_a_permission_the_function_is_not_called_and_the_log_names_what_is_missing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            function = await make_function(cloud, "work", {"app.py": ECHO}, handler="app.handler")
            api = await Api.create(cloud)
            arn = function.attributes["Arn"]
            uri = f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{arn}/invocations"
            integration = await api.integration(
                IntegrationType="AWS_PROXY", IntegrationUri=uri, PayloadFormatVersion="2.0"
            )
            await api.route("GET /users/{id}", integration)
            api.permit(function, "*/POST/users/{id}")
            assert (await ask(f"{api.url}/users/1"))[0] == 500
            assert "no AWS::Lambda::Permission" in cloud.logs.tail("/aws/apigateway/shop", 1)[0]
            api.permit(function, "*/GET/users/{id}")
            assert (await ask(f"{api.url}/users/1"))[0] == 200

    run(scenario())


def test_routes_and_stages_change_from_one_request_to_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, ECHO, "GET /a")
            assert (await ask(f"{api.url}/b"))[::2] == (404, b'{"message":"Not Found"}')
            assert (await ask(f"{api.url}/a"))[0] == 200
            function = cloud.world.list("AWS::Lambda::Function")[0]
            route = await api.to_function("ANY /b", function)
            await api.stage("dev", StageVariables={"color": "blue"})
            assert (await ask(f"{api.url}/b", "DELETE"))[0] == 200
            event = json.loads((await ask(f"{api.url}/dev/b"))[2])
            assert (event["rawPath"], event["requestContext"]["stage"]) == ("/dev/b", "dev")
            assert event["stageVariables"] == {"color": "blue"}
            cloud.world.remove(route.type_name, route.identifier)
            assert (await ask(f"{api.url}/b"))[0] == 404
            await cloud.gateway.close(api.id)
            with pytest.raises(aiohttp.ClientConnectorError):
                await ask(f"{api.url}/a")

    run(scenario())


def test_a_slow_function_is_given_up_at_the_integrations_timeout(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            source = {"app.py": "import time\ndef handler(e, c): time.sleep(0.5)\n"}
            function = await make_function(cloud, "work", source, handler="app.handler")
            api = await Api.create(cloud)
            await api.to_function("$default", function, TimeoutInMillis=100)
            assert (await ask(api.url))[::2] == (503, b'{"message":"Service Unavailable"}')

    run(scenario())


def test_bodies_and_headers_over_the_quotas_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, "def handler(e, c): return len(e['body'])")
            text = {"Content-Type": "text/plain"}
            assert (await ask(api.url, "POST", data=b"x" * 5_000_000, headers=text))[2] == b"5000000"
            too_large = (413, b'{"message":"Request Entity Too Large"}')
            assert (await ask(api.url, "POST", data=b"x" * 7_000_000, headers=text))[::2] == too_large  # Lambda's limit
            assert (await ask(api.url, "POST", data=b"x" * 10_500_000, headers=text))[::2] == too_large
            assert (await ask(api.url, headers={"X": "y" * 10_240}))[0] == 431

    run(scenario())


CORS = {
    "AllowOrigins": ["https://shop.example"], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["x-a"],
    "ExposeHeaders": ["x-b"], "AllowCredentials": True, "MaxAge": 60,
}  # fmt: skip


def test_preflights_are_answered_and_cors_headers_are_the_apis_own(tmp_path: Path) -> None:
    source = "def handler(e, c): return {'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': 'https://evil'}}"

    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, source, "GET /a", CorsConfiguration=CORS)
            preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
            status, headers, body = await ask(f"{api.url}/a", "OPTIONS", headers=preflight)
            assert (status, body) == (204, b"")
            assert headers["access-control-allow-origin"] == "https://shop.example"
            assert headers["access-control-allow-methods"] == "GET,POST"
            assert headers["access-control-allow-headers"] == "x-a" and headers["access-control-max-age"] == "60"
            status, headers, _ = await ask(f"{api.url}/a", headers={"Origin": "https://shop.example"})
            assert headers["access-control-allow-origin"] == "https://shop.example"
            assert headers["access-control-allow-credentials"] == "true"
            assert headers["access-control-expose-headers"] == "x-b"
            for origin in ({"Origin": "https://other.example"}, {}):
                _, headers, _ = await ask(f"{api.url}/a", headers=origin)
                assert not [name for name in headers if name.startswith("access-control-")]
            status, headers, _ = await ask(f"{api.url}/nowhere", headers={"Origin": "https://shop.example"})
            assert status == 404 and headers["access-control-allow-origin"] == "https://shop.example"

    run(scenario())


def test_the_access_log_follows_the_stages_format(tmp_path: Path) -> None:
    settings = {
        "DestinationArn": "arn:aws:logs:eu-central-1:000000000000:log-group:/shop/access",
        "Format": '{"id":"$context.requestId","r":"$context.routeKey","s":$context.status,"l":$context.responseLength,'
        '"ip":"$context.identity.sourceIp","api":"$context.apiId","x":"$context.nonsense","ua":"$context.identity.userAgent",'
        '"e":"$context.integrationErrorMessage"}',
    }

    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, "def handler(e, c): return 'hi'", "GET /a/{x}", stage=None)
            await api.stage("$default", AccessLogSettings=settings)
            _, headers, _ = await ask(f"{api.url}/a/1", headers={"User-Agent": 'a"b'})
            await ask(f"{api.url}/b")
            first, second = (json.loads(line) for line in cloud.logs.tail("/shop/access", 2))
            assert first == {
                "id": headers["apigw-requestid"], "r": "GET /a/{x}", "s": 200, "l": 4, "ip": "127.0.0.1", "api": api.id,
                "x": "-", "ua": 'a"b', "e": "-",
            }  # fmt: skip
            assert (second["s"], second["r"]) == (404, "-")

    run(scenario())


def test_many_requests_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await python_api(cloud, "def handler(e, c): return e['rawPath']")
            answers = await asyncio.gather(*(ask(f"{api.url}/{number}") for number in range(100)))
            assert [json.loads(body) for _, _, body in answers] == [f"/{number}" for number in range(100)]

    run(scenario())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_proxied = st.fixed_dictionaries(
    {"statusCode": st.integers(-1, 700) | _json},
    optional={
        "headers": st.dictionaries(st.text(max_size=5), _json, max_size=2) | _json,
        "cookies": st.lists(_json, max_size=2) | _json,
        "body": st.text(max_size=5) | _json,
        "isBase64Encoded": st.booleans(),
    },
)


@given(answer=_json | _proxied)
def test_any_answer_of_a_function_is_a_response_or_malformed(answer: object) -> None:
    try:
        status, headers, body = response(json.dumps(answer).encode())
    except MalformedResponseError:
        return
    assert 200 <= status <= 599 and isinstance(body, bytes)
    assert all(b"\n" not in part and b"\r" not in part for header in headers for part in header)
