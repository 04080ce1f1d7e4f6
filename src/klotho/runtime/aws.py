"""A small client for the AWS APIs that the runtime needs: signs, sends, retries, turns errors into AwsError.

Endpoints follow the AWS SDKs' variables: AWS_ENDPOINT_URL_<SERVICE>, then AWS_ENDPOINT_URL (both skipped
under AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true), then the public regional endpoint. The region is the one
given, else AWS_REGION, else AWS_DEFAULT_REGION. Refuses what it cannot do: FIPS and dual-stack endpoints,
services that are not in its table.
"""

from __future__ import annotations

import json
import os
import random
import time

from klotho.runtime import credentials
from klotho.runtime.errors import AwsError, ConditionFailedError, ConfigError
from klotho.runtime.sigv4 import sign
from klotho.runtime.transport import Response, TransportError, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

ATTEMPTS = 5
"""How often a call is tried in all, when the failure is one that passes (5xx, throttling, connection)."""
BACKOFF_SECONDS = 0.1
"""The first pause is at most this long and doubles each time, up to five seconds; the real one is random below it."""
_BACKOFF_LIMIT_SECONDS = 5.0

_THROTTLED = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "InternalServerError", "InternalServiceError",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
    "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling",
    "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})


class _Api:
    __slots__ = ("host", "target", "variable", "version")

    def __init__(self, host: str, variable: str, target: str = "", version: str = "") -> None:
        self.host = host
        self.variable = variable
        self.target = target
        self.version = version


_APIS = {
    "cognito-idp": _Api("cognito-idp", "COGNITO_IDENTITY_PROVIDER", "AWSCognitoIdentityProviderService", "1.1"),
    "dynamodb": _Api("dynamodb", "DYNAMODB", "DynamoDB_20120810", "1.0"),
    "lambda": _Api("lambda", "LAMBDA"),
    "sns": _Api("sns", "SNS", version="2010-03-31"),
    "sqs": _Api("sqs", "SQS", "AmazonSQS", "1.0"),
    "s3": _Api("s3", "S3"),
    "secretsmanager": _Api("secretsmanager", "SECRETS_MANAGER", "secretsmanager", "1.1"),
    # DiscoverInstances alone lives on the host with the `data-` prefix, and it is all that is called here.
    "servicediscovery": _Api("data-servicediscovery", "SERVICEDISCOVERY", "Route53AutoNaming_v20170314", "1.1"),
}


def region_of(given: str | None = None) -> str:
    """The region to call: the one given, else from the environment. Raises ConfigError if there is none."""
    region = given or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigError("no AWS region: AWS_REGION is not set. ECS, Lambda and `klotho up` set it for you.")
    return region


def region_of_arn(arn: str) -> str | None:
    """The region in an ARN, None if there is none."""
    parts = arn.split(":")
    return parts[3] or None if len(parts) > 5 and parts[0] == "arn" else None


def configured_endpoint(service: str) -> str | None:
    """The endpoint that the environment names for this service, without a trailing slash; None for AWS's own."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    own = os.environ.get(f"AWS_ENDPOINT_URL_{_APIS[service].variable}")
    url = own or os.environ.get("AWS_ENDPOINT_URL")
    return url.rstrip("/") if url else None


def endpoint_of(service: str, region: str) -> str:
    """Where to send calls to this service, without a trailing slash."""
    configured = configured_endpoint(service)
    if configured:
        return configured
    for variable in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        if os.environ.get(variable, "").lower() == "true":
            raise ConfigError(
                f"{variable} is not supported by klotho.config: set AWS_ENDPOINT_URL_{_APIS[service].variable}"
            )
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{_APIS[service].host}.{region}.{domain}"


def call(
    service: str,
    action: str,
    payload: Mapping[str, object],
    *,
    region: str | None = None,
    repeatable: bool = True,
    read_timeout: float = 10.0,
) -> dict[str, Any]:
    """Call a JSON-protocol API (`dynamodb`, `secretsmanager`, `servicediscovery`, `sqs`) and return its answer.

    `repeatable=False`: never send again when the first attempt may have been acted upon. `read_timeout` in seconds.
    """
    api = _APIS[service]
    headers = {
        "Content-Type": f"application/x-amz-json-{api.version}",
        "X-Amz-Target": f"{api.target}.{action}",
    }
    body = json.dumps(payload, separators=(",", ":")).encode()
    response = request(
        service, "POST", "/", headers, body, region=region, repeatable=repeatable, read_timeout=read_timeout
    )
    answer: dict[str, Any] = json.loads(response.body) if response.body else {}
    return answer


def query(service: str, action: str, fields: Mapping[str, str], *, repeatable: bool = True) -> str:
    """Call a query-protocol API (`sns`) and return the XML of its answer; `fields` are spelled as the protocol does."""
    from urllib.parse import urlencode

    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    body = urlencode({"Action": action, "Version": _APIS[service].version, **fields}).encode()
    return request(service, "POST", "/", headers, body, repeatable=repeatable).body.decode()


def text_in(xml: str, name: str) -> str | None:
    """The text of the first element of this name; None if there is none."""
    import re
    from html import unescape

    found = re.search(f"<{name}>([^<]*)</{name}>", xml)
    return None if found is None else unescape(found[1])


def request(
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | BinaryIO,
    *,
    region: str | None = None,
    repeatable: bool = True,
    read_timeout: float = 10.0,
    base: str | None = None,
    payload_hash: str | None = None,
    keep: bool = False,
) -> Response:
    """Send a signed request, again after failures that pass; `path` is percent-encoded; timeouts in seconds.

    `base`: the address before the path, default the service's. A body that is a file comes with its `payload_hash`.
    `keep`: leave the body of the answer in its `stream`.

    Raises AwsError (ConditionFailedError for a condition that did not hold) and CredentialsError.
    """
    where = region_of(region)
    url = (base or endpoint_of(service, where)) + path
    begins = 0 if isinstance(body, bytes) else body.tell()
    attempt = 0
    while True:
        attempt += 1
        used = credentials.current()
        signed = sign(
            method, url, headers, body if isinstance(body, bytes) else b"", service=service, region=where,
            access_key=used.access_key, secret_key=used.secret_key, session_token=used.session_token,
            payload_hash=payload_hash,
        )  # fmt: skip
        if not isinstance(body, bytes):
            body.seek(begins)
        try:
            response = send(method, url, signed, body, read_timeout=read_timeout, keep=keep)
        except TransportError as error:
            failure = AwsError(service, "ConnectionError", str(error))
            again = repeatable or not error.sent
        else:
            if response.status < 300:
                return response
            failure = _error(service, response)
            again = _passes(failure)
        if not again or attempt >= ATTEMPTS:
            raise failure
        time.sleep(random.uniform(0, min(_BACKOFF_LIMIT_SECONDS, BACKOFF_SECONDS * 2 ** (attempt - 1))))


def _passes(error: AwsError) -> bool:
    if error.code in _EXPIRED:
        credentials.forget()
        return True
    return error.code in _THROTTLED or error.status in (429, 500, 502, 503, 504)


def _error(service: str, response: Response) -> AwsError:
    try:
        answer = json.loads(response.body)
    except ValueError:
        answer = _of_xml(response.body.decode("utf-8", "replace"))
    if not isinstance(answer, dict):
        answer = {}
    code = response.headers.get("x-amzn-errortype") or answer.get("__type") or answer.get("code") or answer.get("Type")
    # `com.amazonaws.dynamodb#Name`, or `Name:http://…` in the header: only the name is of use.
    name = str(code or f"HTTP{response.status}").split(":")[0].split("#")[-1]
    message = answer.get("message") or answer.get("Message") or response.body[:200].decode("utf-8", "replace")
    kind = ConditionFailedError if name == "ConditionalCheckFailedException" else AwsError
    request_id = response.headers.get("x-amzn-requestid") or response.headers.get("x-amz-request-id", "")
    return kind(service, name, str(message), response.status, request_id)


def _of_xml(text: str) -> dict[str, str] | None:
    """An error of the query protocol or of S3; None for anything else that is no JSON, as from a proxy."""
    code = text_in(text, "Code") if "<Error" in text else None
    return None if code is None else {"code": code, "message": text_in(text, "Message") or ""}
