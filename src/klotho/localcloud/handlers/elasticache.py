"""AWS::ElastiCache: replication groups as Redis servers on this machine, with their users and user groups.

Input: the resources' properties. Output: the address of a real server, `PrimaryEndPoint` or, with cluster mode,
`ConfigurationEndPoint`. Refuses by name: engines other than `valkey` and `redis`, a change of cluster mode, users
that log in by IAM or without a password, and every property not in `carries`.

Honoured: cluster mode (a parameter group `….cluster.on`, NumNodeGroups), UserGroupIds, user names, access strings and
passwords. Recorded, because one machine has nothing of the kind: everything else, among them replicas, encryption and
backups. Source: ElastiCache API Reference, CreateReplicationGroup, CreateUser, CreateUserGroup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import APPLICATION_TAG, Handler, HandlerError, Outcome, Record, Request, application_of
from klotho.localcloud.identity import arn, digest, physical_name
from klotho.localcloud.planes.processes import ProcessError
from klotho.localcloud.planes.redis_access import User
from klotho.localcloud.planes.server_files import DatabaseError

_ENGINES = ("valkey", "redis")
_PASSWORD_LENGTHS = (16, 128)
"""Source: ElastiCache User Guide, "Role-Based Access Control"."""


class CacheUser(Handler):
    """A user, known to every cache whose user groups hold it."""

    type_name: ClassVar[str] = "AWS::ElastiCache::User"
    carries: ClassVar[frozenset[str]] = frozenset(
        {"AccessString", "AuthenticationMode", "Engine", "Passwords", "Tags", "UserId", "UserName"}
    )

    async def create(self, request: Request) -> Outcome:
        _refuse_taken(self, request, "UserId", "UserAlreadyExists")
        return await self._apply(request, str(request.properties["UserId"]))

    async def update(self, request: Request) -> Outcome:
        return await self._apply(request, str(request.identifier))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await _doing(self.cloud.redis.set_user(request.identifier, None))

    async def _apply(self, request: Request, user_id: str) -> Outcome:
        properties = request.properties
        rules = str(properties.get("AccessString", "off"))
        try:
            user = User.of(str(properties["UserName"]), rules, _passwords(properties))
        except DatabaseError as error:
            raise HandlerError(str(error), "InvalidParameterValue") from error
        await _doing(self.cloud.redis.set_user(user_id, user))
        return Outcome(user_id, {"Arn": _arn(self, "user", user_id), "Status": "active"})


class CacheUserGroup(Handler):
    """The users of the caches that name the group."""

    type_name: ClassVar[str] = "AWS::ElastiCache::UserGroup"
    carries: ClassVar[frozenset[str]] = frozenset({"Engine", "Tags", "UserGroupId", "UserIds"})

    async def create(self, request: Request) -> Outcome:
        _refuse_taken(self, request, "UserGroupId", "UserGroupAlreadyExists")
        return await self._apply(request, str(request.properties["UserGroupId"]))

    async def update(self, request: Request) -> Outcome:
        return await self._apply(request, str(request.identifier))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await _doing(self.cloud.redis.set_group(request.identifier, None))

    async def _apply(self, request: Request, group_id: str) -> Outcome:
        users = [str(item) for item in request.properties.get("UserIds", ())]
        names = [user.name for item in users if (user := self.cloud.redis.access.user(item)) is not None]
        if "default" not in names:
            raise HandlerError("A user named default must be included in the user group", "DefaultUserRequired")
        if len(set(names)) != len(names):
            raise HandlerError("two users of the user group have the same name", "DuplicateUserName")
        await _doing(self.cloud.redis.set_group(group_id, users))
        return Outcome(group_id, {"Arn": _arn(self, "usergroup", group_id), "Status": "active"})


class ReplicationGroup(Handler):
    """A cache: one server, or one for each shard."""

    type_name: ClassVar[str] = "AWS::ElastiCache::ReplicationGroup"
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "AtRestEncryptionEnabled",
            "AutoMinorVersionUpgrade",
            "AutomaticFailoverEnabled",
            "CacheNodeType",
            "CacheParameterGroupName",
            "CacheSubnetGroupName",
            "Engine",
            "EngineVersion",
            "KmsKeyId",
            "MultiAZEnabled",
            "NumCacheClusters",
            "NumNodeGroups",
            "Port",
            "ReplicasPerNodeGroup",
            "ReplicationGroupDescription",
            "ReplicationGroupId",
            "SecurityGroupIds",
            "SnapshotRetentionLimit",
            "SnapshotWindow",
            "Tags",
            "TransitEncryptionEnabled",
            "TransitEncryptionMode",
            "UserGroupIds",
        }
    )

    async def create(self, request: Request) -> Outcome:
        identifier = request.properties.get("ReplicationGroupId") or physical_name(
            request.stack_name, request.logical_id, request.token, limit=40, lower=True
        )
        identifier = str(identifier).lower()
        taken = self.cloud.world.get(self.type_name, identifier)
        if taken is not None and taken.token != request.token:
            raise HandlerError(f"Replication group {identifier} already exists.", "ReplicationGroupAlreadyExists")
        return await self._open(request, identifier)

    async def update(self, request: Request) -> Outcome:
        former, wanted = _shards(request.previous), _shards(request.properties)
        if (former is None) != (wanted is None):
            raise HandlerError(
                f"{request.identifier}: the local cloud does not move data from {_spoken(former)} to {_spoken(wanted)}",
                "InvalidParameterCombination",
            )
        return await self._open(request, str(request.identifier))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await _doing(self.cloud.redis.remove(request.identifier, _shards(request.properties)))

    async def resume(self, record: Record) -> None:
        properties = record.properties
        await _doing(
            self.cloud.redis.back(
                record.identifier,
                shards=_shards(properties),
                name=_shown_name(properties, record.identifier),
                application=application_of(record),
            )
        )

    async def suspend(self, record: Record) -> None:
        await self.cloud.redis.close(record.identifier, _shards(record.properties))

    async def snapshot(self, record: Record) -> str:
        """Keep a copy of the data (DeletionPolicy: Snapshot); returns where. Stops the servers: call before delete."""
        name = f"{record.identifier}-snapshot-{digest(record.token, 12)}"
        return str(await _doing(self.cloud.redis.keep(record.identifier, _shards(record.properties), name)))

    async def _open(self, request: Request, identifier: str) -> Outcome:
        properties = request.properties
        engine = str(properties.get("Engine", "redis"))
        if engine not in _ENGINES:
            raise HandlerError(
                f"Engine `{engine}` is not carried; these are: {', '.join(_ENGINES)}", "InvalidParameterValue"
            )
        shards = _shards(properties)
        host, port = await _doing(
            self.cloud.redis.open(
                identifier,
                shards=shards,
                groups=[str(item) for item in properties.get("UserGroupIds", ())],
                name=_shown_name(properties, identifier),
                application=request.tags.get(APPLICATION_TAG),
            )
        )
        entrances = ("PrimaryEndPoint", "ReaderEndPoint") if shards is None else ("ConfigurationEndPoint",)
        found = {f"{entrance}.Address": host for entrance in entrances}
        return Outcome(identifier, {**found, **{f"{entrance}.Port": str(port) for entrance in entrances}})


def _shards(properties: Mapping[str, Any]) -> int | None:
    """How many with cluster mode, which a parameter group or more than one node group switches on; None without."""
    count = int(properties.get("NumNodeGroups", 1))
    is_cluster = str(properties.get("CacheParameterGroupName", "")).endswith(".cluster.on") or count > 1
    return count if is_cluster else None


def _spoken(shards: int | None) -> str:
    return "one node" if shards is None else f"a cluster of {shards} shards"


def _passwords(properties: Mapping[str, Any]) -> list[str]:
    mode = properties.get("AuthenticationMode") or {"Type": "password", "Passwords": properties.get("Passwords", [])}
    if str(mode.get("Type")).lower() != "password":
        raise HandlerError(
            f"AuthenticationMode `{mode.get('Type')}` is not carried: users log in with a password",
            "InvalidParameterValue",
        )
    given = [str(item) for item in mode.get("Passwords", ())]
    low, high = _PASSWORD_LENGTHS
    if not 1 <= len(given) <= 2 or any(not low <= len(item) <= high for item in given):
        raise HandlerError(f"a user has one or two passwords of {low} to {high} characters", "InvalidParameterValue")
    return given


def _refuse_taken(handler: Handler, request: Request, name: str, code: str) -> None:
    identifier = str(request.properties[name])
    taken = handler.cloud.world.get(handler.type_name, identifier)
    if taken is not None and taken.token != request.token:
        raise HandlerError(f"{identifier} already exists", code)


def _arn(handler: Handler, kind: str, identifier: str) -> str:
    return arn("elasticache", f"{kind}:{identifier}", handler.cloud.region, handler.cloud.account)


async def _doing(work: Any) -> Any:
    try:
        return await work
    except (DatabaseError, ProcessError, OSError) as error:
        raise HandlerError(str(error), "InternalFailure") from error


def _shown_name(properties: Mapping[str, Any], identifier: str) -> str:
    """The construct's name in the user's program, which the engine puts into the resource's tags."""
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", ())}
    return tags.get("klotho:construct", identifier)
