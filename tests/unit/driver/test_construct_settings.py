"""`constructs:` of klotho.yaml: parameters, requirements and directives that win over the program's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.diagnostics import Failure, ProgramError, Report, render_text
from klotho.driver.build import Build, build
from klotho.driver.program import choose_environment, find_program
from klotho.driver.settings import parse_settings

PROGRAM = """\
import klotho
from klotho import Compute, Databases

klotho.Application("shop")
orders_db = Databases.Postgres(name="orders_db", storage_gb=20)
orders_db.requires(availability=99.0)
orders_db.override("AWS::RDS::DBInstance", {"MultiAZ": False, "DBInstanceClass": "db.t4g.small"})
work = Compute.Function(name="work", handler="work.handler", memory=128, environment={"LEVEL": "info", "ZONE": "a"})
work.reads_from(orders_db)
"""
SETTINGS = """\
constructs:
  work:
    memory: 512
    environment: {LEVEL: debug}
  orders_db:
    override:
      AWS::RDS::DBInstance: {DBInstanceClass: db.t4g.medium}
environments:
  staging:
    target: local
  big:
    target: local
    constructs:
      work: {memory: 1024}
      Databases.Postgres/orders_db:
        requires: {availability: 99.9}
        override:
          AWS::RDS::DBInstance: {DBInstanceClass: db.r6g.large}
"""


def built(folder: Path, settings: str, environment: str | None = None) -> Build:
    (folder / "infra.py").write_text(PROGRAM)
    (folder / "work.py").write_text("def handler(event, context): ...\n")
    (folder / "klotho.yaml").write_text(settings)
    return build(find_program(folder), environment)


def properties(found: Build, kind: str) -> dict[str, object]:
    return dict(next(item for item in found.graph if item.type == kind).properties)


def test_the_file_wins_over_the_program_and_an_environment_over_the_file(tmp_path: Path) -> None:
    here, big = built(tmp_path, SETTINGS), built(tmp_path, SETTINGS, "big")
    functions = [properties(item, "AWS::Lambda::Function") for item in (here, big)]
    assert [item["MemorySize"] for item in functions] == [512, 1024]
    variables = functions[0]["Environment"]["Variables"]  # type: ignore[index]
    assert (variables["LEVEL"], variables["ZONE"]) == ("debug", "a")
    databases = [properties(item, "AWS::RDS::DBInstance") for item in (here, big)]
    assert [item["DBInstanceClass"] for item in databases] == ["db.t4g.medium", "db.r6g.large"]
    # What the file does not speak of stays as the program says; the requirement of `big` is weighed.
    assert databases[0]["MultiAZ"] is False
    assert [item.value for item in big.application.requirements] == [99.9]


def test_why_a_property_is_so_leads_to_the_line_in_the_file(tmp_path: Path) -> None:
    found = built(tmp_path, SETTINGS, "big")
    database = next(item for item in found.graph if item.type == "AWS::RDS::DBInstance")
    reason = database.decisions["DBInstanceClass",].winner
    assert [(span.file, span.line) for span in reason.spans] == [("klotho.yaml", 18)]


def test_every_mistake_is_reported_at_its_line(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    wrong = """\
constructs:
  orders: {storage_gb: 30}
  work:
    memroy: 512
    memory: much
    requires: {avialability: 99}
    override: {AWS::Lambda: {}}
"""
    shapeless = """\
constructs:
  work:
    use: [lambda]
  flat: 7
environments:
  dev: {target: aws, per: team, ttl: soon}
  prod: {target: aws, ttl: 3d, protect: true}
"""
    with pytest.raises(ProgramError) as shapes:
        built(tmp_path, shapeless)
    shape_text = render_text(shapes.value.diagnostics, tmp_path, colour=False)
    with pytest.raises(ProgramError) as caught:
        built(tmp_path, wrong)
    text = render_text(caught.value.diagnostics, tmp_path, colour=False)
    golden(Path(__file__).with_name("construct_settings_mistakes.txt"), f"{shape_text}\n{text}\n")


def test_each_user_or_branch_has_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = "environments:\n  dev: {target: aws, per: user, ttl: 3d}\n  pr: {target: aws, per: branch}\n"
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "klotho.yaml").write_text(settings)
    program = find_program(tmp_path)
    monkeypatch.setenv("KLOTHO_USER", "Ada.Lovelace")
    monkeypatch.setenv("GITHUB_HEAD_REF", "feature/Log_in")
    names = [choose_environment(program, name, None, False).name for name in ("dev", "pr", "dev-bob", "pr-main")]
    assert names == ["dev-ada-lovelace", "pr-feature-log-in", "dev-bob", "pr-main"]
    assert choose_environment(program, "dev", None, False).ttl_seconds == 3 * 86_400
    assert choose_environment(program, "dev", None, False).template == "dev"


def test_a_folder_without_a_branch_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILDKITE_BRANCH", "CIRCLE_BRANCH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "klotho.yaml").write_text("environments:\n  pr: {target: aws, per: branch}\n")
    with pytest.raises(Failure, match="is on no branch of a git repository") as caught:
        choose_environment(find_program(tmp_path), "pr", None, False)
    assert caught.value.diagnostic.code == "owner-unknown"


YAML = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["work", "orders_db", "x"]), YAML, max_size=3))
def test_whatever_the_file_says_there_is_an_answer_or_a_diagnostic(said: dict[str, object]) -> None:
    import json

    report = Report()
    parse_settings("constructs: " + json.dumps(said), report)
    assert all(item.code.startswith("settings-") for item in report.diagnostics)
