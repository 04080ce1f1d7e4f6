"""What is named and never made, with the reason: candidates of a kind, and values of a parameter.

Input: a kind, or a parameter of one. Output: reasons by name. Refuses (`wrong-argument`) a value of a parameter that is
none of those offered: with its reason where it is known, else with the nearest that is.
"""

from __future__ import annotations

from collections.abc import Sequence

from klotho.application import Construct
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, meant_or_listed, one_of


def unavailable(subject: str) -> dict[str, str]:
    """Names of what Klotho never chooses, with the reason. `subject`: a kind, or `login of <kind>`."""
    found: dict[str, str] = table("candidates")["unavailable"].get(subject, {})
    return found


def check_offered(
    construct: Construct, name: str, offered: Sequence[str], subject: str, setting: Setting, report: Report
) -> None:
    """The parameter has a value that is offered; also when `use(…)` or klotho.yaml says it."""
    if name in construct.unread:
        return
    value, known = setting.parameter(construct, name), unavailable(subject)
    if value in offered:
        return
    report.error(
        "wrong-argument",
        f"`{name}` of {construct.title} can't be `{value}`",
        construct.place(name),
        notes=[known[value]] if value in known else [],
        helps=[f"use one of {one_of(offered)}" if value in known else meant_or_listed(str(value), [*offered, *known])],
    )
