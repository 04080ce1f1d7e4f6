"""Who called, from events and headers: what the API says is believed, what a client says is not."""

from __future__ import annotations

import base64
import json
from email.message import Message
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho import config
from klotho.runtime.errors import CallerNotVouchedError


def token(claims: dict[str, Any]) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.c2ln"


CLAIMS = {"sub": "ada", "email": "ada@example.com", "scope": "a b", "cognito:groups": ["admin", "staff"]}
TOLD = {"x-klotho-caller": "jwt", "authorization": f"Bearer {token(CLAIMS)}"}


def test_an_event_says_who_called() -> None:
    claims = {"sub": "ada", "scope": "a b", "cognito:groups": "[admin staff]"}
    caller = config.caller({"requestContext": {"authorizer": {"jwt": {"claims": claims, "scopes": None}}}})
    assert caller is not None
    assert (caller.by, caller.subject, caller.email) == ("jwt", "ada", None)
    assert (caller.scopes, caller.groups) == (["a", "b"], ["admin", "staff"])
    asked = config.caller({"requestContext": {"authorizer": {"lambda": {"who": "me"}}}})
    assert asked is not None and (asked.by, asked.context, asked.subject) == ("function", {"who": "me"}, "")
    assert config.caller({"requestContext": {"http": {}}}) is None


@pytest.fixture(autouse=True)
def only_the_api_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLOTHO_CALLER", "api")


@pytest.mark.parametrize("request_", [TOLD, {"requestContext": {"authorizer": {"jwt": {"claims": CLAIMS}}}}])
def test_where_others_reach_the_code_nobody_can_say_who_called(
    request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLOTHO_UNIT", "orders")
    monkeypatch.setenv("KLOTHO_CALLER", "also:mailer,pdf")
    with pytest.raises(CallerNotVouchedError, match=r"who called orders: mailer, pdf can reach it without the API"):
        config.caller(request_)
    monkeypatch.delenv("KLOTHO_CALLER")
    assert config.caller(request_) is None, "no API in front of it authenticates"


def message() -> Message:
    made = Message()
    for name, value in TOLD.items():
        made[name.title()] = value
    return made


@pytest.mark.parametrize(
    "headers",
    [
        TOLD,
        {name.upper(): value for name, value in TOLD.items()},
        message(),
        [(name.encode(), value.encode()) for name, value in TOLD.items()],
    ],
    ids=["mapping", "capitals", "http.server", "ASGI"],
)
def test_headers_say_who_called(headers: Any) -> None:
    caller = config.caller(headers)
    assert caller is not None
    assert (caller.subject, caller.email, caller.groups) == ("ada", "ada@example.com", ["admin", "staff"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": TOLD["authorization"]},
        {**TOLD, "x-klotho-caller": "nobody"},
        {**TOLD, "x-klotho-caller": "nobody,jwt"},
        [("x-klotho-caller", "nobody"), *TOLD.items()],
        {"x-klotho-caller": "jwt", "authorization": "Bearer x.!.y"},
        {"x-klotho-caller": "jwt"},
    ],
)
def test_nobody_is_believed_for_whom_the_api_did_not_vouch(headers: Any) -> None:
    assert config.caller(headers) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["x-klotho-caller", "authorization", "host"]), st.text() | st.binary()))
def test_no_header_is_a_fault(headers: dict[str, Any]) -> None:
    config.caller(headers)
    config.caller({**headers, "x-klotho-caller": "jwt"})


def test_a_user_pool_is_known_by_its_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"name": "people", "kind": "Auth.UserPool", "pool": "eu-west-1_Abc", "client": "c1", "issuer": "https://i"}
    monkeypatch.setenv("KLOTHO_USERPOOL_PEOPLE", json.dumps(fields))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1/")
    pool = config.user_pools.get("people")
    assert (pool.pool_id, pool.client_id, pool.issuer, pool.region) == ("eu-west-1_Abc", "c1", "https://i", "eu-west-1")
    assert pool.endpoint_url == "http://127.0.0.1:1"
    with pytest.raises(LookupError, match=r"uses\(peple\)"):
        config.user_pools.get("peple")


def test_a_container_on_lambda_is_told_by_the_adapter_and_by_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    context = json.dumps({"authorizer": {"jwt": {"claims": CLAIMS}}})
    told = {"X-Amzn-Request-Context": context}
    assert config.caller(told) is None, "elsewhere a client could send this header"
    monkeypatch.setenv("KLOTHO_CALLER", "adapter")
    caller = config.caller(told)
    assert caller is not None and caller.subject == "ada"
    assert config.caller(TOLD) is None, "here a client could send that one"
    for broken in ("", "[", "[]", "null", '{"authorizer": 3}'):
        assert config.caller({"x-amzn-request-context": broken}) is None
