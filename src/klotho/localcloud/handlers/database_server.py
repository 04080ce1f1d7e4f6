"""What AWS::RDS::DBInstance and AWS::RDS::DBCluster have in common: a database server with a master user.

Input: the resource's properties. Output: the address of a real server, and a managed secret where the template asks for
one. Refuses by name: engines without a local server, a major version change of the local PostgreSQL, deletion under
`DeletionProtection`.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import APPLICATION_TAG, Handler, HandlerError, Record, Request, application_of
from klotho.localcloud.identity import digest, physical_name
from klotho.localcloud.planes.database_servers import DatabaseServers
from klotho.localcloud.planes.postgres_programs import programs
from klotho.localcloud.planes.server_files import DatabaseError
from klotho.localcloud.service import ApiError

_PASSWORD_LENGTH = 32
_PASSWORD_ALPHABET = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"
"""RDS takes any printable ASCII character but `/`, `'`, `"`, `@` and space (CreateDBInstance, MasterUserPassword)."""


class DatabaseServer(Handler):
    """Servers, and secrets of their master users; subclasses say how the resource calls things."""

    noun: ClassVar[str]
    """As RDS's messages have it: `DB instance`."""
    taken_code: ClassVar[str]
    identifier_property: ClassVar[str]
    database_property: ClassVar[str]
    group_property: ClassVar[str]
    group_type: ClassVar[str]
    prefix: ClassVar[str]
    """Of ids and names of managed secrets: `db`, `cluster`."""
    resource_attribute: ClassVar[str]
    """The attribute with the id by which policies name the database."""
    engines: ClassVar[Mapping[str, str]]
    """Engine to the plane that stands for it."""

    def named(self, request: Request) -> str:
        """The new resource's identifier, in lower case as RDS stores it; refused when another one has it."""
        identifier = request.properties.get(self.identifier_property) or physical_name(
            request.stack_name, request.logical_id, request.token, limit=63, lower=True
        )
        identifier = str(identifier).lower()
        taken = self.cloud.world.get(self.type_name, identifier)
        if taken is not None and taken.token != request.token:
            raise HandlerError(f"{self.noun} already exists: {identifier}", self.taken_code)
        return identifier

    def server(self, identifier: str) -> str:
        """What the plane calls it."""
        return identifier

    async def bring_up(self, request: Request, identifier: str, resource_id: str) -> tuple[tuple[str, int], str | None]:
        """The server's address and the ARN of its managed secret; changed to what the request says when it runs."""
        properties = request.properties
        secret = self._managed_secret(properties, resource_id)
        self._take_tokens(properties, identifier, resource_id)
        address = await self._ensure(identifier, request, self._password(properties, secret))
        former = request.attributes.get("MasterUserSecret.SecretArn")
        if former and secret is None:
            self._delete_secret(str(former))
        return address, secret

    async def take_down(self, request: Request) -> None:
        """The server, its data and its secret; refused under deletion protection."""
        identifier = request.identifier
        if identifier is None:
            return
        if true(request.properties, "DeletionProtection"):
            raise HandlerError(
                f"Cannot delete protected {self.noun}, please disable deletion protection and try again.",
                "InvalidParameterCombination",
            )
        await self.servers(request.properties).delete(self.server(identifier), keep_data=False)
        secret = request.attributes.get("MasterUserSecret.SecretArn")
        if secret:
            # RDS deletes a secret it manages together with the instance.
            self._delete_secret(str(secret))

    def _take_tokens(self, properties: Mapping[str, Any], identifier: str, resource_id: str) -> None:
        """IAM authentication, of PostgreSQL; of MySQL it is recorded."""
        if self.engines[str(properties["Engine"])] == "postgres":
            wanted = true(properties, "EnableIAMDatabaseAuthentication")
            self.cloud.postgres.take_tokens(self.server(identifier), resource_id if wanted else None)

    async def resume(self, record: Record) -> None:
        self._take_tokens(record.properties, record.identifier, str(record.attributes[self.resource_attribute]))
        await self._launching(
            self.servers(record.properties).bring_back(
                self.server(record.identifier),
                parameters=self._parameters(record.properties),
                engine_version=_text(record.properties, "EngineVersion"),
                name=_shown_name(record.properties, record.identifier),
                application=application_of(record),
            )
        )

    async def suspend(self, record: Record) -> None:
        await self.servers(record.properties).suspend(self.server(record.identifier))

    async def snapshot(self, record: Record) -> str:
        """Keep a copy of the data (DeletionPolicy: Snapshot); returns where. Stops the server: call before delete."""
        name = f"{record.identifier}-snapshot-{digest(record.token, 12)}"
        try:
            return str(await self.servers(record.properties).snapshot(self.server(record.identifier), name))
        except (DatabaseError, OSError) as error:
            raise HandlerError(f"snapshot of {record.identifier}: {error}", "InternalFailure") from error

    def servers(self, properties: Mapping[str, Any]) -> DatabaseServers[Any]:
        """The plane of the engine."""
        is_mysql = self.engines.get(str(properties.get("Engine"))) == "mysql"
        return self.cloud.mysql if is_mysql else self.cloud.postgres

    def check(self, properties: Mapping[str, Any]) -> None:
        """Refuses engines without a local server, and master users without one password."""
        engine = str(properties.get("Engine", ""))
        if engine not in self.engines:
            carried = " and ".join(f"`{name}`" for name in self.engines)
            raise HandlerError(
                f"Engine `{engine}` is not carried by a {self.noun} of the local cloud; this one carries {carried}",
                "InvalidParameterValue",
            )
        if "MasterUsername" not in properties:
            raise HandlerError("MasterUsername is required", "InvalidParameterValue")
        managed, given = true(properties, "ManageMasterUserPassword"), "MasterUserPassword" in properties
        if managed and given:
            raise HandlerError(
                "You can't specify MasterUserPassword when ManageMasterUserPassword is true",
                "InvalidParameterCombination",
            )
        if not managed and not given:
            raise HandlerError(
                "MasterUserPassword or ManageMasterUserPassword is required", "InvalidParameterCombination"
            )

    def check_upgrade(self, identifier: str, properties: Mapping[str, Any]) -> None:
        """PostgreSQL reads the data of its own major version only; MariaDB and MySQL carry theirs on."""
        if self.engines[str(properties["Engine"])] != "postgres":
            return
        major = self.cloud.postgres.major_version(self.server(identifier))
        wanted = programs(_text(properties, "EngineVersion")).major
        if major is not None and wanted != major:
            raise HandlerError(
                f"{identifier}: the local cloud does not carry data from PostgreSQL {major} to {wanted} yet",
                "InvalidParameterCombination",
            )

    def resource_id(self, token: str) -> str:
        """`db-…`, `cluster-…`: what IAM policies name it by."""
        return f"{self.prefix}-{digest(token, 26).upper()}"

    async def _ensure(self, identifier: str, request: Request, password: str) -> tuple[str, int]:
        properties = request.properties
        address: tuple[str, int] = await self._launching(
            self.servers(properties).ensure(
                self.server(identifier),
                master_user=str(properties["MasterUsername"]),
                master_password=password,
                database=_text(properties, self.database_property),
                parameters=self._parameters(properties),
                engine_version=_text(properties, "EngineVersion"),
                name=_shown_name(properties, identifier),
                application=request.tags.get(APPLICATION_TAG),
            )
        )
        return address

    async def _launching(self, starting: Any) -> Any:
        try:
            return await starting
        except (DatabaseError, OSError) as error:
            raise HandlerError(str(error), "InternalFailure") from error

    def _password(self, properties: Mapping[str, Any], secret: str | None) -> str:
        if secret is None:
            return str(properties["MasterUserPassword"])
        return str(json.loads(self.cloud.secrets.value(secret))["password"])

    def _managed_secret(self, properties: Mapping[str, Any], resource_id: str) -> str | None:
        """The ARN of the secret RDS manages: JSON with `username` and `password`, named as RDS names it."""
        if not true(properties, "ManageMasterUserPassword"):
            return None
        password = "".join(secrets.choice(_PASSWORD_ALPHABET) for _ in range(_PASSWORD_LENGTH))
        value = json.dumps({"username": properties["MasterUsername"], "password": password})
        # A retry with the same token gets the first secret back, whose password the server may have already.
        return str(self.cloud.secrets.create(f"rds!{_managed_name(self.prefix, resource_id)}", value, resource_id))

    def _delete_secret(self, secret: str) -> None:
        try:
            self.cloud.secrets.delete(secret)
        except ApiError as error:
            # Already gone: a deletion that was interrupted is tried again.
            if error.code != "ResourceNotFoundException":
                raise HandlerError(error.message, error.code) from error

    def _parameters(self, properties: Mapping[str, Any]) -> dict[str, str]:
        group = _text(properties, self.group_property)
        record = self.cloud.world.get(self.group_type, group) if group else None
        given = record.properties.get("Parameters", {}) if record is not None else {}
        # `rds.*` are switches of RDS itself, `{DBInstanceClassMemory/...}` depends on the instance class.
        return {
            str(name): str(value)
            for name, value in given.items()
            if not str(name).startswith("rds.") and "{" not in str(value)
        }


def true(properties: Mapping[str, Any], name: str) -> bool:
    """CloudFormation passes booleans as such or as text."""
    return str(properties.get(name, "false")).lower() == "true"


def _text(properties: Mapping[str, Any], name: str) -> str | None:
    value = properties.get(name)
    return None if value is None else str(value)


def _managed_name(prefix: str, resource_id: str) -> str:
    """`db-<uuid>`: what RDS puts after `rds!` in the name of a managed secret."""
    plain = digest(resource_id, 32)
    return f"{prefix}-{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


def _shown_name(properties: Mapping[str, Any], identifier: str) -> str:
    """The construct's name in the user's program, which the engine puts into the resource's tags."""
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", ())}
    return tags.get("klotho:construct", identifier)
