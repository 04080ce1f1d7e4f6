"""What to do about a failed resource, by what CloudFormation calls the failure.

Input: a cause. Output: a sentence doable as written. Refuses nothing.

Source: CloudFormation CLI User Guide, "Handler error codes".
"""

from __future__ import annotations

from collections.abc import Mapping

from klotho.deploy.events import Cause

_BY_CODE: Mapping[str, str] = {
    "AccessDenied": "give the deployer the permission named above, then run `klotho up` again",
    "AlreadyExists": "something of that name is there already: delete or rename it, then run `klotho up` again",
    "GeneralServiceException": "read the reason above, remove it, then run `klotho up` again",
    "InternalFailure": "this is a fault of the service: run `klotho up` again",
    "InvalidCredentials": "check which account and keys are in use, then run `klotho up` again",
    "InvalidRequest": "correct the value named above at the line shown, then run `klotho up` again",
    "NetworkFailure": "run `klotho up` again",
    "NotFound": "make what is missing, or correct its name, then run `klotho up` again",
    "NotUpdatable": "that can't be changed in place: undo the change, or give the construct another name",
    "ResourceConflict": "something else changes the same resource: wait for it, then run `klotho up` again",
    "ServiceInternalError": "this is a fault of the service: run `klotho up` again",
    "ServiceLimitExceeded": "ask for a higher quota in the Service Quotas console, then run `klotho up` again",
    "ServiceTimeout": "run `klotho up` again",
    "Throttling": "run `klotho up` again: AWS was asked too often",
}
_OTHERWISE = "remove the reason above, then run `klotho up` again"


def next_step(cause: Cause) -> str:
    if cause.code == "NotStabilized":
        name = cause.construct.rpartition("/")[2]
        return f"see what it printed by `klotho logs {name}`, correct it, then run `klotho up` again".replace("  ", " ")
    return _BY_CODE.get(cause.code, _OTHERWISE)
