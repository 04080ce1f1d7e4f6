"""`AWS::Lambda::Function` in the local cloud.

Input: the resource's properties. Output: a function that the functions plane runs. Refuses what it does not carry by
name (`carries`), and, as AWS would, an unknown runtime, an image that is not there or comes with a zip's properties, a
layer that is not there, layers that are too many or too large, a reserved environment variable, and a name that is
taken.

Recorded but without effect on this machine: Architectures (the machine's own is used), Description, EphemeralStorage,
KmsKeyArn, TracingConfig, VpcConfig (every local port is reachable),
LoggingConfig.SystemLogLevel, Tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.identity import arn, physical_name

_RESERVED_VARIABLES = frozenset(
    (
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    )
)  # fmt: skip
"""AWS: Lambda docs, "Defined runtime environment variables", "Reserved environment variables"."""
_ENVIRONMENT_LIMIT = 4096
"""Bytes of all names and values. AWS: Lambda quotas, "Environment variables … 4 KB"."""


class LambdaFunction(Handler):
    """A function in the functions plane; the identifier is its name."""

    type_name: ClassVar[str] = "AWS::Lambda::Function"
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "Architectures", "Code.ImageUri", "Code.S3Bucket", "Code.S3Key", "Code.ZipFile",
            "DeadLetterConfig.TargetArn", "Description", "Environment", "EphemeralStorage", "FunctionName", "Handler",
            "ImageConfig.Command", "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "PackageType",
            "ReservedConcurrentExecutions", "Role", "Runtime", "Tags", "Timeout", "TracingConfig", "VpcConfig",
        )
    )  # fmt: skip

    async def create(self, request: Request) -> Outcome:
        name = str(
            request.properties.get("FunctionName")
            or physical_name(request.stack_name, request.logical_id, request.token)
        )
        existing = self.cloud.world.get(self.type_name, name)
        if existing is not None and existing.token != request.token:
            raise HandlerError(f"Function already exist: {name}", "ResourceConflictException")
        check(request.properties)
        self._check_dead_letter(request.properties)
        self._check_layers(request)
        outcome = Outcome(name, {"Arn": arn("lambda", f"function:{name}", self.cloud.region)})
        await self.cloud.functions.put(_record(request, outcome))
        return outcome

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        check(request.properties)
        self._check_dead_letter(request.properties)
        self._check_layers(request)
        outcome = Outcome(request.identifier, dict(request.attributes))
        await self.cloud.functions.put(_record(request, outcome))
        return outcome

    def _check_layers(self, request: Request) -> None:
        """A deleted version stays for functions that have it; no other function can be given it."""
        known = set(request.previous.get("Layers") or ())
        for layer in request.properties.get("Layers") or ():
            if layer not in known and not self.cloud.functions.layers.is_there(str(layer)):
                raise _invalid(f"Layer version {layer} does not exist.")

    def _check_dead_letter(self, properties: Mapping[str, Any]) -> None:
        """AWS: Lambda API, DeadLetterConfig; "Adding a dead-letter queue" (queues of SQS that are no FIFO queues)."""
        target = (properties.get("DeadLetterConfig") or {}).get("TargetArn")
        if target is None:
            return
        if ":sqs:" not in str(target) or str(target).endswith(".fifo"):
            raise _invalid(f"the local cloud carries standard queues as DeadLetterConfig.TargetArn only, not {target}")
        if not self.cloud.functions.events.dead_letters.may_send(properties.get("Role"), str(target)):
            raise _invalid("The provided execution role does not have permissions to call SendMessage on SQS")

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self.cloud.functions.remove(request.identifier)

    async def resume(self, record: Record) -> None:
        if self.cloud.swapped.is_held(self.type_name, record.identifier):
            return  # `klotho dev` has newer code in place
        # Not warm: a hundred functions starting at once would hold up everything else of a restart.
        await self.cloud.functions.put(record, warm=False)

    async def suspend(self, record: Record) -> None:
        await self.cloud.functions.suspend(record.identifier)


def _record(request: Request, outcome: Outcome) -> Record:
    return Record(
        type_name=request.type_name,
        identifier=outcome.identifier,
        properties=request.properties,
        attributes=outcome.attributes,
        token=request.token,
        stack_id=request.stack_id,
        stack_name=request.stack_name,
        logical_id=request.logical_id,
        tags=request.tags,
    )


def check(properties: Mapping[str, Any]) -> None:
    """What AWS's CreateFunction refuses and the schema does not say."""
    if properties.get("PackageType", "Zip") == "Image":
        _check_image(properties)
    else:
        _check_zip(properties)
    timeout = int(properties.get("Timeout", 3))
    if not 1 <= timeout <= 900:
        raise _invalid(f"Value '{timeout}' at 'timeout' failed to satisfy constraint: between 1 and 900 seconds")
    _check_environment(properties.get("Environment", {}).get("Variables", {}))


def _check_zip(properties: Mapping[str, Any]) -> None:
    if not properties.get("Runtime") or not properties.get("Handler"):
        raise _invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    code = properties.get("Code", {})
    if "ImageUri" in code or "ImageConfig" in properties:
        raise _invalid("Please don't provide ImageUri or ImageConfig when the intent is to create function from a zip")
    if "ZipFile" not in code and not ("S3Bucket" in code and "S3Key" in code):
        raise _invalid("Please provide a source for function code.")


def _check_image(properties: Mapping[str, Any]) -> None:
    if "Runtime" in properties or "Handler" in properties or properties.get("Layers"):
        raise _invalid(
            "Please don't provide Handler or Runtime or Layer when the intent is to create function from image"
        )
    if set(properties.get("Code", {})) != {"ImageUri"}:
        raise _invalid("Please provide ImageUri, and nothing else, as the code of a function with packageType Image.")


def _check_environment(variables: Mapping[str, Any]) -> None:
    reserved = sorted(_RESERVED_VARIABLES & variables.keys())
    if reserved:
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if sum(len(f"{name}{value}".encode()) for name, value in variables.items()) > _ENVIRONMENT_LIMIT:
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the {_ENVIRONMENT_LIMIT // 1024}KB limit."
        )


def _invalid(message: str) -> HandlerError:
    return HandlerError(message, "InvalidParameterValueException")
