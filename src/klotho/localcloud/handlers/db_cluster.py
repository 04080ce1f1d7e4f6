"""AWS::RDS::DBCluster: an Aurora cluster as one PostgreSQL or MySQL server on this machine.

Input: the resource's properties. Output: `Endpoint` and `ReadEndpoint`, both the address of the one server that answers
for all instances of the cluster, and a managed secret where the template asks for one. Refuses by name: engines other
than `aurora-postgresql` and `aurora-mysql`, a major version change of the local PostgreSQL, deletion under
`DeletionProtection`, and every property not in `carries`.

Honoured as with an instance (`db_instance`): Engine, EngineVersion, DatabaseName, MasterUsername, MasterUserPassword,
ManageMasterUserPassword, DBClusterParameterGroupName, DeletionProtection, DBClusterIdentifier. Recorded: everything
else, among them ServerlessV2ScalingConfiguration (the server neither grows nor pauses), storage and backups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import Outcome, Request
from klotho.localcloud.handlers.database_server import DatabaseServer
from klotho.localcloud.identity import arn
from klotho.localcloud.planes.database_servers import cluster_server


class DbCluster(DatabaseServer):
    """A database server for AWS::RDS::DBCluster."""

    type_name: ClassVar[str] = "AWS::RDS::DBCluster"
    noun: ClassVar[str] = "DB cluster"
    taken_code: ClassVar[str] = "DBClusterAlreadyExistsFault"
    identifier_property: ClassVar[str] = "DBClusterIdentifier"
    database_property: ClassVar[str] = "DatabaseName"
    group_property: ClassVar[str] = "DBClusterParameterGroupName"
    group_type: ClassVar[str] = "AWS::RDS::DBClusterParameterGroup"
    prefix: ClassVar[str] = "cluster"
    resource_attribute: ClassVar[str] = "DBClusterResourceId"
    engines: ClassVar[Mapping[str, str]] = {"aurora-postgresql": "postgres", "aurora-mysql": "mysql"}
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "BackupRetentionPeriod",
            "CopyTagsToSnapshot",
            "DBClusterIdentifier",
            "DBClusterParameterGroupName",
            "DBSubnetGroupName",
            "DatabaseName",
            "DeletionProtection",
            "EnableCloudwatchLogsExports",
            "EnableIAMDatabaseAuthentication",
            "Engine",
            "EngineVersion",
            "KmsKeyId",
            "ManageMasterUserPassword",
            "MasterUserPassword",
            "MasterUsername",
            "Port",
            "PreferredBackupWindow",
            "ServerlessV2ScalingConfiguration",
            "StorageEncrypted",
            "StorageType",
            "Tags",
            "VpcSecurityGroupIds",
        }
    )

    def server(self, identifier: str) -> str:
        return cluster_server(identifier)

    async def create(self, request: Request) -> Outcome:
        self.check(request.properties)
        return await self._up(request, self.named(request), self.resource_id(request.token))

    async def update(self, request: Request) -> Outcome:
        identifier = str(request.identifier)
        self.check(request.properties)
        self.check_upgrade(identifier, request.properties)
        return await self._up(request, identifier, str(request.attributes["DBClusterResourceId"]))

    async def delete(self, request: Request) -> None:
        await self.take_down(request)

    async def _up(self, request: Request, identifier: str, resource_id: str) -> Outcome:
        (host, port), secret = await self.bring_up(request, identifier, resource_id)
        found: dict[str, Any] = {
            "Endpoint.Address": host,
            "Endpoint.Port": str(port),
            "ReadEndpoint.Address": host,
            "DBClusterArn": arn("rds", f"cluster:{identifier}", self.cloud.region, self.cloud.account),
            "DBClusterResourceId": resource_id,
        }
        if secret is not None:
            found["MasterUserSecret.SecretArn"] = secret
        return Outcome(identifier, found)
