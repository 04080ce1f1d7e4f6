"""Templates of what Klotho puts beside the user's code, whole, to be read as prose. `pytest --bless` rewrites them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.application.files import ProgramFiles
from klotho.emit import render
from klotho.engine import resolve
from klotho.sdk.program import run

GOLDEN = Path(__file__).parent / "templates" / "asked"
PROGRAM = """
import klotho
from klotho import API, Compute, Schedule, Storage

klotho.Application("asked", project="acme")
api = API("door")
gate = Compute.Container("gate", image="public.ecr.aws/nginx/nginx:1.27")
orders = Compute.Function("orders", handler="orders.handler")
api.attach_service(orders, route="/orders")
api.authenticates_with(gate, cache=60)
gate.triggered_by(Schedule("nightly", every="1 day"))
gate.triggered_by(Storage.Bucket("images"), prefix="in/")
"""


@pytest.mark.parametrize("stack", ["door-api", "gate-container"])
def test_a_template_of_a_container_that_is_asked_and_told(
    stack: str, tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "orders.py").write_text("def handler(event, context): ...\n")
    application, report = run(tmp_path / "infra.py")
    assert application is not None and report.diagnostics == []
    resolution = resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report)
    bundle = render(resolution.graph, resolution.setting, region="us-east-1")
    golden(GOLDEN / f"{stack}.template.json", bundle.files[f"cloudformation/{stack}.template.json"].decode())
