"""`data_residency=`: the regions in which data may be.

Input: the requirement's text: a region (`eu-central-1`), a country (`de`) or an area (`eu`, `europe`). Output: the
regions, None for a place that nothing is known of. Facts are in `tables/residency.toml`.
"""

from __future__ import annotations

import re

from klotho.application import Application, Requirement
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, meant_or_listed, one_of

RESIDENCY = "data_residency"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
WORLDWIDE = {"Site": "CloudFront keeps copies of its files near whoever asks for them, in all the world"}
"""Kinds that are in no region, and why."""


def regions_in(place: str) -> tuple[str, ...] | None:
    """In the order of the table."""
    wanted, places = place.strip().lower(), table("residency")
    if _REGION.fullmatch(wanted):
        return (wanted,)
    countries = places["areas"].get(wanted, [wanted])
    if not all(country in places["countries"] for country in countries):
        return None
    return tuple(region for country in countries for region in places["countries"][country])


def check_residency(application: Application, region: str, report: Report) -> None:
    """Reports places nobody knows, and a region that is elsewhere."""
    for requirement in application.requirements:
        if requirement.name == RESIDENCY:
            _check(requirement, region, report)


def _check(requirement: Requirement, region: str, report: Report) -> None:
    """Reports a place nobody knows, and an environment elsewhere."""
    place, allowed = str(requirement.value), regions_in(str(requirement.value))
    if allowed is None:
        known = [*table("residency")["areas"], *table("residency")["countries"]]
        report.error(
            "residency-unknown",
            f"`data_residency={place}` is no place with regions of AWS that Klotho knows",
            requirement.span,
            helps=[f"name a region such as `eu-central-1`, or {meant_or_listed(place, known)}"],
        )
    elif region not in allowed:
        report.error(
            "residency-broken",
            f"data must stay in `{place}`, and this environment is in {region}",
            requirement.span,
            helps=[f"give the environment another region: {one_of(allowed)}"],
        )
