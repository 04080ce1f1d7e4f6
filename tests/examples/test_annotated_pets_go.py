"""Annotated programs in Go answer as the originals do, however they are split: the pets with chi, notes with gin, words
with net/http alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.test_annotated_pets import verified
from tests.go_modules import go_on_path, with_go_sum

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]
HERE = Path(__file__).parent


@pytest.fixture(scope="module", autouse=True)
def toolchain() -> Iterator[None]:
    with go_on_path():
        yield


def program(deploy: Deploy, folder: Path) -> Deployment:
    """A copy of a program, with the sums of the modules that are here."""
    files = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.*")}
    deployment = deploy(folder.name, files)
    with_go_sum(deployment.folder)
    return deployment


def without_unit(deployment: Deployment, path: str) -> None:
    """The file without its first comment, which gives it to a unit of its own."""
    file = deployment.folder / path
    annotation, end, code = file.read_text(encoding="utf-8").partition(" */\n\n")
    assert "@klotho::execution_unit" in annotation
    assert end
    file.write_text(code, encoding="utf-8")


@pytest.fixture(scope="module")
def pets(deploy: Deploy) -> Deployment:
    return program(deploy, HERE.parents[1] / "examples/annotated-pets-go")


def test_the_pets_in_three_units_answer_as_the_original_on_every_route(pets: Deployment) -> None:
    assert {"main-unit", "adoptions-unit", "pets-unit"} <= set(pets.up())
    verified(pets)


def test_the_pets_in_two_units_one_of_them_in_a_container_answer_as_the_original(pets: Deployment) -> None:
    without_unit(pets, "pets/pets.go")
    with (pets.folder / "klotho.yaml").open("a", encoding="utf-8") as settings:
        settings.write("execution_units: {adoptions: {type: fargate}}\n")
    assert pets.up()["pets-unit"] == "deleted"
    verified(pets)


def test_the_pets_in_one_unit_answer_as_the_original_and_tell_a_panic_in_the_log(pets: Deployment) -> None:
    without_unit(pets, "adoptions/adoptions.go")
    (pets.folder / "klotho.yaml").write_text(f"project: {pets.project}\n", encoding="utf-8")
    main = pets.folder / "main.go"
    text = main.read_text(encoding="utf-8")
    panics = 'r.Get("/panics", func(http.ResponseWriter, *http.Request) { panic("not today") })\n\tport := '
    main.write_text(text.replace("port := ", panics, 1), encoding="utf-8")
    assert pets.up()["adoptions-unit"] == "deleted"
    verified(pets)
    assert pets.client("pets-api").get("/panics").status == 500
    assert "not today" in pets.logs()


def test_a_program_of_gin_in_two_units_answers_as_the_original_on_every_route(deploy: Deploy) -> None:
    notes = program(deploy, HERE / "go_gin")
    assert {"main-unit", "notes-unit"} <= set(notes.up())
    verified(notes)


def test_a_server_of_net_http_in_two_units_answers_as_the_original_on_every_route(deploy: Deploy) -> None:
    words = program(deploy, HERE / "go_http")
    assert {"main-unit", "words-unit"} <= set(words.up())
    verified(words)
