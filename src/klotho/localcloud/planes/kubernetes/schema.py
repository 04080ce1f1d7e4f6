"""What of each kind of object is carried; everything else is refused by name, as the API refuses unknown fields.

Input: an object. Output: the first field that is not carried. Honoured: what says which process runs, with what, when
it is ready, who reaches it by which name, and how many. Recorded, because a process on this machine has nothing of the
kind: security contexts, node classes and pools, network policies, disruption budgets, spreading, and the most that an
autoscaler may start. Source: Kubernetes API reference; Amazon EKS User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANY = object()
"""The field and everything in it."""
Fields = Mapping[str, Any]

_LABELS: Fields = {"matchLabels": ANY}
_PROBE: Fields = {
    "failureThreshold": ANY,
    "httpGet": {"path": ANY, "port": ANY},
    "initialDelaySeconds": ANY,
    "periodSeconds": ANY,
    "tcpSocket": {"port": ANY},
    "timeoutSeconds": ANY,
}
_CONTAINER: Fields = {
    "args": ANY,
    "command": ANY,
    "env": {"name": ANY, "value": ANY},
    "image": ANY,
    "livenessProbe": _PROBE,
    "name": ANY,
    "ports": {"containerPort": ANY, "name": ANY, "protocol": ANY},
    "readinessProbe": _PROBE,
    "resources": {"limits": ANY, "requests": ANY},
    "securityContext": {
        "allowPrivilegeEscalation": ANY,
        "capabilities": {"drop": ANY},
        "readOnlyRootFilesystem": ANY,
        "runAsNonRoot": ANY,
        "runAsUser": ANY,
    },
    "startupProbe": _PROBE,
    "workingDir": ANY,
}
_POD: Fields = {
    "automountServiceAccountToken": ANY,
    "containers": _CONTAINER,
    "enableServiceLinks": ANY,
    "nodeSelector": ANY,
    "securityContext": {
        "fsGroup": ANY,
        "runAsGroup": ANY,
        "runAsNonRoot": ANY,
        "runAsUser": ANY,
        "seccompProfile": {"type": ANY},
        "sysctls": {"name": ANY, "value": ANY},
    },
    "serviceAccountName": ANY,
    "terminationGracePeriodSeconds": ANY,
    "topologySpreadConstraints": {
        "labelSelector": _LABELS,
        "maxSkew": ANY,
        "topologyKey": ANY,
        "whenUnsatisfiable": ANY,
    },
}
CARRIED: Mapping[str, Fields] = {
    "Namespace": {},
    "ConfigMap": {"data": ANY},
    "ServiceAccount": {"automountServiceAccountToken": ANY},
    "NodeClass": {
        "spec": {
            "networkPolicy": ANY,
            "networkPolicyEventLogs": ANY,
            "role": ANY,
            "securityGroupSelectorTerms": {"id": ANY},
            "subnetSelectorTerms": {"id": ANY},
        }
    },
    "NodePool": {
        "spec": {
            "disruption": {"consolidateAfter": ANY, "consolidationPolicy": ANY},
            "limits": ANY,
            "template": {"spec": {"nodeClassRef": ANY, "requirements": {"key": ANY, "operator": ANY, "values": ANY}}},
        }
    },
    "NetworkPolicy": {"spec": {"ingress": {"from": ANY, "ports": ANY}, "podSelector": _LABELS, "policyTypes": ANY}},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": ANY, "selector": _LABELS}},
    "Service": {
        "spec": {
            "ports": {"name": ANY, "port": ANY, "protocol": ANY, "targetPort": ANY},
            "selector": ANY,
            "type": ANY,
        }
    },
    "TargetGroupBinding": {
        "spec": {"serviceRef": {"name": ANY, "port": ANY}, "targetGroupARN": ANY, "targetType": ANY}
    },
    "Deployment": {
        "spec": {
            "progressDeadlineSeconds": ANY,
            "replicas": ANY,
            "revisionHistoryLimit": ANY,
            "selector": _LABELS,
            "strategy": {"rollingUpdate": ANY, "type": ANY},
            "template": {"metadata": {"annotations": ANY, "labels": ANY}, "spec": _POD},
        }
    },
    "HorizontalPodAutoscaler": {
        "spec": {"maxReplicas": ANY, "metrics": ANY, "minReplicas": ANY, "scaleTargetRef": ANY}
    },
}
_COMMON: Fields = {
    "apiVersion": ANY,
    "kind": ANY,
    "metadata": {"annotations": ANY, "labels": ANY, "name": ANY, "namespace": ANY},
}


def not_carried(body: Mapping[str, Any]) -> str | None:
    """The path of the first field that is not carried (`spec.template.spec.volumes`); None when all are."""
    return _first(body, {**_COMMON, **CARRIED[str(body["kind"])]}, "")


def _first(value: Any, fields: Any, path: str) -> str | None:
    if fields is ANY:
        return None
    if isinstance(value, list):
        return next((found for item in value if (found := _first(item, fields, path))), None)
    if not isinstance(value, dict):
        return path
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        if name not in fields:
            return inner
        found = _first(item, fields[name], inner)
        if found is not None:
            return found
    return None
