"""AWS::EKS::Cluster: a Kubernetes API on loopback, and pods that run as processes.

Input: the resource's properties. Output: its name; endpoint and authority of its API once that answers. Refuses by
name: every property not in `carries`; node groups and Fargate profiles have no handler.

Honoured: Name. Recorded: Auto Mode's switches, roles, networks, logging and versions, for nothing of it exists on this
machine; access is by `AWS::EKS::AccessEntry` only, as `AuthenticationMode: API` says.
"""

from __future__ import annotations

from typing import ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.identity import arn, digest, ec2_id, physical_name, uuid_of
from klotho.localcloud.planes.kubernetes.plane import CLUSTER


class EksCluster(Handler):
    """A cluster of the Kubernetes plane; the identifier is its name."""

    type_name: ClassVar[str] = CLUSTER
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "AccessConfig",
            "BootstrapSelfManagedAddons",
            "ComputeConfig",
            "KubernetesNetworkConfig.ElasticLoadBalancing",
            "Logging",
            "Name",
            "ResourcesVpcConfig.EndpointPrivateAccess",
            "ResourcesVpcConfig.EndpointPublicAccess",
            "ResourcesVpcConfig.PublicAccessCidrs",
            "ResourcesVpcConfig.SecurityGroupIds",
            "ResourcesVpcConfig.SubnetIds",
            "RoleArn",
            "StorageConfig",
            "Tags",
            "UpgradePolicy",
            "Version",
        }
    )

    async def create(self, request: Request) -> Outcome:
        _check(request)
        name = str(
            request.properties.get("Name")
            or physical_name(request.stack_name, request.logical_id, request.token, limit=100)
        )
        held = self.cloud.world.get(self.type_name, name)
        if held is not None and held.token != request.token:
            raise HandlerError(f"Cluster already exists with name: {name}", "ResourceInUseException")
        group = ec2_id("sg", f"{request.token}/cluster")
        issuer = f"https://oidc.eks.{self.cloud.region}.amazonaws.com/id/{digest(name, 32).upper()}"
        attributes: dict[str, object] = {
            "Arn": arn("eks", f"cluster/{name}", self.cloud.region, self.cloud.account),
            "Id": uuid_of(request.token, "eks"),
            "Endpoint": self.cloud.clusters.endpoint(name),
            "CertificateAuthorityData": self.cloud.clusters.authority(),
            "ClusterSecurityGroupId": group,
            "OpenIdConnectIssuerUrl": issuer,
        }
        await self.cloud.clusters.open(_record(request, name, attributes))
        return Outcome(name, attributes)

    async def update(self, request: Request) -> Outcome:
        _check(request)
        await self.cloud.clusters.open(_record(request, str(request.identifier), dict(request.attributes)))
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self.cloud.clusters.delete(request.identifier)

    async def resume(self, record: Record) -> None:
        await self.cloud.clusters.open(record)

    async def suspend(self, record: Record) -> None:
        await self.cloud.clusters.suspend(record.identifier)


def _check(request: Request) -> None:
    """Auto Mode's three switches are on or off together (EKS API Reference, CreateCluster)."""
    properties = request.properties
    balancing = (properties.get("KubernetesNetworkConfig") or {}).get("ElasticLoadBalancing") or {}
    switches = {
        "ComputeConfig": bool((properties.get("ComputeConfig") or {}).get("Enabled")),
        "KubernetesNetworkConfig": bool(balancing.get("Enabled")),
        "StorageConfig": bool(((properties.get("StorageConfig") or {}).get("BlockStorage") or {}).get("Enabled")),
    }
    if len(set(switches.values())) > 1:
        off = ", ".join(name for name, on in switches.items() if not on)
        raise HandlerError(
            "For EKS Auto Mode, please ensure that all required configs, including computeConfig, "
            "kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled. "
            f"klotho: not enabled: {off}",
            "InvalidParameterException",
        )
    if (properties.get("AccessConfig") or {}).get("AuthenticationMode") != "API":
        raise HandlerError(
            "AccessConfig.AuthenticationMode other than API is not supported by the local cloud", "InvalidRequest"
        )


def _record(request: Request, identifier: str, attributes: dict[str, object]) -> Record:
    return Record(
        request.type_name,
        identifier,
        request.properties,
        attributes,
        request.token,
        request.stack_id,
        request.stack_name,
        request.logical_id,
        request.tags,
    )
