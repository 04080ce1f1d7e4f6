"""`klotho graph`: pictures to stdout or a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .conftest import Run


def test_an_svg_goes_to_stdout_and_is_what_build_writes(klotho: Run, shop: Path) -> None:
    done = klotho("graph")
    assert done.returncode == 0
    assert ElementTree.fromstring(done.stdout).tag.endswith("svg")
    assert klotho("build").returncode == 0
    assert (shop / "compiled/topology.svg").read_text() == done.stdout
    assert (shop / "compiled/topology.mmd").read_text() == klotho("graph", "--format", "mermaid").stdout
    assert (shop / "compiled/topology.json").read_text() == klotho("graph", "--format", "json").stdout


@pytest.mark.parametrize(
    ("name", "begins"), [("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.mmd", b"---\n"), ("a.json", b"{\n")]
)
def test_the_ending_says_the_format(name: str, begins: bytes, klotho: Run, shop: Path) -> None:
    done = klotho("graph", "--out", name, "--view", "resources" if name == "a.mmd" else "dataflow")
    assert (done.returncode, done.stdout) == (0, f"{name}\n")
    assert (shop / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "infra.py"), "`.svg`"),
        (("--out", "a.svg", "--format", "png"), "`.png`"),
        (("--format", "png"), "--out picture.png"),
    ],
)
def test_a_name_that_is_no_pictures_is_refused(arguments: tuple[str, ...], said: str, klotho: Run, shop: Path) -> None:
    before = (shop / "infra.py").read_text()
    done = klotho("graph", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[picture-name]" in done.stderr
    assert said in done.stderr
    assert (shop / "infra.py").read_text() == before
    assert not (shop / "a.svg").exists()


def test_a_json_file_that_holds_something_else_is_left_alone(klotho: Run, shop: Path) -> None:
    (shop / "package.json").write_text('{"name": "shop"}')
    done = klotho("graph", "--out", "package.json")
    assert done.returncode == 2
    assert "error[picture-name]" in done.stderr
    assert (shop / "package.json").read_text() == '{"name": "shop"}'
    for _ in range(2):  # its own file is written again
        assert klotho("graph", "--out", "topology.json").returncode == 0


def test_png_without_its_library_says_what_to_install(klotho: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    done = klotho("graph", "--out", "a.png")
    assert done.returncode == 1
    assert "error[png-not-installed]" in done.stderr
    assert "pip install 'klotho[png]'" in done.stderr
    assert not (shop / "a.png").exists()


def test_json_has_the_topology_beside_the_file(klotho: Run, shop: Path) -> None:
    done = klotho("graph", "--json", "--out", "a.svg")
    found = json.loads(done.stdout)
    assert (found["ok"], found["file"]) == (True, "a.svg")
    assert {node["title"] for node in found["topology"]["nodes"]} == {"visits", "hello", "web"}


def test_a_theme_is_written_into_the_picture(klotho: Run, shop: Path) -> None:
    pictures = {theme: klotho("graph", "--theme", theme).stdout for theme in ("light", "dark", "auto")}
    assert len(set(pictures.values())) == 3
    assert "prefers-color-scheme" not in pictures["dark"]
