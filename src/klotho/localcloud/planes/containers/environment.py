"""The environment of a task's process: the image's, the definition's, AWS's and nothing else of this machine's.

Input: a service's specification, its image and the ports its process got. Output: the variables. Refuses, as
`HandlerError`: a secret reference that does not resolve (named, without its value), parameters of Systems Manager.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from klotho.localcloud.handler import HandlerError
from klotho.localcloud.planes.containers import dotnet
from klotho.localcloud.planes.containers.definition import Alias, ServiceSpec
from klotho.localcloud.planes.containers.image import RUNTIME_FOLDER, Image, search_path
from klotho.localcloud.planes.containers.paths import rewritten
from klotho.localcloud.planes.server_certificate import trust
from klotho.localcloud.service import ApiError

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

HOST = "127.0.0.1"
_SERVICE_VARIABLE = "KLOTHO_SERVICE_"
_PORT_VARIABLE = re.compile(r"(?:[A-Z0-9_]+_)?PORT")
_ARN_PARTS = 7
"""`arn:aws:secretsmanager:<region>:<account>:secret:<name>`; json key, stage and version may follow."""


def environment(
    cloud: Cloud, spec: ServiceSpec, image: Image, ports: Mapping[str, int], connect: Callable[[str], int]
) -> dict[str, str]:
    """All variables.

    `ports`: port name -> the process's port. `connect`: `name:port` of Service Connect -> front port.
    """
    task = spec.task
    own = {name: rewritten(value, image.root) for name, value in image.config.environment.items() if name != "PATH"}
    given = dict(task.environment)
    secret = {name: _secret(cloud, spec.name, name, reference) for name, reference in task.secrets.items()}
    for name, value in given.items():
        for port in task.ports:
            if value == str(port.number) and _PORT_VARIABLE.fullmatch(name):
                given[name] = str(ports[port.name])
    if task.ports:
        given.setdefault("PORT", str(ports[task.ports[0].name]))
    if spec.namespace is not None:
        given = {
            name: _localized(name, value, spec.namespace, _known(cloud, spec), connect) for name, value in given.items()
        }
    if image.config.base.language == "dotnet":
        numbers = {port.number: ports[port.name] for port in task.ports}
        given |= dotnet.listening({**own, **given}, numbers)
    return {
        "HOME": str(image.root / "root"),
        "LANG": "C.UTF-8",
        "TMPDIR": tempfile.gettempdir(),
        **own,
        "PATH": search_path(image),
        **_runtime(image, own, task.memory_mb),
        **_aws(cloud, spec),
        **trust(cloud.state),
        **given,
        **secret,
    }


def _runtime(image: Image, own: Mapping[str, str], memory_mb: int | None) -> dict[str, str]:
    """What the image's language needs; the runtime SDK is found before anything the image says."""
    match image.config.base.language:
        case "python":
            rest = own.get("PYTHONPATH", "")
            path = str(image.root / RUNTIME_FOLDER) + (f":{rest}" if rest else "")
            return {"PYTHONUNBUFFERED": own.get("PYTHONUNBUFFERED", "1"), "PYTHONPATH": path}
        case "node":
            rest = own.get("NODE_PATH", "")
            return {"NODE_PATH": str(image.root / "node_modules") + (f":{rest}" if rest else "")}
        case "dotnet":
            return dotnet.process_environment(image.config.base, memory_mb)
        case _:
            return {}


def _aws(cloud: Cloud, spec: ServiceSpec) -> dict[str, str]:
    """What an AWS SDK needs to reach the local cloud under the task's role; without a role there are no credentials."""
    found = {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_REGION": cloud.region,
        "AWS_DEFAULT_REGION": cloud.region,
    }
    if spec.task.role_arn:
        key = cloud.credentials.issue(spec.name, spec.task.role_arn)
        found |= {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    return found


def _secret(cloud: Cloud, service: str, name: str, reference: str) -> str:
    parts = reference.split(":")
    if len(parts) < _ARN_PARTS or parts[2] != "secretsmanager":
        raise HandlerError(f"{service}: secret {name} comes from `{reference}`; only Secrets Manager ARNs are carried")
    key, stage = [*parts[_ARN_PARTS:], "", ""][:2]
    if stage not in ("", "AWSCURRENT"):
        raise HandlerError(f"{service}: secret {name} asks for stage {stage}; only the current one is carried")
    try:
        value = cloud.secrets.value(":".join(parts[:_ARN_PARTS]))
        return value if not key else str(json.loads(value)[key])
    except (ApiError, ValueError, KeyError, TypeError) as error:
        why = error.message if isinstance(error, ApiError) else f"it has no JSON key `{key}`"
        raise HandlerError(f"{service}: secret {name} can't be read: {why}", "ResourceInitializationError") from None


def _known(cloud: Cloud, spec: ServiceSpec) -> set[tuple[str, int]]:
    """The aliases of this service's namespace: its own and those of the services there are."""
    found = {(alias.dns_name, alias.port) for alias in spec.aliases}
    return found | {(alias.dns_name, alias.port) for alias in cloud.containers.aliases(str(spec.namespace))}


def _localized(
    name: str, value: str, namespace: str, known: Iterable[tuple[str, int]], connect: Callable[[str], int]
) -> str:
    """The value with every `alias:port` replaced by the front that stands for it.

    In a `KLOTHO_SERVICE_…` variable the peer's alias counts even before the peer exists: two services that call each
    other could never start otherwise.
    """
    aliases = set(known)
    if name.startswith(_SERVICE_VARIABLE):
        aliases |= _peers(value)
    for dns_name, port in sorted(aliases):
        authority = re.compile(rf"(?<![\w.:-]){re.escape(dns_name)}:{port}(?!\d)")
        local = f"{HOST}:{connect(f'{dns_name}:{port}')}" if authority.search(value) else ""
        value = authority.sub(local, value)
        if port == 80:
            bare = re.compile(rf"(?<=http://){re.escape(dns_name)}(?=[/?#\"'\s]|$)")
            if bare.search(value):
                value = bare.sub(f"{HOST}:{connect(f'{dns_name}:{port}')}", value)
    return value


def _peers(value: str) -> set[tuple[str, int]]:
    """The aliases a `KLOTHO_SERVICE_…` variable names; an address of this machine is a load balancer's, and stays."""
    try:
        found = json.loads(value)
    except ValueError:
        return set()
    if not isinstance(found, dict) or found.get("kind") == "API":
        return set()  # a private API has an address of its own, in no namespace
    peers = set()
    for protocol in ("http", "grpc"):
        authority = str(found.get(protocol, ""))
        match = re.match(r"(?:\w+://)?([A-Za-z0-9_.-]+)(?::(\d+))?", authority)
        if match is not None and match[1] != HOST:
            peers.add((match[1], int(match[2] or 80)))
    return peers


def alias_key(alias: Alias) -> str:
    """`name:port`, which `connect` takes."""
    return f"{alias.dns_name}:{alias.port}"
