"""The shell scripts of every export are Bash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from klotho.emit.eject import cloudformation_files
from klotho.emit.pulumi.folder import pulumi_files
from klotho.emit.terraform.folder import terraform_files
from tests.gates.exports.conftest import Exported

pytestmark = [pytest.mark.gates, pytest.mark.timeout(600)]


def test_bash_reads_every_script(all_exports: list[Exported], tmp_path: Path) -> None:
    scripts: dict[bytes, str] = {}
    for item in all_exports:
        for target, files in (
            ("pulumi", pulumi_files(item.export, language="python", single=False)),
            ("terraform", terraform_files(item.export, backend=None)),
            ("cloudformation", cloudformation_files(item.export, item.bundle.files)),
        ):
            scripts |= {text: f"{item.name}/{target}/{name}" for name, text in files.items() if name.endswith(".sh")}
    assert len(scripts) > 20
    for text, name in scripts.items():
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr.decode()}"


def test_a_name_from_outside_is_set_before_it_is_used(all_exports: list[Exported]) -> None:
    """Every parameter that is no other stack's output gets its value in prepare.sh."""
    for item in all_exports:
        preparing = cloudformation_files(item.export, item.bundle.files).get("prepare.sh", b"").decode()
        for stack in item.export.stacks:
            for name in stack.configured():
                assert f"\n{name}=" in preparing, f"{item.name}: {name}"
