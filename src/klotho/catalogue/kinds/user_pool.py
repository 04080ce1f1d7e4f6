"""`Auth.UserPool` on Cognito: a pool, one public app client, and groups.

Tokens can be revoked, errors do not tell whether a user exists, and an address is verified before it counts. Source:
Amazon Cognito Developer Guide (user pools, app clients, managing error responses, password requirements).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption, Beside, Fact, fact_of
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.diagnostics import Report
from klotho.resources import AddResource, Ref, ResourceKey, SetProperty, Value, resource_key
from klotho.resources.changes import Action

KIND = "Auth.UserPool"


def pool_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "user-pool")


def client_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "user-pool-client")


def issuer(construct: Construct) -> Value:
    """`https://cognito-idp.<region>.amazonaws.com/<pool>`."""
    return Ref(pool_key(construct), "ProviderURL")


def cognito(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The pool, its client, its groups."""
    yield AddResource(pool_key(construct), "AWS::Cognito::UserPool", _pool(construct, setting))
    by_email = setting.parameter(construct, "sign_in") == "email"
    if by_email:
        yield SetProperty(pool_key(construct), ("UsernameAttributes",), ["email"])
    yield AddResource(client_key(construct), "AWS::Cognito::UserPoolClient", _client(construct, setting))
    for order, group in enumerate(setting.parameter(construct, "groups") or ()):
        yield AddResource(
            resource_key(construct.id, f"group-{group}"),
            "AWS::Cognito::UserPoolGroup",
            {"UserPoolId": Ref(pool_key(construct)), "GroupName": group, "Precedence": order},
        )


def _pool(construct: Construct, setting: Setting) -> dict[str, Any]:
    return {
        "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": not setting.parameter(construct, "self_sign_up")},
        "AutoVerifiedAttributes": ["email"],
        "DeletionProtection": "ACTIVE" if setting.parameter(construct, "protect") else "INACTIVE",
        "MfaConfiguration": "OFF",
        "Policies": {
            "PasswordPolicy": {
                "MinimumLength": setting.parameter(construct, "password_length"),
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": bool(setting.parameter(construct, "password_symbols")),
                "RequireUppercase": True,
                "TemporaryPasswordValidityDays": 7,
            }
        },
        # Without an address nobody could confirm a sign-up or reset a password.
        "Schema": [{"Name": "email", "AttributeDataType": "String", "Mutable": True, "Required": True}],
        # A new address counts once it is verified; until then the old one does.
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
        "UsernameConfiguration": {"CaseSensitive": False},
    }


def _client(construct: Construct, setting: Setting) -> dict[str, Any]:
    plain = ["ALLOW_USER_PASSWORD_AUTH"] if setting.parameter(construct, "plain_passwords") else []
    minutes = setting.parameter(construct, "access_minutes")
    return {
        "UserPoolId": Ref(pool_key(construct)),
        "AccessTokenValidity": minutes,
        "EnableTokenRevocation": True,
        # Signing in by ADMIN_USER_PASSWORD_AUTH needs the permission besides.
        "ExplicitAuthFlows": [
            "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", *plain, "ALLOW_USER_SRP_AUTH",
        ],
        "GenerateSecret": False,
        "IdTokenValidity": minutes,
        "PreventUserExistenceErrors": "ENABLED",
        "RefreshTokenValidity": setting.parameter(construct, "refresh_days"),
        "SupportedIdentityProviders": ["COGNITO"],
        "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"},
    }  # fmt: skip


def _own_client(construct: Construct, setting: Setting) -> Iterator[Action]:
    """In a pool that is there already a client of this application's own: the pool itself is not changed by it."""
    if fact_of(construct, setting, "client") is None:
        yield AddResource(client_key(construct), "AWS::Cognito::UserPoolClient", _client(construct, setting))


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    minutes, days = setting.parameter(construct, "access_minutes"), setting.parameter(construct, "refresh_days")
    if int(minutes) > int(days) * 24 * 60:
        report.error(
            "bad-authentication",
            f"{construct.title} gives tokens that are valid for longer than the sign-in itself",
            construct.place("access_minutes"),
            helps=["make `access_minutes` smaller than `refresh_days`"],
        )
    if not setting.application.relationships_on(construct.id):
        report.warning(
            "auth-unused",
            f"nothing authenticates with {construct.title}",
            construct.span,
            helps=[f"say which API does: `api.authenticates_with({construct.name})`, or leave it out"],
        )


COGNITO = Implementation(
    kind=KIND,
    name="cognito",
    service="Amazon Cognito",
    expand=cognito,
    parameters={
        "sign_in": Parameter("what users sign in with: `email` or `username`; can't be changed later", "email"),
        "self_sign_up": Parameter("whether users may sign up by themselves", True),
        "password_length": Parameter("characters of a password at least", 12, "characters"),
        "password_symbols": Parameter("whether a password needs a symbol", False),
        "plain_passwords": Parameter(
            "whether clients may send the password itself instead of proving it by SRP", False
        ),
        "access_minutes": Parameter("how long access and ID tokens are valid", 60, "minutes"),
        "refresh_days": Parameter("how long a sign-in can be renewed", 30, "days"),
        "groups": Parameter("names of groups, the most important first"),
        "protect": Parameter("refuse deletion", False),
    },
    outputs={
        "pool_id": Output(lambda construct, setting: Ref(pool_key(construct)), "id of the user pool"),
        "client_id": Output(lambda construct, setting: Ref(client_key(construct)), "id of its public app client"),
        "issuer": Output(lambda construct, setting: issuer(construct), "issuer of its tokens"),
        "arn": Output(lambda construct, setting: Ref(pool_key(construct), "Arn"), "ARN of the user pool"),
    },
    shares=lambda construct, setting: (
        ("user-pool", None),
        ("user-pool", "Arn"),
        ("user-pool", "ProviderURL"),
        ("user-pool-client", None),
    ),
    adoption=Adoption(
        type="AWS::Cognito::UserPool",
        key=pool_key,
        service="cognito-idp",
        resource="userpool/{}",
        name=r"[a-z0-9-]+_[A-Za-z0-9]+",
        example="eu-central-1_aBcDeFgHi",
        identifier=lambda found: found.name,
        attributes={
            "Arn": lambda found: found.arn,
            # Its id begins with its region.
            "ProviderURL": lambda found: (
                f"https://cognito-idp.{found.name.partition('_')[0]}.amazonaws.com/{found.name}"
            ),
        },
        beside=(Beside("AWS::Cognito::UserPoolClient", client_key, lambda found: found.fact("client"), {}),),
        facts={"client": Fact("the id of an app client of it; without one this application makes its own in the pool")},
        takes=frozenset({"access_minutes", "plain_passwords", "refresh_days"}),
        ours=_own_client,
        check=_check,
    ),
    stateful=True,
    check=_check,
)
