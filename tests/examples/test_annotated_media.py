"""The annotated media store answers as the original does: a bucket, a secret, in two units and in one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import KLOTHO, Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]
UNIT = '// @klotho::execution_unit { id = "digests" }\n'


def verified(deployment: Deployment) -> None:
    with Path(deployment.folder, "owner-key.txt").open("rb") as value:
        command = [str(KLOTHO), "secret", "set", "owner-key"]
        subprocess.run(command, cwd=deployment.folder, env=dict(deployment.environment), stdin=value, check=True)
    found = json.loads(deployment.klotho("verify", "--json").stdout)
    assert found["differences"] == []
    assert found["requests"] > 10


def test_files_and_secrets_in_two_units_answer_as_the_original_on_every_route(deploy: Deploy) -> None:
    deployment = deploy("annotated-media")
    assert {"main-unit", "digests-unit"} <= set(deployment.up())
    verified(deployment)


def test_files_and_secrets_in_one_unit_answer_as_the_original_on_every_route(deploy: Deploy) -> None:
    deployment = deploy("annotated-media")
    code = deployment.folder / "digests.js"
    code.write_text(code.read_text(encoding="utf-8").removeprefix(UNIT), encoding="utf-8")
    assert "digests-unit" not in deployment.up()
    verified(deployment)
