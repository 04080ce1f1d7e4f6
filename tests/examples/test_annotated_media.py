"""The annotated media store answers as the original does: a bucket, secrets, in two units and in one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]
UNIT = '// @klotho::execution_unit { id = "digests" }\n'


def verified(deployment: Deployment) -> None:
    deployment.environment = {**deployment.environment, "DIGEST_KEY": "s3cret"}
    deployment.set_secret("owner-key", Path(deployment.folder, "owner-key.txt").read_bytes())
    deployment.set_secret("digest-key", b"s3cret")
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
