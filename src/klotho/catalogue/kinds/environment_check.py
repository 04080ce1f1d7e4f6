"""Names of environment variables that a place does not take, or that Klotho sets itself.

Input: a construct with `environment`; output: one diagnostic for each bad name, at its key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from klotho.application import Construct
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report

_LAMBDA_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
"""Source: the pattern of `EnvironmentVariables` keys in the AWS Lambda API reference."""


def check_container_environment(
    construct: Construct, setting: Setting, report: Report, injected: Collection[str]
) -> None:
    """`injected`: the variables that carry the container's ports."""
    reasons = dict.fromkeys(injected, "Klotho sets it, to the container's port")
    _check(construct, setting, report, reasons)


def check_function_environment(construct: Construct, setting: Setting, report: Report) -> None:
    reasons = dict.fromkeys(table("lambda")["environment"]["reserved"], "Lambda keeps this name for itself")
    for name in _given(construct, setting):
        if name not in reasons and not _LAMBDA_NAME.fullmatch(name):
            reasons[name] = "Lambda takes names of at least two letters, digits and `_` that start with a letter"
    _check(construct, setting, report, reasons)


def _check(construct: Construct, setting: Setting, report: Report, reasons: Mapping[str, str]) -> None:
    for name in _given(construct, setting):
        ours = "Klotho keeps names that start with `KLOTHO_` for what it tells the code" if _is_klothos(name) else None
        reason = ours or reasons.get(name)
        if reason is not None:
            report.error(
                "bad-variable",
                f"{construct.title} can't be given the environment variable `{name}`",
                construct.place("environment", name),
                notes=[reason],
                helps=["give it another name, and read that one in the code"],
            )


def _is_klothos(name: str) -> bool:
    return name.upper().startswith("KLOTHO_")


def _given(construct: Construct, setting: Setting) -> Collection[str]:
    return setting.parameter(construct, "environment") or ()
