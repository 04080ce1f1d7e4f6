"""What an image is built from when packages have to be compiled in it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from klotho.deploy.functions.inside import COMMANDS, FOLDER, python_build
from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.functions.python_pins import Pins
from klotho.deploy.images.function import building_dockerfile, commands_in, function_context
from klotho.deploy.target import HOST, LAMBDA

LOCK = b"""lock-version = "1.0"
created-by = "test"
[[packages]]
name = "fast"
version = "1.2"
marker = "python_version > '3'"
sdist = { name = "fast-1.2.tar.gz", url = "https://example.com/fast-1.2.tar.gz", hashes = { sha256 = "aa" } }
[[packages]]
name = "own"
directory = { path = "own" }
"""
PROPERTIES = {"root": ".", "handler": "f.main", "runtime": "python3.12", "base": "base", "build": True}


def commands(pins: Pins, *local: Path) -> list[list[str]]:
    content = python_build(pins, local)[COMMANDS]
    assert isinstance(content, bytes)
    return list(json.loads(content))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/setup.py").write_text("")
    return tmp_path / "own"


def test_pip_gets_the_files_and_the_folders_of_this_repository(own: Path) -> None:
    pins = Pins((("requirements.txt", b"-r more.txt\nfast\n"), ("more.txt", b"slow\n")), False)
    entries = python_build(pins, [own])
    assert entries.keys() == {f"{FOLDER}/{name}" for name in
                              ("requirements.txt", "more.txt", "local/0/setup.py", "commands.json")}  # fmt: skip
    assert commands(pins, own) == [["--requirement", "/klotho-build/requirements.txt", "/klotho-build/local/0"]]


@pytest.mark.parametrize("complete", [True, False])
def test_what_has_hashes_is_installed_apart_from_folders_which_have_none(own: Path, complete: bool) -> None:
    pins = Pins((("requirements.txt", b"fast==1.2 --hash=sha256:aa\n"),), complete)
    alone = ["--no-deps"] if complete else []
    listed = [*alone, "--requirement", "/klotho-build/requirements.txt"]
    assert commands(pins, own) == [listed, [*alone, "/klotho-build/local/0"]]
    assert commands(pins) == [listed]


def test_a_pylock_becomes_lines_that_any_pip_reads() -> None:
    entries = python_build(Pins((("pylock.toml", LOCK),), True), [])
    assert entries[f"{FOLDER}/requirements.txt"] == b"fast==1.2 ; python_version > '3' --hash=sha256:aa"


def test_only_what_was_built_reaches_the_image() -> None:
    text = building_dockerfile("base", "f.main", [["-r", "a"], ["b"]], node=False)
    first, second = text.split("FROM base\n")
    assert first.startswith("FROM base AS built\nRUN if command -v dnf")
    assert "gcc gcc-c++ make" in first and "python3 " not in first.splitlines()[1]
    assert first.count("RUN [") == 2 and '"--target", "/var/built", "b"]' in first
    assert second == 'COPY --from=built /var/built/ /var/task/\nCOPY package/ /var/task/\nCMD ["f.main"]\n'


def test_the_manifest_travels_in_the_package_and_is_not_shipped(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def main(event, context): ...\n")
    (tmp_path / "requirements.txt").write_text("fast==1.2\n")
    built = FunctionPackager(tmp_path, tmp_path / "cache", LAMBDA).package(PROPERTIES, lambda line: None)
    assert commands_in(built.path) == [["--requirement", "/klotho-build/requirements.txt"]]
    assert not any("fast" in name for name in zipfile.ZipFile(built.path).namelist())
    with function_context("FROM base\n", built.path) as folder:
        assert (folder / FOLDER / "requirements.txt").read_text() == "fast==1.2\n"
        assert (folder / "package/f.py").is_file()
        assert not (folder / "package" / FOLDER).exists()


def test_this_machine_installs_what_lambda_has_to_compile(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def main(event, context): ...\n")
    (tmp_path / "requirements.txt").write_text("")
    built = FunctionPackager(tmp_path, tmp_path / "cache", HOST).package(PROPERTIES, lambda line: None)
    assert COMMANDS not in zipfile.ZipFile(built.path).namelist()
