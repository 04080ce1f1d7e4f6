"""The kinds of objects there are: where the API has them, and in which order they are made.

Custom resources get every number and boolean as text (CloudFormation User Guide, "Custom resources"), so `typed` gives
them back by the names of fields, as the published schemas of the kinds have them. Refuses, as `ObjectError`, other
kinds, and objects without a name. Sources: Kubernetes API reference (v1.33), Amazon EKS User Guide (NodeClass,
NodePool, TargetGroupBinding of Auto Mode).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class ObjectError(Exception):
    """Something can't be made; the text says what and why."""


class Kind:
    """One kind: its version, its plural in URLs, and whether its objects lie in a namespace."""

    __slots__ = ("namespaced", "plural", "version")

    def __init__(self, version: str, plural: str, namespaced: bool = True) -> None:
        self.version = version
        self.plural = plural
        self.namespaced = namespaced

    def path(self, namespace: str, name: str) -> str:
        """The path of one object."""
        root = "/api" if "/" not in self.version else "/apis"
        inside = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}/{self.version}{inside}/{self.plural}/{name}"


KINDS: Mapping[str, Kind] = {
    "Namespace": Kind("v1", "namespaces", namespaced=False),
    "ConfigMap": Kind("v1", "configmaps"),
    "NodeClass": Kind("eks.amazonaws.com/v1", "nodeclasses", namespaced=False),
    "NodePool": Kind("karpenter.sh/v1", "nodepools", namespaced=False),
    "ServiceAccount": Kind("v1", "serviceaccounts"),
    "NetworkPolicy": Kind("networking.k8s.io/v1", "networkpolicies"),
    "Service": Kind("v1", "services"),
    "TargetGroupBinding": Kind("eks.amazonaws.com/v1", "targetgroupbindings"),
    "PodDisruptionBudget": Kind("policy/v1", "poddisruptionbudgets"),
    "Deployment": Kind("apps/v1", "deployments"),
    "HorizontalPodAutoscaler": Kind("autoscaling/v2", "horizontalpodautoscalers"),
}
"""In the order they are made; they are removed in the opposite one."""
ORDER = {name: place for place, name in enumerate(KINDS)}
_NUMBERS = frozenset(
    {
        "averageUtilization", "containerPort", "failureThreshold", "fsGroup", "initialDelaySeconds", "maxReplicas",
        "maxSkew", "maxSurge", "maxUnavailable", "minReplicas", "periodSeconds", "port", "progressDeadlineSeconds",
        "replicas", "revisionHistoryLimit", "runAsGroup", "runAsUser", "terminationGracePeriodSeconds",
        "timeoutSeconds",
    }
)  # fmt: skip
_BOOLEANS = frozenset(
    {"allowPrivilegeEscalation", "automountServiceAccountToken", "enableServiceLinks", "runAsNonRoot"}
)
_OPEN = frozenset({"annotations", "data", "labels", "matchLabels", "nodeSelector", "limits", "requests"})
"""Maps with names of their own, whose values are all text."""


def typed(value: Any) -> Any:
    """The object with numbers and booleans where its kind has them."""
    if isinstance(value, dict):
        return {name: item if name in _OPEN else _typed(name, item) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return value


def _typed(name: str, value: Any) -> Any:
    if name in _NUMBERS and isinstance(value, str) and value.isdecimal():
        return int(value)
    if name in _BOOLEANS and value in ("true", "false"):
        return value == "true"
    return typed(value)


class Named:
    """An object by what tells it from all others."""

    __slots__ = ("body", "kind", "name", "namespace")

    def __init__(self, body: dict[str, Any]) -> None:
        metadata = body.get("metadata") or {}
        self.body = body
        self.kind = str(body.get("kind", ""))
        self.name = str(metadata.get("name", ""))
        self.namespace = str(metadata.get("namespace", ""))
        known = KINDS.get(self.kind)
        if known is None or body.get("apiVersion") != known.version:
            raise ObjectError(f"{self.kind or 'an object'} of {body.get('apiVersion')} is not a kind that Klotho makes")
        if not self.name or known.namespaced != bool(self.namespace):
            raise ObjectError(f"{self.kind} {self.name!r} lacks its name, or its namespace")

    @property
    def path(self) -> str:
        return KINDS[self.kind].path(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def objects_of(properties: Mapping[str, Any]) -> list[Named]:
    """What the custom resource lists, in the order it is made."""
    found = [Named(typed(item)) for item in properties.get("Objects", ())]
    return sorted(found, key=lambda item: (ORDER[item.kind], item.namespace, item.name))
