"""klotho.yaml: what it says, and every mistake at its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.diagnostics import ExitCode, Failure, Report, render_text
from klotho.driver.settings import Environment, Settings, parse_settings, read_settings

GOOD = """\
# names
app: shop
project: acme
environments:
  staging:
    target: aws
    region: eu-central-1
    account: "123456789012"
    protect: true
  desk:
    target: local
"""

WRONG = """\
app: 7
projct: acme
stacks: {}
environments:
  staging:
    target: azure
    regoin: eu-central-1
    region: Frankfurt
    account: 123456789012
    protect: yes please
  9lives: {target: local}
  flat: aws
"""


def test_a_whole_file_is_understood() -> None:
    report = Report()
    found = parse_settings(GOOD, report)
    assert report.diagnostics == []
    assert (found.app, found.project) == ("shop", "acme")
    staging = found.environment("staging")
    assert (staging.target, staging.region, staging.account) == ("aws", "eu-central-1", "123456789012")
    assert staging.protect
    assert found.environment("desk").target == "local"
    assert found.environment("local") == Environment("local")


def test_local_is_this_machine_and_nothing_else() -> None:
    report = Report()
    parse_settings("environments:\n  local: {target: aws, region: eu-west-1}\n", report)
    assert [(item.code, item.span.line if item.span else 0) for item in report.errors] == [("settings-value", 2)]


def test_every_mistake_is_reported_at_its_line(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    (tmp_path / "klotho.yaml").write_text(WRONG)
    report = Report()
    read_settings(tmp_path, report)
    golden(Path(__file__).with_name("settings_mistakes.txt"), render_text(report.diagnostics, tmp_path) + "\n")


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: [1", "settings-unreadable", 1),
        ("app: shop\napp: shop\n", "settings-unreadable", 2),
        ("- a\n", "settings-shape", 1),
        ("app: shop\nenvironments: [a]\n", "settings-shape", 2),
        ("\tapp: x", "settings-unreadable", 1),
    ],
)
def test_a_file_of_another_shape_is_a_diagnostic(text: str, code: str, line: int) -> None:
    report = Report()
    parse_settings(text, report)
    assert [(item.code, item.span and item.span.line) for item in report.diagnostics] == [(code, line)]


def test_a_missing_file_is_fine_and_a_folder_in_its_place_too(tmp_path: Path) -> None:
    report = Report()
    assert read_settings(tmp_path, report) == Settings()
    (tmp_path / "klotho.yaml").mkdir()
    assert read_settings(tmp_path, report) == Settings()
    assert report.diagnostics == []


def test_a_file_that_is_no_text_is_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "klotho.yaml").write_bytes(b"\xff\xfe\x00")
    report = Report()
    read_settings(tmp_path, report)
    assert [item.code for item in report.diagnostics] == ["settings-unreadable"]


def test_an_unknown_environment_offers_the_nearest() -> None:
    found = parse_settings(GOOD, Report())
    with pytest.raises(Failure) as caught:
        found.environment("stagin")
    assert caught.value.exit_code is ExitCode.NOT_FOUND
    assert caught.value.diagnostic.helps[0] == "did you mean `staging`?"


def test_encryption_in_transit_is_asked_for_in_so_many_words() -> None:
    report = Report()
    settings = parse_settings(
        "environments:\n  prod: {target: aws, encrypted_in_transit: true}\n  stage: {target: aws}\n", report
    )
    assert [settings.environment(name).encrypted_in_transit for name in ("prod", "stage")] == [True, False]
    assert report.diagnostics == []
    parse_settings("environments:\n  prod: {target: aws, encrypted_in_transit: often}\n", report)
    assert [item.code for item in report.diagnostics] == ["settings-value"]


@pytest.mark.parametrize(
    ("text", "alarms", "emails"),
    [
        ("target: aws", True, ()),
        ("target: aws, alarms: off", False, ()),
        ("target: aws, protect: true, alarms: false", False, ()),
        ("target: aws, per: branch, ttl: 3d", True, ()),
        ("target: local", False, ()),
        ("target: local, protect: true", False, ()),
        ("target: local, alarms: on", True, ()),
        ("target: local, alarms: {email: ops@example.com}", True, ("ops@example.com",)),
        ("target: aws, alarms: {email: [a@b.com, c@b.com, a@b.com]}", True, ("a@b.com", "c@b.com")),
    ],
)
def test_alarms_are_on_on_aws_and_where_somebody_asks(text: str, alarms: bool, emails: tuple[str, ...]) -> None:
    report = Report()
    found = parse_settings(f"environments:\n  stage: {{{text}}}\n", report).environment("stage")
    assert report.diagnostics == []
    assert (found.alarms, found.alarm_emails) == (alarms, emails)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("alarms: loud", "settings-value"),
        ("alarms: {email: nobody}", "settings-value"),
        ("alarms: {email: [a@b.c, 7]}", "settings-value"),
        ("alarms: {mail: a@b.c}", "settings-key-unknown"),
    ],
)
def test_alarms_nobody_could_get_are_a_diagnostic(text: str, code: str) -> None:
    report = Report()
    parse_settings(f"environments:\n  local: {{target: local, {text}}}\n", report)
    assert [item.code for item in report.diagnostics] == [code]


@pytest.mark.parametrize("value", ["{region: eu-west-1}", "{}", ""])
def test_an_environment_other_than_local_says_where_it_is(value: str) -> None:
    report = Report()
    parse_settings(f"environments:\n  prod: {value}\n  local: {value}\n", report)
    assert [(item.code, item.span and item.span.line) for item in report.diagnostics] == [
        ("settings-target-missing", 2)
    ]
    assert "`target: aws`" in report.diagnostics[0].helps[0]


@given(
    st.text(max_size=80)
    | st.from_regex(r"(app|project|environments|target): ?[\[\]{}&*!|>%@`'\"a-z\n :-]*", fullmatch=True)
)
def test_no_text_gives_a_traceback(text: str) -> None:
    parse_settings(text, Report())
