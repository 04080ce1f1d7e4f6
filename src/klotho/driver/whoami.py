"""`klotho whoami`: as whom, and where, a command would act.

Input: where a command looks, an environment. Output: `Self`. Failure for missing or refused credentials of AWS (exit 3)
and for another account than the environment's.
"""

from __future__ import annotations

import getpass
import socket
from dataclasses import asdict, dataclass
from typing import Any

from klotho.driver.identity import Where, identify
from klotho.localcloud.connect import state_folder
from klotho.localcloud.identity import ACCOUNT


@dataclass(frozen=True, slots=True)
class Self:
    identity: str
    """The ARN that AWS knows the credentials by; on this machine the user."""
    account: str
    region: str
    environment: str
    target: str
    project: str
    application: str
    profile: str | None
    state: str
    """Where what is deployed is kept."""
    protected: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def who_am_i(where: Where, environment: str | None) -> Self:
    found = identify(where, environment)
    chosen = found.environment
    assert chosen.region is not None
    if chosen.target == "aws":
        from klotho.driver import aws

        session = aws.session(chosen)
        who, account = session.caller.arn, session.caller.account
        state = f"CloudFormation in {account}, s3://{session.clients.place.artifact_bucket}"
    else:
        who, account = f"{_user()}@{socket.gethostname()}", ACCOUNT
        state = str(state_folder(found.project, chosen.name))
    return Self(
        who, account, chosen.region, chosen.name, chosen.target, found.project, found.application, chosen.profile,
        state, chosen.protect,
    )  # fmt: skip


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
