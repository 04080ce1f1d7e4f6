"""A SQL database goes only where the SDK can verify it."""

from __future__ import annotations

from typing import Literal

import pytest

from klotho.application import Application, Construct
from klotho.diagnostics import Report, Span
from klotho.driver.database_regions import check_database_regions, verified_regions
from klotho.driver.settings import Environment


@pytest.mark.parametrize(
    ("kind", "target", "region", "codes"),
    [
        ("Databases.Postgres", "aws", "eu-central-1", []),
        ("Databases.Postgres", "aws", "mx-central-1", ["region-without-authorities"]),
        ("Databases.MySQL", "aws", "il-central-1", ["region-without-authorities"]),
        ("Databases.MySQL", "local", "mx-central-1", []),
        ("Databases.KeyValue", "aws", "mx-central-1", []),
    ],
)
def test_a_region_whose_authorities_nobody_knows_is_refused_at_the_database(
    kind: str, target: Literal["local", "aws"], region: str, codes: list[str]
) -> None:
    report, span = Report(), Span("infra.py", 7)
    application = Application("shop", "acme", constructs=(Construct(kind, "db", {}, span),))
    check_database_regions(application, Environment("prod", target=target, region=region), report)
    assert [item.code for item in report.diagnostics] == codes
    assert all(item.labels[0].span == span for item in report.diagnostics)


def test_the_regions_of_2024_are_known() -> None:
    assert len(verified_regions()) >= 27 and {"us-east-1", "eu-west-1", "ap-southeast-2"} <= set(verified_regions())
