"""The clusters of one local cloud, each with an API on a loopback port of its own, by TLS.

Input: records of AWS::EKS::Cluster, and objects applied to their APIs. Output: pods as tasks of the containers plane,
by the same names and target groups as on EKS. Refuses, as `HandlerError`, a port that somebody else has, and what a
Deployment's pods can't be (`pods`). Objects are kept in the state database; pods come back with the cluster.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.containers.plane import SERVICE
from klotho.localcloud.planes.gateway.request import Receive, Scope, Send, request_of
from klotho.localcloud.planes.gateway.server import Listener
from klotho.localcloud.planes.kubernetes.api import serve
from klotho.localcloud.planes.kubernetes.pods import replicas_of, spec_of
from klotho.localcloud.planes.kubernetes.store import Objects
from klotho.localcloud.planes.server_certificate import authority, serving
from klotho.localcloud.planes.sockets import holder_of

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

CLUSTER = "AWS::EKS::Cluster"
TARGETS = "AWS::ElasticLoadBalancingV2::TargetGroup"
TAG = "eks:eks-cluster-name"
_NO_NODES = "0/0 nodes are available: the cluster has no NodePool"


class Clusters:
    """Used from the supervisor's event loop only."""

    BUILT_IN: ClassVar[tuple[str, ...]] = ("default", "kube-system")
    """Namespaces that every cluster has."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.objects = Objects(cloud.database)
        self._open: dict[str, tuple[Record, Listener]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def start(self) -> None:
        """Nothing to start: clusters come by `open`."""

    async def stop(self) -> None:
        for name in list(self._open):
            await self._close(name)

    def names(self) -> list[str]:
        """Of the clusters whose API answers."""
        return sorted(self._open)

    def endpoint(self, name: str) -> str:
        return f"https://127.0.0.1:{self.cloud.ports.of(f'kubernetes/{name}')}"

    def authority(self) -> str:
        """The certificate that clients verify the API by, as EKS gives it."""
        return base64.b64encode(authority(self.cloud.state).ensure().read_bytes()).decode()

    async def open(self, record: Record) -> None:
        """The API answers; what ran in the cluster comes back in the background. Doing it twice is fine."""
        name = record.identifier
        if name in self._open:
            self._open[name] = (record, self._open[name][1])
            await self._bring_back(record)
            return
        port = self.cloud.ports.of(f"kubernetes/{name}")
        try:
            listener = await Listener.open(self._application(name), port, tls=serving(self.cloud.state))
        except OSError as error:
            who = await asyncio.to_thread(holder_of, port) or f"another program ({error.strerror})"
            raise HandlerError(f"port {port} of 127.0.0.1 is in use by {who}: end it", "ServiceUnavailable") from error
        self._open[name] = (record, listener)
        await self._bring_back(record)

    async def _bring_back(self, record: Record) -> None:
        """What is deployed runs, but for what `klotho dev` has newer code of in place."""
        name = record.identifier
        if not self._has_nodes(name):
            return
        for deployment in self.objects.of_kind(name, "Deployment"):
            if not self.cloud.swapped.is_held(SERVICE, _identifier(name, deployment)):
                await self.cloud.containers.bring_back(self._spec(record, deployment))

    def pod_of(self, application: str, service: str) -> str | None:
        """What the containers plane calls the service of this application; None when no cluster runs it."""
        for record, _ in self._open.values():
            for deployment in self.objects.of_kind(record.identifier, "Deployment"):
                if application_of(record) == application and self._spec(record, deployment).name == service:
                    return _identifier(record.identifier, deployment)
        return None

    async def suspend(self, name: str) -> None:
        """Its pods end and its API closes; its objects stay. One that is not open is fine."""
        await self._close(name)
        for pod in self.pods(name):
            await self.cloud.containers.remove(pod)

    async def delete(self, name: str) -> None:
        """It and everything in it is gone."""
        await self.suspend(name)
        self.objects.forget(name)
        self.cloud.ports.release(f"kubernetes/{name}")

    async def apply(self, cluster: str, path: str, body: Mapping[str, Any]) -> bool:
        """Keep the object and bring about what it says; whether it is new. `HandlerError` keeps nothing of it."""
        async with self._lock(cluster):
            before = self.objects.get(cluster, path)
            if body["kind"] == "TargetGroupBinding":
                self._check_binding(cluster, body)
            is_new = self.objects.put(cluster, path, body)
            try:
                await self._reconcile(cluster)
            except HandlerError:
                if before is None:
                    self.objects.remove(cluster, path)
                else:
                    self.objects.put(cluster, path, {**before, "metadata": body["metadata"]})
                raise
            return is_new

    async def delete_object(self, cluster: str, path: str, body: Mapping[str, Any]) -> None:
        """It is gone, and what it brought about."""
        async with self._lock(cluster):
            self.objects.remove(cluster, path)
            if body["kind"] == "Deployment":
                await self.cloud.containers.remove(_identifier(cluster, body))
            elif body["kind"] not in ("ServiceAccount", "Namespace"):
                await self._reconcile(cluster)

    def security_groups(self, cluster: str) -> list[str]:
        """Of its nodes, and so of its pods."""
        classes = self.objects.of_kind(cluster, "NodeClass")
        return [str(term["id"]) for item in classes for term in item["spec"].get("securityGroupSelectorTerms", ())]

    def pods(self, cluster: str) -> list[str]:
        """What the containers plane calls its Deployments."""
        return [_identifier(cluster, item) for item in self.objects.of_kind(cluster, "Deployment")]

    def shown(self, cluster: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The object with its status."""
        if body["kind"] != "Deployment":
            return dict(body)
        wanted = replicas_of(body, self._beside(cluster, body))
        return {
            **body,
            "spec": {**body["spec"], "replicas": wanted},
            "status": {
                "observedGeneration": body["metadata"].get("generation", 1),
                **self._status(cluster, body, wanted),
            },
        }

    def _status(self, cluster: str, body: Mapping[str, Any], wanted: int) -> dict[str, Any]:
        rollout, ready = self.cloud.containers.progress(_identifier(cluster, body))
        state, reason = rollout.state, rollout.reason
        if not self._has_nodes(cluster):
            state, reason = "IN_PROGRESS", _NO_NODES
        elif rollout.task_definition not in ("", _version(body)):  # that of an earlier version
            state = "IN_PROGRESS"
        updated = wanted if state == "COMPLETED" else 0
        progressing = {
            "COMPLETED": ("True", "NewReplicaSetAvailable", "it has successfully progressed"),
            "IN_PROGRESS": ("True", "ReplicaSetUpdated", "it is progressing"),
            "FAILED": ("False", "ProgressDeadlineExceeded", reason),
        }[state]
        available = ("True", "MinimumReplicasAvailable", "") if ready >= wanted else ("False", "Unavailable", reason)
        conditions = [
            {"type": name, "status": status, "reason": why, "message": message}
            for name, (status, why, message) in (("Progressing", progressing), ("Available", available))
        ]
        return {
            "replicas": updated,
            "updatedReplicas": updated,
            "readyReplicas": min(ready, wanted),
            "availableReplicas": min(ready, wanted) if state == "COMPLETED" else 0,
            "conditions": conditions,
        }

    async def _reconcile(self, cluster: str) -> None:
        """Every Deployment runs as the objects say now. Nothing is said anew to one that does."""
        record = self._open[cluster][0]
        if not self._has_nodes(cluster):
            return
        for deployment in self.objects.of_kind(cluster, "Deployment"):
            await self.cloud.containers.roll_out_as(self._spec(record, deployment), _version(deployment))

    def _spec(self, record: Record, deployment: Mapping[str, Any]) -> Any:
        return spec_of(record, deployment, self._beside(record.identifier, deployment), self.cloud.world)

    def _beside(self, cluster: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        namespace = body["metadata"]["namespace"]
        return [item for item in self.objects.below(cluster, "") if item["metadata"].get("namespace") == namespace]

    def _has_nodes(self, cluster: str) -> bool:
        return bool(self.objects.of_kind(cluster, "NodePool"))

    def _check_binding(self, cluster: str, body: Mapping[str, Any]) -> None:
        """The cluster's role may register targets only in groups that carry its name."""
        arn = str(body["spec"]["targetGroupARN"])
        group = self.cloud.world.get(TARGETS, arn)
        if group is None:
            raise HandlerError(f"Target groups '{arn}' not found", "TargetGroupNotFound")
        tags = {str(item["Key"]): str(item["Value"]) for item in group.properties.get("Tags", ())}
        if tags.get(TAG) != cluster:
            raise HandlerError(
                f"AmazonEKSLoadBalancingPolicy does not allow elasticloadbalancing:RegisterTargets on {arn}: it has no "
                f"tag {TAG}={cluster}", "AccessDenied",
            )  # fmt: skip

    def _lock(self, cluster: str) -> asyncio.Lock:
        return self._locks.setdefault(cluster, asyncio.Lock())

    async def _close(self, name: str) -> None:
        found = self._open.pop(name, None)
        if found is not None:
            await found[1].close()

    def _application(self, cluster: str) -> Any:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                request = request_of(scope, receive, send)
                request.is_gateway = False
                await serve(self, cluster, request)

        return application


def _identifier(cluster: str, deployment: Mapping[str, Any]) -> str:
    """What the containers plane calls it."""
    metadata = deployment["metadata"]
    return f"{cluster}/{metadata['namespace']}/{metadata['name']}"


def _version(deployment: Mapping[str, Any]) -> str:
    return str(deployment["metadata"].get("generation", 1))
