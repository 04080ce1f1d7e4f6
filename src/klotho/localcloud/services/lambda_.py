"""The Lambda API: invoking functions and reading their configuration.

Input: signed REST calls (`/2015-03-31/functions/…`). Output: what boto3's `lambda` client expects. Refuses every other
operation by name: functions are created by CloudFormation stacks here, not by calls, and what calls change
(UpdateFunctionCode with a package in S3, UpdateFunctionConfiguration) leaves the stack's template behind, as on AWS:
drift detection finds it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from klotho.localcloud import wire
from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.planes.functions.layers import layers_of
from klotho.localcloud.planes.functions.model import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S, name_of
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

FUNCTION = "AWS::Lambda::Function"
_PATH = re.compile(r"/(?P<version>\d{4}-\d{2}-\d{2})/functions(?:/(?P<name>[^/]+)(?P<rest>/.*)?)?/?")
_PAGE = 50
"""AWS: ListFunctions returns "up to 50 functions" a call."""
_CONFIGURABLE = frozenset({"Description", "Environment", "Handler", "MemorySize", "Timeout"})
"""What UpdateFunctionConfiguration changes here: named and shaped as in a template."""
_OTHER_OPERATIONS = {
    ("POST", ""): "CreateFunction",
    ("DELETE", ""): "DeleteFunction",
    ("POST", "/versions"): "PublishVersion",
    ("GET", "/versions"): "ListVersionsByFunction",
    ("POST", "/aliases"): "CreateAlias",
    ("GET", "/aliases"): "ListAliases",
    ("POST", "/policy"): "AddPermission",
    ("GET", "/policy"): "GetPolicy",
    ("POST", "/invoke-async/"): "InvokeAsync",
    ("POST", "/response-streaming-invocations"): "InvokeWithResponseStream",
    ("PUT", "/concurrency"): "PutFunctionConcurrency",
}


class LambdaService:
    """Invoke, GetFunction, GetFunctionConfiguration, ListFunctions, UpdateFunctionCode, UpdateFunctionConfiguration."""

    name = "lambda"

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def call(self, call: ApiCall) -> ApiResponse:
        found = _PATH.fullmatch(call.path)
        if found is None:
            raise wire.not_carried("lambda", f"{call.method} {call.path}")
        rest = (found["rest"] or "").rstrip("/")
        if found["name"] is None:
            if call.method == "GET":
                return self._list(call)
            raise wire.not_carried("lambda", _OTHER_OPERATIONS.get((call.method, ""), f"{call.method} {call.path}"))
        function = unquote(found["name"])
        if (call.method, rest) == ("POST", "/invocations"):
            return await self._invoke(function, call)
        if (call.method, rest) == ("GET", ""):
            return self._get(function)
        if (call.method, rest) == ("PUT", "/code"):
            return await self._update_code(function, call)
        if (call.method, rest) == ("PUT", "/configuration"):
            return await self._update_configuration(function, call)
        if (call.method, rest) == ("GET", "/configuration"):
            return _json(self._configuration(self._record(function)))
        raise wire.not_carried("lambda", _OTHER_OPERATIONS.get((call.method, rest), f"{call.method} {rest}"))

    async def _invoke(self, function: str, call: ApiCall) -> ApiResponse:
        functions = self._cloud.functions
        qualifier = call.query.get("Qualifier", "$LATEST")
        if qualifier != "$LATEST":
            raise ApiError("ResourceNotFoundException", f"Function not found: {function}:{qualifier}", 404)
        _check_json(call.body)
        headers = {"x-amz-executed-version": "$LATEST"}
        kind = call.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            functions.get(function)
            return ApiResponse(204, b"", headers)
        if kind == "Event":
            functions.enqueue(function, call.body or b"{}")
            return ApiResponse(202, b"", headers)
        if kind != "RequestResponse":
            raise ApiError("InvalidParameterValueException", f"{kind} is not a valid invocation type")
        context = _client_context(call.headers.get("x-amz-client-context"))
        result = await functions.invoke(function, call.body or b"{}", context)
        if result.error is not None:
            headers["x-amz-function-error"] = result.error
        if call.headers.get("x-amz-log-type", "None").lower() == "tail":
            headers["x-amz-log-result"] = base64.b64encode(result.log_tail.encode()).decode()
        headers |= {"content-type": "application/json", "x-amzn-requestid": result.request_id}
        return ApiResponse(200, result.payload, headers)

    def _get(self, function: str) -> ApiResponse:
        record = self._record(function)
        code = record.properties["Code"]
        document: dict[str, Any] = {
            "Configuration": self._configuration(record),
            "Code": _location(code),
            "Tags": {str(tag["Key"]): str(tag["Value"]) for tag in record.properties.get("Tags", ())},
        }
        reserved = record.properties.get("ReservedConcurrentExecutions")
        if reserved is not None:
            document["Concurrency"] = {"ReservedConcurrentExecutions": int(reserved)}
        return _json(document)

    async def _update_code(self, function: str, call: ApiCall) -> ApiResponse:
        record = self._record(function)
        asked = orjson.loads(call.body or b"{}")
        unknown = sorted(asked.keys() - {"S3Bucket", "S3Key", "FunctionName"})
        if unknown:
            raise wire.not_carried("lambda", f"UpdateFunctionCode with {', '.join(unknown)}")
        if "ImageUri" in record.properties["Code"]:
            message = "Please provide ImageUri when updating a function with packageType Image."
            raise ApiError("InvalidParameterValueException", message)
        if not {"S3Bucket", "S3Key"} <= asked.keys():
            raise ApiError("InvalidParameterValueException", "Please provide a source for function code.")
        code = {"S3Bucket": str(asked["S3Bucket"]), "S3Key": str(asked["S3Key"])}
        return await self._changed(record, {"Code": code})

    async def _update_configuration(self, function: str, call: ApiCall) -> ApiResponse:
        record = self._record(function)
        asked = orjson.loads(call.body or b"{}")
        unknown = sorted(asked.keys() - _CONFIGURABLE - {"FunctionName"})
        if unknown:
            raise wire.not_carried("lambda", f"UpdateFunctionConfiguration with {', '.join(unknown)}")
        return await self._changed(record, {name: asked[name] for name in _CONFIGURABLE & asked.keys()})

    async def _changed(self, record: Record, properties: Mapping[str, Any]) -> ApiResponse:
        """With other properties from the next invocation on; what a stack refuses is refused here."""
        from klotho.localcloud.handlers.lambda_function import check

        changed = replace(record, properties={**record.properties, **properties})
        try:
            check(changed.properties)
            await self._cloud.functions.put(changed)
        except HandlerError as error:
            raise ApiError(error.code, error.reason) from error
        self._cloud.world.put(changed)
        return _json(self._configuration(changed))

    def _list(self, call: ApiCall) -> ApiResponse:
        records = self._cloud.world.list(FUNCTION)
        start = _number(call.query.get("Marker"), 0)
        size = min(_number(call.query.get("MaxItems"), _PAGE), _PAGE)
        document: dict[str, Any] = {
            "Functions": [self._configuration(record) for record in records[start : start + size]]
        }
        if start + size < len(records):
            document["NextMarker"] = str(start + size)
        return _json(document)

    def _record(self, function: str) -> Record:
        record = self._cloud.world.get(FUNCTION, name_of(function))
        if record is None:
            arn = f"arn:aws:lambda:{self._cloud.region}:{self._cloud.account}:function:{name_of(function)}"
            raise ApiError("ResourceNotFoundException", f"Function not found: {arn}", 404)
        return record

    def _configuration(self, record: Record) -> dict[str, Any]:
        properties = record.properties
        size, digest, modified = self._package(record)
        logging = dict(properties.get("LoggingConfig", {}))
        logging.setdefault("LogFormat", "Text")
        logging.setdefault("LogGroup", f"/aws/lambda/{record.identifier}")
        document: dict[str, Any] = {
            "FunctionName": record.identifier,
            "FunctionArn": record.attributes["Arn"],
            "Role": properties.get("Role", ""),
            "CodeSize": size,
            "CodeSha256": digest,
            "Description": properties.get("Description", ""),
            "Timeout": int(properties.get("Timeout", DEFAULT_TIMEOUT_S)),
            "MemorySize": int(properties.get("MemorySize", DEFAULT_MEMORY_MB)),
            "LastModified": datetime.fromtimestamp(modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "Version": "$LATEST",
            "TracingConfig": {"Mode": "PassThrough", **properties.get("TracingConfig", {})},
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": properties.get("PackageType", "Zip"),
            "Architectures": list(properties.get("Architectures", ["x86_64"])),
            "EphemeralStorage": {"Size": 512, **properties.get("EphemeralStorage", {})},
            "LoggingConfig": logging,
        }
        # Of an image, its own settings say both.
        document |= {name: properties[name] for name in ("Runtime", "Handler") if name in properties}
        if "ImageConfig" in properties:
            document["ImageConfigResponse"] = {"ImageConfig": dict(properties["ImageConfig"])}
        if layers := layers_of(record):
            sizes = self._cloud.functions.layers
            document["Layers"] = [{"Arn": arn, "CodeSize": sizes.size(arn)} for arn in layers]
        for name in ("VpcConfig", "KmsKeyArn"):
            if name in properties:
                document["KMSKeyArn" if name == "KmsKeyArn" else name] = properties[name]
        if "Environment" in properties:
            document["Environment"] = {"Variables": dict(properties["Environment"].get("Variables", {}))}
        return document

    def _package(self, record: Record) -> tuple[int, str, float]:
        """Size in bytes, digest as AWS writes it, and time of the deployment package; of an image its digest only."""
        code = record.properties["Code"]
        if "ImageUri" in code:
            return 0, str(code["ImageUri"]).rpartition(":")[2], 0.0
        if "ZipFile" in code:
            data = str(code["ZipFile"]).encode()
            return len(data), base64.b64encode(hashlib.sha256(data).digest()).decode(), 0.0
        try:
            found: Path | bytes = self._cloud.objects.package(str(code["S3Bucket"]), str(code["S3Key"]))
            if isinstance(found, bytes):
                return len(found), base64.b64encode(hashlib.sha256(found).digest()).decode(), 0.0
            with found.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
            stat = found.stat()
        except (KeyError, FileNotFoundError):
            # The package may go once the function is deployed, as on AWS.
            return 0, "", 0.0
        return stat.st_size, base64.b64encode(digest).decode(), stat.st_mtime


def _location(code: Mapping[str, Any]) -> dict[str, str]:
    if "ImageUri" in code:
        return {"RepositoryType": "ECR", "ImageUri": code["ImageUri"], "ResolvedImageUri": code["ImageUri"]}
    location = f"s3://{code['S3Bucket']}/{code['S3Key']}" if "S3Bucket" in code else "inline"
    return {"RepositoryType": "S3", "Location": location}


def _check_json(body: bytes) -> None:
    if not body:
        return
    try:
        orjson.loads(body)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise ApiError("InvalidRequestContentException", message) from None


def _client_context(header: str | None) -> str | None:
    """The header's JSON; it goes into a header of the Runtime API, so it is written anew as one line of ASCII."""
    if header is None:
        return None
    try:
        return json.dumps(json.loads(base64.b64decode(header, validate=True)))
    except (binascii.Error, ValueError):
        raise ApiError("InvalidRequestContentException", "Client context must be base64-encoded JSON") from None


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdigit():
        raise ApiError("InvalidParameterValueException", f"{text} is not a number")
    return int(text)


def _json(document: dict[str, Any]) -> ApiResponse:
    return ApiResponse(200, orjson.dumps(document), {"content-type": "application/json"})
