"""The policies of a running local cloud, resolved, under the eyes of parliament.

Input: the cloud's state folder. Output: what parliament finds, one line each. Reads the deployed resources, so every
ARN is what `Ref` and `Fn::GetAtt` really gave.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from klotho.catalogue.tables import table

POLICIES = ("AWS::IAM::RolePolicy",)


def findings(state: Path) -> list[str]:
    from parliament import analyze_policy_string

    return [
        f"{place}: {finding}"
        for place, document in documents(state)
        for finding in analyze_policy_string(_readable(json.dumps(document))).findings
        if not _reviewed(finding)
    ]


def _readable(document: str) -> str:
    """Without the colons in the labels of streams, which AWS writes and parliament takes for parts of the ARN."""
    return re.sub(r"(/stream/[\d-]+T\d\d):(\d\d):", r"\1-\2-", document)


def _reviewed(finding: Any) -> bool:
    """Lambda wants the actions on network interfaces without a resource: those it makes have no ARN beforehand.

    Source: AWS Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC".
    """
    unscoped = {action for actions in table("iam")["unscoped"].values() for action in actions}
    return bool(finding.issue == "RESOURCE_STAR" and set(finding.detail) <= unscoped)


def documents(state: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every identity policy with the logical id it has."""
    connection = sqlite3.connect(f"file:{state / 'state.sqlite3'}?mode=ro", uri=True)
    marks = ",".join("?" * len(POLICIES))
    query = f"select stack_name, logical_id, properties from resources where type_name in ({marks})"
    try:
        for stack, logical_id, properties in connection.execute(query, POLICIES):
            yield f"{stack}/{logical_id}", json.loads(properties)["PolicyDocument"]
    finally:
        connection.close()
