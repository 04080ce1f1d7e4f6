"""The values of secrets: the deployer step CloudFormation has no part in, so that no template ever holds one.

Input: `Clients` and a secret's ARN. Output: whether it has a value and since when, or a new value in Secrets Manager.
Reads no value back. Refuses nothing by itself: a call Secrets Manager refuses becomes a `Failure`.

Secrets Manager has no call that takes the current value away (`AWSCURRENT` can be moved, not removed: API Reference,
UpdateSecretVersionStage). Removing therefore puts two versions without meaning, whose ids begin with `NOT_SET`: after
the second one neither `AWSCURRENT` nor `AWSPREVIOUS` leads to the old value. The runtime knows these ids too.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klotho.deploy.place import Clients, translated

NOT_SET = "klotho-not-set-"
"""How the id of a version begins that stands for no value."""
MAX_BYTES = 65_536
"""Secrets Manager quotas, "Secret value size"."""


@dataclass(frozen=True, slots=True)
class ValueState:
    """What may be known of a secret's value without reading it."""

    is_set: bool
    changed: datetime | None = None
    """When the current value was set; None when there is none."""


def state_of(clients: Clients, arn: str) -> ValueState:
    """Whether the secret has a value."""
    with translated("looking at a secret"):
        for version in _versions(clients, arn):
            if "AWSCURRENT" in version.get("VersionStages", ()) and not version["VersionId"].startswith(NOT_SET):
                return ValueState(True, version["CreatedDate"])
    return ValueState(False)


def _versions(clients: Clients, arn: str) -> Iterator[dict[str, Any]]:
    """Page by page, by hand: botocore has no paginator for this call."""
    more: dict[str, str] = {}
    while True:
        page = clients.secrets.list_secret_version_ids(SecretId=arn, **more)
        yield from page.get("Versions", ())
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def put_value(clients: Clients, arn: str, value: str) -> None:
    """Make `value` the current one; what was current stays readable as `AWSPREVIOUS` until the next change."""
    with translated("setting a secret"):
        clients.secrets.put_secret_value(SecretId=arn, SecretString=value, ClientRequestToken=str(uuid.uuid4()))


def remove_value(clients: Clients, arn: str) -> None:
    """Leave the secret without a value, as it was before the first `put_value`."""
    with translated("removing the value of a secret"):
        for _ in ("AWSCURRENT", "AWSPREVIOUS"):
            token = f"{NOT_SET}{uuid.uuid4().hex}"
            clients.secrets.put_secret_value(SecretId=arn, SecretString="not set", ClientRequestToken=token)
