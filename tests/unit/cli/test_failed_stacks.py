"""A failed stack as a person reads it: the resource, AWS's reason, the line, what is left, and what to do."""

from __future__ import annotations

import pytest

from klotho.cli.failed_stacks import diagnostics_of, exit_code_of, left_behind
from klotho.deploy.events import Cause
from klotho.deploy.outcome import Deployment, LeftBehind, StackOutcome
from klotho.diagnostics import Diagnostic, ExitCode, Label, Severity, Span

KIND = "AWS::ECS::Service"


def failed(code: str) -> Deployment:
    cause = Cause("it broke", "Web", KIND, "Compute.Container/web", Span("infra.py", 4), code, "it was rolled back")
    return Deployment((StackOutcome("web-container", "failed", cause=cause),))


def test_what_several_functions_fail_for_is_told_once_with_each_of_them() -> None:
    own, line = [Label(Span("infra.py", at), "the function made from it") for at in (4, 5)], Label(Span("go.mod", 3))
    told = [Diagnostic("go-does-not-compile", "no", labels) for labels in ((line, own[0]), (line, own[1]), (line,))]
    outcomes = [StackOutcome(f"{at}", "failed", diagnostic=item) for at, item in enumerate(told)]
    assert diagnostics_of(Deployment(tuple(outcomes))) == [Diagnostic("go-does-not-compile", "no", (line, *own))]


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("NotStabilized", "see what it printed by `klotho logs web`, correct it, then run `klotho up` again"),
        ("AlreadyExists", "something of that name is there already: delete or rename it, then run `klotho up` again"),
        ("ServiceLimitExceeded", "ask for a higher quota in the Service Quotas console, then run `klotho up` again"),
        ("", "remove the reason above, then run `klotho up` again"),
    ],
)
def test_a_failure_names_everything_and_says_what_to_do(code: str, step: str) -> None:
    (found,) = diagnostics_of(failed(code))
    assert found.message == "`web` could not be deployed: it broke"
    assert found.span == Span("infra.py", 4)
    assert found.notes == (f"the resource is Web ({KIND}) in stack web-container", "it was rolled back")
    assert found.helps == (step,)


def test_stopping_on_request_ends_with_8_whatever_failed_meanwhile() -> None:
    assert exit_code_of(failed("")) == ExitCode.RESOURCE_FAILED
    assert exit_code_of(Deployment(failed("").outcomes, drained=True)) == ExitCode.CANCELLED


def test_what_is_left_behind_is_a_warning_with_its_id() -> None:
    left = LeftBehind("Group", "AWS::EC2::SecurityGroup", "sg-1", "somebody uses it")
    (found,) = left_behind(Deployment((StackOutcome("network", "updated", left=(left,)),)))
    assert (found.code, found.severity) == ("left-behind", Severity.WARNING)
    assert found.notes == ("somebody uses it", "its id is sg-1")
