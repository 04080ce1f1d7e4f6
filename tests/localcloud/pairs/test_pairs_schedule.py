"""Functions that run at given times."""

from __future__ import annotations

import json

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
tick = Schedule("tick", every="1 minute")
nightly, stranger = function("nightly"), function("stranger")
nightly.triggered_by(tick)
"""


@pair("triggered_by", "Compute.Function", "Schedule")
def test_the_schedule_runs_its_function_and_its_role_may_run_no_other(deployed: Deployed) -> None:
    event = deployed.seen("nightly", lambda event: event.get("schedule") == "tick", seconds=90)
    assert set(event) == {"schedule", "scheduled_at", "run"}
    assert deployed.events("stranger") == []
    granted = [
        statement
        for policy in deployed.resources("AWS::IAM::RolePolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "lambda:InvokeFunction" in statement["Action"]
    ]
    assert len(granted) == 1, "one role may invoke, and one function"
    assert "Nightly" in json.dumps(granted[0]["Resource"])
