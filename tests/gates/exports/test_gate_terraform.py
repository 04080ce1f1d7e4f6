"""The Terraform modules say what the templates say, in names that AWS's schemas give."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from klotho.catalogue.facts import is_custom, schema
from klotho.emit.classic import is_classic
from klotho.emit.terraform.folder import terraform_files
from klotho.emit.terraform.modules import Module, module, wires
from klotho.stacks.model import Stack
from tests.gates.exports import terraform
from tests.gates.exports.conftest import Exported
from tests.gates.exports.expected import Expected, given, same

pytestmark = [pytest.mark.gates, pytest.mark.timeout(600)]

TOOLS = Path(__file__).parents[3] / ".venv-exports" / "bin"
HERE = Path(__file__).parent
REVIEWED = {
    check: entry
    for file in (HERE.parent / "reviewed.toml", HERE / "reviewed.toml")
    for check, entry in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
CHECKOV = Path(__file__).parents[3] / ".venv-gates" / "bin" / "checkov"
Record = Callable[[str, object], None]


def snake(name: str) -> str:
    """The provider's rule said another way: where case changes, and on both sides of a digit but not before one."""
    for whole in ("CloudFormation", "CloudFront", "CloudWatch"):
        name = name.replace(whole, whole.capitalize())
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z])([A-Z0-9])", r"\1_\2", name)
    name = re.sub(r"([0-9])([A-Za-z])", r"\1_\2", name)
    return name.lower()


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        # of naming_test.go of hashicorp/terraform-provider-awscc
        ("Arn", "arn"),
        ("GlobalReplicationGroupDescription", "global_replication_group_description"),
        ("S3Bucket", "s3_bucket"),
        ("AWS99Thing", "aws99_thing"),
        ("CloudWatchLogsLogGroupArn", "cloudwatch_logs_log_group_arn"),
        # of its documentation
        ("DBInstanceIdentifier", "db_instance_identifier"),
        ("KmsMasterKeyId", "kms_master_key_id"),
    ],
)
def test_names_are_those_of_the_provider(published: str, ours: str) -> None:
    from klotho.emit.terraform.names import snake as written

    assert (snake(published), written(published)) == (ours, ours)


def spelled(type_name: str, path: str) -> str:
    own = f"{snake(type_name.rpartition('::')[2])}_id"
    return own if path == "Id" else ".".join(snake(part) for part in path.split("."))


def modules_of(item: Exported) -> list[Module]:
    names = wires(item.export)
    return [module(stack, names) for stack in item.export.stacks]


def test_the_modules_say_what_the_templates_say(all_exports: list[Exported], record_property: Record) -> None:
    count = 0
    for item in all_exports:
        written = {one.stack.name: one for one in modules_of(item)}
        labels = {name: label for one in written.values() for name, label in one.labels.items()}
        read = terraform.Export(terraform_files(item.export, backend="s3"), configured(item))
        expected = Expected(item.bundle, labels.__getitem__, spelled)
        seen, wrong = 0, []
        for stack, logical_id, resource in expected.resources():
            where = written[stack.name]
            (block,) = [one for one in read.modules[where.name].of("resource") if one.labels[1] == labels[logical_id]]
            attributes = {name: read.value(value, where.name, {}) for name, value in block.body.attributes.items()}
            seen += 1
            wrong += [f"{stack.name}/{logical_id}: {one}" for one in differences(stack, resource, block, attributes)]
            waits = {labels[name] for name in resource.get("DependsOn", ())}
            assert waits == set(attributes.get("depends_on", ())), logical_id
        assert wrong == [], "\n".join([item.name, *wrong[:20]])
        assert seen == sum(len(one.of("resource")) for one in read.modules.values()), f"{item.name} has others besides"
        for one in written.values():
            for name, value in expected.outputs(one.stack.name).items():
                assert read.output(one.name, wires(item.export)[name]) == value
        count += seen
    record_property("figure", f"exports: {count} resources in Terraform modules as the templates have them")


def configured(item: Exported) -> Callable[[str], str]:
    """The values of root variables."""
    sources = {name: source for stack in item.export.stacks for name, source in stack.inputs.items()}
    raw = {label: name for name, label in wires(item.export).items()}
    return lambda name: given(raw[name], sources[raw[name]])


def differences(stack: Stack, resource: dict[str, Any], block: terraform.Block, said: dict[str, Any]) -> Iterator[str]:
    type_name, properties = resource["Type"], resource["Properties"]
    kept = any(one.body.attributes.get("prevent_destroy") for one in block.body.of("lifecycle"))
    if kept != (resource.get("DeletionPolicy", "Delete") != "Delete"):
        yield "is kept otherwise"
    said = {name: value for name, value in said.items() if name != "depends_on"}
    if is_custom(type_name):
        told = {name: value for name, value in properties.items() if name not in ("ServiceToken", "ServiceTimeout")}
        assert block.labels[0] == "aws_lambda_invocation"
        assert json.loads(said.pop("input")) == {"ResourceProperties": told}
        assert said == {"function_name": properties["ServiceToken"], "lifecycle_scope": "CRUD"}
        return
    assert not is_classic(type_name), f"{type_name}: say here what it must be"
    _, service, name = type_name.split("::")
    if block.labels[0] != f"awscc_{service.lower()}_{snake(name)}":
        yield f"is {block.labels[0]}"
    properties = {**properties, **tagged(type_name, properties, stack.tags)}
    names = {name: spelled(type_name, name) for name in properties}
    if set(names.values()) != set(said):
        yield f"has {sorted(said)}, wants {sorted(names.values())}"
    for name, value in properties.items():
        if not same(value, decoded(value, said.get(names[name])), snake):
            yield f"{name} is {said.get(names[name])!r}, wants {value!r}"


def tagged(type_name: str, properties: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """The property that has the stack's tags besides its own."""
    facts = schema(type_name)
    name = facts.tag_property
    if name is None:
        return {}
    own = properties.get(name)
    if facts.properties[name].get("type") == "array":
        return {name: [*(own or []), *({"Key": key, "Value": value} for key, value in sorted(tags.items()))]}
    return {name: {**tags, **(own or {})}}


def decoded(published: Any, said: Any) -> Any:
    """JSON text as what it says, where the template has an object; inside of objects too."""
    if isinstance(published, dict) and isinstance(said, str):
        return json.loads(said)
    if isinstance(published, dict) and isinstance(said, dict):
        by_name = {spelling: value for name, value in published.items() for spelling in (name, snake(name))}
        return {name: decoded(by_name.get(name), value) for name, value in said.items()}
    if isinstance(published, list) and isinstance(said, list) and len(published) == len(said):
        return [decoded(one, other) for one, other in zip(published, said, strict=True)]
    return said


@pytest.fixture(scope="module")
def folder(covering_exports: list[Exported], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With exports that have everything in them."""
    top = tmp_path_factory.mktemp("terraform")
    for item in covering_exports:
        for name, content in terraform_files(item.export, backend="s3").items():
            (top / item.name / name).parent.mkdir(parents=True, exist_ok=True)
            (top / item.name / name).write_bytes(content)
    return top


def test_python_hcl2_parses_every_file(folder: Path) -> None:
    script = "import hcl2, pathlib\nprint(sum(bool(hcl2.loads(f.read_text())) for f in pathlib.Path().rglob('*.tf')))"
    done = subprocess.run(
        [str(TOOLS / "python"), "-c", script], cwd=folder, capture_output=True, text=True, timeout=400, check=False
    )
    assert (done.returncode, int(done.stdout or 0)) == (0, len(list(folder.rglob("*.tf")))), done.stderr[-2000:]


def test_checkov_finds_nothing_that_was_not_reviewed(folder: Path, record_property: Record) -> None:
    """It knows few checks of `awscc`'s types; those of the same resources as CloudFormation are looked at besides."""
    command = [str(CHECKOV), "-d", ".", "--framework", "terraform", "--quiet", "--compact", "-o", "json"]
    environment = {**os.environ, "BC_SKIP_MAPPING": "TRUE"}
    done = subprocess.run(
        [*command, "--skip-download"], cwd=folder, env=environment, capture_output=True, text=True, timeout=500,
        check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] > 500
    found = {(item["check_id"], item["resource"]) for item in report["results"]["failed_checks"]}
    assert [item for item in sorted(found) if item[0] not in REVIEWED] == []
    record_property("figure", f"exports: checkov reads {report['summary']['resource_count']} Terraform resources")
