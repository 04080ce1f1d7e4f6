"""Annotated programs in Go answer as the originals do, however they are split: the pets with chi, notes with gin, words
with net/http alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.test_annotated_pets import verified
from tests.go_modules import go_on_path, with_go_sum

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]
HERE = Path(__file__).parent
PETS = HERE.parents[1] / "examples/annotated-pets-go"


@pytest.fixture(scope="module", autouse=True)
def toolchain() -> Iterator[None]:
    with go_on_path():
        yield


def filled(deployment: Deployment, folder: Path) -> None:
    """A copy of a program in place of what is there, with the sums of the modules that are here."""
    for path in deployment.folder.iterdir():
        if path.name != "klotho.yaml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(folder, deployment.folder, dirs_exist_ok=True)
    with_go_sum(deployment.folder)


def without_unit(deployment: Deployment, path: str) -> None:
    """The file without its first comment, which gives it to a unit of its own."""
    file = deployment.folder / path
    annotation, end, code = file.read_text(encoding="utf-8").partition(" */\n\n")
    assert "@klotho::execution_unit" in annotation
    assert end
    file.write_text(code, encoding="utf-8")


@pytest.fixture(scope="module")
def pets(deploy: Deploy) -> Deployment:
    """The pets; later tests put other programs into the same folder and local cloud."""
    deployment = deploy(PETS.name)
    filled(deployment, PETS)
    settings(deployment)
    return deployment


def settings(deployment: Deployment, more: str = "") -> None:
    """klotho.yaml: all programs are one application, whatever their modules are called."""
    text = f"project: {deployment.project}\napp: programs\n{more}"
    (deployment.folder / "klotho.yaml").write_text(text, encoding="utf-8")


def test_the_pets_in_three_units_answer_as_the_original_on_every_route(pets: Deployment) -> None:
    assert {"main-unit", "adoptions-unit", "pets-unit"} <= set(pets.up())
    verified(pets)


def test_the_pets_in_two_units_one_of_them_in_a_container_answer_as_the_original(pets: Deployment) -> None:
    without_unit(pets, "pets/pets.go")
    settings(pets, "execution_units: {adoptions: {type: fargate}}\n")
    assert pets.up()["pets-unit"] == "deleted"
    verified(pets)


def test_the_pets_in_one_unit_answer_as_the_original_and_tell_a_panic_in_the_log(pets: Deployment) -> None:
    without_unit(pets, "adoptions/adoptions.go")
    settings(pets)
    main = pets.folder / "main.go"
    text = main.read_text(encoding="utf-8")
    panics = 'r.Get("/panics", func(http.ResponseWriter, *http.Request) { panic("not today") })\n\tport := '
    main.write_text(text.replace("port := ", panics, 1), encoding="utf-8")
    assert pets.up()["adoptions-unit"] == "deleted"
    verified(pets)
    assert pets.client("pets-api").get("/panics").status == 500
    assert "not today" in pets.logs()


def test_a_program_of_gin_in_two_units_answers_as_the_original_on_every_route(pets: Deployment) -> None:
    filled(pets, HERE / "go_gin")
    assert {"main-unit", "notes-unit"} <= set(pets.up())
    verified(pets)


def test_a_server_of_net_http_in_two_units_answers_as_the_original_on_every_route(pets: Deployment) -> None:
    filled(pets, HERE / "go_http")
    assert {"main-unit", "words-unit"} <= set(pets.up())
    verified(pets)
