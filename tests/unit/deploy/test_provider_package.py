"""The zip of the function that makes login roles: complete, pure Python, the same each time, without a network."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from klotho.deploy.functions import own_functions
from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.target import HOST
from klotho.diagnostics import Failure

PROPERTIES = {"package": "sql-roles", "handler": "klotho.provider.handler.handler", "runtime": "python3.13"}


def packaged(folder: Path) -> Path:
    packager = FunctionPackager(folder, folder / "cache", HOST)
    packager.validate(PROPERTIES)
    return packager.package(PROPERTIES, lambda line: None).path


def test_it_runs_with_nothing_else_installed(tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(packaged(tmp_path)) as archive:
        archive.extractall(unpacked)
    program = (
        f"import sys; sys.path = [{str(unpacked)!r}] + [p for p in sys.path if 'site-packages' not in p]\n"
        "import klotho.provider.handler, pg8000.native, pymysql; from klotho import config\n"
        "assert all('unpacked' in m.__file__ for m in (klotho.provider.handler, pg8000.native, pymysql))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_same_bytes_come_out_and_a_second_time_nothing_is_built(tmp_path: Path) -> None:
    first, second = packaged(tmp_path / "a"), packaged(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    packager = FunctionPackager(tmp_path, tmp_path / "a" / "cache", HOST)
    assert packager.package(PROPERTIES, lambda line: None).cached
    assert first.stat().st_size < 2_000_000


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(own_functions, "distribution", missing)
    with pytest.raises(Failure, match="is not installed") as refused:
        packaged(tmp_path)
    assert refused.value.diagnostic.code == "provider-incomplete"


def test_compiled_packages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_functions, "DRIVERS", ("orjson",))
    with pytest.raises(Failure, match="not pure Python"):
        own_functions._installed(own_functions.DRIVERS)


def test_what_asks_a_container_needs_the_standard_library_alone(tmp_path: Path) -> None:
    properties = {"package": "relay", "handler": "klotho.relay.handler.handler", "runtime": "python3.13"}
    packager = FunctionPackager(tmp_path, tmp_path / "cache", HOST)
    packager.validate(properties)
    path = packager.package(properties, lambda line: None).path
    with zipfile.ZipFile(path) as archive:
        assert {name.split("/")[1] for name in archive.namelist()} <= {"__init__.py", "py.typed", "relay", "runtime"}
    program = f"import sys; sys.path = [{str(path)!r}, *sys.path]; from klotho.relay.handler import handler"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert path.stat().st_size < 150_000
