"""Wheels of PyPI for Lambda, made on this machine whatever it is: the machine code in the zip is of the right kind."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.target import LAMBDA

pytestmark = pytest.mark.localcloud
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
"""Source: ELF specification, e_machine."""


@pytest.mark.parametrize(
    ("requirement", "runtime", "architecture"),
    [
        ("orjson==3.10.15", "python3.13", "arm64"),
        ("orjson==3.10.15", "python3.11", "x86_64"),
        ("psycopg-binary==3.2.9", "python3.12", "arm64"),
        ("docopt==0.6.2\norjson==3.10.15", "python3.12", "arm64"),  # docopt has no wheel, and is pure Python
    ],
)
def test_machine_code_is_of_the_function_and_not_of_this_machine(
    tmp_path: Path, requirement: str, runtime: str, architecture: str
) -> None:
    (tmp_path / "f.py").write_text("def main(event, context): ...\n")
    (tmp_path / "requirements.txt").write_text(requirement)
    properties = {"root": ".", "runtime": runtime, "handler": "f.main", "architecture": architecture}
    named = {**properties} if architecture == "x86_64" else {k: v for k, v in properties.items() if k != "architecture"}
    built = FunctionPackager(tmp_path, tmp_path / "cache", LAMBDA).package(named, lambda line: None)
    assert built.architecture == architecture
    archive = zipfile.ZipFile(built.path)
    code = [name for name in archive.namelist() if ".so" in name]
    assert code
    for name in code:
        header = archive.read(name)[:20]
        assert header[:4] == b"\x7fELF", name
        assert int.from_bytes(header[18:20], "little") == MACHINES[architecture], name
        if "cpython" in name:
            assert f"cpython-{runtime.removeprefix('python').replace('.', '')}" in name
