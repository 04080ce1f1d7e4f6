"""Compiling a program and writing `compiled/`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from klotho.diagnostics import ProgramError
from klotho.driver.build import build, compiled_files, write_compiled
from klotho.driver.output_folder import MARKER
from klotho.driver.program import find_program
from klotho.stacks import manifest_from_json

PROGRAM = """\
import klotho
from klotho import API, Compute, Databases
klotho.Application("shop", project="acme")
visits = Databases.KeyValue(name="visits", key="page")
hello = Compute.Function(name="hello", handler="hello.handler")
hello.read_writes_to(visits)
API(name="web").attach_service(hello, route="/")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "hello.py").write_text("def handler(event, context): ...\n")
    return tmp_path


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_compiled_holds_the_model_the_graph_and_the_templates(shop: Path) -> None:
    built = build(find_program(shop), None)
    folder = write_compiled(built)
    assert folder == shop.resolve() / "compiled"
    manifest = manifest_from_json(orjson.loads((folder / "cloudformation/manifest.json").read_bytes()))
    assert manifest == built.manifest
    templates = {f"cloudformation/{stack.template}" for stack in manifest.stacks}
    pictures = {"topology.svg", "topology.mmd", "topology.json"}
    model = {"application.json", "resources.json", "cloudformation/manifest.json", MARKER}
    assert listing(folder) == templates | model | pictures


def test_files_of_an_earlier_build_are_removed_and_the_same_build_touches_nothing(shop: Path) -> None:
    program = find_program(shop)
    folder = write_compiled(build(program, None))
    before = {path: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
    write_compiled(build(program, None))
    assert {path: path.stat().st_ino for path in folder.rglob("*") if path.is_file()} == before
    (shop / "infra.py").write_text(PROGRAM.replace("visits", "carts"))
    write_compiled(build(program, None))
    assert "cloudformation/visits-keyvalue.template.json" not in listing(folder)
    assert "cloudformation/carts-keyvalue.template.json" in listing(folder)


def test_a_program_with_mistakes_writes_nothing(shop: Path) -> None:
    (shop / "infra.py").write_text(PROGRAM + 'hello.reads_frm(visits)\nDatabases.Mongo("x")\n')
    with pytest.raises(ProgramError) as caught:
        build(find_program(shop), None)
    assert len([item for item in caught.value.diagnostics if item.span]) >= 2
    assert not (shop / "compiled").exists()


def test_mistakes_in_klotho_yaml_stop_the_build(shop: Path) -> None:
    (shop / "klotho.yaml").write_text("ap: shop\n")
    with pytest.raises(ProgramError) as caught:
        build(find_program(shop), None)
    assert [item.code for item in caught.value.diagnostics] == ["settings-key-unknown"]


def test_klotho_yaml_names_the_application_and_project(shop: Path) -> None:
    (shop / "klotho.yaml").write_text(
        "app: store\nproject: globex\nenvironments: {p: {target: aws, region: eu-west-1}}\n"
    )
    built = build(find_program(shop), "p")
    assert (built.application.name, built.application.project) == ("store", "globex")
    assert (built.manifest.environment, built.region) == ("p", "eu-west-1")


def test_the_bytes_do_not_depend_on_the_hash_seed(shop: Path) -> None:
    script = (
        "import hashlib, sys; from pathlib import Path\n"
        "from klotho.driver.build import build, compiled_files; from klotho.driver.program import find_program\n"
        "files = compiled_files(build(find_program(Path(sys.argv[1])), None))\n"
        "print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script, str(shop)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1
    assert compiled_files(build(find_program(shop), None))
