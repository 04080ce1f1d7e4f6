"""Ids of the local cloud: derived from an operation's token, so that a retry after a crash finds the same thing."""

from __future__ import annotations

import hashlib
import uuid

ACCOUNT = "000000000000"
"""The account id of the local cloud: twelve zeros, which AWS never hands out."""
PARTITION = "aws"


def digest(token: str, length: int, salt: str = "") -> str:
    """Hexadecimal characters that stand for this token (and salt), always the same."""
    return hashlib.sha256(f"{salt}\x00{token}".encode()).hexdigest()[:length]


def ec2_id(prefix: str, token: str) -> str:
    """An EC2-style id: `vpc-0` and 16 more hexadecimal characters."""
    return f"{prefix}-0{digest(token, 16)}"


def uuid_of(token: str, salt: str = "") -> str:
    return str(uuid.UUID(digest(token, 32, salt)))


def physical_name(stack_name: str, logical_id: str, token: str, limit: int = 64, lower: bool = False) -> str:
    """The name CloudFormation makes up when a template gives none: stack, logical id and a suffix, within `limit`."""
    suffix = digest(token, 12).upper()
    room = limit - len(suffix) - 1
    stem = f"{stack_name}-{logical_id}"
    if len(stem) > room:
        half = (room - 1) // 2
        stem = f"{stack_name[:half]}-{logical_id[: room - half - 1]}"
    name = f"{stem.strip('-')}-{suffix}"
    return name.lower() if lower else name


def arn(service: str, resource: str, region: str, account: str = ACCOUNT) -> str:
    """`arn:aws:<service>:<region>:<account>:<resource>`; pass an empty region for global services such as IAM."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"
