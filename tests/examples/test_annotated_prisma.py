"""A program with Prisma's client and its adapter of pg, a unit in a function and one in a container, answers as the
original. The client's files are those that `npx prisma generate` 7.10 writes, without those of types only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.databases import postgres
from tests.examples.test_annotated_pets import verified

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

FILMS = Path(__file__).with_name("films")


def test_prisma_in_a_function_and_a_container_answers_as_the_original_on_every_route(
    deploy: Deploy, tmp_path: Path
) -> None:
    deployment = deploy("annotated-pets")
    for path in deployment.folder.glob("*.js*"):
        path.unlink()
    shutil.copytree(FILMS, deployment.folder, dirs_exist_ok=True)
    with (deployment.folder / "klotho.yaml").open("a", encoding="utf-8") as settings:
        settings.write("execution_units: {films: {type: fargate}}\n")
    with postgres(tmp_path) as database:
        deployment.environment = {**deployment.environment, "DATABASE_URL": database}
        assert {"main-unit", "films-unit", "films-postgres"} <= set(deployment.up())
        verified(deployment)
