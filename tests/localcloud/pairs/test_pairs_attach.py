"""Services behind an API: the routes given to them, and no other."""

from __future__ import annotations

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
unit, boxed = function("unit"), container("boxed")
door.attach_service(boxed, route="/only-get", methods=["GET"])
"""


@pair("attach_service", "API", "Compute.Function")
@pair("attach_service", "API", "Compute.Container")
@pytest.mark.parametrize("unit", ["unit", "boxed"])
def test_a_route_reaches_its_service_and_what_is_not_attached_is_not_found(deployed: Deployed, unit: str) -> None:
    assert deployed.run(unit, 'return os.environ["KLOTHO_UNIT"]') == unit
    assert deployed.door.get("/nobody").status == 404
    assert deployed.door.get("/only-get/below").json == {"name": "boxed", "path": "/only-get/below"}
    assert deployed.door.post("/only-get", {}).status == 404, "only GET is attached"
