"""`Databases.Postgres` on RDS: see `rds_instance` for what it shares with other engines.

Nobody connects without TLS: PostgreSQL 15 and newer have `rds.force_ssl` on by default, older ones off, so the instance
has a parameter group of its own. Source: Amazon RDS User Guide, "Requiring an SSL/TLS connection to a PostgreSQL DB
instance".
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.kinds.rds_instance import (
    ADOPTION,
    OUTPUTS,
    check_storage,
    enter_network,
    instance,
    parameters,
    shares,
    spread,
)
from klotho.catalogue.logins import LOGIN, check_login
from klotho.catalogue.rules import Implementation, Parameter, Placement, Setting
from klotho.catalogue.sql_roles import by_iam, instance_key, provider_asset, provider_needs
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, one_of
from klotho.resources import AddResource, Ref, SetProperty, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import database_name


def rds(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The instance and its parameter group, its log beside the application's."""
    key, group = instance_key(construct), resource_key(construct.id, "database-parameters")
    yield from instance(construct, setting, "postgres")
    yield AddResource(
        group,
        "AWS::RDS::DBParameterGroup",
        {
            "Description": f"TLS for everybody: {construct.name}",
            "Family": f"postgres{_major(construct, setting)}",
            "Parameters": {"rds.force_ssl": "1"},
        },
    )
    yield SetProperty(key, ("DBParameterGroupName",), Ref(group))
    yield SetProperty(key, ("EnableCloudwatchLogsExports",), ["postgresql"])
    if by_iam(construct, setting):
        yield SetProperty(key, ("EnableIAMDatabaseAuthentication",), True)


def _major(construct: Construct, setting: Setting) -> str:
    """`16` of `16` or `16.4`."""
    return str(setting.parameter(construct, "version")).partition(".")[0]


def check_postgres_name(construct: Construct, report: Report) -> None:
    """The database is none of the server's own."""
    if database_name(construct.name) in table("rds")["postgres"]["reserved"]:
        report.error(
            "name-reserved",
            f"{construct.title} would be the server's own database `{construct.name}`",
            construct.span,
            helps=["give it another name"],
        )


def check_postgres(construct: Construct, setting: Setting, report: Report) -> None:
    """RDS has this version and this much storage, and the database is none of the server's own."""
    check_postgres_name(construct, report)
    if "version" not in construct.unread:
        version, majors = str(setting.parameter(construct, "version")), table("rds")["postgres"]["majors"]
        if _major(construct, setting) not in majors:
            report.error(
                "bad-version",
                f"{construct.title} wants PostgreSQL {version}, which RDS does not offer",
                construct.place("version"),
                helps=[f"use one of {one_of(majors)}"],
            )
    check_storage(construct, setting, report)
    check_login(construct, setting, report)


RDS = Implementation(
    kind="Databases.Postgres",
    name="rds",
    service="Amazon RDS for PostgreSQL",
    expand=rds,
    parameters={
        **parameters(Parameter("PostgreSQL major version; minor versions follow by themselves", "18")),
        "login": LOGIN,
    },
    outputs=OUTPUTS,
    placement=Placement.INSIDE,
    enter_network=enter_network,
    needs=provider_needs,
    asset=provider_asset,
    spread=spread,
    shares=shares,
    adoption=ADOPTION,
    stateful=True,
    check=check_postgres,
)
