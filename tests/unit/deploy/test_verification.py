"""CloudFormation's word beside the preview's, and whose change sets may be removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from klotho.deploy.differences import Change, ResourceChange
from klotho.deploy.verify import Disagreement, Mark, Verification, disagreements, objections

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def ours(change: Change, **more: Any) -> ResourceChange:
    return ResourceChange("X", "AWS::Lambda::Function", change, **more)


def theirs(action: str, replacement: str | None = None, evaluation: str = "Static", **more: Any) -> dict[str, Any]:
    details = [{"Evaluation": evaluation, "ChangeSource": "DirectModification"}]
    found = {"Action": action, "LogicalResourceId": "X", "ResourceType": "AWS::Lambda::Function", "Details": details}
    return {**found, **({"Replacement": replacement} if replacement else {}), **more}


@pytest.mark.parametrize(
    ("mine", "its"),
    [
        (ours("add"), theirs("Add")),
        (ours("remove"), theirs("Remove")),
        (ours("modify"), theirs("Modify", "False")),
        (ours("replace"), theirs("Modify", "True")),
        (ours("modify"), theirs("Modify", "Conditional")),
        (ours("replace"), theirs("Modify", "Conditional")),
        (ours("modify", uncertain=True), None),
        (None, theirs("Modify", "False", Scope=["Metadata"])),
    ],
)
def test_where_they_agree_nothing_is_said(mine: ResourceChange | None, its: dict[str, Any] | None) -> None:
    assert disagreements([mine] if mine else [], [its] if its else []) == []


@pytest.mark.parametrize(
    ("mine", "its", "said", "answer", "certain"),
    [
        (ours("modify"), theirs("Modify", "True"), "update", "replace", True),
        (ours("replace"), theirs("Modify", "False"), "replace", "update", True),
        (ours("modify"), None, "update", "nothing", True),
        (None, theirs("Remove"), "nothing", "delete", True),
        (None, theirs("Modify", "False", "Dynamic"), "nothing", "update", False),
    ],
)
def test_where_they_differ_both_are_told(
    mine: ResourceChange | None, its: dict[str, Any] | None, said: str, answer: str, certain: bool
) -> None:
    (found,) = disagreements([mine] if mine else [], [its] if its else [])
    assert (found.preview, found.cloudformation, found.certain) == (said, answer, certain)


def test_only_what_a_run_that_ended_left_behind_is_removed() -> None:
    mark = Mark("abc", 7, "r1-x", runs=lambda pid: pid == 8, now=lambda: NOW)
    young, old = NOW - timedelta(minutes=5), NOW - timedelta(hours=2)
    assert mark.is_left_behind("klotho-verify-abc-9-r0-x", young), "its process is gone"
    assert not mark.is_left_behind("klotho-verify-abc-8-r0-x", young), "its process runs"
    assert not mark.is_left_behind("klotho-verify-def-9-r0-x", young), "nobody here knows that process"
    assert mark.is_left_behind("klotho-verify-def-9-r0-x", old)
    assert not mark.is_left_behind(mark.name, old), "our own"
    assert not mark.is_left_behind("made-by-hand", old), "somebody else's"


def test_a_disagreement_and_a_refusal_are_errors_and_a_possible_change_is_none() -> None:
    certain = Disagreement("X", "AWS::Lambda::Function", "update", "replace")
    possible = Disagreement("Y", "AWS::Lambda::Function", "nothing", "update", certain=False)
    found = objections(
        [
            Verification("web", "disagrees", disagreements=(certain, possible)),
            Verification("api", "refused", "no such role"),
            Verification("users", "agrees", disagreements=(possible,)),
            Verification("old", "not asked", "it is deleted as a whole"),
        ]
    )
    assert [item.code for item in found] == ["preview-disagrees", "update-refused"]
    assert found[0].notes == ("X (AWS::Lambda::Function) of web: update, CloudFormation says replace",)
    assert found[1].notes == ("api: no such role",)
    assert objections([Verification("users", "agrees", disagreements=(possible,))]) == []
