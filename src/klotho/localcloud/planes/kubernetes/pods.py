"""What a Deployment's pods are to run, as the containers plane takes it.

Input: a Deployment, the objects beside it and the `World`. Output: a `ServiceSpec`. Refuses, as `HandlerError`: more
containers than one, an image not made by Klotho, ports that are not TCP, selectors that select other pods than its own,
a service account that is not there. Source: Kubernetes API reference (Deployment, Service), Amazon EKS User Guide,
"Learn how EKS Pod Identity grants Pods access to AWS services".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.containers.definition import Alias, Port, ServiceSpec, TaskSpec
from klotho.localcloud.planes.containers.health import HealthCheck
from klotho.localcloud.planes.containers.image import REPOSITORY
from klotho.localcloud.world import World

LOG_GROUP = "klotho-log-group"
"""The annotation by which the logging add-on, as Klotho sets it up, is told where a pod's lines go."""
IDENTITY = "AWS::EKS::PodIdentityAssociation"
_URI = re.compile(rf"{re.escape(REPOSITORY)}@sha256:([0-9a-f]{{64}})")
_MEBI = re.compile(r"(\d+)Mi")
DEFAULT_GRACE_S = 30.0
DEFAULT_START_S = 60.0

Objects = Iterable[Mapping[str, Any]]


def spec_of(cluster: Record, deployment: Mapping[str, Any], beside: Objects, world: World) -> ServiceSpec:
    """Read a Deployment with everything of its namespace."""
    beside = list(beside)
    name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
    template = deployment["spec"]["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    log_group = str(annotations.get(LOG_GROUP, f"/aws/containerinsights/{cluster.identifier}/application"))
    if not _selects(deployment["spec"].get("selector"), labels):
        raise _invalid(f"Deployment {name}: `selector` does not match template `labels`")
    pod, container = template["spec"], _container(name, template["spec"])
    ports = tuple(_port(item) for item in container.get("ports", ()))
    found = f"{cluster.identifier}/{namespace}"
    environment = {str(item["name"]): str(item.get("value", "")) for item in container.get("env", ())}
    unit = environment.get("KLOTHO_UNIT", name)
    services = [item for item in beside if item["kind"] == "Service" and _matches(item["spec"], labels)]
    return ServiceSpec(
        identifier=f"{cluster.identifier}/{namespace}/{name}",
        name=unit,
        desired=replicas_of(deployment, beside),
        namespace=found,
        aliases=tuple(_aliases(services, namespace, found, ports)),
        registries=_registries(beside, services, ports),
        start_s=_start_s(container),
        task=_task(cluster, namespace, pod, container, unit, environment, ports, beside, log_group, world),
        application=application_of(cluster),
    )


def replicas_of(deployment: Mapping[str, Any], beside: Objects) -> int:
    """As it says; else the fewest that its autoscaler keeps. Nothing is scaled on this machine."""
    if "replicas" in deployment["spec"]:
        return int(deployment["spec"]["replicas"])
    for item in beside:
        target = item["spec"]["scaleTargetRef"] if item["kind"] == "HorizontalPodAutoscaler" else {}
        if target.get("kind") == "Deployment" and target.get("name") == deployment["metadata"]["name"]:
            return int(item["spec"].get("minReplicas", 1))
    return 1


def _container(name: str, pod: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = pod.get("containers") or []
    if len(containers) != 1:
        raise _invalid(f"Deployment {name}: the local cloud runs one container a pod, without sidecars")
    found: Mapping[str, Any] = containers[0]
    return found


def _task(
    cluster: Record,
    namespace: str,
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    unit: str,
    environment: Mapping[str, str],
    ports: tuple[Port, ...],
    beside: Objects,
    log_group: str,
    world: World,
) -> TaskSpec:
    image = _URI.fullmatch(str(container.get("image", "")))
    if image is None:
        raise _invalid(
            f"{unit}: image `{container.get('image')}` is not carried; the local cloud uses no container engine, it "
            f"runs what `klotho up` builds from a Dockerfile ({REPOSITORY}@sha256:…)"
        )
    memory = _MEBI.fullmatch(str(((container.get("resources") or {}).get("limits") or {}).get("memory", "")))
    return TaskSpec(
        definition=f"{cluster.identifier}/{namespace}/{unit}",
        image=image[1],
        container=str(container["name"]),
        environment=environment,
        secrets={},
        entrypoint=tuple(map(str, container["command"])) if container.get("command") else None,
        command=tuple(map(str, container["args"])) if container.get("args") else None,
        workdir=container.get("workingDir"),
        ports=ports,
        stop_timeout_s=float(pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)),
        health=_health(container, ports),
        memory_mb=int(memory[1]) if memory else None,
        log_group=log_group,
        log_prefix=unit,
        role_arn=_role(cluster, namespace, pod, beside, world),
    )


def _role(cluster: Record, namespace: str, pod: Mapping[str, Any], beside: Objects, world: World) -> str | None:
    """The role that its service account has in this cluster; None for an account without one."""
    account = str(pod.get("serviceAccountName", "default"))
    known = {item["metadata"]["name"] for item in beside if item["kind"] == "ServiceAccount"}
    if account not in known | {"default"}:
        raise _invalid(f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found')
    for record in world.list(IDENTITY):
        given = record.properties
        if (given["ClusterName"], given["Namespace"], given["ServiceAccount"]) == (
            cluster.identifier, namespace, account,
        ):  # fmt: skip
            return str(given["RoleArn"])
    return None


def _port(item: Mapping[str, Any]) -> Port:
    if item.get("protocol", "TCP") != "TCP":
        raise _invalid(f"port {item['containerPort']}: the local cloud carries TCP only")
    name = str(item.get("name", item["containerPort"]))
    return Port(name, int(item["containerPort"]), "grpc" if name == "grpc" else "http")


def _aliases(services: Objects, namespace: str, found: str, ports: tuple[Port, ...]) -> Iterable[Alias]:
    """The names that cluster DNS has for its Services, with each of their ports."""
    for service in services:
        name = service["metadata"]["name"]
        for item in service["spec"].get("ports", ()):
            port = _meant(item, ports, name)
            for host in (f"{name}.{namespace}", name):
                yield Alias(found, host, int(item["port"]), port.name, name)


def _meant(item: Mapping[str, Any], ports: tuple[Port, ...], service: str) -> Port:
    target = item.get("targetPort", item["port"])
    for port in ports:
        if target in (port.name, port.number):
            return port
    raise _invalid(f"Service {service}: no port of its pods is `{target}`")


def _registries(beside: Objects, services: Objects, ports: tuple[Port, ...]) -> dict[str, str]:
    """Target groups that bindings fill with its pods -> port name."""
    by_name = {service["metadata"]["name"]: service for service in services}
    found = {}
    for item in beside:
        if item["kind"] != "TargetGroupBinding" or item["spec"]["serviceRef"]["name"] not in by_name:
            continue
        asked, service = item["spec"]["serviceRef"], by_name[item["spec"]["serviceRef"]["name"]]
        for offered in service["spec"].get("ports", ()):
            if asked["port"] in (offered["port"], offered.get("name")):
                found[str(item["spec"]["targetGroupARN"])] = _meant(offered, ports, asked["name"]).name
    return found


def _health(container: Mapping[str, Any], ports: tuple[Port, ...]) -> HealthCheck | None:
    """Its readiness decides here about both: traffic, and being started anew."""
    probe = container.get("readinessProbe")
    if not probe:
        return None
    asked = probe.get("httpGet") or probe.get("tcpSocket") or {}
    port = next((port for port in ports if asked.get("port") in (port.name, port.number)), None)
    if port is None:
        raise _invalid(f"readinessProbe: no port of the container is `{asked.get('port')}`")
    startup = container.get("startupProbe") or {}
    return HealthCheck(
        port=port.number,
        path=str(probe["httpGet"].get("path", "/")) if "httpGet" in probe else None,
        any_status=False,
        interval_s=float(probe.get("periodSeconds", 10)),
        timeout_s=float(probe.get("timeoutSeconds", 1)),
        retries=int((container.get("livenessProbe") or probe).get("failureThreshold", 3)),
        start_period_s=float(startup.get("periodSeconds", 10)) * int(startup.get("failureThreshold", 3)),
    )


def _start_s(container: Mapping[str, Any]) -> float:
    startup = container.get("startupProbe")
    if not startup:
        return DEFAULT_START_S
    return float(startup.get("periodSeconds", 10)) * int(startup.get("failureThreshold", 3))


def _selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    wanted = (selector or {}).get("matchLabels") or {}
    return bool(wanted) and all(labels.get(name) == value for name, value in wanted.items())


def _matches(spec: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return _selects({"matchLabels": spec.get("selector")}, labels)


def _invalid(message: str) -> HandlerError:
    return HandlerError(message, "Invalid")
