# ruff: noqa: E501 - rules are easier to read as one line
"""What each kind of rule finds, where it points, and what it says."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.diagnostics import Report, render_text
from klotho.driver.build import Described, build, describe
from klotho.driver.guardrails import Loaded, judged_of
from klotho.driver.program import find_program
from klotho.guardrails import Bundle, Judged, Judgement, Rule, judge, parse_bundle
from klotho.guardrails.conditions import holds, selects
from klotho.resources import Ref, ResourceKey

PROGRAM = """import klotho
from klotho import API, Compute, Databases, Messaging, Storage

klotho.Application("shop", project="acme")
orders_db = Databases.KeyValue(name="orders_db", key="id")
files = Storage.Bucket(name="files")
jobs = Messaging.Queue(name="jobs")
orders = Compute.Function(name="orders", handler="orders.handler", memory=512)
worker = Compute.Function(name="worker", handler="orders.handler")
orders.read_writes_to(orders_db)
orders.sends_to(jobs)
worker.consumes(jobs)
worker.writes_to(files)
files.override("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Suspended"}})
web = API(name="web")
web.attach_service(orders, route="/orders")
"""
HEAD = '[bundle]\nname = "acme"\nversion = "1.0.0"\nowner = "platform@acme.example"\n'


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "orders.py").write_text("def handler(event, context): ...\n")
    return tmp_path


@pytest.fixture
def judged(shop: Path) -> Judged:
    built = build(find_program(shop), None)
    return judged_of(Loaded(), built.application, built.environment, built.graph)


def bundle(*rules: str, rest: str = "") -> Bundle:
    report = Report()
    text = HEAD + "".join(
        f'[[rule]]\nid = "r{number}"\nmessage = "it is so"\nfix = "make it so"\n{rule}\n'
        for number, rule in enumerate(rules, 1)
    )
    found = parse_bundle(text + rest, "bundle.toml", report)
    assert found is not None, render_text(report.diagnostics, Path())
    return found


def say(judgement: Judgement) -> list[tuple[str, str]]:
    return [(item.about, item.notes[0]) for item in judgement.findings]


SUBJECTS = {
    "properties": '[rule.resources]\ntype = "AWS::S3::*"\nmust = [{ property = "VersioningConfiguration.Status", equals = "Enabled" }]\nwhere = [{ property = "VersioningConfiguration", present = true }]',
    "types": '[rule.resources]\ntype = "AWS::SQS::Queue"\nkind = "Messaging.*"\nforbidden = true',
    "constructs": '[rule.constructs]\nkind = "Compute.*"\nmust = [{ property = "memory", at_most = 256 }]\nwhere = [{ property = "memory", at_least = 300 }]',
    "relationships": '[rule.relationships]\nverb = ["writes_to", "read_writes_to"]\ntarget = "Storage.*"\nforbidden = true',
    "path": '[rule.path]\nfrom = "internet"\nto = ["Databases.*", "Storage.*"]',
    "count": 'count = { constructs = "Compute.*", at_most = 1 }',
    "count_at_least": 'count = { resources = "AWS::CloudWatch::Alarm", at_least = 100 }',
    "cost": "cost = { monthly_at_most = 10 }",
    "regions": 'regions = { allowed = ["eu-*"] }',
    "technologies": '[rule.technologies]\nadopt = ["Compute.*", "API"]\ntrial = "Messaging.*"\nhold = "Databases.KeyValue"\nretired = "Compute.Function/lambda"\nothers = "deny"',
}


def test_what_every_kind_of_rule_says(judged: Judged, shop: Path, golden: Callable[[Path, str], None]) -> None:
    judged = replace(judged, monthly_cost=lambda: 12.345)
    said = []
    for name, rule in SUBJECTS.items():
        findings = judge([bundle(rule)], judged).findings
        assert findings, name
        said.append(f"# {name}\n\n{render_text([item.diagnostic() for item in findings], shop)}\n")
    golden(Path(__file__).parent / "messages.txt", "\n".join(said))


@pytest.mark.parametrize(
    "rule",
    [
        '[rule.resources]\ntype = "AWS::S3::Bucket"\nmust = [{ property = "PublicAccessBlockConfiguration.BlockPublicAcls", equals = true }]',
        '[rule.constructs]\nkind = "Databases.Postgres"\nforbidden = true',
        '[rule.path]\nfrom = "internet"\nto = "Databases.*"\nwithin = 2',
        '[rule.path]\nfrom = "internet"\nto = "Databases.*"\nverbs = ["calls"]',
        '[rule.path]\nfrom = "internet"\nto = "Databases.*"\nnot_through = "Compute.Function"',
        'count = { constructs = "Compute.*", at_least = 2, at_most = 2 }',
        'regions = { allowed = "us-east-1" }',
        'technologies = { adopt = "*" }',
    ],
)
def test_what_is_so_breaks_nothing(judged: Judged, rule: str) -> None:
    judgement = judge([bundle(rule)], judged)
    assert not judgement.findings
    assert [item.name for item in judgement.asked] == ["acme/r1"]


def test_a_queue_leads_from_who_sends_to_who_consumes(judged: Judged) -> None:
    found = judge([bundle('[rule.path]\nfrom = "internet"\nto = "Storage.*"')], judged)
    assert say(found) == [('Storage.Bucket "files"', "the path is internet → web → orders → jobs → worker → files")]


def test_a_route_that_asks_who_is_calling_is_no_path_where_the_rule_says_so(shop: Path) -> None:
    guarded = PROGRAM + 'web.authenticates_with(klotho.Auth.UserPool(name="people"))\n'
    (shop / "infra.py").write_text(guarded)
    built = build(find_program(shop), None)
    judged = judged_of(Loaded(), built.application, built.environment, built.graph)
    rule = '[rule.path]\nfrom = "internet"\nto = "Databases.*"\n'
    assert judge([bundle(rule)], judged).denied
    assert not judge([bundle(rule + "authenticated = true")], judged).findings


def test_a_rule_about_cost_without_a_cost_model_is_said_not_to_be_judged(judged: Judged) -> None:
    found = judge([bundle("cost = { monthly_at_most = 10 }")], judged).findings
    assert [(item.severity, item.notes) for item in found] == [
        ("warn", ("this version estimates no cost, so the rule can't be judged",))
    ]
    assert not judge([bundle("cost = { monthly_at_most = 10 }")], replace(judged, monthly_cost=lambda: 9.0)).findings


def test_scopes_choose_by_environment_team_and_tag(judged: Judged) -> None:
    rule = 'regions = { allowed = "eu-*" }'
    owned = '[[application]]\nmatch = "sh*"\nteam = "payments"\ntags = ["pci"]\n'

    def asked(scope: str, rest: str = owned, judged: Judged = judged) -> bool:
        return bool(judge([bundle(f"{scope}\n{rule}", rest=rest)], judged).asked)

    assert asked('environments = "loc*"') and not asked('environments = ["prod", "prod-*"]')
    assert asked('teams = "payments"') and not asked('teams = "search"')
    assert asked('tags = ["x", "pci"]') and not asked('tags = "x"')
    assert not asked('teams = "payments"', "")
    own = replace(judged, teams=frozenset({"search"}), tags=frozenset({"x"}))
    assert asked('teams = "search"', judged=own), "klotho.yaml adds teams"
    assert asked('teams = "payments"', judged=own), "and can't shed the one that the bundle's owner gives"


EXCEPTION = (
    '[[exception]]\nrule = "r1"\napplications = "shop"\nreason = "moving house"\napprover = "Ada"\nuntil = 2027-03-31\n'
)


def test_an_exception_holds_through_its_last_day_and_fails_from_the_next(judged: Judged) -> None:
    rules = bundle('regions = { allowed = "eu-*" }', rest=EXCEPTION)
    running = judge([rules], replace(judged, today=datetime.date(2027, 3, 31)))
    assert not running.denied
    told = running.findings[0].diagnostic()
    assert (told.code, told.severity, told.notes[1]) == (
        "guardrail-excepted", "info", "Ada agreed to it until 2027-03-31: moving house",
    )  # fmt: skip
    expired = judge([rules], replace(judged, today=datetime.date(2027, 4, 1)))
    assert [item.diagnostic().code for item in expired.denied] == ["guardrail-denied"]
    assert "the exception that Ada agreed to ended on 2027-03-31" in expired.denied[0].diagnostic().notes


@pytest.mark.parametrize(
    ("narrower", "excepted"),
    [
        ('constructs = "orders"', True),
        ('constructs = ["work*"]', False),
        ('environments = "local"', True),
        ('environments = "prod"', False),
    ],
)
def test_an_exception_is_as_narrow_as_it_says(judged: Judged, narrower: str, excepted: bool) -> None:
    rule = '[rule.constructs]\nkind = "Compute.Function"\nname = "orders"\nforbidden = true'
    judgement = judge([bundle(rule, rest=EXCEPTION + narrower + "\n")], judged)
    assert bool(judgement.denied) is not excepted


def test_what_is_known_only_at_deploy_keeps_no_rule() -> None:
    unknown = {"A": Ref(ResourceKey("x:y"))}
    for test in ({"equals": "a"}, {"in": ["a"]}, {"matches": "*"}, {"at_most": 3}, {"not_in": ["a"]}):
        assert not holds({"property": "A", **test}, unknown)
        assert selects({"property": "A", **test}, unknown)
    assert holds({"property": "A", "present": True}, unknown)


@pytest.mark.parametrize(
    ("condition", "properties", "expected"),
    [
        ({"property": "A", "equals": 1}, {"A": True}, False),
        ({"property": "A", "equals": 7}, {"A": "7"}, True),
        ({"property": "A", "at_least": 7}, {"A": "6.5"}, False),
        ({"property": "A", "at_least": 7}, {"A": "seven"}, False),
        ({"property": "A", "contains": "b"}, {"A": ["a", "b"]}, True),
        ({"property": "A", "matches": "ab*"}, {"A": "abc"}, True),
        ({"property": "A.*.B", "equals": 1}, {"A": [{"B": 1}, {"B": 2}]}, False),
        ({"property": "A.*.B", "equals": 1}, {"A": []}, False),
        ({"property": "A.B", "present": False}, {"A": 3}, True),
        ({"property": "A", "not_in": [1]}, {}, True),
        ({"property": "A", "at_most": 1}, {}, False),
    ],
)
def test_conditions(condition: dict[str, object], properties: dict[str, object], expected: bool) -> None:
    assert holds(condition, properties) is expected


def test_described_needs_no_guardrails(shop: Path) -> None:
    described = describe(find_program(shop), None)
    assert isinstance(described, Described) and described.guardrails.bundles == ()


_VALUES = st.one_of(st.booleans(), st.integers(-5, 600), st.text(max_size=5), st.lists(st.integers(0, 9), max_size=2))
_PATTERNS = st.one_of(
    st.sampled_from(["*", "AWS::*", "Compute.*", "AWS::S3::?ucket"]), st.text("*?.[]!:abAW", min_size=1)
)
_PROPERTIES = st.sampled_from(
    [
        "*",
        "*.*",
        "PolicyDocument.Statement.*.Action",
        "Environment.Variables.*",
        "memory",
        "a..b",
        ".",
        "VersioningConfiguration.Status",
    ]
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, object]:
    test = draw(st.sampled_from(["equals", "in", "not_in", "matches", "contains", "at_least", "at_most", "present"]))
    value: object = draw(_VALUES)
    if test in ("in", "not_in"):
        value = [value]
    elif test in ("at_least", "at_most"):
        value = draw(st.floats(0, 1000))
    elif test == "present":
        value = draw(st.booleans())
    elif test == "matches":
        value = draw(_PATTERNS)
    return {"property": draw(_PROPERTIES), test: value}


@st.composite
def matches(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    kinds, found = [draw(_PATTERNS)], draw(st.lists(conditions(), max_size=2))
    number = draw(st.integers(0, 3))
    return draw(
        st.sampled_from(
            [
                ("resources", {"type": kinds, "where": found, "must": found}),
                ("constructs", {"kind": kinds, "where": found, "must": found}),
                ("relationships", {"verb": ["writes_to", "consumes"], "actor": kinds, "must": found}),
                ("path", {"from": ["internet", *kinds], "to": kinds, "within": number, "authenticated": True}),
                ("path", {"from": kinds, "to": kinds, "not_through": kinds}),
                ("count", {"constructs": kinds, "at_most": number, "at_least": number}),
                ("regions", {"allowed": kinds}),
                ("technologies", {"trial": kinds, "retired": kinds, "others": "deny"}),
            ]
        )
    )


@given(found=matches())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_no_rule_gives_a_traceback_when_it_is_asked(judged: Judged, found: tuple[str, dict[str, object]]) -> None:
    subject, match = found
    rule = Rule("r", "acme", "o", "m", "f", subject, match)
    judgement = judge([Bundle("acme", "1.0.0", "o", "", (rule,))], judged)
    for item in judgement.findings:
        assert item.diagnostic().message and item.diagnostic().rule == "acme/r"
