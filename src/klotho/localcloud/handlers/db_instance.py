"""AWS::RDS::DBInstance: a PostgreSQL or MySQL server on this machine, or a place in an Aurora cluster.

Input: the resource's properties. Output: `Endpoint.Address` and `Endpoint.Port` of a real server, and a managed secret
where the template asks for one; an instance of a cluster (`DBClusterIdentifier`) is recorded and has the address of the
cluster's one server (`db_cluster`). Refuses by name: engines other than `postgres` and `mysql`, a major version change
of the local PostgreSQL, deletion under `DeletionProtection`, and every property not in `carries`.

Honoured: Engine, EngineVersion (the nearest local server: PostgreSQL 16 or 18, MariaDB or MySQL as installed), DBName,
MasterUsername, MasterUserPassword, ManageMasterUserPassword, DBParameterGroupName (`rds.*` and instance-class formulas
left out), DeletionProtection, DBInstanceIdentifier, EnableIAMDatabaseAuthentication (of PostgreSQL). Recorded, because
one process on one machine has nothing of the kind: everything else in `carries`, among them Port (the local port is the
project's, see `Endpoint.Port`), MultiAZ, storage and backups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import HandlerError, Outcome, Record, Request
from klotho.localcloud.handlers.database_server import DatabaseServer
from klotho.localcloud.identity import arn

CLUSTER = "AWS::RDS::DBCluster"


class DbInstance(DatabaseServer):
    """A database server for AWS::RDS::DBInstance."""

    type_name: ClassVar[str] = "AWS::RDS::DBInstance"
    noun: ClassVar[str] = "DB Instance"
    taken_code: ClassVar[str] = "DBInstanceAlreadyExists"
    identifier_property: ClassVar[str] = "DBInstanceIdentifier"
    database_property: ClassVar[str] = "DBName"
    group_property: ClassVar[str] = "DBParameterGroupName"
    group_type: ClassVar[str] = "AWS::RDS::DBParameterGroup"
    prefix: ClassVar[str] = "db"
    resource_attribute: ClassVar[str] = "DbiResourceId"
    engines: ClassVar[Mapping[str, str]] = {"postgres": "postgres", "mysql": "mysql"}
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "AllocatedStorage",
            "AutoMinorVersionUpgrade",
            "BackupRetentionPeriod",
            "CACertificateIdentifier",
            "CopyTagsToSnapshot",
            "DBClusterIdentifier",
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
            "PromotionTier",
            "PubliclyAccessible",
            "StorageEncrypted",
            "StorageType",
            "Tags",
            "VPCSecurityGroups",
        }
    )

    async def create(self, request: Request) -> Outcome:
        if _is_member(request.properties):
            return self._joined(request, self.named(request))
        self.check(request.properties)
        return await self._up(request, self.named(request), self.resource_id(request.token))

    async def update(self, request: Request) -> Outcome:
        identifier = str(request.identifier)
        if _is_member(request.properties):
            return self._joined(request, identifier)
        self.check(request.properties)
        self.check_upgrade(identifier, request.properties)
        return await self._up(request, identifier, str(request.attributes["DbiResourceId"]))

    async def delete(self, request: Request) -> None:
        if not _is_member(request.properties):
            await self.take_down(request)

    async def resume(self, record: Record) -> None:
        if not _is_member(record.properties):
            await super().resume(record)

    async def suspend(self, record: Record) -> None:
        if not _is_member(record.properties):
            await super().suspend(record)

    async def _up(self, request: Request, identifier: str, resource_id: str) -> Outcome:
        (host, port), secret = await self.bring_up(request, identifier, resource_id)
        found = self._attributes(identifier, resource_id, host, str(port), request.properties)
        if secret is not None:
            found["MasterUserSecret.SecretArn"] = secret
        return Outcome(identifier, found)

    def _joined(self, request: Request, identifier: str) -> Outcome:
        """An instance of a cluster: the cluster's server answers for all of them."""
        properties = request.properties
        named = str(properties["DBClusterIdentifier"])
        cluster = self.cloud.world.get(CLUSTER, named)
        if cluster is None:
            raise HandlerError(f"DBCluster {named} not found.", "DBClusterNotFoundFault")
        if cluster.properties.get("Engine") != properties.get("Engine"):
            raise HandlerError(
                f"The engine name requested for your DB instance ({properties.get('Engine')}) doesn't match the engine "
                f"name of your DB cluster ({cluster.properties.get('Engine')}).",
                "InvalidParameterCombination",
            )
        host, port = (str(cluster.attributes[f"Endpoint.{part}"]) for part in ("Address", "Port"))
        resource_id = str(request.attributes.get("DbiResourceId") or self.resource_id(request.token))
        return Outcome(identifier, self._attributes(identifier, resource_id, host, port, properties))

    def _attributes(
        self, identifier: str, resource_id: str, host: str, port: str, properties: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "Endpoint.Address": host,
            "Endpoint.Port": port,
            "DBInstanceArn": arn("rds", f"db:{identifier}", self.cloud.region, self.cloud.account),
            "DbiResourceId": resource_id,
            "DBInstanceStatus": "available",
            "CertificateDetails.CAIdentifier": properties.get("CACertificateIdentifier", "rds-ca-rsa2048-g1"),
        }


def _is_member(properties: Mapping[str, Any]) -> bool:
    """Whether it is an instance of a cluster."""
    return "DBClusterIdentifier" in properties
