"""`klotho build --iac` and `klotho eject`: what they write, and what they refuse."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from .conftest import Run, codes


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_build_writes_pulumi_projects_beside_the_templates(klotho: Run, shop: Path) -> None:
    done = klotho("build", "--iac", "pulumi")
    assert done.returncode == 0 and done.stdout.strip().endswith("compiled/pulumi")
    written = files_of(shop / "compiled")
    assert {"pulumi/README.md", "pulumi/prepare.sh", "pulumi/hello-function/Pulumi.yaml"} <= written.keys()
    assert "cloudformation/manifest.json" in written
    ast.parse(written["pulumi/hello-function/__main__.py"])
    klotho("build", "--iac", "terraform", "--backend", "s3")
    written = files_of(shop / "compiled")
    assert 'backend "s3"' in written["terraform/versions.tf"].decode()
    assert not any(name.startswith("pulumi/") for name in written)


def test_one_project_for_all_stacks(klotho: Run, shop: Path) -> None:
    klotho("build", "--iac", "pulumi", "--single")
    written = files_of(shop / "compiled" / "pulumi")
    assert "stacks/hello_function.py" in written and "hello-function/Pulumi.yaml" not in written
    assert "from stacks import hello_function as hello_function_stack" in written["__main__.py"].decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--iac", "terraform", "--language", "typescript"), "`--language` means nothing with `--iac terraform`"),
        (("--iac", "pulumi", "--backend", "s3"), "`--backend` means nothing with `--iac pulumi`"),
        (("--iac", "cloudformation", "--single"), "`--single` means nothing with `--iac cloudformation`"),
        (("--iac", "terraform", "--backend", "cloud9"), "Terraform has no backend `cloud9`"),
    ],
)
def test_options_of_another_tool_are_refused(words: tuple[str, ...], said: str, klotho: Run, shop: Path) -> None:
    done = klotho("build", *words, "--json")
    assert done.returncode == 2 and codes(done) == ["export-option"]
    assert said in json.loads(done.stdout)["diagnostics"][0]["message"]
    assert not (shop / "compiled").exists()


def test_eject_writes_templates_zips_and_a_script(klotho: Run, shop: Path) -> None:
    done = klotho("eject", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["imported"] == 0
    folder = Path(told["folder"])
    assert folder == shop / "ejected" / "cloudformation"
    assert (folder / "assets" / "hello.zip").read_bytes().startswith(b"PK")
    assert (folder / "deploy.sh").stat().st_mode & 0o111
    template = json.loads((folder / "templates" / "hello-function.template.json").read_text())
    assert "KlothoDigest" not in json.dumps(template)
    assert template["Resources"]["HelloFunction"]["Metadata"]["aws:asset:path"] == "../assets/hello.zip"


def test_eject_does_not_write_over_files_of_others(klotho: Run, shop: Path) -> None:
    (shop / "ejected").mkdir()
    (shop / "ejected" / "mine.txt").write_text("mine")
    done = klotho("eject", "--json")
    assert codes(done) == ["output-folder-taken"]
    assert files_of(shop / "ejected") == {"mine.txt": b"mine"}


@pytest.mark.parametrize(
    "words", [("--iac", "pulumi"), ("--iac", "pulumi", "--language", "typescript"), ("--iac", "terraform")]
)
def test_the_same_program_gives_the_same_bytes(words: tuple[str, ...], klotho_process: Run, shop: Path) -> None:
    for seed in ("1", "2"):
        done = klotho_process("build", *words, "--out", seed, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
    assert files_of(shop / "1") == files_of(shop / "2")


def overridden(shop: Path, what: str) -> None:
    text = (shop / "infra.py").read_text()
    (shop / "infra.py").write_text(text + f"hello.override({what})\n")


def test_a_value_only_cloudformation_reads_is_refused_with_its_place(klotho: Run, shop: Path) -> None:
    overridden(shop, '"AWS::Lambda::Function", {"Description": "{{resolve:ssm:about}}"}')
    for target in ("pulumi", "terraform"):
        done = klotho("build", "--iac", target, "--json")
        assert codes(done) == ["export-value-unknown"]
        (found,) = json.loads(done.stdout)["diagnostics"]
        assert "{{resolve:ssm:about}}" in found["message"] and "infra.py:5" in found["notes"][0]
    assert klotho("eject", "--json").returncode == 0  # CloudFormation reads it


def test_a_type_without_a_word_is_refused_by_name(klotho: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from klotho.emit import classic

    monkeypatch.setattr(classic, "is_sayable", lambda type_name: type_name != "AWS::DynamoDB::Table")
    done = klotho("build", "--iac", "terraform", "--json")
    assert codes(done) == ["export-type-unknown"]
    (found,) = json.loads(done.stdout)["diagnostics"]
    assert "AWS::DynamoDB::Table" in found["message"]
    assert found["notes"] == ["`VisitsTable` in stack visits-keyvalue, of Databases.KeyValue/visits at infra.py:4"]
    assert not (shop / "compiled").exists()
