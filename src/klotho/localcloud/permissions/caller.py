"""What is known of whoever takes a role.

Input: the role. Output: the condition keys of AWS that it fills, in lower case. Refuses nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any


def caller_facts(role_arn: str, region: str, account: str) -> dict[str, Any]:
    """The condition keys that are the same for every call of a role."""
    return {
        "aws:currenttime": _now,
        "aws:epochtime": lambda: str(int(time.time())),
        "aws:principalaccount": account,
        "aws:principalarn": role_arn,
        "aws:principalisawsservice": "false",
        "aws:principaltype": "AssumedRole",
        "aws:requestedregion": region,
        "aws:resourceaccount": account,
        # Loopback stands for TLS: on AWS an SDK always uses it.
        "aws:securetransport": "true",
        # Everything here comes from this machine, and through no endpoint of a VPC.
        "aws:sourceip": "127.0.0.1",
        "aws:viaawsservice": "false",
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
