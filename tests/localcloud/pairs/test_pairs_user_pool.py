"""User pools: users sign up and in, an API lets them in, code administers them; all of it outlives a kill -9."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from typing import Any

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from pycognito import AWSSRP

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
people = Auth.UserPool("people", groups=["admin", "staff"], plain_passwords=True, access_minutes=5)
unit = Compute.Function("unit", handler="who.handler")
door.attach_service(unit, route="/mine")
door.attach_service(unit, route="/mine/open", public=True)
door.authenticates_with(people, route="/mine")
door.authenticates_with(people, route="/mine/self", scopes=["aws.cognito.signin.user.admin"])
door.authenticates_with(people, route="/mine/billing", scopes=["billing/read"])
stranger, knower, boxed_knower = function("stranger"), function("knower"), container("boxed-knower")
knower.uses(people)
boxed_knower.uses(people)
reader, writer, both = function("reader"), function("writer"), function("both")
boxed_reader, boxed_writer, boxed_both = container("boxed-reader"), container("boxed-writer"), container("boxed-both")
for item in (reader, boxed_reader):
    item.reads_from(people)
for item in (writer, boxed_writer):
    item.writes_to(people)
for item in (both, boxed_both):
    item.read_writes_to(people)
"""
FILES = {
    "who.py": """
import json
from klotho import config

def handler(event, context):
    who = config.caller(event)
    return {"statusCode": 200, "body": json.dumps(who and [who.subject, who.email, who.groups, who.scopes])}
"""
}
UNITS = ("Compute.Function", "Compute.Container")
POOL = "Auth.UserPool"
PASSWORD = "Correct-horse-7"
TOLD = 'pool = config.user_pools.get("people"); return [pool.pool_id, pool.client_id, pool.issuer, pool.endpoint_url]'


class Pool:
    """The deployed pool, as a client without AWS credentials sees it."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.id, self.client_id, self.issuer, self.endpoint = deployed.run("knower", TOLD)
        make: Any = boto3.client
        self.cognito = make(
            "cognito-idp",
            region_name=deployed.deployment.supervisor["region"],
            endpoint_url=self.endpoint,
            config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
        )
        self.administrator = deployed.client("cognito-idp")

    def sign_up(self, email: str) -> None:
        attributes = [{"Name": "email", "Value": email}]
        self.cognito.sign_up(ClientId=self.client_id, Username=email, Password=PASSWORD, UserAttributes=attributes)

    def code(self, email: str) -> str:
        found = re.findall(rf"{re.escape(email)}: code (\d+)", self.deployed.deployment.logs("people"))
        assert found, "the code is in the pool's log"
        return str(found[-1])

    def user(self, email: str) -> None:
        self.sign_up(email)
        self.cognito.confirm_sign_up(ClientId=self.client_id, Username=email, ConfirmationCode=self.code(email))

    def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, str]:
        parameters = {"USERNAME": email, "PASSWORD": password}
        asked = {"ClientId": self.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        found: dict[str, str] = self.cognito.initiate_auth(**asked)["AuthenticationResult"]
        return found


@pytest.fixture(scope="module")
def pool(deployed: Deployed) -> Pool:
    return Pool(deployed)


def get(deployed: Deployed, path: str, token: str | None = None) -> tuple[int, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = deployed.door.call("GET", path, headers=headers)
    return answer.status, answer.json


@pair("authenticates_with", "API", POOL)
def test_a_user_signs_up_and_in_and_the_api_lets_the_user_in(deployed: Deployed, pool: Pool) -> None:
    ada = "ada@example.com"
    pool.sign_up(ada)
    with pytest.raises(pool.cognito.exceptions.UserNotConfirmedException):
        pool.sign_in(ada)
    with pytest.raises(pool.cognito.exceptions.CodeMismatchException):
        pool.cognito.confirm_sign_up(ClientId=pool.client_id, Username=ada, ConfirmationCode="x")
    pool.cognito.confirm_sign_up(ClientId=pool.client_id, Username=ada, ConfirmationCode=pool.code(ada))
    pool.administrator.admin_add_user_to_group(UserPoolId=pool.id, Username=ada, GroupName="admin")
    tokens = pool.sign_in(ada)
    claims = jwt.decode(tokens["AccessToken"], options={"verify_signature": False})
    assert (claims["iss"], claims["token_use"], claims["client_id"]) == (pool.issuer, "access", pool.client_id)
    scopes = ["aws.cognito.signin.user.admin"]
    assert get(deployed, "/mine", tokens["AccessToken"]) == (200, [claims["sub"], None, ["admin"], scopes])
    assert get(deployed, "/mine/below", tokens["IdToken"]) == (200, [claims["sub"], ada, ["admin"], []])
    assert get(deployed, "/mine") == (401, {"message": "Unauthorized"})
    assert get(deployed, "/mine", tokens["AccessToken"][:-6] + "AAAAAA")[0] == 401
    assert get(deployed, "/mine/open/x") == (200, None)
    assert get(deployed, "/mine/self", tokens["AccessToken"])[0] == 200
    assert get(deployed, "/mine/self", tokens["IdToken"]) == (403, {"message": "Forbidden"})
    assert get(deployed, "/mine/billing", tokens["AccessToken"]) == (403, {"message": "Forbidden"})
    keys = jwt.PyJWKClient(f"{pool.endpoint}/{pool.id}/.well-known/jwks.json")
    key = keys.get_signing_key_from_jwt(tokens["IdToken"])
    assert jwt.decode(tokens["IdToken"], key, algorithms=["RS256"], audience=pool.client_id, issuer=pool.issuer)


def test_a_password_is_proved_by_srp_and_a_wrong_one_is_not(pool: Pool) -> None:
    pool.user("srp@example.com")
    for password, right in ((PASSWORD, True), ("Wrong-horse-77", False)):
        client = AWSSRP("srp@example.com", password, pool.id, pool.client_id, client=pool.cognito)
        if right:
            assert client.authenticate_user()["AuthenticationResult"]["AccessToken"]
        else:
            with pytest.raises(pool.cognito.exceptions.NotAuthorizedException):
                client.authenticate_user()
    nobody = AWSSRP("nobody@example.com", PASSWORD, pool.id, pool.client_id, client=pool.cognito)
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException):
        nobody.authenticate_user()


def test_a_browser_page_may_sign_in_and_nothing_else(deployed: Deployed, pool: Pool) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-amz-target,x-amz-user-agent",
    }
    status, headers, _ = send(pool.endpoint, "OPTIONS", {**origin, **asked})
    assert (status, headers["access-control-allow-origin"]) == (204, "*")
    body = {
        "ClientId": pool.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "x", "PASSWORD": "y"},
    }
    target = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    }
    status, headers, answer = send(pool.endpoint, "POST", {**origin, **target}, body)
    assert (status, answer["__type"]) == (400, "NotAuthorizedException")
    assert headers["access-control-allow-origin"] == "*", "the page can read why"
    for action in ("AWSCognitoIdentityProviderService.ListUsers", "DynamoDB_20120810.ListTables"):
        status, headers, _ = send(
            pool.endpoint, "POST", {**origin, **target, "X-Amz-Target": action}, {"UserPoolId": pool.id}
        )
        assert status == 403 and "access-control-allow-origin" not in headers
    status, _, answer = send(
        pool.endpoint, "POST", {**target, "X-Amz-Target": "AWSCognitoIdentityProviderService.ListUsers"}, {}
    )
    assert status == 403, "an administrator's call needs a signature"
    assert (
        send(pool.endpoint, "OPTIONS", {**origin, **asked, "Access-Control-Request-Headers": "authorization"})[0] == 403
    )


def send(url: str, method: str, headers: dict[str, str], body: Any = None) -> tuple[int, dict[str, str], Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text, status, found = answer.read(), answer.status, answer.headers
    except urllib.error.HTTPError as error:
        text, status, found = error.read(), error.code, error.headers
    return status, {name.lower(): value for name, value in found.items()}, json.loads(text) if text else None


def test_tokens_are_renewed_and_revoked(pool: Pool) -> None:
    pool.user("renew@example.com")
    tokens = pool.sign_in("renew@example.com")
    refresh = {"ClientId": pool.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    refresh["AuthParameters"] = {"REFRESH_TOKEN": tokens["RefreshToken"]}  # type: ignore[assignment]
    renewed = pool.cognito.initiate_auth(**refresh)["AuthenticationResult"]
    assert "RefreshToken" not in renewed
    assert pool.cognito.get_user(AccessToken=renewed["AccessToken"])["UserAttributes"]
    pool.cognito.change_password(
        AccessToken=renewed["AccessToken"], PreviousPassword=PASSWORD, ProposedPassword="Another-horse-8"
    )
    pool.cognito.global_sign_out(AccessToken=renewed["AccessToken"])
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException, match="revoked"):
        pool.cognito.get_user(AccessToken=tokens["AccessToken"])
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException):
        pool.cognito.initiate_auth(**refresh)
    pool.cognito.forgot_password(ClientId=pool.client_id, Username="renew@example.com")
    code = pool.code("renew@example.com")
    pool.cognito.confirm_forgot_password(
        ClientId=pool.client_id, Username="renew@example.com", ConfirmationCode=code, Password=PASSWORD
    )
    assert pool.sign_in("renew@example.com")["AccessToken"]


@pair("uses", UNITS, POOL)
@pytest.mark.parametrize("unit", ["knower", "boxed-knower"])
def test_one_that_uses_a_pool_knows_it_and_may_not_list_its_users(deployed: Deployed, pool: Pool, unit: str) -> None:
    assert deployed.run(unit, TOLD)[:3] == [pool.id, pool.client_id, pool.issuer]
    deployed.denied("stranger", TOLD, "people")
    with pytest.raises(Exception, match="not authorized to perform: cognito-idp:ListUsers"):
        deployed.client("cognito-idp", unit).list_users(UserPoolId=pool.id)


@pair("reads_from", UNITS, POOL)
@pair("writes_to", UNITS, POOL)
@pair("read_writes_to", UNITS, POOL)
@pytest.mark.parametrize("boxed", ["", "boxed-"])
def test_code_administers_users_as_far_as_it_may(deployed: Deployed, pool: Pool, boxed: str) -> None:
    name = f"{boxed}made@example.com"
    writer, reader = (deployed.client("cognito-idp", f"{boxed}{unit}") for unit in ("writer", "reader"))
    both = deployed.client("cognito-idp", f"{boxed}both")
    made = writer.admin_create_user(UserPoolId=pool.id, Username=name)["User"]
    assert made["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert [
        user["Username"] for user in reader.list_users(UserPoolId=pool.id, Filter=f'email = "{name}"')["Users"]
    ] == [made["Username"]]
    with pytest.raises(Exception, match=r"cognito-idp:ListUsers.*reads_from"):
        writer.list_users(UserPoolId=pool.id)
    with pytest.raises(Exception, match=r"cognito-idp:AdminDeleteUser.*writes_to"):
        reader.admin_delete_user(UserPoolId=pool.id, Username=name)
    both.admin_set_user_password(UserPoolId=pool.id, Username=name, Password=PASSWORD, Permanent=True)
    asked = {"ClientId": pool.client_id, "UserPoolId": pool.id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH"}
    parameters = {"USERNAME": name, "PASSWORD": PASSWORD}
    assert both.admin_initiate_auth(**asked, AuthParameters=parameters)["AuthenticationResult"]["IdToken"]
    both.admin_delete_user(UserPoolId=pool.id, Username=name)
    with pytest.raises(both.exceptions.UserNotFoundException):
        both.admin_get_user(UserPoolId=pool.id, Username=name)
    with pytest.raises(Exception, match="not authorized to perform"):
        deployed.client("cognito-idp", "stranger").admin_get_user(UserPoolId=pool.id, Username=name)


def test_a_temporary_password_is_changed_at_the_first_sign_in(pool: Pool) -> None:
    name = "new@example.com"
    pool.administrator.admin_create_user(UserPoolId=pool.id, Username=name)
    (temporary,) = re.findall(rf"{name}: temporary password (\S+)", pool.deployed.deployment.logs("people"))
    parameters = {"USERNAME": name, "PASSWORD": temporary}
    asked = {"ClientId": pool.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
    challenge = pool.cognito.initiate_auth(**asked)
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    done = pool.cognito.respond_to_auth_challenge(
        ClientId=pool.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": name, "NEW_PASSWORD": PASSWORD},
    )
    assert done["AuthenticationResult"]["AccessToken"] and pool.sign_in(name)


def test_users_and_keys_outlive_a_kill(deployed: Deployed, pool: Pool) -> None:
    pool.user("kill@example.com")
    tokens = pool.sign_in("kill@example.com")
    os.kill(deployed.deployment.supervisor["pid"], signal.SIGKILL)
    deployed.deployment.klotho("up", "--yes", "--json")
    deadline = time.monotonic() + 60
    while get(deployed, "/mine", tokens["AccessToken"])[0] != 200:
        assert time.monotonic() < deadline, "the old token is valid"
        time.sleep(0.2)
    assert pool.sign_in("kill@example.com")["AccessToken"]
    assert pool.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"]
