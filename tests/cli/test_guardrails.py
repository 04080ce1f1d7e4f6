"""Guardrails at the command line: what people and machines see, and the exit codes."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
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


JUDGED = (
    "build", "build --iac terraform", "check", "preview", "up --yes", "permissions", "eject", "cost", "graph",
    "explain visits", "bootstrap --yes", "secret ls", "project check",
)  # fmt: skip
"""What compiles a program ends with 5 where a rule is broken, and leaves nothing."""
JUDGED_ELSEWHERE = {
    "compile": "is for annotated code: below",
    "dev": "begins with `up` and begins again with it: below",
    "rollback": "test_guardrails_on_aws.py",
    "upgrade": "shows what rules would find",
    "guardrails": "is about rules",
}
DEPLOYS_NOTHING_NEW = {
    "init", "down", "status", "outputs", "logs", "verify", "history", "drift", "unlock", "exec", "shell", "tunnel",
    "doctor", "whoami", "config", "ci", "env",
}  # fmt: skip


def test_every_command_that_compiles_is_stopped_by_a_broken_rule(klotho: Run, shop: Path) -> None:
    for command in JUDGED:
        done = klotho(*command.split(), "--env", "desk")
        assert done.returncode == 5 and "acme-platform/no-tables" in done.stderr, (command, done.stderr)
    several = klotho("project", "up", "--yes", "--env", "desk")
    assert several.returncode == 1 and "acme-platform/no-tables" in several.stderr and "0 of 1" in several.stderr
    assert not any((shop / name).exists() for name in ("compiled", "klotho.lock", "ejected"))


def test_a_new_command_has_to_say_whether_rules_stop_it() -> None:
    listed = Path(__file__).with_name("help.txt").read_text().partition("Commands:")[2]
    judged = {item.partition(" ")[0] for item in JUDGED}
    assert judged | set(JUDGED_ELSEWHERE) | DEPLOYS_NOTHING_NEW == set(re.findall(r"^  (\w+)", listed, re.M))


def test_dev_deploys_nothing_that_breaks_a_rule(klotho: Run, shop: Path) -> None:
    command = [sys.executable, "-m", "klotho.cli", "dev", "--env", "desk"]
    with subprocess.Popen(command, cwd=shop, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = next(line for line in process.stderr if "error[" in line)
        process.send_signal(signal.SIGINT)  # else it waits for the program to be mended
    assert "guardrail-denied" in told and "acme-platform/no-tables" in told
    assert klotho("status", "--env", "desk", "--json").returncode == 0
    assert not (shop / "state" / "klotho" / "acme" / "desk" / "supervisor.json").exists()


def test_annotated_code_is_judged_as_well(klotho: Run, tmp_path: Path) -> None:
    pets = Path(__file__).parents[2] / "examples" / "annotated-pets"
    shutil.copytree(pets, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("compiled", "node_modules"))
    (tmp_path / "klotho.yaml").write_text(f"app: pets\n{SETTINGS}")
    bundle(tmp_path, "deny")
    for command in ("compile", "check"):
        done = klotho(command, "--env", "desk")
        assert done.returncode == 5 and "acme-platform/no-tables" in done.stderr, done.stderr
    assert not (tmp_path / "compiled" / "cloudformation").exists()


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
