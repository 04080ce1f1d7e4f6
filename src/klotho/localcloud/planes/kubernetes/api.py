"""The Kubernetes API of one cluster: server-side apply, get, list and delete of the kinds that Klotho makes.

Input: an HTTP request with EKS's token. Output: JSON as Kubernetes answers. Refuses, in its words: no or a wrong token
(401), a caller whose access entry does not let it (403), kinds, methods and fields that are not carried (404, 405, 400,
by name), another way to change objects than server-side apply of JSON, a namespace that is not there.
Source: Kubernetes API reference and "Server-Side Apply"; Amazon EKS User Guide, "Access policy permissions".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from klotho.applier.objects import KINDS, Kind
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.planes.gateway.request import GatewayRequest, body_of, respond
from klotho.localcloud.planes.kubernetes.schema import not_carried
from klotho.localcloud.planes.kubernetes.token import TokenError, caller_of
from klotho.localcloud.service import Caller

if TYPE_CHECKING:
    from klotho.localcloud.planes.kubernetes.plane import Clusters

APPLY = "application/apply-patch+yaml"
ENTRY = "AWS::EKS::AccessEntry"
ADMIN = ":cluster-access-policy/AmazonEKSClusterAdminPolicy"
LARGEST = 1_500_000
"""Bytes: what etcd takes of one object."""


class RefusedError(Exception):
    """A request is refused: the status, Kubernetes' reason for it, and a message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


async def serve(clusters: Clusters, cluster: str, request: GatewayRequest) -> None:
    """Answer one request."""
    try:
        status, answer = await _answer(clusters, cluster, request)
    except RefusedError as error:
        status, answer = error.status, _status(error.status, error.reason, str(error))
    except HandlerError as error:
        status, answer = 422, _status(422, "Invalid", error.reason)
    await respond(request, status, [(b"content-type", b"application/json")], json.dumps(answer).encode())


async def _answer(clusters: Clusters, cluster: str, request: GatewayRequest) -> tuple[int, dict[str, Any]]:
    caller = _caller(clusters, cluster, request)
    _authorize(clusters, cluster, caller)
    kind_name, kind, name = _asked(request.path)
    if request.method == "GET" and not name:
        items = [clusters.shown(cluster, item) for item in clusters.objects.below(cluster, f"{request.path}/")]
        return 200, {"kind": f"{kind_name}List", "apiVersion": kind.version, "items": items}
    if request.method == "PATCH" and name:
        body = await _body(request)
        _check(clusters, cluster, request.path, kind_name, kind, body)
        is_new = await clusters.apply(cluster, request.path, body)
        return (201 if is_new else 200), clusters.shown(cluster, clusters.objects.get(cluster, request.path) or body)
    if request.method not in ("GET", "DELETE") or not name:
        raise RefusedError(
            405, "MethodNotAllowed", f"klotho's local cloud does not carry {request.method} of {kind_name}"
        )
    found = clusters.objects.get(cluster, request.path)
    if found is None:
        group = kind.version.rpartition("/")[0]
        of = f"{kind.plural}.{group}" if group else kind.plural
        raise RefusedError(404, "NotFound", f'{of} "{name}" not found')
    if request.method == "GET":
        return 200, clusters.shown(cluster, found)
    await clusters.delete_object(cluster, request.path, found)
    return 200, {"kind": "Status", "apiVersion": "v1", "status": "Success"}


def _caller(clusters: Clusters, cluster: str, request: GatewayRequest) -> Caller:
    scheme, _, token = (request.header(b"authorization") or "").partition(" ")
    try:
        if scheme != "Bearer":
            raise TokenError("there is no token")
        return caller_of(token, cluster, clusters.cloud.credentials.caller_of)
    except TokenError as error:
        raise RefusedError(401, "Unauthorized", f"Unauthorized: {error}") from None


def _authorize(clusters: Clusters, cluster: str, caller: Caller) -> None:
    """By access entries. Of AWS's policies the local cloud carries the administrator's."""
    for record in clusters.cloud.world.list(ENTRY):
        given = record.properties
        if given["ClusterName"] != cluster or given["PrincipalArn"] != caller.role_arn or caller.role_arn is None:
            continue
        if any(str(item["PolicyArn"]).endswith(ADMIN) for item in given.get("AccessPolicies", ())):
            return
    who = caller.role_arn or caller.name
    raise RefusedError(
        403, "Forbidden", f'User "{who}" cannot do this in {cluster}: it has no access entry that lets it'
    )


def _asked(path: str) -> tuple[str, Kind, str]:
    """The kind a path is about, and the object's name; none for a list."""
    for name, kind in KINDS.items():
        whole = kind.path("*", "*").split("/")
        parts = path.split("/")
        if len(parts) in (len(whole), len(whole) - 1) and all(
            wanted in ("*", found) for wanted, found in zip(whole, parts, strict=False)
        ):
            return name, kind, parts[-1] if len(parts) == len(whole) else ""
    raise RefusedError(404, "NotFound", f"klotho's local cloud does not carry {path} of Kubernetes")


async def _body(request: GatewayRequest) -> dict[str, Any]:
    if (request.header(b"content-type") or "").partition(";")[0] != APPLY or not request.parameter("fieldManager"):
        message = f"klotho's local cloud carries server-side apply only ({APPLY}, with a fieldManager)"
        raise RefusedError(415, "UnsupportedMediaType", message)
    raw = await body_of(request, LARGEST)
    try:
        found = json.loads(raw or b"")
        if not isinstance(found, dict):
            raise ValueError("it is no object")
    except ValueError as error:
        raise RefusedError(
            400, "BadRequest", f"error decoding patch: klotho's local cloud takes JSON: {error}"
        ) from None
    return found


def _check(clusters: Clusters, cluster: str, path: str, name: str, kind: Kind, body: Mapping[str, Any]) -> None:
    metadata = body.get("metadata") or {}
    if (body.get("kind"), body.get("apiVersion")) != (name, kind.version):
        raise RefusedError(400, "BadRequest", f"{path} takes {name} of {kind.version}")
    namespace = str(metadata.get("namespace", ""))
    if kind.path(namespace, str(metadata.get("name", ""))) != path:
        raise RefusedError(400, "BadRequest", f"the name or namespace in the object is not that of {path}")
    unknown = not_carried(body)
    if unknown is not None:
        message = f'strict decoding error: klotho\'s local cloud does not carry field "{unknown}" of {name}'
        raise RefusedError(400, "BadRequest", message)
    there = (*clusters.BUILT_IN, *(item["metadata"]["name"] for item in clusters.objects.of_kind(cluster, "Namespace")))
    if kind.namespaced and namespace not in there:
        raise RefusedError(404, "NotFound", f'namespaces "{namespace}" not found')


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    shown = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**shown, "message": message, "reason": reason, "code": code}
