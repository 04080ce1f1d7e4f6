"""What the functions plane knows of one function, read from its live record.

Input: the `Record` of an `AWS::Lambda::Function` whose intrinsic functions are resolved, and its image if it has one.
Output: `FunctionSpec`, typed, with AWS's defaults filled in. Refuses nothing itself: `handlers/lambda_function.py` has
checked the properties before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.localcloud.handler import Record, application_of
from klotho.localcloud.planes.containers.image import Image
from klotho.localcloud.planes.functions import runtimes
from klotho.localcloud.planes.functions.image import FunctionImage
from klotho.localcloud.planes.functions.layers import layers_of

DEFAULT_TIMEOUT_S = 3
"""AWS: "Timeout … The default is 3 seconds. The maximum allowed value is 900 seconds." (Lambda API, CreateFunction)"""
DEFAULT_MEMORY_MB = 128
"""AWS: "MemorySize … The default value is 128 MB." (Lambda API, CreateFunction)"""
PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Bytes of a synchronous request or response. AWS: Lambda quotas, "Invocation payload … 6 MB each"."""
EVENT_PAYLOAD_LIMIT = 1024 * 1024
"""Bytes of an asynchronous request. AWS: Lambda quotas, "1 MB … asynchronous"."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one invocation came to."""

    payload: bytes
    """The function's JSON answer, or AWS's error document."""
    error: str | None
    """`Unhandled` when the function failed (what `X-Amz-Function-Error` says), else None."""
    log_tail: str
    """The end of this invocation's log, at most 4 KB (what `X-Amz-Log-Result` carries)."""
    duration_ms: float
    """Time in the handler, without the cold start."""
    request_id: str


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function as it is to run now."""

    name: str
    arn: str
    construct: str
    """The name in the user's program where the tags tell it, else the function's name."""
    runtime: str
    handler: str
    timeout_s: int
    memory_mb: int
    role_arn: str | None
    reserved: int | None
    """ReservedConcurrentExecutions: the most invocations at once; None for the plane's own limit."""
    log_group: str
    log_format: str
    """`Text` or `JSON`."""
    log_level: str | None
    dead_letter: str | None = None
    """The ARN of the queue that is told of events given up."""
    environment: Mapping[str, str] = field(repr=False, default_factory=dict)
    """What the template says. Kept out of `repr`: a value may be sensitive."""
    code: Mapping[str, Any] = field(repr=False, default_factory=dict)
    application: str | None = None
    layers: tuple[str, ...] = ()
    """ARNs, in the order they are merged."""
    container: Image | None = None
    """Of a container that runs as a function: its image; it has neither runtime nor handler."""
    command: tuple[str, ...] | None = None
    """What is run in it instead of what the image says."""

    @property
    def is_node(self) -> bool:
        return self.runtime.startswith("nodejs")

    def digest(self) -> str:
        """Changes with anything a running worker was started with."""
        parts = (self.runtime, self.handler, self.timeout_s, self.memory_mb, self.role_arn, self.log_group)
        image = None if self.container is None else self.container.digest
        rest = (self.log_format, self.log_level, sorted(self.environment.items()), image, self.command)
        return hashlib.sha256(repr((parts, rest)).encode()).hexdigest()


def spec_of(record: Record, image: FunctionImage | Image | None = None) -> FunctionSpec:
    """The function this record describes. Without the image of one that has an image, `runtime` and `handler` are
    empty."""
    properties = record.properties
    function, container = _told_apart(image)
    logging = properties.get("LoggingConfig", {})
    level = logging.get("ApplicationLogLevel")
    reserved = properties.get("ReservedConcurrentExecutions")
    variables = properties.get("Environment", {}).get("Variables", {})
    return FunctionSpec(
        name=record.identifier,
        arn=str(record.attributes["Arn"]),
        construct=construct_of(record),
        runtime=_runtime(properties, function, container),
        handler=str(properties.get("Handler", "")) if function is None else _command(properties) or function.handler,
        timeout_s=int(properties.get("Timeout", DEFAULT_TIMEOUT_S)),
        memory_mb=int(properties.get("MemorySize", DEFAULT_MEMORY_MB)),
        role_arn=properties.get("Role"),
        reserved=None if reserved is None else int(reserved),
        log_group=str(logging.get("LogGroup", f"/aws/lambda/{record.identifier}")),
        log_format=str(logging.get("LogFormat", "Text")),
        log_level=None if level is None else str(level),
        dead_letter=(properties.get("DeadLetterConfig") or {}).get("TargetArn"),
        environment={str(name): _text(value) for name, value in variables.items()},
        code=properties["Code"],
        application=application_of(record),
        layers=tuple(layers_of(record)),
        container=container,
        command=tuple(properties.get("ImageConfig", {}).get("Command", ())) or None,
    )


def _told_apart(image: FunctionImage | Image | None) -> tuple[FunctionImage | None, Image | None]:
    return (None, image) if isinstance(image, Image) else (image, None)


def _runtime(properties: Mapping[str, Any], function: FunctionImage | None, container: Image | None) -> str:
    if container is not None:
        return runtimes.CONTAINER
    return str(properties.get("Runtime", "")) if function is None else function.runtime


def _command(properties: Mapping[str, Any]) -> str:
    """What is called instead of what the image says."""
    return " ".join(properties.get("ImageConfig", {}).get("Command", ()))


def construct_of(record: Record) -> str:
    """The construct's name in the user's program, which the engine puts into a resource's tags."""
    tags = record.properties.get("Tags", ())
    pairs = tags.items() if isinstance(tags, Mapping) else ((tag["Key"], tag["Value"]) for tag in tags)
    return str(dict(pairs).get("klotho:construct", record.identifier))


def _text(value: object) -> str:
    """CloudFormation hands scalars over as text; booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def name_of(function: str) -> str:
    """The function's name from a name, a partial ARN or a full ARN, any of them with `:$LATEST`."""
    function = function.removesuffix(":$LATEST")
    return function.rsplit(":function:", 1)[-1].rsplit(":", 1)[-1]
