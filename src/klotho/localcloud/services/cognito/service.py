"""The Cognito user pools API of the local cloud.

Input: `ApiCall`s in JSON 1.1, signed ones of administrators and unsigned ones of users and browser pages; in-process
calls of the resource handlers and the gateway. Output: AWS's answers; codes and temporary passwords in the pool's log.
Durable in `state/cognito.db`. Refuses by name every operation and parameter that is not carried: MFA, devices, custom
attributes, Lambda triggers, managed login, and pools, clients and groups made otherwise than by a stack.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud import wire
from klotho.localcloud.handler import Record, application_of
from klotho.localcloud.service import ApiCall, ApiResponse
from klotho.localcloud.services.cognito import administration, self_service, sign_in
from klotho.localcloud.services.cognito.errors import no_pool, unsupported
from klotho.localcloud.services.cognito.people import People
from klotho.localcloud.services.cognito.store import Pool, Store
from klotho.localcloud.services.cognito.tokens import issuer_of, jwks, new_keys, public_keys
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from jwt import PyJWK

    from klotho.localcloud.cloud import Cloud

POOL = "AWS::Cognito::UserPool"
TARGET = "AWSCognitoIdentityProviderService."
_DOCUMENT = re.compile(r"/(?P<pool>[a-z0-9-]+_[0-9A-Za-z]+)/\.well-known/(?P<what>jwks\.json|openid-configuration)")
_HINTS = frozenset({"AnalyticsMetadata", "ClientMetadata", "ContextData", "UserContextData", "ValidationData"})
"""For Lambda triggers and threat protection, which no pool here has: without effect, as on AWS."""
Operation = Callable[[People, Mapping[str, Any]], dict[str, Any]]

OPEN: Mapping[str, tuple[Operation, str]] = {
    "ChangePassword": (self_service.change_password, "AccessToken PreviousPassword ProposedPassword"),
    "ConfirmForgotPassword": (
        self_service.confirm_forgot_password, "ClientId ConfirmationCode Password SecretHash Username",
    ),
    "ConfirmSignUp": (self_service.confirm_sign_up, "ClientId ConfirmationCode SecretHash Username"),
    "DeleteUser": (self_service.delete_user, "AccessToken"),
    "ForgotPassword": (self_service.forgot_password, "ClientId SecretHash Username"),
    "GetUser": (self_service.get_user, "AccessToken"),
    "GlobalSignOut": (self_service.global_sign_out, "AccessToken"),
    "InitiateAuth": (sign_in.initiate, "AuthFlow AuthParameters ClientId"),
    "ResendConfirmationCode": (self_service.resend_confirmation_code, "ClientId SecretHash Username"),
    "RespondToAuthChallenge": (sign_in.respond, "ChallengeName ChallengeResponses ClientId Session"),
    "RevokeToken": (self_service.revoke_token, "ClientId Token"),
    "SignUp": (self_service.sign_up, "ClientId Password SecretHash UserAttributes Username"),
    "UpdateUserAttributes": (self_service.update_user_attributes, "AccessToken UserAttributes"),
}  # fmt: skip
"""Operations that need no AWS credentials, each with its parameters."""
_USER = "UserPoolId Username"
ADMINISTRATIVE: Mapping[str, tuple[Operation, str]] = {
    "AdminAddUserToGroup": (administration.admin_add_user_to_group, f"{_USER} GroupName"),
    "AdminConfirmSignUp": (administration.admin_confirm_sign_up, _USER),
    "AdminCreateUser": (
        administration.admin_create_user,
        f"{_USER} DesiredDeliveryMediums MessageAction TemporaryPassword UserAttributes",
    ),
    "AdminDeleteUser": (administration.admin_delete_user, _USER),
    "AdminDisableUser": (administration.admin_disable_user, _USER),
    "AdminEnableUser": (administration.admin_enable_user, _USER),
    "AdminGetUser": (administration.admin_get_user, _USER),
    "AdminInitiateAuth": (sign_in.admin_initiate, "AuthFlow AuthParameters ClientId UserPoolId"),
    "AdminListGroupsForUser": (administration.admin_list_groups_for_user, f"{_USER} Limit NextToken"),
    "AdminRemoveUserFromGroup": (administration.admin_remove_user_from_group, f"{_USER} GroupName"),
    "AdminResetUserPassword": (administration.admin_reset_user_password, _USER),
    "AdminRespondToAuthChallenge": (
        sign_in.admin_respond, "ChallengeName ChallengeResponses ClientId Session UserPoolId",
    ),
    "AdminSetUserPassword": (administration.admin_set_user_password, f"{_USER} Password Permanent"),
    "AdminUpdateUserAttributes": (administration.admin_update_user_attributes, f"{_USER} UserAttributes"),
    "AdminUserGlobalSignOut": (administration.admin_user_global_sign_out, _USER),
    "GetGroup": (administration.get_group, "GroupName UserPoolId"),
    "ListGroups": (administration.list_groups, "Limit NextToken UserPoolId"),
    "ListUsers": (administration.list_users, "Filter Limit PaginationToken UserPoolId"),
    "ListUsersInGroup": (administration.list_users_in_group, "GroupName Limit NextToken UserPoolId"),
}  # fmt: skip
OPERATIONS = {**OPEN, **ADMINISTRATIVE}


class UserPools:
    """The service, and a plane: each pool is shown in the status with its log."""

    name = "cognito-idp"

    def __init__(self, cloud: Cloud, clock: Callable[[], float] = time.time) -> None:
        self._cloud = cloud
        self.store = Store(cloud.state / "cognito.db")
        self._people = People(self.store, cloud.region, clock, self._announce)
        self._clock = clock

    async def start(self) -> None:
        """Nothing runs: pools come from the file."""

    async def stop(self) -> None:
        """Close the file; what was acknowledged is stored already."""
        self.store.close()

    def status(self) -> list[UnitStatus]:
        return [
            UnitStatus(
                name=pool_name(record),
                kind="user pool",
                state="running",
                log_group=_log_group(record.identifier),
                application=application_of(record),
            )
            for record in self._cloud.world.list(POOL)
        ]

    # ---- requests

    def admits(self, method: str, path: str, headers: Mapping[str, str]) -> str | None:
        """The operation of a request that needs no signature, also when a browser page makes it; None otherwise."""
        target = headers.get("x-amz-target", "")
        if method == "POST" and path == "/" and target.startswith(TARGET):
            action = target.removeprefix(TARGET)
            return action if action in OPEN else None
        return "GetDocument" if method == "GET" and _DOCUMENT.fullmatch(path) else None

    async def call(self, call: ApiCall) -> ApiResponse:
        document = _DOCUMENT.fullmatch(call.path) if call.method == "GET" else None
        if document is not None:
            return self._document(document["pool"], document["what"])
        if call.action not in OPERATIONS:
            raise wire.not_carried("cognito-idp", call.action or f"{call.method} {call.path}")
        operation, names = OPERATIONS[call.action]
        asked = {key: value for key, value in wire.parameters(call.body).items() if value is not None}
        for name in asked:
            if name not in names.split() and name not in _HINTS:
                raise unsupported(f"{call.action} with {name}")
        return wire.json_response(operation(self._people, asked))

    def _document(self, pool_id: str, what: str) -> ApiResponse:
        pool = self.store.pool(pool_id)
        issuer = issuer_of(self._cloud.region, pool_id)
        here = f"{self._cloud.endpoint_url}/{pool_id}"
        configuration = {
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer,
            "jwks_uri": f"{here}/.well-known/jwks.json",
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        }
        body = orjson.dumps(jwks(pool) if what == "jwks.json" else configuration)
        return ApiResponse(200, body, {"content-type": "application/json"})

    # ---- for the gateway and the handlers

    def keys_of(self, issuer: str) -> Mapping[str, PyJWK] | None:
        """The public keys of an issuer that is a pool here."""
        pool_id = issuer.rpartition("/")[2]
        if issuer != issuer_of(self._cloud.region, pool_id) or not self.store.has_pool(pool_id):
            return None
        return _keys(self.store.pool(pool_id).id, tuple(sorted(self.store.pool(pool_id).keys.items())), self)

    async def put_pool(self, pool_id: str, owner: str, settings: Mapping[str, Any]) -> None:
        """Make a pool with keys of its own, or change its settings."""
        known = self.store.has_pool(pool_id)
        keys = {} if known else await asyncio.to_thread(new_keys)
        self.store.put_pool(pool_id, owner, settings, keys, self._clock())

    def find(self, pool_id: str) -> Pool:
        """ApiError ResourceNotFoundException when there is none."""
        if not self.store.has_pool(pool_id):
            raise no_pool(pool_id)
        return self.store.pool(pool_id)

    def put_group(self, pool_id: str, name: str, description: str, precedence: int | None) -> None:
        self.store.run(
            "insert into groups values (?,?,?,?,?) on conflict (pool, name) do update set "
            "description=excluded.description, precedence=excluded.precedence",
            self.find(pool_id).id, name, description, precedence, self._clock(),
        )  # fmt: skip

    def drop_group(self, pool_id: str, name: str) -> None:
        with self.store.together():
            self.store.run("delete from members where pool=? and name=?", pool_id, name)
            self.store.run("delete from groups where pool=? and name=?", pool_id, name)

    def _announce(self, pool: Pool, line: str) -> None:
        self._cloud.logs.write(_log_group(pool.id), "messages", line)


@functools.lru_cache(maxsize=64)
def _keys(pool_id: str, keys: tuple[tuple[str, str], ...], pools: UserPools) -> Mapping[str, PyJWK]:
    return public_keys(pools.store.pool(pool_id))


def pool_name(record: Record) -> str:
    """The construct's name, which the engine puts into the pool's tags."""
    tags = record.properties.get("UserPoolTags") or {}
    return str(tags.get("klotho:construct", record.identifier))


def _log_group(pool_id: str) -> str:
    """Known to `klotho.driver.logs` too."""
    return f"/aws/cognito/{pool_id}"
