"""What must hold of every template: linters find nothing that was not reviewed, and no statement is wide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from klotho.catalogue.facts import is_custom
from klotho.catalogue.tables import table
from klotho.localcloud.cloudformation import carried
from klotho.localcloud.handlers import handler_classes
from tests.gates.programs import Template

pytestmark = [pytest.mark.gates, pytest.mark.timeout(600)]

CHECKOV = Path(__file__).parents[2] / ".venv-gates" / "bin" / "checkov"
REVIEWED = tomllib.loads((Path(__file__).parent / "reviewed.toml").read_text(encoding="utf-8"))

Record = Callable[[str, object], None]


def test_cfn_lint_finds_nothing(distinct: list[Template], record_property: Record) -> None:
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--format", "json", "--regions", "us-east-1", "--"]
    done = subprocess.run(
        [*command, *(str(item.file) for item in distinct)], capture_output=True, text=True, timeout=500, check=False
    )
    found = json.loads(done.stdout)
    assert [f"{item['Filename']}: {item['Rule']['Id']} {item['Message']}" for item in found] == []
    assert done.returncode == 0, done.stderr
    resources = sum(len(item.resources) for item in distinct)
    record_property("figure", f"gates: cfn-lint finds nothing in {len(distinct)} templates, {resources} resources")


def test_the_local_cloud_carries_every_resource_with_all_its_properties(templates: list[Template]) -> None:
    """Also of environments that are protected and watched: what is built for AWS comes up here."""
    handlers = {item.type_name: item for item in handler_classes()}
    for template in templates:
        for logical_id, resource in template.resources.items():
            if not is_custom(resource["Type"]):
                properties = resource.get("Properties", {})
                carried.check(logical_id, resource["Type"], handlers[resource["Type"]].carries, properties)


class Finding(NamedTuple):
    """A check of checkov's that a resource does not pass."""

    check: str
    name: str
    type: str
    where: str


@pytest.fixture(scope="module")
def findings(distinct: list[Template]) -> list[Finding]:
    assert CHECKOV.is_file(), "checkov is not installed: `make gates` installs it into .venv-gates"
    files = [part for item in distinct for part in ("--file", str(item.file))]
    command = [str(CHECKOV), *files, "--framework", "cloudformation", "--quiet", "--compact", "-o", "json"]
    # It would ask its maker's server for texts about the checks.
    environment = {**os.environ, "BC_SKIP_MAPPING": "TRUE"}
    done = subprocess.run(
        [*command, "--skip-download"], env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > len(distinct)
    return [_finding(item) for item in report["results"]["failed_checks"]]


def _finding(item: dict[str, Any]) -> Finding:
    resource = item["resource"]
    return Finding(item["check_id"], item["check_name"], resource.split(".")[0], f"{item['file_path']}: {resource}")


def test_checkov_finds_nothing_that_was_not_reviewed(findings: list[Finding], record_property: Record) -> None:
    new = [item for item in findings if not _is_reviewed(item)]
    summary = Counter((item.check, item.name, item.type) for item in new)
    assert not new, "\n".join([*(f"{count} x {key}" for key, count in summary.items()), *(item.where for item in new)])
    record_property("figure", f"gates: {len(findings)} findings of checkov, all of {len(REVIEWED)} reviewed checks")


def _is_reviewed(item: Finding) -> bool:
    """By check and type; where `only` names logical ids, of these alone."""
    entry = REVIEWED.get(item.check, {})
    return item.type in entry.get("types", ()) and item.where.rpartition(".")[2] in entry.get(
        "only", [item.where.rpartition(".")[2]]
    )


def test_what_was_reviewed_is_still_found_and_has_a_reason(findings: list[Finding]) -> None:
    found = {(item.check, item.type) for item in findings}
    reviewed = {(check, kind) for check, entry in REVIEWED.items() for kind in entry["types"]}
    assert sorted(reviewed - found) == [], "take these out of reviewed.toml"
    assert [check for check, entry in REVIEWED.items() if len(entry["reason"]) < 30] == []


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy document, with the place it stands at."""
    for logical_id, resource in template.resources.items():
        for document in _documents(resource.get("Properties", {})):
            for statement in document["Statement"]:
                yield f"{template.program}: {logical_id}", statement


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("Statement"), list):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _documents(item)


def test_no_action_is_a_wildcard_and_no_resource_but_for_actions_without_a_resource_level(
    templates: list[Template],
) -> None:
    unscoped = {action for actions in table("iam")["unscoped"].values() for action in actions}
    seen = 0
    for template in templates:
        for where, statement in statements(template):
            seen += 1
            if statement["Effect"] == "Deny":
                continue  # a prohibition may be as wide as it likes
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [action for action in actions if "*" in action], f"{where}: {actions}"
            if "*" in statement.get("Resource", ()):
                assert set(actions) <= unscoped, f"{where}: {actions} on *"
    assert seen > 50
