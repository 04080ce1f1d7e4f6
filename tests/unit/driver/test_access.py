"""Protected environments are reached into only as klotho.yaml allows."""

from __future__ import annotations

import pytest

from klotho.diagnostics import Failure, Report
from klotho.driver.access import Access, require_access
from klotho.driver.settings import Environment, parse_settings


@pytest.mark.parametrize("doing", ["exec", "shell", "tunnel", "dev"])
def test_only_a_protected_environment_refuses_and_only_what_it_does_not_allow(doing: Access) -> None:
    require_access(Environment("prod"), doing)
    require_access(Environment("prod", protect=True, allow=(doing,)), doing)
    with pytest.raises(Failure) as error:
        require_access(Environment("prod", protect=True, allow=()), doing)
    assert (error.value.diagnostic.code, error.value.exit_code) == ("not-allowed-here", 5)
    assert f"allow: [{doing}]" in error.value.diagnostic.helps[0]


def test_what_may_be_allowed_is_read_from_the_settings() -> None:
    report = Report()
    settings = parse_settings("environments:\n  local:\n    allow: [exec, tunnel]\n", report)
    assert settings.environments["local"].allow == ("exec", "tunnel")
    assert not report.diagnostics


@pytest.mark.parametrize(
    ("value", "said"),
    [("[exce]", "did you mean `exec`?"), ("[fly]", "`tunnel`"), ("exec", "must be a list"), ("true", "must be a list")],
)
def test_a_mistake_in_it_is_refused_at_its_line(value: str, said: str) -> None:
    report = Report()
    settings = parse_settings(f"environments:\n  local:\n    allow: {value}\n", report)
    (found,) = report.diagnostics
    assert said in " ".join([found.message, *found.helps])
    assert found.labels[0].span.line == 3
    assert settings.environments["local"].allow == ()
