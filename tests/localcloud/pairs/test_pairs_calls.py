"""Services that call each other, and those that may not."""

from __future__ import annotations

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
Network(cidr="10.9.0.0/16", egress="nat-per-zone")
caller, boxed_caller = function("caller"), container("boxed-caller")
callee, boxed_callee = function("callee"), container("boxed-callee")
stranger, boxed_stranger = function("stranger"), container("boxed-stranger")
caller.calls(callee)
caller.calls(boxed_callee)
boxed_caller.calls(callee)
boxed_caller.calls(boxed_callee)
"""
INVOKE = 'return config.services.get("callee").invoke({"said": "%s"})'
FETCH = """
import urllib.request
with urllib.request.urlopen(config.services.get("boxed-callee").url + "/hello", timeout=10) as answer:
    return json.load(answer)
"""
CALLERS = ["caller", "boxed-caller"]


@pair("calls", ("Compute.Function", "Compute.Container"), "Compute.Function")
@pytest.mark.parametrize("unit", CALLERS)
def test_a_function_is_called_by_who_may(deployed: Deployed, unit: str) -> None:
    deployed.run(unit, INVOKE % unit)
    assert deployed.seen("callee", lambda event: event == {"said": unit}) == {"said": unit}
    arn = deployed.run(unit, 'return config.services.get("callee").arn')
    for stranger in ("stranger", "boxed-stranger"):
        with pytest.raises(Exception, match="not authorized to perform: lambda:InvokeFunction"):
            deployed.client("lambda", stranger).invoke(FunctionName=arn)


@pair("calls", ("Compute.Function", "Compute.Container"), "Compute.Container")
@pytest.mark.parametrize("unit", CALLERS)
def test_a_container_is_called_by_who_may(deployed: Deployed, unit: str) -> None:
    assert deployed.run(unit, FETCH) == {"name": "boxed-callee", "path": "/hello"}
    for stranger in ("stranger", "boxed-stranger"):
        deployed.denied(stranger, FETCH, "boxed-callee")
