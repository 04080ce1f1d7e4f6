"""`AWS::Cognito::{UserPool,UserPoolClient,UserPoolGroup}`: user pools of the local cloud's Cognito.

Input: the resources' properties. Output: a pool with keys of its own, its clients and groups. Refuses, as AWS does,
deleting a pool with DeletionProtection; by name what is not carried: MFA, sign-in by telephone, aliases, custom
attributes, Lambda triggers, app client secrets, managed login, a group's role.

Recorded without effect here: AccountRecoverySetting (recovery is by email), UserAttributeUpdateSettings (users can't
change their email here), AuthSessionValidity other than three minutes, templates of messages, names.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request
from klotho.localcloud.identity import arn, digest
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.cognito.service import POOL
from klotho.localcloud.services.cognito.settings import PoolSettings

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def _letters(token: str, length: int, salt: str) -> str:
    """Lower-case letters and digits that stand for a token."""
    number = int.from_bytes(hashlib.sha256(f"{salt}\x00{token}".encode()).digest(), "big")
    found = []
    for _ in range(length):
        number, index = divmod(number, len(_ALPHABET))
        found.append(_ALPHABET[index])
    return "".join(found)


class UserPoolHandler(Handler):
    """A pool; the identifier is its id."""

    type_name: ClassVar[str] = POOL
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "AccountRecoverySetting", "AdminCreateUserConfig.AllowAdminCreateUserOnly", "AutoVerifiedAttributes",
            "DeletionProtection", "MfaConfiguration", "Policies", "Schema", "UserAttributeUpdateSettings",
            "UserPoolName", "UserPoolTags", "UsernameAttributes", "UsernameConfiguration",
        )
    )  # fmt: skip

    async def create(self, request: Request) -> Outcome:
        # Nine characters behind the region, as on AWS.
        suffix = base64.b32encode(bytes.fromhex(digest(request.token, 12, "pool"))).decode()[:9]
        identifier = f"{self.cloud.region}_{suffix.replace('=', 'a')}"
        await self._put(request, identifier)
        provider = f"cognito-idp.{self.cloud.region}.amazonaws.com/{identifier}"
        return Outcome(
            identifier,
            {
                "UserPoolId": identifier,
                "Arn": arn("cognito-idp", f"userpool/{identifier}", self.cloud.region, self.cloud.account),
                "ProviderName": provider,
                "ProviderURL": f"https://{provider}",
            },
        )

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        try:
            before, after = PoolSettings.of(request.previous), PoolSettings.of(request.properties)
        except ApiError as error:
            raise _failure(error) from error
        if before.email_is_username != after.email_is_username:
            raise HandlerError("Updates are not allowed for property - UsernameAttributes.", "InvalidRequest")
        if before.case_sensitive != after.case_sensitive:
            raise HandlerError("Updates are not allowed for property - UsernameConfiguration.", "InvalidRequest")
        await self._put(request, request.identifier)
        return Outcome(request.identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        store = self.cloud.user_pools.store
        if request.identifier is None or not store.has_pool(request.identifier):
            return
        if store.pool(request.identifier).settings.protected:
            message = "The user pool cannot be deleted because deletion protection is activated. Deletion protection "
            raise HandlerError(f"{message}must be inactivated first.", "InvalidParameter")
        store.drop_pool(request.identifier)

    async def _put(self, request: Request, identifier: str) -> None:
        try:
            await self.cloud.user_pools.put_pool(identifier, request.token, request.properties)
        except ApiError as error:
            raise _failure(error) from error


class UserPoolClientHandler(Handler):
    """An app client; the identifier is its id."""

    type_name: ClassVar[str] = "AWS::Cognito::UserPoolClient"
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "AccessTokenValidity", "AuthSessionValidity", "ClientName", "EnableTokenRevocation", "ExplicitAuthFlows",
            "GenerateSecret", "IdTokenValidity", "PreventUserExistenceErrors", "RefreshTokenValidity",
            "SupportedIdentityProviders", "TokenValidityUnits", "UserPoolId",
        )
    )  # fmt: skip
    given_attributes: frozenset[str] = frozenset({"ClientId", "Name"})
    """`ClientSecret` is none of them: secrets are not carried."""

    async def create(self, request: Request) -> Outcome:
        identifier = _letters(request.token, 26, "client")
        return self._put(request, identifier)

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        return self._put(request, request.identifier)

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            self.cloud.user_pools.store.drop_client(request.identifier)

    def _put(self, request: Request, identifier: str) -> Outcome:
        properties = request.properties
        try:
            store = self.cloud.user_pools.store
            store.put_client(identifier, str(properties["UserPoolId"]), request.token, properties)
        except ApiError as error:
            raise _failure(error) from error
        name = properties.get("ClientName") or f"{request.logical_id}-{identifier[:12]}"
        return Outcome(identifier, {"ClientId": identifier, "Name": str(name)})


class UserPoolGroupHandler(Handler):
    """A group of users; the identifier is `<pool>|<name>`, since every pool may have its `admin`.

    (On AWS, `Ref` gives the name alone.)
    """

    type_name: ClassVar[str] = "AWS::Cognito::UserPoolGroup"
    carries: ClassVar[frozenset[str]] = frozenset(("Description", "GroupName", "Precedence", "UserPoolId"))

    async def create(self, request: Request) -> Outcome:
        return self._put(request, str(request.properties.get("GroupName") or f"{request.logical_id}-{request.token}"))

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        return self._put(request, request.identifier.partition("|")[2])

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            pool_id, _, name = request.identifier.partition("|")
            self.cloud.user_pools.drop_group(pool_id, name)

    def _put(self, request: Request, name: str) -> Outcome:
        given: Any = request.properties
        pool_id, precedence = str(given["UserPoolId"]), given.get("Precedence")
        identifier = f"{pool_id}|{name}"
        held = self.cloud.world.get(self.type_name, identifier)
        if held is not None and held.token != request.token and request.identifier is None:
            raise HandlerError(f"A group already exists with the name {name}.", "AlreadyExists")
        try:
            pools = self.cloud.user_pools
            pools.put_group(
                pool_id, name, str(given.get("Description", "")), None if precedence is None else int(precedence)
            )
        except ApiError as error:
            raise _failure(error) from error
        return Outcome(identifier)


def _failure(error: ApiError) -> HandlerError:
    missing = error.code == "ResourceNotFoundException"
    return HandlerError(error.message, "NotFound" if missing else "InvalidRequest")
