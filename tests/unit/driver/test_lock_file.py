"""klotho.lock: what it holds, what it changes, and what of it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klotho.application import Application
from klotho.diagnostics import Failure, ProgramError, Report, Severity
from klotho.driver.build import build
from klotho.driver.lock_file import LOCK_FILE, Shipped, read_lock, write_lock
from klotho.driver.program import find_program

PROGRAM = """import klotho
from klotho import Compute

klotho.Application("shop", project="acme")
report = Compute.Function("report", handler="report.main")
"""
ENTRIES = {
    "report": Shipped("image", 'it is 300 MB: "torch"', build=True, architecture="x86_64"),
    "a b": Shipped("layer", "its packages are 12 MB zipped: größer 12 MB"),
}
HEAD = "version = 1\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "report.py").write_text("def main(event, context): ...\n")
    return tmp_path


def function(shop: Path) -> dict[str, object]:
    built = build(find_program(shop), None)
    found = (item for body in built.templates.values() for item in json.loads(body)["Resources"].values())
    return dict(next(item["Properties"] for item in found if item["Type"] == "AWS::Lambda::Function"))


def test_what_is_written_is_read_back_and_has_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    path = write_lock(tmp_path, ENTRIES)
    first, report = path.read_bytes(), Report()
    assert read_lock(tmp_path, report) == ENTRIES
    assert not report.diagnostics
    write_lock(tmp_path, dict(reversed(ENTRIES.items())))
    assert path.read_bytes() == first
    write_lock(tmp_path, {})
    assert not path.exists()


def test_without_the_file_a_function_is_one_zip(shop: Path) -> None:
    assert "Layers" not in function(shop) and "PackageType" not in function(shop)


def test_an_entry_decides_and_says_where_it_stands(shop: Path) -> None:
    write_lock(shop, {"report": Shipped("layer", "large")})
    assert function(shop)["Layers"] == [{"Ref": "ReportLayer"}]
    built = build(find_program(shop), None)
    (choice,) = built.graph.choices.values()
    assert choice.implementation == "lambda-layer"
    assert str(choice.provenance.spans[0]) == "klotho.lock:6"
    write_lock(shop, {"report": Shipped("image", "compiled", build=True, architecture="x86_64")})
    assert function(shop)["PackageType"] == "Image"
    assert function(shop)["Architectures"] == ["x86_64"]


@pytest.mark.parametrize("where", ["program", "klotho.yaml", "environment"])
def test_a_use_of_the_users_wins(shop: Path, where: str) -> None:
    write_lock(shop, {"report": Shipped("image", "large")})
    if where == "program":
        (shop / "infra.py").write_text(PROGRAM + 'report.use("lambda")\n')
    elif where == "klotho.yaml":
        (shop / "klotho.yaml").write_text("constructs:\n  report: {use: lambda}\n")
    else:
        (shop / "klotho.yaml").write_text(
            "environments:\n  local:\n    target: local\n    constructs:\n      report: {use: lambda}\n"
        )
    assert "PackageType" not in function(shop)


def test_the_architecture_that_the_program_names_wins(shop: Path) -> None:
    (shop / "infra.py").write_text(PROGRAM.replace('main"', 'main", architecture="arm64"'))
    write_lock(shop, {"report": Shipped("image", "compiled", build=True, architecture="x86_64")})
    assert function(shop)["Architectures"] == ["arm64"]


def test_an_entry_of_a_function_that_is_not_there_is_a_warning(shop: Path) -> None:
    write_lock(shop, {"reprot": Shipped("image", "large")})
    (warning,) = build(find_program(shop), None).diagnostics
    assert (warning.code, warning.severity) == ("lock-entry-unused", Severity.WARNING)
    assert "`report`" in warning.helps[0]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("<<<<<<< HEAD\nversion = 1\n", 1, "can't be read"),
        ("version = 2\n", 1, "is of version 2, this Klotho reads 1"),
        ("", 1, "is of version None"),
        (f"{HEAD}[layers]\n", 2, "has a part `layers`"),
        (f"functions = 1\n{HEAD}", 1, "must hold an entry for each function"),
        (f"{HEAD}[functions]\nreport = 1\n", 1, "holds no keys"),
        (f'{HEAD}[functions.report]\nships = "zip"\nreason = ""\n', 2, 'must say `ships = "layer"`'),
        (f'{HEAD}[functions.report]\nships = "image"\n', 2, "must give a `reason`"),
        (f'{HEAD}[functions.report]\nships = "image"\nreason = ""\nsize = 1\n', 2, "has a key `size`"),
        (f'{HEAD}[functions.report]\nships = "layer"\nreason = ""\nbuild = true\n', 2, "of an image only"),
        (f'{HEAD}[functions.report]\nships = "image"\nreason = ""\narchitecture = "mips"\n', 2, "`architecture`"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused_at_its_line(shop: Path, text: str, line: int, words: str) -> None:
    (shop / LOCK_FILE).write_text(text)
    with pytest.raises(ProgramError) as failed:
        build(find_program(shop), None)
    (found,) = failed.value.diagnostics
    assert found.code == "lock-file-damaged"
    assert words in found.message
    assert (found.labels[0].span.file, found.labels[0].span.line) == (LOCK_FILE, line)


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"`klotho\.lock` can't be written") as failed:
        write_lock(tmp_path / "gone", ENTRIES)
    assert failed.value.diagnostic.code == "lock-file-not-written"


def test_an_application_without_functions_is_not_touched() -> None:
    from klotho.driver.lock_file import recorded

    application = Application("shop")
    assert recorded(application, {}, Report()) is application
