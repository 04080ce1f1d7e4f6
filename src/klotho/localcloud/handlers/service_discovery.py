"""AWS::ServiceDiscovery namespaces and services: the names under which the gateway and functions find containers.

Input: the resources' properties. Output: Cloud Map ids (`ns-…`, `srv-…`) and ARNs; the containers plane answers what is
behind them. Refuses: a second namespace or service of a name, deleting one that is in use, as Cloud Map does.
"""

from __future__ import annotations

from typing import ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request
from klotho.localcloud.identity import arn, digest, physical_name

_NAMESPACES = ("AWS::ServiceDiscovery::HttpNamespace", "AWS::ServiceDiscovery::PrivateDnsNamespace")
_SERVICE = "AWS::ServiceDiscovery::Service"


class _Namespace(Handler):
    async def create(self, request: Request) -> Outcome:
        name = str(request.properties["Name"])
        for type_name in _NAMESPACES:
            for record in self.cloud.world.list(type_name):
                if record.properties.get("Name") == name and record.token != request.token:
                    raise HandlerError(
                        f"Namespace {name} already exists: {record.identifier}", "NamespaceAlreadyExists"
                    )
        identifier = f"ns-{digest(request.token, 16)}"
        return Outcome(identifier, self._attributes(identifier, request))

    async def update(self, request: Request) -> Outcome:
        identifier = str(request.identifier)
        return Outcome(identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        for record in self.cloud.world.list(_SERVICE):
            dns = record.properties.get("DnsConfig") or {}
            if request.identifier in (record.properties.get("NamespaceId"), dns.get("NamespaceId")):
                raise HandlerError(
                    f"Namespace {request.identifier} has services associated with it: {record.identifier}",
                    "ResourceInUse",
                )

    def _attributes(self, identifier: str, request: Request) -> dict[str, str]:
        return {
            "Id": identifier,
            "Arn": arn("servicediscovery", f"namespace/{identifier}", self.cloud.region, self.cloud.account),
        }


class HttpNamespace(_Namespace):
    """A namespace whose services are found by DiscoverInstances only."""

    type_name: ClassVar[str] = "AWS::ServiceDiscovery::HttpNamespace"
    carries: ClassVar[frozenset[str]] = frozenset({"Description", "Name", "Tags"})


class PrivateDnsNamespace(_Namespace):
    """A namespace with a private hosted zone; no name server runs here, the aliases are addresses already."""

    type_name: ClassVar[str] = "AWS::ServiceDiscovery::PrivateDnsNamespace"
    carries: ClassVar[frozenset[str]] = frozenset({"Description", "Name", "Properties", "Tags", "Vpc"})

    def _attributes(self, identifier: str, request: Request) -> dict[str, str]:
        zone = f"Z{digest(request.token, 20, 'zone').upper()}"
        return {**super()._attributes(identifier, request), "HostedZoneId": zone}


class DiscoveryService(Handler):
    """A Cloud Map service; an ECS service registers in it through ServiceRegistries."""

    type_name: ClassVar[str] = _SERVICE
    carries: ClassVar[frozenset[str]] = frozenset(
        {"Description", "DnsConfig", "HealthCheckCustomConfig", "Name", "NamespaceId", "Tags", "Type"}
    )

    async def create(self, request: Request) -> Outcome:
        properties = request.properties
        namespace = properties.get("NamespaceId") or (properties.get("DnsConfig") or {}).get("NamespaceId")
        if namespace is None or not any(self.cloud.world.get(type_name, str(namespace)) for type_name in _NAMESPACES):
            raise HandlerError(f"Namespace {namespace} not found", "NamespaceNotFound")
        name = str(properties.get("Name") or physical_name(request.stack_name, request.logical_id, request.token))
        for record in self.cloud.world.list(_SERVICE):
            known = record.properties.get("NamespaceId") or (record.properties.get("DnsConfig") or {}).get(
                "NamespaceId"
            )
            if (known, record.properties.get("Name")) == (namespace, name) and record.token != request.token:
                raise HandlerError(f"Service {name} already exists: {record.identifier}", "ServiceAlreadyExists")
        identifier = f"srv-{digest(request.token, 16)}"
        made = arn("servicediscovery", f"service/{identifier}", self.cloud.region, self.cloud.account)
        return Outcome(identifier, {"Id": identifier, "Arn": made})

    async def update(self, request: Request) -> Outcome:
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        address = str(request.attributes.get("Arn", ""))
        for record in self.cloud.world.list("AWS::ECS::Service"):
            registries = record.properties.get("ServiceRegistries", ())
            if address and any(registry.get("RegistryArn") == address for registry in registries):
                raise HandlerError(
                    f"Service {request.identifier} contains registered instances: {record.identifier}", "ResourceInUse"
                )
