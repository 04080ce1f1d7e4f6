"""Guardrails of a program: where bundles come from, what pins them, and that an application can only tighten."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.diagnostics import Diagnostic, ExitCode, Failure, ProgramError, Report
from klotho.driver import guardrails, projects
from klotho.driver.build import Build, build, describe
from klotho.driver.guardrail_effects import blast_radius, upgrade
from klotho.driver.guardrail_publishing import publish_bundle
from klotho.driver.guardrail_sources import _git
from klotho.driver.guardrail_tests import read_bundle, run_tests
from klotho.driver.guardrails import Loaded
from klotho.driver.lock_file import LOCK_FILE, Shipped, read_lock, read_pins, write_lock
from klotho.driver.program import find_program
from klotho.resources import Precedence
from tests.unit.registry.applications import application, construct, news

PROGRAM = """import klotho
from klotho import API, Compute, Databases, Storage

klotho.Application("shop", project="acme")
files = Storage.Bucket(name="files")
work = Compute.Function(name="work", handler="work.handler")
work.writes_to(files)
"""
SETTINGS = """environments:
  prod:
    target: aws
    region: eu-central-1
    guardrails: [./rules]
"""
HEAD = '[bundle]\nname = "acme"\nversion = "1.0.0"\nowner = "platform@acme.example"\n'
VERSIONS = """[[rule]]
id = "versions"
message = "buckets keep what is overwritten"
fix = "`versioning=True`"
[rule.resources]
type = "AWS::S3::Bucket"
enforce = { "VersioningConfiguration.Status" = "Enabled" }
"""
NO_BUCKETS = """[[rule]]
id = "no-buckets"
message = "no buckets"
fix = "do without"
[rule.constructs]
kind = "Storage.*"
forbidden = true
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "infra.py").write_text(PROGRAM)
    (folder / "work.py").write_text("def handler(event, context): ...\n")
    (folder / "klotho.yaml").write_text(SETTINGS)
    rules(folder, VERSIONS)
    return folder


def rules(folder: Path, *parts: str, head: str = HEAD) -> Path:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "bundle.toml").write_text(head + "".join(parts))
    return folder / "rules"


def compiled(folder: Path, environment: str = "prod") -> Build:
    return build(find_program(folder), environment)


def refused(folder: Path, environment: str = "prod") -> tuple[list[Diagnostic], ExitCode]:
    with pytest.raises(ProgramError) as caught:
        compiled(folder, environment)
    return list(caught.value.diagnostics), caught.value.exit_code


def bucket(built: Build) -> dict[str, object]:
    found = (item for body in built.templates.values() for item in json.loads(body)["Resources"].values())
    return dict(next(item["Properties"] for item in found if item["Type"] == "AWS::S3::Bucket"))


def test_an_enforced_value_is_in_the_template_and_its_rule_is_recorded_as_the_winner(shop: Path) -> None:
    built = compiled(shop)
    assert bucket(built)["VersioningConfiguration"] == {"Status": "Enabled"}
    resource = next(item for item in built.graph if item.type == "AWS::S3::Bucket")
    winner = resource.decisions["VersioningConfiguration", "Status"].winner
    assert (winner.rule, winner.precedence) == ("acme/versions", Precedence.GUARDRAIL)
    assert winner.because == "platform@acme.example demands it: buckets keep what is overwritten"
    assert "VersioningConfiguration" not in bucket(compiled(shop, "local")), "the other environment names no bundle"


WEAKENED_PROGRAMS = {
    "the value": '{"VersioningConfiguration": {"Status": "Suspended"}}',
    "a part of it": '{"VersioningConfiguration": {"Status": {"x": 1}}}',
    "all of it": '{"VersioningConfiguration": "Suspended"}',
    "nothing": '{"VersioningConfiguration": None}',
    "a list": '{"VersioningConfiguration": []}',
}


@pytest.mark.parametrize("override", WEAKENED_PROGRAMS.values(), ids=WEAKENED_PROGRAMS.keys())
def test_no_override_weakens_what_a_rule_sets(shop: Path, override: str) -> None:
    (shop / "infra.py").write_text(f'{PROGRAM}files.override("AWS::S3::Bucket", {override})\n')
    try:
        assert bucket(compiled(shop))["VersioningConfiguration"] == {"Status": "Enabled"}
    except ProgramError as error:
        assert {item.code for item in error.diagnostics} <= {"guardrail-overridden", "bad-property", "override-value"}


def test_an_override_against_a_rule_names_the_rule_its_owner_and_the_line(shop: Path) -> None:
    override = 'files.override("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Suspended"}})\n'
    (shop / "infra.py").write_text(PROGRAM + override)
    found, code = refused(shop)
    assert code == ExitCode.GUARDRAIL
    assert [(item.code, item.rule, item.span and item.span.line) for item in found] == [
        ("guardrail-overridden", "acme/versions", 8)
    ]
    assert "the rule is platform@acme.example's" in found[0].notes
    assert '`"Suspended"`: `acme/versions` sets it to `"Enabled"`' in found[0].message


def test_klotho_yaml_can_weaken_no_rule_and_drop_no_bundle(shop: Path) -> None:
    weaker = """    constructs:
      files: {override: {AWS::S3::Bucket: {VersioningConfiguration: {Status: Suspended}}}}
"""
    (shop / "klotho.yaml").write_text(SETTINGS + weaker)
    found, _ = refused(shop)
    assert [(item.code, item.span and item.span.file) for item in found] == [("guardrail-overridden", "klotho.yaml")]
    general = "guardrails: {bundles: [./rules], team: x, tags: [y]}\n"
    for own in ("[]", "{bundles: []}", "[klotho-best-practice]", "{team: other, tags: []}"):
        text = general + SETTINGS.replace("[./rules]", own)
        (shop / "klotho.yaml").write_text(text)
        assert "acme" in {item.name for item in compiled(shop).guardrails.bundles}, own


def test_a_stricter_override_is_fine_where_a_rule_says_at_least(shop: Path) -> None:
    least = """[[rule]]
id = "days"
message = "logs of a month"
fix = "more"
[rule.resources]
type = "AWS::Logs::LogGroup"
must = [{ property = "RetentionInDays", at_least = 30 }]
"""
    rules(shop, least)
    (shop / "infra.py").write_text(PROGRAM + 'work.override("AWS::Logs::LogGroup", {"RetentionInDays": 400})\n')
    assert compiled(shop).judgement is not None
    (shop / "infra.py").write_text(PROGRAM + 'work.override("AWS::Logs::LogGroup", {"RetentionInDays": 7})\n')
    found, code = refused(shop)
    assert (code, found[0].rule, found[0].span and found[0].span.line) == (5, "acme/days", 8)


def test_protection_and_a_rule_that_contradict_each_other_are_told(shop: Path) -> None:
    rules(
        shop,
        VERSIONS.replace("AWS::S3::Bucket", "AWS::DynamoDB::Table").replace(
            '"VersioningConfiguration.Status" = "Enabled"', "DeletionProtectionEnabled = false"
        ),
    )
    (shop / "infra.py").write_text(PROGRAM + 'Databases.KeyValue(name="t", key="id")\n')
    (shop / "klotho.yaml").write_text(SETTINGS + "    protect: true\n")
    found, _ = refused(shop)
    assert "rules-disagree" in {item.code for item in found}


def test_mistakes_of_the_program_and_broken_rules_together_exit_1(shop: Path) -> None:
    rules(shop, NO_BUCKETS)
    assert refused(shop)[1] == ExitCode.GUARDRAIL
    (shop / "klotho.yaml").write_text(SETTINGS + "x: 1\n")
    assert refused(shop)[1] == ExitCode.ERROR


def test_a_running_exception_takes_a_construct_out_of_an_enforced_rule(shop: Path) -> None:
    exception = '[[exception]]\nrule = "versions"\napplications = "shop"\nreason = "r"\napprover = "Ada"\nuntil = {}\n'
    rules(shop, VERSIONS, exception.format("2999-01-01"))
    assert "VersioningConfiguration" not in bucket(compiled(shop))
    rules(shop, VERSIONS, exception.format("2020-01-01"))
    assert bucket(compiled(shop))["VersioningConfiguration"] == {"Status": "Enabled"}


def test_a_pinned_folder_that_changed_is_refused_until_it_is_upgraded(shop: Path) -> None:
    assert [item.version for item in guardrails.pin(compiled(shop))] == ["1.0.0"]
    assert guardrails.pin(compiled(shop)) == []
    rules(shop, VERSIONS, NO_BUCKETS, head=HEAD.replace("1.0.0", "1.1.0"))
    found, code = refused(shop)
    assert ([item.code for item in found], code) == (["guardrail-changed"], ExitCode.ERROR)
    seen = upgrade(find_program(shop), "prod", write=False)
    step = seen.steps[0]
    assert step.before is not None and (step.before.version, step.after.version) == ("1.0.0", "1.1.0")
    assert ([item.id for item in step.added], step.removed, step.changed) == (["no-buckets"], (), ())
    assert [item.rule for item in seen.effect.newly] == ["acme/no-buckets"]
    assert refused(shop)[0][0].code == "guardrail-changed", "--dry-run writes nothing"
    upgrade(find_program(shop), "prod", write=True)
    assert [item.code for item in refused(shop)[0]] == ["guardrail-denied"]


def test_the_lock_keeps_functions_and_bundles_apart(shop: Path) -> None:
    guardrails.pin(compiled(shop))
    write_lock(shop, {"work": Shipped("layer", "large")})
    assert set(read_pins(shop, Report())) == {"./rules"}
    write_lock(shop, {})
    assert set(read_pins(shop, Report())) == {"./rules"} and read_lock(shop, Report()) == {}
    text = (shop / LOCK_FILE).read_text()
    (shop / LOCK_FILE).write_text(text.replace("digest = ", "digset = "))
    assert [item.code for item in refused(shop)[0]] == ["lock-file-damaged"]


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_bundle_of_a_git_reference_is_read_once_and_then_from_the_cache(shop: Path, tmp_path: Path) -> None:
    repository = tmp_path / "platform"
    (repository / "bundles").mkdir(parents=True)
    rules(repository / "bundles", VERSIONS)
    git(repository, "init", "--quiet", "--initial-branch", "main")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "rules")
    git(repository, "tag", "v1")
    entry = f"[{{git: 'file://{repository}', ref: v1, path: bundles/rules}}]"
    (shop / "klotho.yaml").write_text(SETTINGS.replace("[./rules]", entry))
    guardrails.pin(compiled(shop))
    _git.cache_clear()
    repository.rename(tmp_path / "gone")
    assert bucket(compiled(shop))["VersioningConfiguration"] == {"Status": "Enabled"}
    for kept in (tmp_path / "cache" / "klotho" / "guardrails").iterdir():
        kept.write_text("changed")
    found, _ = refused(shop)
    assert [item.code for item in found] == ["guardrail-bundle-missing"], "a changed cache is not believed"


@pytest.mark.parametrize(
    "entry",
    [
        "[{git: '--upload-pack=touch x', ref: v1}]",
        "[{git: 'ext::sh -c touch% x', ref: v1}]",
        "[{git: 'https://git.example/x.git', ref: '--x'}]",
        "[{git: 'https://git.example/x.git', ref: v1, path: ../x}]",
        "[{git: 'https://git.example/x.git'}]",
        "[3]",
        "./rules",
        "{bundels: []}",
        "[{store: 'A B'}]",
    ],
)
def test_what_is_no_source_is_refused_at_its_line(shop: Path, entry: str) -> None:
    (shop / "klotho.yaml").write_text(SETTINGS.replace("[./rules]", entry))
    found, _ = refused(shop)
    assert {item.code for item in found} <= {"settings-value", "settings-key-unknown"}
    assert found[0].span is not None and found[0].span.line == 5


@pytest.mark.parametrize("entry", ["[./nowhere]", "[klotho-best-practise]", "[{store: nobody}]"])
def test_a_bundle_that_is_not_there_stops_everything(shop: Path, entry: str) -> None:
    (shop / "klotho.yaml").write_text(SETTINGS.replace("[./rules]", entry).replace("target: aws", "target: local"))
    found, _ = refused(shop)
    assert [item.code for item in found] == ["guardrail-bundle-missing"]


def local(shop: Path, entry: str) -> None:
    (shop / "klotho.yaml").write_text(f"environments:\n  desk:\n    target: local\n    guardrails: {entry}\n")


def test_what_the_store_demands_must_be_named_in_that_version(shop: Path) -> None:
    local(shop, "[]")
    described = describe(find_program(shop), "desk", guardrails=Loaded())
    publish_bundle(described, read_bundle(shop / "rules"))
    with pytest.raises(ProgramError) as caught:
        guardrails.refuse_dropped(compiled(shop, "desk"), None)
    assert (caught.value.exit_code, caught.value.diagnostics[0].code) == (ExitCode.GUARDRAIL, "guardrail-dropped")
    local(shop, "[{store: acme}]")
    built = compiled(shop, "desk")
    guardrails.refuse_dropped(built, None)
    guardrails.pin(built)
    rules(shop, VERSIONS, NO_BUCKETS, head=HEAD.replace("1.0.0", "1.1.0"))
    publish_bundle(described, read_bundle(shop / "rules"))
    with pytest.raises(ProgramError, match="another version"):
        guardrails.refuse_dropped(compiled(shop, "desk"), None)


def test_a_rule_about_cost_is_judged_by_the_estimate(shop: Path) -> None:
    dear = """[[rule]]
id = "small"
message = "an environment like this costs little"
fix = "take something out"
cost = { monthly_at_most = LIMIT }
"""
    rules(shop, dear.replace("LIMIT", "100000"))
    assert compiled(shop).manifest
    rules(shop, dear.replace("LIMIT", "0.0001"))
    diagnostics, code = refused(shop)
    assert code == ExitCode.GUARDRAIL
    assert diagnostics[0].rule == "acme/small"


OPEN = """[[rule]]
id = "no-open-data"
message = "nobody reaches a database from the internet"
fix = "put something in between"
[rule.path]
from = "internet"
to = "Databases.*"
[[rule]]
id = "few"
message = "at most one database in the project"
fix = "share it"
count = { constructs = "Databases.*", at_most = 1, per = "project" }
"""


def test_a_path_through_two_repositories_is_refused_with_the_lines_of_both(shop: Path) -> None:
    rules(shop, OPEN)
    local(shop, "[./rules]")
    other = application("ledger", construct("Databases.KeyValue", "books", 3, properties={"key": "id"}))
    registry = projects.registry_of("local", "acme", "desk", None)
    registry.publish(news(other))
    (shop / "infra.py").write_text(
        PROGRAM + 'books = Databases.KeyValue(name="books", from_project=True)\nwork.reads_from(books)\n'
        'API(name="web").attach_service(work, route="/")\nDatabases.KeyValue(name="own", key="id")\n'
    )
    described = describe(find_program(shop), "desk")
    found = [item for item in projects.misfits(described, None) if item.rule]
    assert [item.rule for item in found] == ["acme/no-open-data", "acme/few"]
    assert "the path is internet → web → work → books" in found[0].notes
    assert found[0].span is not None and any(":9" in note for note in found[0].notes)


def test_the_blast_radius_of_a_changed_bundle_is_counted_for_every_application(shop: Path) -> None:
    local(shop, "[./rules]")
    registry = projects.registry_of("local", "acme", "desk", None)
    registry.publish(news(application("media", construct("Storage.Bucket", "films", 3))))
    registry.publish(news(application("quiet", construct("Messaging.Topic", "t", 3))))
    changed = shop.parent / "changed"
    changed.mkdir()
    rules(changed, VERSIONS, NO_BUCKETS)
    found = blast_radius(describe(find_program(shop), "desk"), changed / "rules", None)
    assert [(item.application, len(item.newly), item.model_only) for item in found] == [
        ("media", 1, False), ("quiet", 0, False), ("shop", 1, False),
    ]  # fmt: skip


def test_the_tests_of_a_bundle_say_which_rules_a_program_breaks(shop: Path) -> None:
    folder = rules(
        shop, NO_BUCKETS,
        '[[test]]\nprogram = "tests/a"\nexpect = ["no-buckets"]\n[[test]]\nprogram = "tests/a"\nexpect = []\n'
        '[[test]]\nprogram = "tests/none"\nexpect = []\n',
    )  # fmt: skip
    (folder / "tests" / "a").mkdir(parents=True)
    (folder / "tests" / "a" / "infra.py").write_text(
        'import klotho\nklotho.Application("a")\nklotho.Storage.Bucket(name="b")\n'
    )
    _, outcomes = run_tests(folder)
    assert [item.ok for item in outcomes] == [True, False, False]
    assert outcomes[1].found == ("no-buckets",) and outcomes[2].mistakes[0].code == "program-missing"
    rules(shop, NO_BUCKETS)
    with pytest.raises(Failure, match="no tests"):
        run_tests(shop / "rules")


RETIRED = """[[rule]]
id = "technologies"
message = "what we know how to run"
fix = "ask us"
[rule.technologies]
retired = "Compute.Function/lambda"
"""


def test_a_retired_implementation_is_no_candidate_while_there_is_another_one(shop: Path) -> None:
    rules(shop, RETIRED)
    choice = compiled(shop).graph.choices["Compute.Function/work"]
    assert (choice.implementation, choice.provenance.rule) == ("lambda-layer", "acme/technologies")
    (shop / "infra.py").write_text(PROGRAM + 'work.use("lambda")\n')
    found, code = refused(shop)
    assert (code, [item.rule for item in found]) == (5, ["acme/technologies"])
    rules(shop, RETIRED.replace("Function/lambda", "Function"))
    (shop / "infra.py").write_text(PROGRAM)
    assert refused(shop)[0][0].notes[0] == "Compute.Function/lambda is retired"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.sampled_from(["Suspended", "Enabled", "", "x"]), st.integers(0, 3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["Status", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["VersioningConfiguration", "BucketName", "Tags"]), VALUES, max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_whatever_an_override_says_what_a_rule_sets_is_made_or_nothing_is(shop: Path, given: dict[str, object]) -> None:
    (shop / "infra.py").write_text(f'{PROGRAM}files.override("AWS::S3::Bucket", {given!r})\n')
    try:
        made = bucket(compiled(shop))
    except ProgramError:
        return
    assert dict(made["VersioningConfiguration"])["Status"] == "Enabled"  # type: ignore[call-overload]


def test_a_rule_can_forbid_what_is_adopted(shop: Path) -> None:
    own = NO_BUCKETS.replace("forbidden = true", 'must = [{ property = "existing", equals = false }]')
    rules(shop, own)
    compiled(shop)
    (shop / "infra.py").write_text(PROGRAM.replace('name="files"', 'name="files", existing="films-prod"'))
    found, _ = refused(shop)
    assert found[0].notes[0] == "`existing` is `true`; it must be `false`"
