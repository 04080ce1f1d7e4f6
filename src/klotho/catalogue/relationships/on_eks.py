"""Containers on Kubernetes: how APIs reach them, and how they call each other.

An API reaches them through its VPC link and one internal load balancer of the application's. The integration says in a
header, which no client can set, what container is meant; a listener rule leads it to the container's target group,
which a `TargetGroupBinding` keeps filled with the addresses of its pods. Load balancer, rules and target groups are
CloudFormation's; the cluster may only register targets in groups that carry its name as a tag. Sources: Amazon EKS User
Guide, "Learn about VPC Networking and Load Balancing in EKS Auto Mode" and "AmazonEKSLoadBalancingPolicy" (the tag
`eks:eks-cluster-name`); API Gateway Developer Guide, "Create private integrations for HTTP APIs" (listener ARNs), and
"Transform API requests"; Elastic Load Balancing, "Listener rules" (http-header).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from klotho.application import Construct
from klotho.catalogue.kinds.container_eks import host_name, let_in, object_name, workload_key
from klotho.catalogue.kinds.container_ports import main_port, named_ports
from klotho.catalogue.kinds.http_api import api_key
from klotho.catalogue.kinds.kubernetes import CLUSTER, WORKERS, manifest, namespace_of
from klotho.catalogue.kinds.shared import VPC_LINK, VPC_LINK_GROUP, vpc_link
from klotho.catalogue.network import PRIVATE_SUBNETS, VPC, ingress_between
from klotho.catalogue.relationships.attach import (
    VOUCHED_HEADER,
    check_container_route,
    integration_key,
    keys_of,
    routes,
    vouched,
    vouched_ending,
)
from klotho.catalogue.relationships.calls import check_call, protocols
from klotho.catalogue.relationships.connection import connection
from klotho.catalogue.relationships.vouching import tell_who_vouches
from klotho.catalogue.rules import EKS, Link, Pair, Setting
from klotho.resources import AddResource, DependsOn, Ref, ResourceKey, application_key, resource_key
from klotho.resources.changes import Action

BALANCER, LISTENER = application_key("kubernetes-balancer"), application_key("kubernetes-listener")
_BALANCER_GROUP = application_key("kubernetes-balancer-security-group")
HEADER = "x-klotho-container"
"""Tells the load balancer which container is meant. Always overwritten, so that no client can say it."""
_MOST = 50_000
"""Priorities of a listener's rules are numbers from 1 to this."""


def attach_on_eks(link: Link) -> Iterator[Action]:
    """A private integration by way of the load balancer, and routes as for every container."""
    yield from vpc_link()
    yield from _balancer()
    yield from _way_to(link.target, link.setting)
    yield from tell_who_vouches(link)
    rule = _rule_key(link.target)
    for key in keys_of(link):
        integration = ResourceKey(f"{integration_key(link)}{vouched_ending(link, key)}")
        said = {VOUCHED_HEADER: vouched(link, key), HEADER: object_name(link.target)}
        yield AddResource(
            integration,
            "AWS::ApiGatewayV2::Integration",
            {
                "ApiId": Ref(api_key(link.actor)),
                "IntegrationType": "HTTP_PROXY",
                "IntegrationMethod": "ANY",
                "ConnectionType": "VPC_LINK",
                "ConnectionId": Ref(VPC_LINK),
                "IntegrationUri": Ref(LISTENER),
                "PayloadFormatVersion": "1.0",
                "RequestParameters": {f"overwrite:header.{name}": value for name, value in said.items()},
            },
        )
        # The route opens when somebody is there to answer.
        for needed in (workload_key(link.target), rule):
            yield DependsOn(integration, needed)
        yield from routes(link, key, integration)


def _balancer() -> Iterator[Action]:
    """One for all APIs and containers of the application; only the VPC link comes in."""
    group = {"GroupDescription": "The way from HTTP APIs to Kubernetes", "VpcId": Ref(VPC, "VpcId")}
    yield AddResource(_BALANCER_GROUP, "AWS::EC2::SecurityGroup", group)
    yield from ingress_between(
        ResourceKey(f"{_BALANCER_GROUP}-from-link"), VPC_LINK_GROUP, _BALANCER_GROUP, 80, "APIs to Kubernetes"
    )
    yield AddResource(
        BALANCER,
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {
            "Type": "application",
            "Scheme": "internal",
            "IpAddressType": "ipv4",
            "Subnets": list(PRIVATE_SUBNETS),
            "SecurityGroups": [Ref(_BALANCER_GROUP, "GroupId")],
            "Tags": [{"Key": "klotho:construct", "Value": "application/kubernetes"}],
            "LoadBalancerAttributes": [{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}],
        },
    )
    nothing = {"ContentType": "application/json", "MessageBody": '{"message":"Not Found"}', "StatusCode": "404"}
    yield AddResource(
        LISTENER,
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "LoadBalancerArn": Ref(BALANCER),
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": nothing}],
        },
    )


def _way_to(container: Construct, setting: Setting) -> Iterator[Action]:
    """The container's target group and rule, and the binding that fills the one."""
    group, rule, port = resource_key(container.id, "targets"), _rule_key(container), main_port(container, setting)
    health = setting.parameter(container, "health_check")
    yield AddResource(
        group,
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "TargetType": "ip",
            "VpcId": Ref(VPC, "VpcId"),
            "Protocol": "HTTP",
            "Port": port,
            "HealthCheckPath": health or "/",
            "Matcher": {"HttpCode": "200-399" if health else "200-499"},
            "Tags": [{"Key": "eks:eks-cluster-name", "Value": Ref(CLUSTER)}],
        },
    )
    meant: dict[str, Any] = {"HttpHeaderName": HEADER, "Values": [object_name(container)]}
    yield AddResource(
        rule,
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        {
            "ListenerArn": Ref(LISTENER),
            "Priority": _priority(container, setting),
            "Conditions": [{"Field": "http-header", "HttpHeaderConfig": meant}],
            "Actions": [{"Type": "forward", "TargetGroupArn": Ref(group)}],
        },
    )
    key, name, place = workload_key(container), object_name(container), namespace_of(setting)
    binding = {"spec": {"targetGroupARN": Ref(group), "targetType": "ip", "serviceRef": {"name": name, "port": port}}}
    yield manifest(key, "TargetGroupBinding", "eks.amazonaws.com/v1", name, place, binding)
    yield let_in(container, "balancer", None, [port])
    yield from ingress_between(
        application_key(f"kubernetes-balancer-reaches-{port}"), _BALANCER_GROUP, WORKERS, port, "APIs to Kubernetes"
    )


def _rule_key(container: Construct) -> ResourceKey:
    return resource_key(container.id, "balancer-rule")


def _priority(container: Construct, setting: Setting) -> int:
    names = tuple(item.name for item in setting.application.constructs if item.kind == container.kind)
    return _priorities(names)[container.name]


@lru_cache(maxsize=8)
def _priorities(names: tuple[str, ...]) -> Mapping[str, int]:
    """A number of its own for each, which hardly ever changes when others come or go: no two rules match the same
    request, so that the order means nothing."""
    found: dict[str, int] = {}
    taken: set[int] = set()
    for name in sorted(names):
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % _MOST + 1
        while number in taken:
            number = number % _MOST + 1
        taken.add(number)
        found[name] = number
    return found


def call_on_eks(link: Link) -> Iterator[Action]:
    """Cluster DNS knows it; its NetworkPolicy lets the caller in."""
    setting, target = link.setting, link.target
    host, ports = host_name(target, setting), named_ports(target, setting)
    facts, opened = {}, []
    for protocol in sorted(protocols(link)):
        port = ports["grpc"] if protocol == "grpc" and "grpc" in ports else main_port(target, setting)
        facts["grpc" if protocol == "grpc" else "http"] = (
            f"{host}:{port}" if protocol == "grpc" else f"http://{host}:{port}"
        )
        opened.append(port)
    yield connection(link, "SERVICE", target, facts)
    caller = {"podSelector": {"matchLabels": {"app": object_name(link.actor)}}}
    yield let_in(target, f"caller-{object_name(link.actor)}", caller, list(dict.fromkeys(opened)))
    if not setting.calls_in_circle(link.actor):
        yield DependsOn(workload_key(link.actor), workload_key(target))


ROUTE_TO_EKS = Pair(
    verbs=("attach_service",),
    actors=("API",),
    targets=("Compute.Container",),
    target_on=(EKS,),
    creates="a private integration by VPC link and the application's load balancer, a target group that the cluster "
    "fills, and routes for the path and for everything below it",
    connect=attach_on_eks,
    check=check_container_route,
)
CALL_ON_EKS = Pair(
    verbs=("calls",),
    actors=("Compute.Container",),
    targets=("Compute.Container",),
    actor_on=(EKS,),
    target_on=(EKS,),
    creates="a rule of the target's NetworkPolicy for the caller's pods, and its name in the cluster's DNS in the "
    "caller's environment",
    connect=call_on_eks,
    check=check_call,
)
