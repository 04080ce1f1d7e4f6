"""What a pool and an app client say, read from their resource properties.

Input: properties of `AWS::Cognito::UserPool` and `…UserPoolClient`. Output: `PoolSettings`, `ClientSettings`. Refuses,
as `ApiError`, values AWS refuses and, by name, what is not carried. Defaults are Cognito's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.services.cognito.errors import invalid, unsupported

_SYMBOL = re.compile(r"[\^$*.\[\]{}()?\"!@#%&/\\,><':;|_~`=+\- ]")
_UNITS_S = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
FLOWS = frozenset(
    {
        "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_USER_SRP_AUTH",
    }
)  # fmt: skip
_VALIDITY = {
    "AccessTokenValidity": ("AccessToken", "hours", 1, 300, 86400),
    "IdTokenValidity": ("IdToken", "hours", 1, 300, 86400),
    "RefreshTokenValidity": ("RefreshToken", "days", 30, 3600, 315360000),
}
"""Property -> unit's name, default unit, default, least and most seconds."""


def truth(value: object) -> bool:
    return str(value).lower() == "true"


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """A pool."""

    email_is_username: bool
    case_sensitive: bool
    self_sign_up: bool
    verifies_email: bool
    protected: bool
    password: Mapping[str, Any]
    required: tuple[str, ...]
    """Attributes that every user must have."""

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> PoolSettings:
        if properties.get("MfaConfiguration", "OFF") != "OFF":
            raise unsupported(f"MfaConfiguration {properties['MfaConfiguration']}")
        names = list(properties.get("UsernameAttributes") or ())
        verified = list(properties.get("AutoVerifiedAttributes") or ())
        if set(names) - {"email"} or set(verified) - {"email"}:
            raise unsupported("UsernameAttributes and AutoVerifiedAttributes other than email")
        if properties.get("AliasAttributes"):
            raise unsupported("AliasAttributes")
        admin = properties.get("AdminCreateUserConfig") or {}
        schema = properties.get("Schema") or ()
        if any(item.get("AttributeDataType", "String") != "String" for item in schema):
            raise unsupported("attributes of another type than String")
        if set(properties.get("Policies") or {}) - {"PasswordPolicy"}:
            raise unsupported("a SignInPolicy")
        return cls(
            email_is_username=names == ["email"],
            case_sensitive=truth((properties.get("UsernameConfiguration") or {}).get("CaseSensitive", True)),
            self_sign_up=not truth(admin.get("AllowAdminCreateUserOnly", False)),
            verifies_email=verified == ["email"],
            protected=properties.get("DeletionProtection") == "ACTIVE",
            password=dict((properties.get("Policies") or {}).get("PasswordPolicy") or {}),
            required=tuple(str(item["Name"]) for item in schema if truth(item.get("Required", False))),
        )

    def check_password(self, password: object) -> str:
        """The password; `InvalidPasswordException` when the policy does not let it be one."""
        if not isinstance(password, str) or password != password.strip():
            raise _bad_password("Password should be a text without spaces around it")
        policy = self.password
        if len(password) < int(policy.get("MinimumLength", 8)):
            raise _bad_password("Password not long enough")
        if len(password) > 256:
            raise _bad_password("Password must have length less than or equal to 256")
        for name, has, what in (
            ("RequireUppercase", any(c.isupper() for c in password), "uppercase characters"),
            ("RequireLowercase", any(c.islower() for c in password), "lowercase characters"),
            ("RequireNumbers", any(c.isdecimal() for c in password), "numeric characters"),
            ("RequireSymbols", _SYMBOL.search(password) is not None, "symbol characters"),
        ):
            # Without a policy Cognito asks for all four.
            if not has and truth(policy.get(name, not policy)):
                raise _bad_password(f"Password must have {what}")
        return password


def _bad_password(why: str) -> Exception:
    found = invalid(f"Password did not conform with policy: {why}")
    found.code = "InvalidPasswordException"
    return found


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """An app client."""

    flows: frozenset[str]
    hides_users: bool
    """Whether errors tell that there is no such user."""
    access_s: int
    id_s: int
    refresh_s: int

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> ClientSettings:
        flows = frozenset(properties.get("ExplicitAuthFlows") or ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"))
        if flows - FLOWS:
            raise unsupported(f"the flow {min(flows - FLOWS)}")
        if truth(properties.get("GenerateSecret", False)):
            raise unsupported("app client secrets")
        if not truth(properties.get("EnableTokenRevocation", True)):
            raise unsupported("EnableTokenRevocation false")
        if set(properties.get("SupportedIdentityProviders") or ()) - {"COGNITO"}:
            raise unsupported("other identity providers than COGNITO")
        seconds = {name: _seconds(properties, name) for name in _VALIDITY}
        return cls(
            flows=flows,
            hides_users=properties.get("PreventUserExistenceErrors", "LEGACY") == "ENABLED",
            access_s=seconds["AccessTokenValidity"],
            id_s=seconds["IdTokenValidity"],
            refresh_s=seconds["RefreshTokenValidity"],
        )


def _seconds(properties: Mapping[str, Any], name: str) -> int:
    unit_name, unit, default, least, most = _VALIDITY[name]
    unit = str((properties.get("TokenValidityUnits") or {}).get(unit_name, unit))
    seconds = int(properties.get(name, default)) * _UNITS_S[unit]
    if not least <= seconds <= most:
        raise invalid(f"Invalid range for token validity: {name} must be {least} to {most} seconds, and is {seconds}")
    return seconds
