"""`Databases.Postgres` on RDS: see `rds_instance` for what it shares with other engines."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.kinds.rds_instance import (
    OUTPUTS,
    check_storage,
    database_key,
    enter_network,
    instance,
    parameters,
    secret_arn,
)
from klotho.catalogue.rules import Implementation, Parameter, Placement, Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, one_of
from klotho.resources import SetProperty
from klotho.resources.changes import Action

__all__ = ["PORT", "RDS", "database_key", "secret_arn"]

PORT = 5432


def rds(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The instance, its log beside the application's."""
    yield from instance(construct, setting, "postgres")
    yield SetProperty(database_key(construct), ("EnableCloudwatchLogsExports",), ["postgresql"])


def check_postgres(construct: Construct, setting: Setting, report: Report) -> None:
    """RDS has this version and this much storage."""
    if "version" not in construct.unread:
        version, majors = str(setting.parameter(construct, "version")), table("rds")["postgres"]["majors"]
        if version.partition(".")[0] not in majors:
            report.error(
                "bad-version",
                f"{construct.title} wants PostgreSQL {version}, which RDS does not offer",
                construct.place("version"),
                helps=[f"use one of {one_of(majors)}"],
            )
    check_storage(construct, setting, report)


RDS = Implementation(
    kind="Databases.Postgres",
    name="rds",
    expand=rds,
    parameters=parameters(Parameter("PostgreSQL major version; minor versions follow by themselves", "18")),
    outputs=OUTPUTS,
    placement=Placement.INSIDE,
    enter_network=enter_network,
    stateful=True,
    check=check_postgres,
)
