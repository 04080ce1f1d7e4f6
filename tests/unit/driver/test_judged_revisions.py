"""A revision is judged by the rules of today as its program would be, also where that is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from klotho.deploy.revisions import About, Revision, Version
from klotho.diagnostics import Diagnostic, ExitCode, ProgramError
from klotho.driver import projects
from klotho.driver.build import Build, build
from klotho.driver.guardrails import Loaded
from klotho.driver.identity import Identity
from klotho.driver.judged_revisions import judge_revision, model_of
from klotho.driver.program import find_program
from tests.unit.driver.test_guardrails_of_programs import OPEN, PROGRAM, local, rules, shop  # noqa: F401
from tests.unit.registry.applications import application, construct, news

EVERY_SUBJECT = """
[[rule]]
id = "resources"
message = "versions"
fix = "say so"
[rule.resources]
type = "AWS::S3::Bucket"
kind = "Storage.Bucket"
must = [{ property = "VersioningConfiguration.Status", equals = "Enabled" }]
[[rule]]
id = "deferred"
message = "a role by its name"
fix = "say so"
[rule.resources]
type = "AWS::Lambda::Function"
must = [{ property = "Role", not_in = ["admin"] }]
[[rule]]
id = "constructs"
message = "no functions that long"
fix = "say so"
[rule.constructs]
kind = "Compute.Function"
must = [{ property = "timeout", at_most = 1 }]
[[rule]]
id = "relationships"
message = "nothing writes"
fix = "say so"
[rule.relationships]
verb = "writes_to"
forbidden = true
[[rule]]
id = "path"
message = "no way in"
fix = "say so"
[rule.path]
from = "internet"
to = "Storage.*"
[[rule]]
id = "count"
message = "no buckets"
fix = "say so"
count = { constructs = "Storage.*", at_most = 0 }
[[rule]]
id = "resource-count"
message = "no roles"
fix = "say so"
count = { resources = "AWS::IAM::Role", at_most = 0 }
[[rule]]
id = "cost"
message = "too dear"
fix = "say so"
cost = { monthly_at_most = 0.0001 }
[[rule]]
id = "regions"
message = "elsewhere"
fix = "say so"
regions = { allowed = "ap-*" }
[[rule]]
id = "technologies"
message = "no Lambda"
fix = "say so"
[rule.technologies]
retired = "Compute.Function/lambda"
"""
SUBJECTS = 10


def kept(folder: Path) -> Build:
    return build(find_program(folder), "desk", guardrails=Loaded())


def judged(built: Build, *, model: bool = True, program_is_there: bool = True) -> tuple[Diagnostic, ...]:
    about = About(1, "ann", "laptop", "klotho up", Version("4f2a91c" * 5, dirty=False))
    revision = Revision(3, about, "succeeded", {}, built.manifest)
    bytes_ = model_of(built.application, built.graph.choices) if model else b""
    program = find_program(built.program.folder) if program_is_there else None
    whose = built.application
    identity = Identity(whose.name, whose.project, built.environment, built.program.folder, program)
    return judge_revision(identity, revision, built.templates, bytes_, cast(Any, None))


def refused(built: Build, **how: bool) -> list[Diagnostic]:
    with pytest.raises(ProgramError) as caught:
        judged(built, **how)
    assert caught.value.exit_code is ExitCode.GUARDRAIL
    return list(caught.value.diagnostics)


@pytest.fixture
def lived(shop: Path) -> Build:  # noqa: F811
    """What was deployed before there were any rules."""
    local(shop, "[./rules]")
    (shop / "infra.py").write_text(PROGRAM + 'API("web").attach_service(work, route="/")\n')
    return kept(shop)


def test_every_kind_of_rule_finds_in_a_revision_what_it_finds_in_its_program(lived: Build) -> None:
    folder = lived.program.folder
    rules(folder, EVERY_SUBJECT)
    with pytest.raises(ProgramError) as caught:
        build(find_program(folder), "desk")
    in_program = {(item.rule, item.message, item.notes[0]) for item in caught.value.diagnostics}
    found = refused(lived)
    # With a bundle the solver takes another implementation than the retired one; the revision has what it had.
    retired = {item.rule for item in found} - {rule for rule, _, _ in in_program}
    assert retired == {"acme/technologies"}
    asked = {(item.rule, item.message, item.notes[0]) for item in found if item.rule != "acme/technologies"}
    costs = {"acme/cost", "acme/resource-count"}  # of another implementation
    assert {item for item in asked if item[0] not in costs} == {item for item in in_program if item[0] not in costs}
    assert len({item.rule for item in found}) == SUBJECTS
    assert all(any(note.startswith("revision 3 has it") for note in item.notes) for item in found)
    assert all(not item.labels for item in found), "the program may be another one by now"


def test_the_program_need_not_be_there(lived: Build) -> None:
    rules(lived.program.folder, EVERY_SUBJECT)
    (lived.program.folder / "infra.py").unlink()
    assert len({item.rule for item in refused(lived, program_is_there=False)}) == SUBJECTS


def test_without_its_model_a_revision_passes_rules_about_resources_alone(lived: Build) -> None:
    rules(lived.program.folder, EVERY_SUBJECT)
    unasked = {item.rule for item in refused(lived, model=False) if "can't be judged" in item.message}
    assert unasked == {
        f"acme/{name}"
        for name in ("constructs", "relationships", "path", "count", "resource-count", "cost", "technologies")
    }
    of_resources = EVERY_SUBJECT.partition('[[rule]]\nid = "deferred"')[0]
    of_constructs = EVERY_SUBJECT.partition('[[rule]]\nid = "constructs"')[2].partition("[[rule]]")[0]
    told = f'[[rule]]\nid = "constructs"\nseverity = "warn"{of_constructs}'
    rules(lived.program.folder, of_resources.replace('equals = "Enabled"', "present = false"), told)
    assert judged(lived, model=False) == ()


def test_what_only_shows_with_the_project_s_other_applications_is_judged_too(lived: Build) -> None:
    folder = lived.program.folder
    (folder / "infra.py").write_text(
        PROGRAM + 'API("web").attach_service(work, route="/")\nklotho.Databases.KeyValue(name="own", key="id")\n'
    )
    built = kept(folder)
    rules(folder, OPEN)
    assert judged(built) == ()
    registry = projects.registry_of("local", "acme", "desk", None)
    other = application("ledger", construct("Databases.KeyValue", "books", 3, properties={"key": "id"}))
    registry.publish(news(other))
    (found,) = refused(built)
    assert found.rule == "acme/few"
    down = news(other, 2)
    registry.publish(replace(down, publication=replace(down.publication, down=True)))
    assert judged(built) == (), "what was taken down counts no more"
