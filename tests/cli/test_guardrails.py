"""Guardrails at the command line: what people and machines see, and the exit codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import GOOD

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SETTINGS = """environments:
  desk:
    target: local
    guardrails: [./rules, klotho-best-practice]
"""
BUNDLE = """[bundle]
name = "acme-platform"
version = "1.0.0"
owner = "platform@acme.example"

[[rule]]
id = "no-tables"
severity = "SEVERITY"
message = "no tables: \\"<&>\\""
fix = "take `Databases.Postgres`"
[rule.constructs]
kind = "Databases.KeyValue"
forbidden = true

[[rule]]
id = "kept"
message = "no MySQL"
fix = "take `Databases.Postgres`"
[rule.constructs]
kind = "Databases.MySQL"
forbidden = true

[[test]]
program = "tests/table"
expect = ["no-tables"]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "infra.py").write_text(GOOD)
    (tmp_path / "hello.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "klotho.yaml").write_text(SETTINGS)
    bundle(tmp_path, "deny")
    tests = tmp_path / "rules" / "tests" / "table"
    tests.mkdir(parents=True)
    (tests / "infra.py").write_text(
        'import klotho\nklotho.Application("t")\nklotho.Databases.KeyValue(name="t", key="k")\n'
    )
    return tmp_path


def bundle(folder: Path, severity: str) -> None:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "bundle.toml").write_text(BUNDLE.replace("SEVERITY", severity))


def test_a_broken_rule_exits_5_in_every_format(klotho: Run, shop: Path) -> None:
    text = klotho("check", "--env", "desk")
    assert text.returncode == 5
    assert 'error[guardrail-denied]: Databases.KeyValue "visits" breaks `acme-platform/no-tables`' in text.stderr
    assert "the rule is platform@acme.example's" in text.stderr and "infra.py:4" in text.stderr
    shown = klotho("check", "--env", "desk", "--json")
    found = json.loads(shown.stdout)
    assert (shown.returncode, found["ok"], found["diagnostics"][0]["rule"]) == (5, False, "acme-platform/no-tables")
    sarif = klotho("check", "--env", "desk", "--format", "sarif")
    result = json.loads(sarif.stdout)["runs"][0]["results"][0]
    assert (sarif.returncode, result["ruleId"], result["level"]) == (5, "acme-platform/no-tables", "error")
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("infra.py", 4)
    junit = klotho("check", "--env", "desk", "--format", "junit")
    suite = ElementTree.fromstring(junit.stdout).find("testsuite")
    assert junit.returncode == 5 and suite is not None and suite.attrib["failures"] == "1"
    assert "acme-platform/kept" in [case.attrib["name"] for case in suite]


def test_build_preview_and_up_are_stopped_by_the_same_rule(klotho: Run, shop: Path) -> None:
    for command in ("build", "preview", "up", "permissions"):
        done = klotho(command, "--env", "desk", *(["--yes"] if command == "up" else []))
        assert done.returncode == 5 and "acme-platform/no-tables" in done.stderr, command
    assert not (shop / "compiled").exists() and not (shop / "klotho.lock").exists()


def test_a_warning_stops_nothing_and_junit_counts_what_is_kept(klotho: Run, shop: Path) -> None:
    bundle(shop, "warn")
    text = klotho("check", "--env", "desk")
    assert text.returncode == 0
    assert "shop: no mistakes, 1 warning, 12 guardrails asked" in text.stderr
    suite = ElementTree.fromstring(klotho("check", "--env", "desk", "--format", "junit").stdout).find("testsuite")
    assert suite is not None and suite.attrib["failures"] == "0"
    names = [case.attrib["name"] for case in suite]
    assert "acme-platform/kept" in names and "klotho-best-practice/private-buckets" in names
    shown = json.loads(klotho("check", "--env", "desk", "--json").stdout)
    assert shown["guardrails"]["bundles"] == {"acme-platform": "1.0.0", "klotho-best-practice": "1.1.0"}
    assert klotho("build", "--env", "desk").returncode == 0


def test_bundles_are_listed_shown_and_tested(klotho: Run, shop: Path) -> None:
    listed = json.loads(klotho("guardrails", "ls", "--env", "desk", "--json").stdout)["bundles"]
    assert [(item["name"], item["rules"], item["pinned"]) for item in listed] == [
        ("acme-platform", "2 rules", False), ("klotho-best-practice", "16 rules", False),
    ]  # fmt: skip
    shown = klotho("guardrails", "show", "klotho-best-practice", "backups")
    assert "backups (deny, in prod*, live*): databases in production keep backups" in shown.stdout
    assert klotho("guardrails", "show", "klotho-best-practise").returncode == 1
    assert klotho("guardrails", "show", "./rules", "kpt").returncode == 6
    tested = klotho("guardrails", "test", "rules")
    assert (tested.returncode, tested.stdout) == (0, "ok  tests/table in prod\n")
    assert "no test breaks `kept`" in tested.stderr
    (shop / "rules" / "tests" / "table" / "infra.py").write_text(
        'import klotho\nklotho.Application("t")\nklotho.Storage.Bucket(name="b")\n'
    )
    failed = klotho("guardrails", "test", "rules")
    assert (failed.returncode, "it does not break `no-tables`" in failed.stdout) == (1, True)
    assert json.loads(klotho("guardrails", "schema").stdout)["title"] == "klotho guardrails: bundle.toml"


def test_upgrade_shows_what_newer_rules_would_newly_fail(klotho: Run, shop: Path) -> None:
    bundle(shop, "warn")
    first = klotho("upgrade", "--env", "desk")
    assert first.returncode == 0 and "acme-platform not pinned → 1.0.0" in first.stdout
    bundle(shop, "deny")
    assert klotho("check", "--env", "desk").returncode == 1, "it is not what is pinned"
    dry = klotho("upgrade", "--env", "desk", "--dry-run")
    assert "changed: no-tables (deny)" in dry.stdout and "shop: 1 would newly fail" in dry.stdout
    assert "nothing was written" in dry.stderr and klotho("check", "--env", "desk").returncode == 1
    assert klotho("upgrade", "--env", "desk").returncode == 0
    assert klotho("check", "--env", "desk").returncode == 5
    assert "klotho.lock pins the newest of each" in klotho("upgrade", "--env", "desk").stderr


def test_a_changed_bundle_is_counted_before_it_is_in_force(klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text(SETTINGS.replace("./rules, ", ""))
    done = klotho("check", "--env", "desk", "--project", "--bundle", "rules")
    assert done.returncode == 0
    assert "shop: 1 would newly fail" in done.stdout
    assert "`rules` would newly fail 1 of 1 application, in 1 place" in done.stderr
    shown = json.loads(klotho("check", "--env", "desk", "--project", "--bundle", "rules", "--json").stdout)
    assert (shown["newly_failing"], shown["applications"][0]["application"]) == (1, "shop")
    assert klotho("check", "--bundle", "rules").returncode == 2


def test_what_is_published_is_demanded_of_everyone(klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text("environments:\n  desk:\n    target: local\n")
    assert klotho("check", "--env", "desk").returncode == 0
    assert klotho("guardrails", "publish", "rules", "--env", "desk").returncode == 0
    for command in ("check", "preview"):
        dropped = klotho(command, "--env", "desk")
        assert dropped.returncode == 5 and "error[guardrail-dropped]" in dropped.stderr
    (shop / "klotho.yaml").write_text(
        "environments:\n  desk:\n    target: local\n    guardrails: [{store: acme-platform}]\n"
    )
    assert "error[guardrail-denied]" in klotho("check", "--env", "desk").stderr
