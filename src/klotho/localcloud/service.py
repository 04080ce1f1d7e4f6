"""What an AWS service API served by the local endpoint implements.

The endpoint (`localcloud/endpoint.py`) authenticates the request, finds the service by the SigV4 credential scope and
calls it. Services answer in AWS's own wire format, so that any SDK pointed here by `AWS_ENDPOINT_URL` works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed the request."""

    access_key: str
    name: str
    """`deployer`, or the compute unit's construct name; shown in denials."""
    role_arn: str | None = None
    """The execution role a compute unit runs under, or the role of a session; None for this machine's own deployer."""
    session: bool = False
    """Whether somebody took the role (sts:AssumeRole): a person or a pipeline, no compute unit."""


def session_arn(caller: Caller, account: str) -> str:
    """As AWS names a caller: a user's ARN for the deployer, an assumed-role session for a compute unit."""
    if caller.role_arn is None:
        return f"arn:aws:iam::{account}:user/{caller.name}"
    role, unit = caller.role_arn.rpartition("/")[2], caller.name.rpartition("/")[2]
    return f"arn:aws:sts::{account}:assumed-role/{role}/{unit}"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One authenticated request to an AWS API."""

    service: str
    """The signing name: `dynamodb`, `secretsmanager`, `cloudformation`, `lambda`, `s3`, `logs` ..."""
    action: str
    """From `X-Amz-Target` or the `Action` form field; empty for REST-style services (lambda, s3)."""
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    caller: Caller


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Bytes that are sent from a file, from where it stands; the endpoint closes it."""

    file: BinaryIO
    length: int


@dataclass(frozen=True, slots=True)
class ApiResponse:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    file: FileSlice | None = None
    """Sent instead of `body`: large contents never lie in memory whole. `headers` have the content-length."""


class ApiError(Exception):
    """An error in AWS's terms; the service renders it in its own wire format."""

    def __init__(self, code: str, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        """`headers`: those the answer carries besides."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})


class Service(Protocol):
    """One AWS API."""

    name: str

    async def call(self, call: ApiCall) -> ApiResponse: ...
