# ruff: noqa: E501 - rules are easier to read as one line
"""bundle.toml: what it may hold, every mistake at its line, and nothing in it that gives a traceback."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.diagnostics import Report, render_text
from klotho.driver.guardrail_sources import BUILT_IN
from klotho.guardrails import BUNDLE, Bundle, json_schema, parse_bundle
from klotho.guardrails.vocabulary import STATUSES, SUBJECTS, TESTS, VERBS
from klotho.topology.dataflow import VERBS as DRAWN

HEAD = '[bundle]\nname = "acme"\nversion = "1.0.0"\nowner = "platform@acme.example"\n'
RULE = '[[rule]]\nid = "r"\nmessage = "m"\nfix = "f"\n'

MISTAKES = f"""{HEAD}[[rule]]
id = "No Spaces"
severity = "dney"
message = "m"
fix = "f"
[rule.resources]
type = "AWS::S3::Bukket"
must = [{{ property = "VersioningConfiguration.Status", equals = "Enabled" }}]

[[rule]]
id = "two-subjects"
message = "m"
fix = "f"
count = {{ constructs = "Databases.*", at_most = 3 }}
cost = {{ monthly_at_most = -1 }}

[[rule]]
id = "no-test"
message = "m"
fix = "f"
[rule.constructs]
kind = "Databases.*"
must = [{{ property = "protect", equal = true }}]

[[rule]]
id = "no-demand"
fix = "f"
[rule.relationships]
verb = "talks_to"
"""
UNKNOWN = f"""{HEAD}{RULE}[rule.resources]
type = "AWS::S3::Bukket"
forbidden = true

[[rule]]
id = "s"
message = "m"
fix = "f"
[rule.resources]
type = "AWS::S3::Bucket"
must = [{{ property = "VersioningConfig.Status", equals = "Enabled" }}]
enforce = {{ "Tags.*.Key" = "x" }}

[[rule]]
id = "s"
message = "m"
fix = "f"
count = {{ resources = "AWS::S3::Bucket", at_most = 1, per = "project" }}

[[exception]]
rule = "t"
applications = "shop"
reason = "r"
approver = "a"
until = 2027-03-31

[[test]]
program = "../outside"
expect = ["rr"]
"""


def parse(text: str) -> tuple[Bundle | None, Report]:
    report = Report()
    return parse_bundle(text, "bundle.toml", report), report


@pytest.mark.parametrize(("name", "text"), [("form", MISTAKES), ("facts", UNKNOWN)])
def test_every_mistake_is_told_at_its_line(
    name: str, text: str, tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    (tmp_path / "bundle.toml").write_text(text)
    bundle, report = parse(text)
    assert bundle is None
    golden(Path(__file__).parent / f"bundle_{name}.txt", render_text(report.diagnostics, tmp_path) + "\n")


def test_the_same_text_has_the_same_digest_and_another_one_another() -> None:
    text = f'{HEAD}{RULE}regions = {{ allowed = "eu-*" }}\n'
    one, other = parse(text)[0], parse(text + "# a comment\n")[0]
    assert one is not None and other is not None
    assert one.digest == (parse(text)[0] or other).digest != other.digest
    assert (one.rules[0].name, one.rules[0].severity, one.rules[0].owner) == ("acme/r", "deny", "platform@acme.example")


def test_every_built_in_bundle_is_read_and_has_the_version_of_its_file() -> None:
    files = sorted(BUILT_IN.glob("*/*.toml"))
    assert files
    for file in files:
        bundle, report = parse(file.read_text())
        assert bundle is not None, render_text(report.diagnostics, file.parent)
        assert (bundle.name, bundle.version) == (file.parent.name, file.stem)


def test_verbs_are_those_of_the_sdk() -> None:
    assert set(VERBS) == set(DRAWN)


def test_the_schema_has_every_subject_and_test_and_says_what_each_means() -> None:
    schema = json_schema(BUNDLE, "bundle")
    rule = schema["properties"]["rule"]["items"]
    assert [item["required"] for item in rule["oneOf"]] == [[name] for name in SUBJECTS]
    condition = rule["properties"]["resources"]["properties"]["must"]["items"]
    assert set(condition["properties"]) == {"property", *TESTS}
    assert set(rule["properties"]["technologies"]["properties"]) == {*STATUSES, "others"}
    assert all(item["description"] for item in condition["properties"].values())
    assert json.loads(json.dumps(schema)) == schema


def _plain() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.dates(), st.datetimes(), st.none()
    )
    keys = st.sampled_from(["type", "must", "property", "equals", "id", "x", "until", "expect", "count", "verb"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
        max_leaves=12,
    )


@given(
    st.dictionaries(st.sampled_from(["bundle", "rule", "exception", "test", "application", "y"]), _plain(), max_size=5)
)
def test_no_shape_of_data_gives_a_traceback(data: dict[str, Any]) -> None:
    from klotho.guardrails import form

    found: list[str] = []
    assert form.read(BUNDLE, data, lambda path, message, fix: found.append(message)) is None or not found


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_no_text_gives_a_traceback(text: str) -> None:
    bundle, report = parse(text)
    assert bundle is None and report.errors


@given(
    st.sampled_from(SUBJECTS),
    st.text(alphabet='[]{}="#\n,.*?:abeqtypmusfr1-_', max_size=80),
    st.text(alphabet=".*?ab-", min_size=1, max_size=12),
)
def test_no_rule_gives_a_traceback(subject: str, junk: str, pattern: str) -> None:
    parse(f"{HEAD}{RULE}{subject} = {{ {junk} }}\n")
    text = f'{HEAD}{RULE}[rule.constructs]\nkind = "{pattern}"\nforbidden = true\n'
    bundle, _ = parse(text)
    assert bundle is not None or not pattern.strip()


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 5000, f"x = {'9' * 6000}", "x = 1\n" * 2, HEAD.replace("1.0.0", "1"), f"{HEAD}rule = 3", "\ufeff", HEAD.replace("platform@", "\\u001b[2J"), "a" * 1_000_001],
)  # fmt: skip
def test_extreme_texts_are_refused(text: str) -> None:
    bundle, report = parse(text)
    assert bundle is None
    assert {item.code for item in report.errors} == {"guardrail-bundle-damaged"}


def test_the_documented_example_is_the_form() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "guardrails.md").read_text()
    examples = [part.partition("```")[0] for part in docs.split("```toml\n")[1:]]
    whole = [text for text in examples if "[bundle]" in text]
    assert whole
    for text in whole:
        tomllib.loads(text)
        bundle, report = parse(text)
        assert bundle is not None, render_text(report.diagnostics, Path())
