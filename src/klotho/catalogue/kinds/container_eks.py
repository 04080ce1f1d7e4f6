"""`Compute.Container` on Kubernetes: the same container as a Deployment in the application's EKS cluster.

Becomes a role that its pods get by their service account (EKS Pod Identity), so that grants are the same statements as
on ECS, and `Custom::KubernetesObjects`: ServiceAccount, Deployment, Service, PodDisruptionBudget, NetworkPolicy, and a
HorizontalPodAutoscaler where it scales. No secret's value stands in a manifest: code fetches it by its ARN
(`klotho.config`), as on ECS. Pods run as a user without rights (10001), whatever the image says.

Sources: Kubernetes documentation (Deployment, probes, "Pod Security Standards": restricted; NetworkPolicy); Amazon EKS
User Guide, "Learn how EKS Pod Identity grants Pods access to AWS services".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from klotho.application import Application, Construct
from klotho.catalogue.kinds.container import FARGATE, image_asset, processor
from klotho.catalogue.kinds.container_check import check_container_on_eks
from klotho.catalogue.kinds.container_ports import main_port, named_ports, port_variables
from klotho.catalogue.kinds.container_scaling import ZONES, check_spread
from klotho.catalogue.kinds.internal_alb import is_private
from klotho.catalogue.kinds.kubernetes import (
    CLUSTER,
    FUNCTION,
    FUNCTION_GROUP,
    LOG_GROUP,
    WORKERS,
    cluster,
    function_asset,
    manifest,
    namespace_of,
    objects,
    pod_role,
)
from klotho.catalogue.kinds.values import given_text
from klotho.catalogue.rules import EKS, Compute, Implementation, NetworkPlace, Output, Parameter, ServiceNeed, Setting
from klotho.diagnostics import Report
from klotho.resources import (
    AddItem,
    AddResource,
    Asset,
    DependsOn,
    Ref,
    ResourceKey,
    SetProperty,
    Value,
    resource_key,
)
from klotho.resources.changes import Action
from klotho.resources.naming import dashed

MAIN = "main"
USER = 10001
METRICS = resource_key("application", "kubernetes-metrics")
_POD = ("Objects", "deployment", "spec", "template", "spec")
_CONTAINER = (*_POD, "containers", MAIN)


def workload_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "workload")


def pod_role_key(construct: Construct) -> ResourceKey:
    """The role the user's code runs under."""
    return resource_key(construct.id, "pod-role")


def _identity(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "pod-identity")


def _logs(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "workload-logs")


def object_name(construct: Construct) -> str:
    """Of all objects that are the container."""
    return dashed(construct.name, 60)


def host_name(construct: Construct, setting: Setting) -> str:
    """The name other pods know it by: cluster DNS has one for each Service."""
    return f"{object_name(construct)}.{namespace_of(setting)}"


def eks(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The role, and the objects in the cluster."""
    yield from cluster(setting)
    role, key = pod_role_key(construct), workload_key(construct)
    yield from pod_role(role, f"The code of container {construct.name}")
    yield AddResource(
        _identity(construct),
        "AWS::EKS::PodIdentityAssociation",
        {
            "ClusterName": Ref(CLUSTER),
            "Namespace": namespace_of(setting),
            "ServiceAccount": object_name(construct),
            "RoleArn": Ref(role, "Arn"),
        },
    )
    yield AddResource(_logs(construct), "AWS::Logs::LogGroup")
    yield from objects(key, f"{namespace_of(setting)}/{object_name(construct)}")
    # A pod gets the role it has when it starts.
    yield DependsOn(key, _identity(construct))
    yield from _deployment(construct, setting)
    yield from _beside(construct, setting)
    yield from _scaling(construct, setting)


def _deployment(construct: Construct, setting: Setting) -> Iterator[Action]:
    key, name, low = workload_key(construct), object_name(construct), setting.parameter(construct, "scale")[0]
    pod = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": {"kubernetes.io/arch": _architecture(construct, setting)},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
            # Ports below 1024 as on ECS, where programs run as root.
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        },
        "terminationGracePeriodSeconds": 30,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": name}},
            }
        ],
    }
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}},
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 2,
        "template": {
            "metadata": {"labels": {"app": name}, "annotations": {LOG_GROUP: Ref(_logs(construct))}},
            "spec": pod,
        },
    }
    if not _scales(construct, setting):  # else the number is the autoscaler's
        spec["replicas"] = low
    yield manifest(key, "Deployment", "apps/v1", name, namespace_of(setting), {"spec": spec})
    yield from _container(construct, setting)


def _architecture(construct: Construct, setting: Setting) -> str:
    """As Kubernetes calls it."""
    return "arm64" if processor(construct, setting) == "ARM64" else "amd64"


def _container(construct: Construct, setting: Setting) -> Iterator[Action]:
    key, image = workload_key(construct), setting.parameter(construct, "image")
    command = setting.parameter(construct, "command")
    memory, cpu = setting.parameter(construct, "memory"), setting.parameter(construct, "cpu")
    body: dict[str, Any] = {
        "name": MAIN,
        "image": image if image is not None else Asset(construct.id, "image"),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        # CPU that nobody else needs may be used; memory is what it is.
        "resources": {
            "requests": {"cpu": f"{int(cpu) * 1000 // 1024}m", "memory": f"{memory}Mi"},
            "limits": {"memory": f"{memory}Mi"},
        },
        **_probes(construct, setting),
    }
    if command is not None:
        body["args"] = list(command)
    yield AddItem(key, (*_POD, "containers"), MAIN, body)
    for name, port in named_ports(construct, setting).items():
        yield AddItem(key, (*_CONTAINER, "ports"), name, {"name": name, "containerPort": port, "protocol": "TCP"})
    yield environment(construct, "KLOTHO_UNIT", construct.name)
    for name, port in port_variables(construct, setting).items():
        yield environment(construct, name, str(port))
    for name, value in (setting.parameter(construct, "environment") or {}).items():
        yield environment(construct, name, given_text(value, setting))


def _probes(construct: Construct, setting: Setting) -> dict[str, Any]:
    """Traffic goes to what answers; what does not answer for long is started anew."""
    path, port = setting.parameter(construct, "health_check"), _main_name(construct, setting)
    asked: dict[str, Any] = {"tcpSocket": {"port": port}} if path is None else {"httpGet": {"path": path, "port": port}}
    return {
        "startupProbe": {**asked, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**asked, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**asked, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def _main_name(construct: Construct, setting: Setting) -> str:
    main = main_port(construct, setting)
    return next(name for name, port in named_ports(construct, setting).items() if port == main)


def environment(construct: Construct, name: str, value: Value) -> Action:
    """One environment variable of the user's container."""
    return AddItem(workload_key(construct), (*_CONTAINER, "env"), name, {"name": name, "value": value})


def _beside(construct: Construct, setting: Setting) -> Iterator[Action]:
    key, name, place = workload_key(construct), object_name(construct), namespace_of(setting)
    selector = {"matchLabels": {"app": name}}
    yield manifest(key, "ServiceAccount", "v1", name, place, {"automountServiceAccountToken": False})
    yield manifest(key, "Service", "v1", name, place, {"spec": {"type": "ClusterIP", "selector": {"app": name}}})
    for port_name, port in named_ports(construct, setting).items():
        item = {"name": port_name, "port": port, "targetPort": port_name, "protocol": "TCP"}
        yield AddItem(key, ("Objects", "service", "spec", "ports"), port_name, item)
    budget = {"spec": {"maxUnavailable": 1, "selector": selector}}
    yield manifest(key, "PodDisruptionBudget", "policy/v1", name, place, budget)
    # Nobody comes in until a relationship says so.
    closed = {"spec": {"podSelector": selector, "policyTypes": ["Ingress"]}}
    yield manifest(key, "NetworkPolicy", "networking.k8s.io/v1", name, place, closed)


def let_in(construct: Construct, who: str, source: dict[str, Any] | None, ports: list[int]) -> Action:
    """A rule of its NetworkPolicy; `source` None lets everybody in who gets past the security groups."""
    rule: dict[str, Any] = {"ports": [{"port": port, "protocol": "TCP"} for port in sorted(ports)]}
    if source is not None:
        rule["from"] = [source]
    return AddItem(workload_key(construct), ("Objects", "networkpolicy", "spec", "ingress"), who, rule)


def _scales(construct: Construct, setting: Setting) -> bool:
    low, high = setting.parameter(construct, "scale")
    return bool(high > low)


def _scaling(construct: Construct, setting: Setting) -> Iterator[Action]:
    if not _scales(construct, setting):
        return
    low, high = setting.parameter(construct, "scale")
    key, name = workload_key(construct), object_name(construct)
    # Auto Mode brings none, and without one there is nothing to scale by.
    yield AddResource(METRICS, "AWS::EKS::Addon", {"ClusterName": Ref(CLUSTER), "AddonName": "metrics-server"})
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": low,
        "maxReplicas": high,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    yield manifest(key, "HorizontalPodAutoscaler", "autoscaling/v2", name, namespace_of(setting), {"spec": spec})
    yield DependsOn(key, METRICS)


def spread(construct: Construct, setting: Setting) -> Iterator[Action]:
    """At least one pod in each zone."""
    low, high = setting.parameter(construct, "scale")
    least = max(ZONES, low)
    if high > low:
        path: tuple[str, ...] = ("Objects", "horizontalpodautoscaler", "spec", "minReplicas")
        yield SetProperty(workload_key(construct), path, min(least, high))
    else:
        yield SetProperty(workload_key(construct), ("Objects", "deployment", "spec", "replicas"), least)


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """Nodes are in the private subnets already, and pods in their security group."""
    yield from ()


def _needs(construct: Construct, setting: Setting) -> Iterator[ServiceNeed]:
    for service in ("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "s3", "sts"):
        yield ServiceNeed(service)
    yield ServiceNeed("s3", FUNCTION_GROUP, FUNCTION)


def unable(construct: Construct, application: Application) -> Iterator[str]:
    """What it can't do there that it can on ECS."""
    if application.in_project and construct.properties.get("existing") is not None:
        yield "it is there already"
    for item in application.relationships_on(construct.id):
        actor = application.by_id.get(item.actor)
        if item.verb == "attach_service" and actor is not None and is_private(actor):
            yield f"{actor.label} is private, and its load balancer reaches containers of ECS only so far"


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    check_container_on_eks(construct, setting, report, tuple(unable(construct, setting.application)))


def _url(construct: Construct, setting: Setting) -> Value:
    return f"http://{host_name(construct, setting)}:{main_port(construct, setting)}"


EKS_CONTAINER: Implementation = replace(
    FARGATE,
    name="eks",
    service="Amazon EKS",
    expand=eks,
    parameters={
        **FARGATE.parameters,
        "cpu": Parameter("CPU that one pod is given at least", 256, "CPU units (1024 = 1 vCPU)"),
        "memory": Parameter("memory of one pod", 512, "MiB"),
        "scale": Parameter("fewest and most pods; between them CPU at 60 % decides", [1, 1], "pods"),
        "health_check": Parameter("path that answers 2xx or 3xx when healthy"),
    },
    outputs={"url": Output(_url, "where other containers of the cluster reach it, and nobody else", internal=True)},
    enter_network=enter_network,
    group=WORKERS,
    spread=spread,
    check_spread=check_spread,
    needs=_needs,
    shares=lambda construct, setting: (),
    adoption=None,
    instead_of_adoption=("what runs in a cluster that is there already is not Klotho's", 'leave out `use("eks")`'),
    compute=Compute(role=pod_role_key, environment=environment, main=workload_key, host=EKS),
    asset=image_asset,
    common_asset=function_asset,
    unable=unable,
    fits=lambda construct: construct.properties.get("always_on") is not False,
    check=_check,
)
"""For who knows Kubernetes and wants it: the cluster alone costs as much as seven small containers on Fargate."""
