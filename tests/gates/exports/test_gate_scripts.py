"""The shell scripts of every export are Bash."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from klotho.catalogue.relationships import PAIRS
from klotho.emit.eject import cloudformation_files
from klotho.emit.letting_go import FILE, letting_go
from klotho.emit.pulumi.folder import pulumi_files
from klotho.emit.terraform.folder import terraform_files
from tests.gates.exports.conftest import Exported
from tests.gates.programs import EXAMPLES, application, names

pytestmark = [pytest.mark.gates, pytest.mark.timeout(600)]


def written(item: Exported) -> Iterator[tuple[str, bytes]]:
    """The files of every target."""
    for target, files in (
        ("pulumi", pulumi_files(item.export, language="python", single=False)),
        ("single", pulumi_files(item.export, language="typescript", single=True)),
        ("terraform", terraform_files(item.export, backend=None)),
        ("cloudformation", cloudformation_files(item.export, item.bundle.files)),
    ):
        yield from ((f"{target}/{name}", text) for name, text in files.items())
    yield FILE, letting_go(item.export).encode()


def test_bash_reads_every_script(all_exports: list[Exported], tmp_path: Path) -> None:
    scripts: dict[bytes, str] = {}
    for item in all_exports:
        scripts |= {text: f"{item.name}/{name}" for name, text in written(item) if name.endswith(".sh")}
    assert len(scripts) > 20
    for text, name in scripts.items():
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr.decode()}"


def test_every_example_and_every_row_of_the_table_of_pairs_is_exported(
    all_exports: list[Exported], tmp_path: Path
) -> None:
    """The other tests look at the same exports."""
    exports = {item.name.removesuffix("-protected") for item in all_exports}
    examples = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert examples - exports == {"project"} and {"project-user-service", "project-billing-service"} <= exports
    assert set(names()) <= exports
    said = {
        (rule.actor.partition("/")[0], rule.verb, rule.target.partition("/")[0])
        for name in names()
        for rule in application(name, tmp_path / name).relationships
    }
    rows = {
        (actor, verb, target)
        for pair in PAIRS
        for verb in pair.verbs
        for actor in pair.actors
        for target in pair.targets
    }
    assert rows - said == set()


def test_no_export_holds_a_key_or_a_secret_s_value(all_exports: list[Exported]) -> None:
    """Nothing says one in a property, and private keys that programs have beside them stay there.

    Values that are made when something is deployed: `test_gate_eject.py`."""
    for item in all_exports:
        for _, resource in item.export.resources():
            assert not {"SecretString", "MasterUserPassword", "AuthToken"} & set(resource.properties), (
                resource.logical_id
            )
        for name, text in written(item):
            assert b"PRIVATE KEY" not in text, f"{item.name}: {name}"


def test_a_name_from_outside_is_set_before_it_is_used(all_exports: list[Exported]) -> None:
    """Every parameter that is no other stack's output gets its value in prepare.sh."""
    for item in all_exports:
        preparing = cloudformation_files(item.export, item.bundle.files).get("prepare.sh", b"").decode()
        for stack in item.export.stacks:
            for name in stack.configured():
                assert f"\n{name}=" in preparing, f"{item.name}: {name}"
