"""The resource view: what CloudFormation makes, and which of it names which.

Input: a resource graph, its keys by logical id, the manifest. Output: a `Topology`: resources in boxes of the construct
they belong to, those in boxes of stacks. An edge leads from a resource to one that it names or waits for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from klotho.application import Application
from klotho.resources import ResourceGraph, ResourceKey
from klotho.resources.resource import owner_of, role_of
from klotho.stacks import Manifest
from klotho.topology.model import Edge, Family, Group, Node, Topology

_FAMILIES: Mapping[str, Family] = {
    "Lambda": "compute",
    "ECS": "compute",
    "EKS": "compute",
    "ApplicationAutoScaling": "compute",
    "ECR": "compute",
    "RDS": "data",
    "DynamoDB": "data",
    "S3": "data",
    "ElastiCache": "data",
    "SQS": "messaging",
    "SNS": "messaging",
    "Events": "messaging",
    "Scheduler": "messaging",
    "ApiGatewayV2": "edge",
    "CloudFront": "edge",
    "Route53": "edge",
    "CertificateManager": "edge",
    "ElasticLoadBalancingV2": "edge",
    "IAM": "identity",
    "Cognito": "identity",
    "SecretsManager": "identity",
    "KMS": "identity",
    "EC2": "network",
    "ServiceDiscovery": "network",
}
"""By the service in a resource type, `AWS::<service>::<resource>`."""


def resource_view(
    application: Application, graph: ResourceGraph, keys: Mapping[str, ResourceKey], manifest: Manifest
) -> Topology:
    stack_of = {keys[logical]: stack.name for stack in manifest.stacks for logical in stack.origins if logical in keys}
    titles: dict[str, str] = {construct.id: construct.label for construct in application.constructs}
    nodes: list[Node] = []
    groups: dict[str, Group] = {}
    for stack in manifest.stacks:
        groups[f"stack/{stack.name}"] = Group(f"stack/{stack.name}", stack.name, "stack")
    for resource in graph:
        owner, stack_name = owner_of(resource.key), stack_of.get(resource.key)
        parent = f"stack/{stack_name}" if stack_name is not None else None
        group = f"{stack_name or ''}/{owner}"
        groups[group] = Group(group, titles.get(owner, owner), "construct", parent)
        service = resource.type.split("::")[1] if resource.type.count("::") > 1 else ""
        family = _FAMILIES.get(service, "other")
        nodes.append(Node(resource.key, role_of(resource.key), resource.type.removeprefix("AWS::"), family, group))
    edges = [
        Edge(resource.key, target, "refers_to", "link")
        for resource in graph
        for target in sorted(graph.dependencies(resource))
        if target in graph
    ]
    nodes = _without_lone_boxes(nodes, groups)
    used = {node.group for node in nodes}
    used |= {groups[name].parent for name in used if name is not None}
    return Topology(
        f"{application.name} in {manifest.environment}",
        "resources",
        tuple(nodes),
        tuple(edges),
        tuple(group for group in groups.values() if group.id in used),
    )


def _without_lone_boxes(nodes: Sequence[Node], groups: Mapping[str, Group]) -> list[Node]:
    """A stack with the resources of one construct only needs no box within its own."""
    inside: dict[str | None, set[str]] = {}
    for node in nodes:
        if node.group is not None:
            inside.setdefault(groups[node.group].parent, set()).add(node.group)
    lone = {min(names): parent for parent, names in inside.items() if parent is not None and len(names) == 1}
    return [node._replace(group=lone.get(node.group or "", node.group)) for node in nodes]
