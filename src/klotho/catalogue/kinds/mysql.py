"""`Databases.MySQL` on RDS: see `rds_instance` for what it shares with other engines.

Nobody connects without TLS: RDS leaves `require_secure_transport` off, so the instance has a parameter group of its
own. Slow statements go to the exported log. Source: Amazon RDS User Guide, "Requiring SSL/TLS for all connections to a
MySQL DB instance" and "Publishing MySQL logs to Amazon CloudWatch Logs" (`log_output` must be FILE).
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
from klotho.catalogue.logins import PASSWORDS, check_login
from klotho.catalogue.rules import Implementation, Parameter, Placement, Setting
from klotho.catalogue.sql_roles import instance_key, provider_asset, provider_needs
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, one_of
from klotho.resources import AddResource, Ref, SetProperty, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import database_name

_SLOW_S = 2
"""A statement that takes longer is worth a line in the log."""


def mysql(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The instance and its parameter group."""
    key, group = instance_key(construct), resource_key(construct.id, "database-parameters")
    yield from instance(construct, setting, "mysql", _minor(construct, setting))
    yield AddResource(
        group,
        "AWS::RDS::DBParameterGroup",
        {
            "Description": f"TLS for everybody, slow statements logged: {construct.name}",
            "Family": f"mysql{_major(construct, setting)}",
            "Parameters": {
                "require_secure_transport": "1",
                "slow_query_log": "1",
                "long_query_time": str(_SLOW_S),
                "log_output": "FILE",
            },
        },
    )
    yield SetProperty(key, ("DBParameterGroupName",), Ref(group))
    yield SetProperty(key, ("EnableCloudwatchLogsExports",), ["error", "slowquery"])


def _minor(construct: Construct, setting: Setting) -> str:
    """`8.4.9` of `8.4`; what was given in full stays."""
    version = str(setting.parameter(construct, "version"))
    return str(table("rds")["mysql"]["minor"].get(version, version))


def _major(construct: Construct, setting: Setting) -> str:
    """`8.4` of `8.4` or `8.4.7`."""
    return ".".join(str(setting.parameter(construct, "version")).split(".")[:2])


def check_mysql_name(construct: Construct, report: Report) -> None:
    """The database is none of the server's own."""
    if database_name(construct.name) in table("rds")["mysql"]["reserved"]:
        report.error(
            "name-reserved",
            f"{construct.title} would be the server's own database `{construct.name}`",
            construct.span,
            helps=["give it another name"],
        )


def check_mysql(construct: Construct, setting: Setting, report: Report) -> None:
    """RDS has this version and this much storage, and the database is none of the server's own."""
    check_mysql_name(construct, report)
    if "version" not in construct.unread:
        version, majors = str(setting.parameter(construct, "version")), table("rds")["mysql"]["majors"]
        if _major(construct, setting) not in majors:
            report.error(
                "bad-version",
                f"{construct.title} wants MySQL {version}, which RDS does not offer",
                construct.place("version"),
                helps=[f"use one of {one_of(majors)}"],
            )
    check_storage(construct, setting, report)
    check_login(construct, setting, report)


MYSQL = Implementation(
    kind="Databases.MySQL",
    name="rds",
    service="Amazon RDS for MySQL",
    expand=mysql,
    parameters={
        **parameters(Parameter("MySQL version, `8.4` or `8.0`; minor versions follow by themselves", "8.4")),
        "login": PASSWORDS,
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
    check=check_mysql,
)
