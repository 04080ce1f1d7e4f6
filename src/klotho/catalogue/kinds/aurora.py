"""Databases on Amazon Aurora: a cluster that keeps the data, and instances that answer for it.

`aurora` has instances of a fixed size: one that writes and, where a reader is asked for or availability requires it, a
second one in another zone that takes over within a minute. `aurora-serverless` has instances that grow and shrink by
half an Aurora capacity unit (ACU, about 2 GiB of memory) and pause when nobody is connected; the first connection after
that waits up to about 15 seconds. Storage grows by itself and is kept in three zones in any case. Everything else is as
on RDS (`rds_instance`): private subnets, a master secret of RDS's own that only the function that makes login roles
reads, TLS for everybody, a snapshot when it goes.

Instances of a cluster hold nothing themselves: backups, encryption, deletion protection and parameters are the
cluster's. Sources: Amazon Aurora User Guide ("Aurora storage", "Using Aurora Serverless v2", "Scaling to Zero ACUs with
automatic pause and resume", "High availability for Amazon Aurora", "Aurora DB instance classes", "Security with Aurora
PostgreSQL": `rds.force_ssl`; "Security with Aurora MySQL": `require_secure_transport`); CloudFormation Template
Reference, AWS::RDS::DBCluster (`BackupRetentionPeriod` is at least 1, `MasterUserSecret.SecretArn`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption, Fact, group_beside
from klotho.catalogue.kinds.mysql import MYSQL, check_mysql_name
from klotho.catalogue.kinds.postgres import RDS, check_postgres_name
from klotho.catalogue.kinds.rds_instance import ADOPTION as RDS_ADOPTION
from klotho.catalogue.kinds.rds_instance import subnet_group
from klotho.catalogue.logins import check_login
from klotho.catalogue.network import security_group_key
from klotho.catalogue.rules import Implementation, NetworkPlace, Parameter, Setting
from klotho.catalogue.sql_roles import MASTER, by_iam, cluster_key, provider, provider_in_network, writer_key
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, one_of
from klotho.resources import AddResource, DependsOn, Ref, ResourceKey, SetProperty, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import database_name

SERVERLESS = "db.serverless"
_PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "aurora-postgresql": {"rds.force_ssl": "1"},
    "aurora-mysql": {"require_secure_transport": "ON"},
}
"""Of the cluster's parameter group: nobody connects without TLS."""
_LOGS = {"aurora-postgresql": ["postgresql"], "aurora-mysql": ["error"]}
_ENGINES = {"Databases.Postgres": "aurora-postgresql", "Databases.MySQL": "aurora-mysql"}


def reader_key(construct: Construct, number: int) -> ResourceKey:
    return resource_key(construct.id, f"database-reader-{number}")


def aurora(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The cluster, its instances of a fixed size, and the function that makes login roles in it."""
    yield from _cluster(construct, setting)
    yield from _instances(construct, setting, setting.parameter(construct, "instance"))


def aurora_serverless(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The cluster, its instances that grow and pause, and the function that makes login roles in it."""
    yield from _cluster(construct, setting)
    least = setting.parameter(construct, "min_acu")
    scaling: dict[str, Any] = {"MinCapacity": least, "MaxCapacity": setting.parameter(construct, "max_acu")}
    if least == 0:
        scaling["SecondsUntilAutoPause"] = setting.parameter(construct, "pause_after_s")
    yield SetProperty(cluster_key(construct), ("ServerlessV2ScalingConfiguration",), scaling)
    yield from _instances(construct, setting, SERVERLESS)


def _cluster(construct: Construct, setting: Setting) -> Iterator[Action]:
    yield from provider(construct, setting)
    engine, version = _ENGINES[construct.kind], str(setting.parameter(construct, "version"))
    group = resource_key(construct.id, "database-parameters-of-cluster")
    yield AddResource(
        cluster_key(construct),
        "AWS::RDS::DBCluster",
        {
            "Engine": engine,
            "EngineVersion": version,
            "DatabaseName": database_name(construct.name),
            "StorageEncrypted": True,
            "MasterUsername": MASTER,
            "ManageMasterUserPassword": True,
            "BackupRetentionPeriod": setting.parameter(construct, "backup_days"),
            "DeletionProtection": bool(setting.parameter(construct, "protect")),
            "DBClusterParameterGroupName": Ref(group),
            "EnableCloudwatchLogsExports": _LOGS[engine],
        },
    )
    if by_iam(construct, setting):
        yield SetProperty(cluster_key(construct), ("EnableIAMDatabaseAuthentication",), True)
    yield AddResource(
        group,
        "AWS::RDS::DBClusterParameterGroup",
        {
            "Description": f"TLS for everybody: {construct.name}",
            "Family": f"{engine}{_major(construct, version)}",
            "Parameters": dict(_PARAMETERS[engine]),
        },
    )


def _major(construct: Construct, version: str) -> str:
    """`16` of PostgreSQL's `16.4`, `8.4` of MySQL's `8.4`."""
    return version.partition(".")[0] if construct.kind == "Databases.Postgres" else ".".join(version.split(".")[:2])


def _instances(construct: Construct, setting: Setting, instance_class: str) -> Iterator[Action]:
    """The writer first: what is made first is the one that writes."""
    yield _instance(construct, writer_key(construct), instance_class)
    for number in range(1, setting.parameter(construct, "readers") + 1):
        yield from _reader(construct, number, instance_class)


def _instance(construct: Construct, key: ResourceKey, instance_class: str) -> Action:
    return AddResource(
        key,
        "AWS::RDS::DBInstance",
        {
            "Engine": _ENGINES[construct.kind],
            "DBClusterIdentifier": Ref(cluster_key(construct)),
            "DBInstanceClass": instance_class,
            "PubliclyAccessible": False,
        },
    )


def _reader(construct: Construct, number: int, instance_class: str) -> Iterator[Action]:
    key = reader_key(construct, number)
    yield _instance(construct, key, instance_class)
    yield SetProperty(key, ("PromotionTier",), 1)  # as large as the writer, which it may have to replace
    yield DependsOn(key, writer_key(construct))


def spread_cluster(construct: Construct, setting: Setting) -> Iterator[Action]:
    """A reader, which Aurora puts into another zone and which takes over; it costs as much as the writer."""
    serverless = setting.implementation(construct).name == AURORA_SERVERLESS.name
    yield from _reader(construct, 1, SERVERLESS if serverless else setting.parameter(construct, "instance"))


def check_spread(construct: Construct, setting: Setting, report: Report) -> None:
    """Nothing contradicts it: readers that are asked for are more of the same."""


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """In the private subnets of both zones."""
    subnets, group = subnet_group(construct)
    yield group
    yield SetProperty(cluster_key(construct), ("DBSubnetGroupName",), Ref(subnets))
    yield SetProperty(cluster_key(construct), ("VpcSecurityGroupIds",), [place.security_group])
    yield from provider_in_network(construct, place, setting)


def fits(construct: Construct) -> bool:
    """Aurora has no small instances of RDS, and no disk to choose the size of."""
    instance = construct.properties.get("instance")
    return not construct.properties.get("storage_gb") and (instance is None or has_class(str(instance)))


def fits_serverless(construct: Construct) -> bool:
    """Whoever names an instance wants one of a fixed size."""
    return not construct.properties.get("instance") and not construct.properties.get("storage_gb")


def has_class(instance: str) -> bool:
    """Whether Aurora offers the instance class: `db.t4g.medium`, `db.r7g.large`."""
    _, _, family_and_size = instance.partition(".")
    family, _, size = family_and_size.partition(".")
    known: Mapping[str, list[str]] = table("rds")["aurora"]["families"]
    return family in known and (not known[family] or size in known[family])


def check_cluster(construct: Construct, setting: Setting, report: Report) -> None:
    """Aurora has this version, class and capacity, and no parameter is of no use to it."""
    (check_postgres_name if construct.kind == "Databases.Postgres" else check_mysql_name)(construct, report)
    version, majors = str(setting.parameter(construct, "version")), table("rds")["aurora"][construct.kind]
    if "version" not in construct.unread and _major(construct, version) not in majors:
        report.error(
            "bad-version",
            f"{construct.title} wants version {version}, which Aurora does not offer",
            construct.place("version"),
            helps=[f"use one of {one_of(majors)}"],
        )
    if construct.properties.get("storage_gb") is not None:
        report.error(
            "conflicting-arguments",
            f"{construct.title} has `storage_gb`, and Aurora has no disk of a size: it grows by itself",
            construct.place("storage_gb"),
            helps=["leave out `storage_gb`"],
        )
    if setting.parameter(construct, "backup_days") == 0:
        report.error(
            "bad-size",
            f"{construct.title} wants no backups, and Aurora keeps them for a day at least",
            construct.place("backup_days"),
            helps=["write `backup_days=1`"],
        )
    _check_readers(construct, setting, report)
    check_login(construct, setting, report)


def _check_readers(construct: Construct, setting: Setting, report: Report) -> None:
    readers = setting.parameter(construct, "readers")
    if not isinstance(readers, int) or isinstance(readers, bool) or not 0 <= readers <= _MOST_READERS:
        report.error(
            "bad-size",
            f"{construct.title} wants readers={readers!r}, Aurora takes 0 to {_MOST_READERS}",
            construct.place("readers"),
            helps=["write `readers=1`"],
        )


_MOST_READERS = 15
"""Source: Amazon Aurora User Guide, "Replication with Amazon Aurora"."""


def check_aurora(construct: Construct, setting: Setting, report: Report) -> None:
    """The instance is one of Aurora's."""
    check_cluster(construct, setting, report)
    instance = setting.parameter(construct, "instance")
    if "instance" not in construct.unread and not has_class(str(instance)):
        report.error(
            "bad-size",
            f"{construct.title} wants `{instance}`, which Aurora does not offer",
            construct.place("instance"),
            helps=[f'write `instance="{_SMALLEST}"` or a larger one'],
        )


def check_serverless(construct: Construct, setting: Setting, report: Report) -> None:
    """Capacities are steps of a half between 0 and 256, pauses of 5 minutes to a day."""
    check_cluster(construct, setting, report)
    if construct.properties.get("instance") is not None:
        report.error(
            "conflicting-arguments",
            f"{construct.title} has `instance`, and a serverless database has a capacity instead",
            construct.place("instance"),
            helps=['leave it out, or write `use("aurora-serverless", max_acu=8)`'],
        )
    limits = table("rds")["aurora"]["serverless"]
    least, most, pause = (setting.parameter(construct, name) for name in ("min_acu", "max_acu", "pause_after_s"))
    for name, value, (low, high) in (
        ("min_acu", least, limits["min_acu"]),
        ("max_acu", most, limits["max_acu"]),
        ("pause_after_s", pause, limits["pause_after_s"]),
    ):
        if not _within(value, low, high, 1 if name == "pause_after_s" else 0.5):
            report.error(
                "bad-size",
                f"{construct.title} wants {name}={value!r}, Aurora takes {low:g} to {high:g}",
                construct.place(name),
                helps=[f"write `{name}={low:g}` to `{name}={high:g}`, in steps of {1 if low == 300 else 0.5}"],
            )
            return
    if least > most:
        report.error(
            "bad-size",
            f"{construct.title} wants at least {least} and at most {most} ACU",
            construct.place("max_acu"),
            helps=[f"write `max_acu={least}` or more"],
        )


def _within(value: Any, low: float, high: float, step: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high and value % step == 0


_SMALLEST = "db.t4g.medium"
_SHARED = {
    "backup_days": Parameter("how long automatic backups are kept, 1 at least", 7, "days"),
    "protect": Parameter("refuse to delete it until this is False again", False),
    "readers": Parameter("instances besides the one that writes; one takes over when it fails", 0),
}


def _parameters(version: Parameter, more: Mapping[str, Parameter]) -> dict[str, Parameter]:
    return {"version": version, **more, **_SHARED}


_FIXED = {"instance": Parameter("instance class", _SMALLEST)}
_GROWING = {
    "min_acu": Parameter("least capacity; 0 lets it pause", 0, "ACU"),
    "max_acu": Parameter("most capacity; an ACU has about 2 GiB of memory", 4, "ACU"),
    "pause_after_s": Parameter("how long nobody must be connected before it pauses", 300, "seconds"),
}


def _adoption(kind_adoption: Adoption) -> Adoption:
    """A cluster that is there already."""
    attributes = {name: told for name, told in kind_adoption.attributes.items() if name != "DBName"}
    facts = dict(kind_adoption.facts)
    facts["database"] = Fact("the database on the cluster", "DatabaseName")
    facts["security_group"] = Fact("the group that lets its callers in", "VpcSecurityGroupIds.0")
    return kind_adoption._replace(
        type="AWS::RDS::DBCluster",
        key=cluster_key,
        resource="cluster:{}",
        attributes={
            **attributes,
            "DatabaseName": lambda found: found.fact("database"),
            "ReadEndpoint.Address": lambda found: found.look("ReadEndpoint.Address"),
        },
        facts=facts,
        beside=(group_beside(security_group_key),),
        looked_up=lambda found: ("AWS::RDS::DBCluster", found.name),
    )


def _made(
    of: Implementation,
    name: str,
    expand: Callable[[Construct, Setting], Iterator[Action]],
    parameters: Mapping[str, Parameter],
) -> Implementation:
    serverless = name == "aurora-serverless"
    return replace(
        of,
        name=name,
        service=of.service.replace("Amazon RDS for ", "Amazon Aurora ") + (" Serverless" if serverless else ""),
        expand=expand,
        parameters={
            **_parameters(of.parameters["version"], parameters),
            **{key: item for key, item in of.parameters.items() if key == "login"},
        },
        enter_network=enter_network,
        spread=spread_cluster,
        check_spread=check_spread,
        adoption=_adoption(RDS_ADOPTION),
        fits=fits_serverless if serverless else fits,
        check=check_serverless if serverless else check_aurora,
    )


AURORA = _made(RDS, "aurora", aurora, _FIXED)
AURORA_SERVERLESS = _made(RDS, "aurora-serverless", aurora_serverless, _GROWING)
AURORA_MYSQL = _made(MYSQL, "aurora", aurora, _FIXED)
AURORA_SERVERLESS_MYSQL = _made(MYSQL, "aurora-serverless", aurora_serverless, _GROWING)
