"""The Cognito API at its borders: whatever a client sends, time going by, policies, protection."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycognito import AWSSRP
from pycognito.aws_srp import hex_to_long

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.handlers.cognito import UserPoolClientHandler, UserPoolGroupHandler, UserPoolHandler
from klotho.localcloud.service import ApiCall, ApiError, Caller
from klotho.localcloud.services.cognito import UserPools
from klotho.localcloud.services.cognito.service import OPERATIONS
from klotho.localcloud.services.cognito.settings import ClientSettings, PoolSettings
from klotho.localcloud.services.cognito.srp import is_password, is_proof, server_number, verifier_of
from tests.localcloud.functions.testbed import build_cloud, make, request

pytestmark = pytest.mark.localcloud
PASSWORD = "Correct-horse-7"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Users:
    """A pool in a cloud of its own."""

    def __init__(self, state: Path) -> None:
        self.clock = Clock()
        self.cloud: Cloud = build_cloud(state)
        self.cloud.user_pools = UserPools(self.cloud, self.clock)
        asyncio.run(self._make())

    async def _make(self) -> None:
        properties = {"UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"]}
        properties["Policies"] = {"PasswordPolicy": {"MinimumLength": 12, "RequireNumbers": True}}  # type: ignore[assignment]
        properties["UsernameConfiguration"] = {"CaseSensitive": False}  # type: ignore[assignment]
        self.pool = (await make(self.cloud, UserPoolHandler(self.cloud), "Pool", properties)).identifier
        client = {"UserPoolId": self.pool, "ExplicitAuthFlows": FLOWS, "PreventUserExistenceErrors": "ENABLED"}
        self.client = (await make(self.cloud, UserPoolClientHandler(self.cloud), "Client", client)).identifier
        group = {"UserPoolId": self.pool, "GroupName": "admin"}
        await make(self.cloud, UserPoolGroupHandler(self.cloud), "Group", group)

    def ask(self, action: str, **asked: Any) -> Any:
        call = ApiCall("cognito-idp", action, "POST", "/", {}, {}, json.dumps(asked).encode(), Caller("k", "deployer"))
        return json.loads(asyncio.run(self.cloud.user_pools.call(call)).body)

    def code(self) -> str:
        lines = self.cloud.logs.tail(f"/aws/cognito/{self.pool}", 1)
        return re.findall(r"code (\d+)", lines[0])[0]

    def sign_up(self, name: str) -> None:
        self.ask("SignUp", ClientId=self.client, Username=name, Password=PASSWORD)

    def confirm(self, name: str, code: str) -> None:
        self.ask("ConfirmSignUp", ClientId=self.client, Username=name, ConfirmationCode=code)

    def sign_in(self, name: str, password: str = PASSWORD) -> Any:
        parameters = {"USERNAME": name, "PASSWORD": password}
        return self.ask("InitiateAuth", ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)


@pytest.fixture
def users(tmp_path: Path) -> Iterator[Users]:
    made = Users(tmp_path)
    yield made
    made.cloud.user_pools.store.close()
    made.cloud.logs.close()
    made.cloud.database.close()


def refused(code: str) -> Any:
    return pytest.raises(ApiError, match=rf"^{code}")


def test_a_code_is_good_for_a_day_and_once(users: Users) -> None:
    users.sign_up("ada@example.com")
    late = users.code()
    users.clock.now += 86401
    with refused("ExpiredCodeException"):
        users.confirm("ada@example.com", late)
    users.ask("ResendConfirmationCode", ClientId=users.client, Username="ada@example.com")
    users.confirm("ADA@example.com", users.code())
    with refused("NotAuthorizedException"):
        users.confirm("ada@example.com", users.code())
    assert users.sign_in("Ada@Example.com")["AuthenticationResult"]


def test_what_a_password_must_be(users: Users) -> None:
    for password in ("Short-7", "no-number-in-this-one", "x" * 300 + "7", " spaces-around-7 ", 7, None):
        with refused("Invalid"):
            users.ask("SignUp", ClientId=users.client, Username="ada@example.com", Password=password)
    users.sign_up("ada@example.com")
    with refused("UsernameExistsException"):
        users.sign_up("ADA@example.com")


def test_who_may_not_sign_in(users: Users) -> None:
    users.sign_up("ada@example.com")
    with refused("UserNotConfirmedException"):
        users.sign_in("ada@example.com")
    users.confirm("ada@example.com", users.code())
    for name, password in (("ada@example.com", "Wrong-horse-77"), ("nobody@example.com", PASSWORD)):
        with refused("NotAuthorizedException: Incorrect username or password"):
            users.sign_in(name, password)
    users.ask("AdminDisableUser", UserPoolId=users.pool, Username="ada@example.com")
    with refused("NotAuthorizedException: User is disabled"):
        users.sign_in("ada@example.com")
    users.ask("AdminEnableUser", UserPoolId=users.pool, Username="ada@example.com")
    users.ask("AdminResetUserPassword", UserPoolId=users.pool, Username="ada@example.com")
    with refused("PasswordResetRequiredException"):
        users.sign_in("ada@example.com")


def test_a_sign_in_ends_when_its_time_is_over(users: Users) -> None:
    users.sign_up("ada@example.com")
    users.confirm("ada@example.com", users.code())
    refresh = users.sign_in("ada@example.com")["AuthenticationResult"]["RefreshToken"]
    renew = {"ClientId": users.client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": {"REFRESH_TOKEN": refresh}}
    assert users.ask("InitiateAuth", **renew)["AuthenticationResult"]
    users.clock.now += 31 * 86400
    with refused("NotAuthorizedException: Refresh Token has expired"):
        users.ask("InitiateAuth", **renew)


def test_no_password_and_no_refresh_token_is_in_the_file(users: Users) -> None:
    users.sign_up("ada@example.com")
    users.confirm("ada@example.com", users.code())
    refresh = users.sign_in("ada@example.com")["AuthenticationResult"]["RefreshToken"]
    files = [file for file in users.cloud.state.glob("cognito.db*") if file.stat().st_size]
    assert files and all(file.stat().st_mode & 0o077 == 0 for file in files if file.name == "cognito.db")
    for file in files:
        assert PASSWORD.encode() not in file.read_bytes() and refresh.encode() not in file.read_bytes()


def test_a_protected_pool_is_not_deleted(users: Users) -> None:
    async def scenario() -> None:
        handler = UserPoolHandler(users.cloud)
        record = await make(users.cloud, handler, "Kept", {"DeletionProtection": "ACTIVE"}, token="kept")

        asked = request(handler.type_name, "Kept", record.properties, identifier=record.identifier)
        with pytest.raises(HandlerError, match="deletion protection is activated"):
            await handler.delete(asked)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"MfaConfiguration": "ON"}, "MfaConfiguration ON"),
        ({"UsernameAttributes": ["phone_number"]}, "other than email"),
        ({"AliasAttributes": ["email"]}, "AliasAttributes"),
        ({"Schema": [{"Name": "age", "AttributeDataType": "Number"}]}, "another type than String"),
        ({"Policies": {"SignInPolicy": {}}}, "SignInPolicy"),
    ],
)
def test_what_a_pool_does_not_carry_is_refused_by_name(properties: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError, match=words):
        PoolSettings.of(properties)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"GenerateSecret": True}, "app client secrets"),
        ({"ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"]}, "ALLOW_CUSTOM_AUTH"),
        ({"SupportedIdentityProviders": ["Google"]}, "identity providers"),
        ({"AccessTokenValidity": 1, "TokenValidityUnits": {"AccessToken": "minutes"}}, "300 to 86400 seconds"),
    ],
)
def test_what_a_client_does_not_carry_is_refused_by_name(properties: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError, match=words):
        ClientSettings.of(properties)


def test_a_custom_attribute_and_an_unknown_one_are_refused_by_name(users: Users) -> None:
    for name, words in (
        ("custom:plan", "custom attribute custom:plan"),
        ("shoe", "does not exist"),
        ("sub", "unauthorized"),
    ):
        with pytest.raises(ApiError, match=words):
            attributes = [{"Name": name, "Value": "x"}]
            users.ask(
                "SignUp", ClientId=users.client, Username="a@example.com", Password=PASSWORD, UserAttributes=attributes
            )


_TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(password=_TEXT, other=_TEXT, salt=st.integers(1, 2**128), secret=st.integers(2, 2**256))
def test_srp_proves_the_right_password_and_no_other(password: str, other: str, salt: int, secret: int) -> None:
    """Against the client side of a library that signs in to the real Cognito."""
    verifier = verifier_of("Pool1", "ada", password, salt)
    assert is_password(verifier, "Pool1", "ada", password)
    for tried in {password, other}:
        client = AWSSRP("ada", tried, "us-east-1_Pool1", "client", client=object())
        number = server_number(verifier, secret)
        key = client.get_password_authentication_key("ada", tried, number, verifier.salt)

        message = b"Pool1" + b"ada" + b"block" + b"now"
        signature = hmac.new(key, message, hashlib.sha256).digest()
        shown = f"{client.large_a_value:x}"
        right = is_proof(verifier, secret, shown, "Pool1", "ada", b"block", "now", signature)
        assert right is (tried == password)
        assert not is_proof(verifier, secret, shown, "Pool1", "ada", b"other block", "now", signature)
    assert hex_to_long(verifier.salt) == salt
    assert not is_proof(verifier, secret, "0", "Pool1", "ada", b"block", "now", b"")
    assert not is_proof(verifier, secret, "no number", "Pool1", "ada", b"block", "now", b"")


_VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 10**20)
    | st.text(max_size=6)
    | st.sampled_from(["email", "a@b.example"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["Name", "Value", "USERNAME", "PASSWORD", "SRP_A"]), inner, max_size=3)
    ),
    max_leaves=5,
)
_FIELDS = sorted({name for _, names in OPERATIONS.values() for name in names.split()})


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    action=st.sampled_from(sorted(OPERATIONS)),
    asked=st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=5),
    known=st.booleans(),
    flow=st.sampled_from(["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "CUSTOM_AUTH"]),
)
def test_whatever_is_asked_is_answered_in_awss_terms(
    users: Users, action: str, asked: dict[str, Any], known: bool, flow: str
) -> None:
    names = OPERATIONS[action][1].split()
    if known:
        given = {"ClientId": users.client, "UserPoolId": users.pool, "AuthFlow": flow, "GroupName": "admin"}
        asked = {**asked, **{name: value for name, value in given.items() if name in names}}
    asked = {name: value for name, value in asked.items() if name in names}
    try:
        users.ask(action, **asked)
    except ApiError as error:
        assert error.status < 500 and re.fullmatch(r"[A-Za-z]+", error.code)


def test_an_unknown_operation_and_parameter_are_refused_by_name(users: Users) -> None:
    with pytest.raises(ApiError, match="cognito-idp:SetUserMFAPreference"):
        users.ask("SetUserMFAPreference")
    with pytest.raises(ApiError, match="SignUp with Session"):
        users.ask("SignUp", ClientId=users.client, Session="x")
