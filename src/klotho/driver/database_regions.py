"""Regions whose databases can be verified: those whose authorities of Amazon RDS the runtime SDK brings.

Input: an application and where it goes. Output: nothing; a SQL database for another region is reported
(`region-without-authorities`): its clients would refuse every connection. AWS gives each region authorities of its own;
`tools/refresh_rds_ca.py` says where they come from.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from klotho.driver.settings import Environment

if TYPE_CHECKING:
    from klotho.application import Application
    from klotho.diagnostics import Report

_REGION = re.compile(r"^# ([a-z]{2}(?:-[a-z]+)+-\d) \w+$", re.MULTILINE)
_KINDS = ("Databases.Postgres", "Databases.MySQL")


@cache
def verified_regions() -> tuple[str, ...]:
    """Sorted."""
    from importlib.resources import files

    from klotho.runtime.authority import BUNDLE

    return tuple(sorted(set(_REGION.findall((files("klotho.runtime") / BUNDLE).read_text(encoding="utf-8")))))


def check_database_regions(application: Application, environment: Environment, report: Report) -> None:
    """Nothing on this machine, whose own authority vouches for its databases."""
    databases = [item for item in application.constructs if item.kind in _KINDS]
    if environment.target != "aws" or not databases or environment.region in verified_regions():
        return
    report.error(
        "region-without-authorities",
        f"{databases[0].title} can't be verified in {environment.region}: this version of Klotho does not know the "
        "authorities that RDS has there",
        databases[0].span,
        helps=[f"deploy to another region (it knows {len(verified_regions())}), or use a newer Klotho"],
    )
