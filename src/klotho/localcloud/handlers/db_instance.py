"""AWS::RDS::DBInstance: a PostgreSQL or MySQL server on this machine.

Input: the resource's properties. Output: `Endpoint.Address` and `Endpoint.Port` of a real server, and a managed secret
where the template asks for one. Refuses by name: engines other than `postgres` and `mysql`, a major version change of
the local PostgreSQL, deletion under `DeletionProtection`, and every property not in `carries`.

Honoured: Engine, EngineVersion (the nearest local server: PostgreSQL 16 or 18, MariaDB or MySQL as installed), DBName,
MasterUsername, MasterUserPassword, ManageMasterUserPassword, DBParameterGroupName (`rds.*` and instance-class formulas
left out), DeletionProtection, DBInstanceIdentifier. Recorded, because one process on one machine has nothing of the
kind: everything else in `carries`, among them Port (the local port is the project's, see `Endpoint.Port`), MultiAZ,
storage and backups.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import APPLICATION_TAG, Handler, HandlerError, Outcome, Record, Request, application_of
from klotho.localcloud.identity import arn, digest, physical_name
from klotho.localcloud.planes.database_servers import DatabaseServers
from klotho.localcloud.planes.postgres_programs import programs
from klotho.localcloud.planes.server_files import DatabaseError
from klotho.localcloud.service import ApiError

_LATER = ("mariadb", "oracle", "sqlserver", "aurora", "db2")
_PASSWORD_LENGTH = 32
_PASSWORD_ALPHABET = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"
"""RDS takes any printable ASCII character but `/`, `'`, `"`, `@` and space (CreateDBInstance, MasterUserPassword)."""


class DbInstance(Handler):
    """A database server for AWS::RDS::DBInstance."""

    type_name: ClassVar[str] = "AWS::RDS::DBInstance"
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "AllocatedStorage",
            "AutoMinorVersionUpgrade",
            "BackupRetentionPeriod",
            "CACertificateIdentifier",
            "CopyTagsToSnapshot",
            "DBInstanceClass",
            "DBInstanceIdentifier",
            "DBName",
            "DBParameterGroupName",
            "DBSubnetGroupName",
            "DeletionProtection",
            "EnableCloudwatchLogsExports",
            "EnableIAMDatabaseAuthentication",
            "EnablePerformanceInsights",
            "Engine",
            "EngineVersion",
            "KmsKeyId",
            "ManageMasterUserPassword",
            "MasterUserPassword",
            "MasterUsername",
            "MaxAllocatedStorage",
            "MonitoringInterval",
            "MultiAZ",
            "Port",
            "PreferredBackupWindow",
            "PubliclyAccessible",
            "StorageEncrypted",
            "StorageType",
            "Tags",
            "VPCSecurityGroups",
        }
    )

    async def create(self, request: Request) -> Outcome:
        properties = request.properties
        _check(properties)
        identifier = properties.get("DBInstanceIdentifier") or physical_name(
            request.stack_name, request.logical_id, request.token, limit=63, lower=True
        )
        identifier = str(identifier).lower()  # RDS stores it in lower case (CreateDBInstance)
        taken = self.cloud.world.get(self.type_name, identifier)
        if taken is not None and taken.token != request.token:
            raise HandlerError(f"DB instance already exists: {identifier}", "DBInstanceAlreadyExists")
        resource_id = _resource_id(request.token)
        secret = self._managed_secret(properties, resource_id, resource_id)
        address = await self._ensure(identifier, request, self._password(properties, secret))
        return Outcome(identifier, self._attributes(identifier, resource_id, address, secret, properties))

    async def update(self, request: Request) -> Outcome:
        properties, identifier = request.properties, str(request.identifier)
        _check(properties)
        self._check_upgrade(identifier, properties)
        resource_id = str(request.attributes["DbiResourceId"])
        secret = self._managed_secret(properties, resource_id, resource_id)
        address = await self._ensure(identifier, request, self._password(properties, secret))
        former = request.attributes.get("MasterUserSecret.SecretArn")
        if former and secret is None:
            self._delete_secret(str(former))
        return Outcome(identifier, self._attributes(identifier, resource_id, address, secret, properties))

    async def delete(self, request: Request) -> None:
        identifier = request.identifier
        if identifier is None:
            return
        if _true(request.properties, "DeletionProtection"):
            raise HandlerError(
                "Cannot delete protected DB Instance, please disable deletion protection and try again.",
                "InvalidParameterCombination",
            )
        await self._servers(request.properties).delete(identifier, keep_data=False)
        secret = request.attributes.get("MasterUserSecret.SecretArn")
        if secret:
            # RDS deletes a secret it manages together with the instance.
            self._delete_secret(str(secret))

    async def resume(self, record: Record) -> None:
        await self._launching(
            self._servers(record.properties).bring_back(
                record.identifier,
                parameters=self._parameters(record.properties),
                engine_version=_text(record.properties, "EngineVersion"),
                name=_shown_name(record.properties, record.identifier),
                application=application_of(record),
            )
        )

    async def suspend(self, record: Record) -> None:
        await self._servers(record.properties).suspend(record.identifier)

    async def snapshot(self, record: Record) -> str:
        """Keep a copy of the data (DeletionPolicy: Snapshot); returns where. Stops the server: call before delete."""
        name = f"{record.identifier}-snapshot-{digest(record.token, 12)}"
        try:
            return str(await self._servers(record.properties).snapshot(record.identifier, name))
        except (DatabaseError, OSError) as error:
            raise HandlerError(f"snapshot of {record.identifier}: {error}", "InternalFailure") from error

    def _servers(self, properties: Mapping[str, Any]) -> DatabaseServers[Any]:
        """The plane of the engine."""
        return self.cloud.mysql if properties.get("Engine") == "mysql" else self.cloud.postgres

    def _check_upgrade(self, identifier: str, properties: Mapping[str, Any]) -> None:
        """PostgreSQL reads the data of its own major version only; MariaDB and MySQL carry theirs on."""
        if properties["Engine"] != "postgres":
            return
        major = self.cloud.postgres.major_version(identifier)
        wanted = programs(_text(properties, "EngineVersion")).major
        if major is not None and wanted != major:
            raise HandlerError(
                f"{identifier}: the local cloud does not carry data from PostgreSQL {major} to {wanted} yet",
                "InvalidParameterCombination",
            )

    async def _ensure(self, identifier: str, request: Request, password: str) -> tuple[str, int]:
        properties = request.properties
        address: tuple[str, int] = await self._launching(
            self._servers(properties).ensure(
                identifier,
                master_user=str(properties["MasterUsername"]),
                master_password=password,
                database=_text(properties, "DBName"),
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

    def _managed_secret(self, properties: Mapping[str, Any], resource_id: str, token: str) -> str | None:
        """The ARN of the secret RDS manages: JSON with `username` and `password`, named as RDS names it."""
        if not _true(properties, "ManageMasterUserPassword"):
            return None
        password = "".join(secrets.choice(_PASSWORD_ALPHABET) for _ in range(_PASSWORD_LENGTH))
        value = json.dumps({"username": properties["MasterUsername"], "password": password})
        # A retry with the same token gets the first secret back, whose password the server may have already.
        return str(self.cloud.secrets.create(f"rds!{_managed_name(resource_id)}", value, token))

    def _delete_secret(self, secret: str) -> None:
        try:
            self.cloud.secrets.delete(secret)
        except ApiError as error:
            # Already gone: a deletion that was interrupted is tried again.
            if error.code != "ResourceNotFoundException":
                raise HandlerError(error.message, error.code) from error

    def _parameters(self, properties: Mapping[str, Any]) -> dict[str, str]:
        group = _text(properties, "DBParameterGroupName")
        record = self.cloud.world.get("AWS::RDS::DBParameterGroup", group) if group else None
        given = record.properties.get("Parameters", {}) if record is not None else {}
        # `rds.*` are switches of RDS itself, `{DBInstanceClassMemory/...}` depends on the instance class.
        return {
            str(name): str(value)
            for name, value in given.items()
            if not str(name).startswith("rds.") and "{" not in str(value)
        }

    def _attributes(
        self,
        identifier: str,
        resource_id: str,
        address: tuple[str, int],
        secret: str | None,
        properties: Mapping[str, Any],
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "Endpoint.Address": address[0],
            "Endpoint.Port": str(address[1]),
            "DBInstanceArn": arn("rds", f"db:{identifier}", self.cloud.region, self.cloud.account),
            "DbiResourceId": resource_id,
            "DBInstanceStatus": "available",
            "CertificateDetails.CAIdentifier": properties.get("CACertificateIdentifier", "rds-ca-rsa2048-g1"),
        }
        if secret is not None:
            found["MasterUserSecret.SecretArn"] = secret
        return found


def _check(properties: Mapping[str, Any]) -> None:
    engine = str(properties.get("Engine", ""))
    if engine not in ("postgres", "mysql"):
        later = any(engine.startswith(known) for known in _LATER)
        why = "comes with a later issue of the local cloud" if later else "is no engine of RDS"
        raise HandlerError(f"Engine `{engine}` {why}; this one carries `postgres` and `mysql`", "InvalidParameterValue")
    if "MasterUsername" not in properties:
        raise HandlerError("MasterUsername is required", "InvalidParameterValue")
    managed, given = _true(properties, "ManageMasterUserPassword"), "MasterUserPassword" in properties
    if managed and given:
        raise HandlerError(
            "You can't specify MasterUserPassword when ManageMasterUserPassword is true", "InvalidParameterCombination"
        )
    if not managed and not given:
        raise HandlerError("MasterUserPassword or ManageMasterUserPassword is required", "InvalidParameterCombination")


def _true(properties: Mapping[str, Any], name: str) -> bool:
    """CloudFormation passes booleans as such or as text."""
    return str(properties.get(name, "false")).lower() == "true"


def _text(properties: Mapping[str, Any], name: str) -> str | None:
    value = properties.get(name)
    return None if value is None else str(value)


def _resource_id(token: str) -> str:
    return f"db-{digest(token, 26).upper()}"


def _managed_name(resource_id: str) -> str:
    """`db-<uuid>`: what RDS puts after `rds!` in the name of a managed secret."""
    plain = digest(resource_id, 32)
    return f"db-{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


def _shown_name(properties: Mapping[str, Any], identifier: str) -> str:
    """The construct's name in the user's program, which the engine puts into the resource's tags."""
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", ())}
    return tags.get("klotho:construct", identifier)
