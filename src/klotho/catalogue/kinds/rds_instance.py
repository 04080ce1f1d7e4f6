"""What databases on RDS have in common, whatever their engine.

One encrypted single-AZ instance in the private subnets, reachable by nobody until a relationship says so; RDS makes
the master secret, keeps it in Secrets Manager and rotates it, and nobody but the function that makes login roles reads
it (`sql_roles`). Deleting or replacing it leaves a snapshot. Source: Amazon RDS User Guide (storage types, password
management with Secrets Manager, backups).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption, Fact, group_beside
from klotho.catalogue.foreign import Shares
from klotho.catalogue.network import PRIVATE_SUBNETS, security_group_key
from klotho.catalogue.rules import NetworkPlace, Output, Parameter, Setting
from klotho.catalogue.sql_roles import (
    MASTER,
    by_iam,
    database_key,
    database_of,
    instance_key,
    is_clustered,
    master_secret,
    provider,
    provider_asset,
    provider_in_network,
    provider_needs,
    resource_id_of,
)
from klotho.catalogue.tables import table
from klotho.diagnostics import Report
from klotho.resources import AddResource, Ref, ResourceKey, SetProperty, resource_key, role_of
from klotho.resources.changes import Action
from klotho.resources.naming import database_name


def instance(construct: Construct, setting: Setting, engine: str, version: str | None = None) -> Iterator[Action]:
    """The instance, and the function that makes login roles in it."""
    yield from provider(construct, setting)
    storage = setting.parameter(construct, "storage_gb")
    yield AddResource(
        instance_key(construct),
        "AWS::RDS::DBInstance",
        {
            "Engine": engine,
            "EngineVersion": version or str(setting.parameter(construct, "version")),
            "DBInstanceClass": setting.parameter(construct, "instance"),
            "DBName": database_name(construct.name),
            "AllocatedStorage": str(storage),
            **_growth(storage),
            "StorageType": "gp3",
            "StorageEncrypted": True,
            "MasterUsername": MASTER,
            "ManageMasterUserPassword": True,
            "PubliclyAccessible": False,
            "BackupRetentionPeriod": setting.parameter(construct, "backup_days"),
            "DeletionProtection": bool(setting.parameter(construct, "protect")),
        },
    )


def spread(construct: Construct, setting: Setting) -> Iterator[Action]:
    """A standby in another zone takes over by itself; it costs as much as the instance."""
    yield SetProperty(instance_key(construct), ("MultiAZ",), True)


def _growth(storage: int) -> dict[str, int]:
    """Autoscaling to five times the size, as far as gp3 goes; RDS wants a tenth more than there is, or none at all.

    Source: Amazon RDS User Guide, "Managing capacity automatically with Amazon RDS storage autoscaling".
    """
    largest = min(storage * 5, int(table("rds")["gp3"]["storage_gb"][1]))
    return {"MaxAllocatedStorage": largest} if largest >= storage * 1.1 else {}


def check_storage(construct: Construct, setting: Setting, report: Report) -> None:
    """RDS has this much storage."""
    if "storage_gb" in construct.unread:
        return
    storage, (low, high) = setting.parameter(construct, "storage_gb"), table("rds")["gp3"]["storage_gb"]
    if not low <= storage <= high:
        report.error(
            "bad-size",
            f"{construct.title} wants storage_gb={storage}, RDS takes {low} to {high} GiB",
            construct.place("storage_gb"),
            helps=[f"write `storage_gb={low if storage < low else high}`"],
        )


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """In the private subnets."""
    subnets, group = subnet_group(construct)
    yield group
    key = instance_key(construct)
    yield SetProperty(key, ("DBSubnetGroupName",), Ref(subnets))
    yield SetProperty(key, ("VPCSecurityGroups",), [place.security_group])
    yield from provider_in_network(construct, place, setting)


def subnet_group(construct: Construct) -> tuple[ResourceKey, Action]:
    """RDS wants a subnet group over two zones even for an instance in one."""
    subnets = resource_key(construct.id, "database-subnets")
    made = AddResource(
        subnets,
        "AWS::RDS::DBSubnetGroup",
        {"DBSubnetGroupDescription": f"Private subnets of {construct.name}", "SubnetIds": list(PRIVATE_SUBNETS)},
    )
    return subnets, made


def parameters(version: Parameter) -> dict[str, Parameter]:
    """The parameters of every engine, with the engine's own word on versions."""
    return {
        "version": version,
        "storage_gb": Parameter("storage to begin with; it grows to five times that", 20, "GiB"),
        "instance": Parameter("instance class", "db.t4g.micro"),
        "backup_days": Parameter("how long automatic backups are kept", 7, "days"),
        "protect": Parameter("refuse to delete it until this is False again", False),
    }


def refuse_tokens(construct: Construct, setting: Setting, report: Report) -> None:
    """Who may log in by tokens of IAM has no password any more: not to be brought about in somebody else's database."""
    if by_iam(construct, setting):
        report.error(
            "existing-changed",
            f"{construct.title} is there already (`existing=`), and Klotho makes no users there that log in by IAM",
            construct.place("existing"),
            helps=['leave out `login="iam"`: users with generated passwords are made'],
        )


ADOPTION = Adoption(
    type="AWS::RDS::DBInstance",
    key=instance_key,
    service="rds",
    resource="db:{}",
    name=r"[a-z][a-z0-9-]{0,62}",
    identifier=lambda found: found.name,
    attributes={
        "Endpoint.Address": lambda found: found.fact("endpoint"),
        "Endpoint.Port": lambda found: found.fact("port"),
        "MasterUserSecret.SecretArn": lambda found: found.fact("admin_secret"),
        "DBName": lambda found: found.fact("database"),
    },
    beside=(group_beside(security_group_key),),
    facts={
        "endpoint": Fact("its host name", "Endpoint.Address"),
        "port": Fact("its TCP port", "Endpoint.Port"),
        "database": Fact("the database on the server", "DBName"),
        "admin_secret": Fact(
            "the ARN of a secret with `username` and `password` of a user who may make others",
            "MasterUserSecret.SecretArn",
        ),
        "security_group": Fact("the group that lets its callers in", "VPCSecurityGroups.0"),
    },
    looked_up=lambda found: ("AWS::RDS::DBInstance", found.name),
    check=refuse_tokens,
    networked=True,
    ours=provider,
    enter_network=provider_in_network,
    needs=provider_needs,
    asset=provider_asset,
)
"""The instance and its first security group; the function that makes login roles in it is this application's."""


def _attribute(name: str, about: str) -> Output:
    return Output(lambda construct, setting: Ref(database_key(construct, setting), name), about)


def shares(construct: Construct, setting: Setting) -> Shares:
    """Where it is, who makes roles in it, and the way in."""
    database = role_of(database_key(construct, setting))
    return (
        (database, "Endpoint.Address"),
        (database, "Endpoint.Port"),
        (database, "MasterUserSecret.SecretArn"),
        *(((database, resource_id_of(construct, setting)),) if by_iam(construct, setting) else ()),
        *(((database, "ReadEndpoint.Address"),) if is_clustered(construct, setting) else ()),
        ("roles-function", "Arn"),
        ("roles-function-role", None),
        (f"{construct.kind.rpartition('.')[2].lower()}-security-group", "GroupId"),
    )


OUTPUTS: Mapping[str, Output] = {
    "endpoint": _attribute("Endpoint.Address", "host name"),
    "port": _attribute("Endpoint.Port", "TCP port"),
    "database": Output(database_of, "name of the database"),
    "secret_arn": Output(
        lambda construct, setting: master_secret(construct, setting), "ARN of the master user's secret"
    ),
    "user": Output(lambda construct, setting: "", "login name", secret=True),
    "password": Output(lambda construct, setting: "", "password", secret=True),
    "url": Output(lambda construct, setting: "", "connection URL with the password in it", secret=True),
}
