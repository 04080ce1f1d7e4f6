"""Login roles in SQL databases: one per consumer, each with its own secret, made by a function of the database's.

The database owns the function (`provider…`), which alone may read the master's secret, and has it only when some
relationship needs a role. A consumer owns its role: secret, permission for the function to read exactly that secret,
and the `Custom::SqlRole`, so that the database's stack does not change when a second consumer comes or goes.

The function works in the private subnets: it reaches Secrets Manager by an interface endpoint (or NAT), and answers to
an S3 URL, for which it needs S3's gateway endpoint. `ServiceTimeout` is always set: the default is an hour.
Source: AWS CloudFormation User Guide, "Custom resources"; AWS Lambda Developer Guide, "VPC networking for Lambda".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from klotho.application import Construct
from klotho.catalogue.adoption import makes_rules
from klotho.catalogue.iam import allow, policy_key, role, statement
from klotho.catalogue.network import VPC, ingress_between, security_group_key
from klotho.catalogue.rules import Link, NetworkPlace, ServiceNeed, Setting
from klotho.catalogue.tables import iam_actions
from klotho.resources import (
    AddResource,
    Asset,
    DependsOn,
    PackageAsset,
    Pseudo,
    Ref,
    ResourceKey,
    SetProperty,
    Value,
    join,
    resource_key,
)
from klotho.resources.changes import Action
from klotho.resources.naming import database_name, login_name

VERBS = ("reads_from", "writes_to", "read_writes_to")
HANDLER = "klotho.provider.handler.handler"
RUNTIME = "python3.13"
MASTER = "klotho"
"""The master user of what Klotho makes."""
TOKEN = "iam"
"""In place of a secret: the role logs in by tokens."""
MEMORY_MB = 256
TIMEOUT_S = 180
"""Of one call. It waits a minute for a permission to be known, a quarter of one for a server that restarts."""
SERVICE_TIMEOUT_S = 300
"""After which CloudFormation gives up; Lambda starts an asynchronous call within seconds."""
PASSWORD = {"PasswordLength": 32, "ExcludePunctuation": True}
"""Letters and digits: nothing that a URL, a shell or a driver takes for something else. A change of it must change
`Custom::SqlRole` too, for CloudFormation then makes up a new password and nobody tells the database."""


class SqlEngine(NamedTuple):
    """What differs between the kinds of SQL databases on RDS."""

    name: str
    """As `klotho.provider` calls it."""
    port: int
    connection: dict[str, str]
    """What the code's connection says besides address and secret."""


ENGINES = {
    # RDS refuses connections without TLS (`rds.force_ssl`); the runtime SDK brings the authorities to verify it with.
    "Databases.Postgres": SqlEngine("postgres", 5432, {"sslmode": "verify-full"}),
    "Databases.MySQL": SqlEngine("mysql", 3306, {}),
}
"""By kind of construct. Each is an instance or a cluster with a managed master secret."""
CLUSTERS = ("aurora", "aurora-serverless")
"""Implementations whose database is an `AWS::RDS::DBCluster`; of all others it is an `AWS::RDS::DBInstance`."""


def instance_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "database")


def cluster_key(construct: Construct) -> ResourceKey:
    """Not the instance's: CloudFormation changes no resource into one of another type."""
    return resource_key(construct.id, "database-cluster")


def writer_key(construct: Construct) -> ResourceKey:
    """The instance of a cluster without which nobody reaches it."""
    return resource_key(construct.id, "database-writer")


def is_clustered(construct: Construct, setting: Setting) -> bool:
    return setting.implementation(construct).name in CLUSTERS


def database_key(construct: Construct, setting: Setting) -> ResourceKey:
    """What has `Endpoint.Address`, `Endpoint.Port` and `MasterUserSecret.SecretArn`."""
    return cluster_key(construct) if is_clustered(construct, setting) else instance_key(construct)


def by_iam(construct: Construct, setting: Setting) -> bool:
    """Whether services log in by a token of their role, and not by a password."""
    known = setting.implementation(construct).parameters
    return "login" in known and setting.parameter(construct, "login") == "iam"


def resource_id_of(construct: Construct, setting: Setting) -> str:
    """The attribute by which policies name the database."""
    return "DBClusterResourceId" if is_clustered(construct, setting) else "DbiResourceId"


def user_arn(construct: Construct, setting: Setting, user: str) -> Value:
    """A user of the database, as `rds-db:connect` has it. Source: Amazon RDS User Guide, "Creating and using an IAM
    policy for IAM database access"."""
    place = ("arn:", Pseudo("AWS::Partition"), ":rds-db:", Pseudo("AWS::Region"), ":", Pseudo("AWS::AccountId"))
    identifier = Ref(database_key(construct, setting), resource_id_of(construct, setting))
    return join(*place, ":dbuser:", identifier, f"/{user}")


def database_of(construct: Construct, setting: Setting) -> Value:
    """The database on the server: named after the construct where Klotho made it."""
    if setting.adopted(construct) is None:
        return database_name(construct.name)
    return Ref(database_key(construct, setting), "DatabaseName" if is_clustered(construct, setting) else "DBName")


def master_secret(construct: Construct, setting: Setting) -> Value:
    """The ARN of the secret that RDS made for the master user: JSON with `username` and `password`."""
    return Ref(database_key(construct, setting), "MasterUserSecret.SecretArn")


# The database's side


def wants_roles(construct: Construct, setting: Setting) -> bool:
    """Whether anybody uses the database, or may from another repository of the project."""
    return setting.application.in_project or any(
        item.target == construct.id and item.verb in VERBS for item in setting.application.relationships
    )


def function_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "roles-function")


def function_role(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "roles-function-role")


def function_group(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "roles-security-group")


def _master_permission(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "roles-master-permission")


def _master_token(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "roles-master-token")


def _path(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "roles-reach-database")


def provider(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The function that makes roles, when somebody needs one."""
    if not wants_roles(construct, setting):
        return
    logs, key, its_role = resource_key(construct.id, "roles-logs"), function_key(construct), function_role(construct)
    yield AddResource(logs, "AWS::Logs::LogGroup")
    yield from role(its_role, "lambda.amazonaws.com", f"Makes the login roles of {construct.name}")
    yield from allow(its_role, "write logs", iam_actions("logs", "write"), [Ref(logs, "Arn")])
    # A policy of its own: the function can be made, and started, while the database is still being made.
    yield from _may_read(_master_permission(construct), construct, "master", master_secret(construct, setting))
    if by_iam(construct, setting):
        # Whoever makes a role may count as one of its members, and members of `rds_iam` have no password any more.
        yield AddResource(
            _master_token(construct),
            "AWS::IAM::RolePolicy",
            _policy(construct, "master-token", [("connect", "rds-db", user_arn(construct, setting, MASTER))]),
        )
    yield AddResource(
        key,
        "AWS::Lambda::Function",
        {
            "Description": f"Makes the login roles of {construct.name}",
            "Runtime": RUNTIME,
            "Handler": HANDLER,
            "Code": {"S3Bucket": Asset(construct.id, "bucket"), "S3Key": Asset(construct.id, "key")},
            "Role": Ref(its_role, "Arn"),
            "MemorySize": MEMORY_MB,
            "Timeout": TIMEOUT_S,
            "Architectures": ["arm64"],
            "LoggingConfig": {"LogGroup": Ref(logs)},
            # Told apart from the database itself, whose tag is the construct.
            "Tags": [{"Key": "klotho:construct", "Value": f"{construct.id}-roles"}],
        },
    )
    yield DependsOn(key, policy_key(its_role))


def provider_in_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """A security group of its own, and the way to the database."""
    if not wants_roles(construct, setting):
        return
    group = function_group(construct)
    yield AddResource(
        group,
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": f"The function that makes the roles of {construct.name}", "VpcId": Ref(VPC, "VpcId")},
    )
    yield SetProperty(
        function_key(construct),
        ("VpcConfig",),
        {"SubnetIds": list(place.subnets), "SecurityGroupIds": [Ref(group, "GroupId")]},
    )
    actions = iam_actions("unscoped", "network_interfaces")
    yield from allow(function_role(construct), "enter the network", actions, ["*"])
    if makes_rules(construct, setting):
        port = port_of(construct, setting)
        yield from ingress_between(
            _path(construct), group, security_group_key(construct), port, f"roles of {construct.name}"
        )


def port_of(construct: Construct, setting: Setting) -> Value:
    """The port of a rule that lets somebody in: the engine's own where Klotho made the database."""
    if setting.adopted(construct) is None:
        return ENGINES[construct.kind].port
    return Ref(database_key(construct, setting), "Endpoint.Port")


def provider_needs(construct: Construct, setting: Setting) -> tuple[ServiceNeed, ...]:
    """What the function calls; S3 is where CloudFormation waits for its answer."""
    if not wants_roles(construct, setting):
        return ()
    group = function_group(construct)
    key = function_key(construct)
    return (ServiceNeed("s3", group, key), ServiceNeed("secretsmanager", group, key))


def provider_asset(construct: Construct, setting: Setting) -> PackageAsset | None:
    """Its zip, from Klotho's own source."""
    if not wants_roles(construct, setting):
        return None
    return PackageAsset(construct.id, "zip", {"package": "sql-roles", "handler": HANDLER, "runtime": RUNTIME})


# The consumer's side


def login_secret(link: Link) -> Value:
    """The ARN of the secret with the consumer's own user and password."""
    return Ref(_consumer_key(link, "login"), "Id")


def consumer_role(link: Link, access: str) -> Iterator[Action]:
    """The consumer's secret and its role in the database; its code starts once the role is there."""
    user, target = user_of(link), link.target
    adopted = link.setting.adopted(target)
    tokens = by_iam(target, link.setting)
    permission, made = (_consumer_key(link, role) for role in ("login-permission", "role"))
    if not tokens:
        yield from _secret(link)
        yield from _may_read(permission, target, f"login-{user}", login_secret(link))
    yield AddResource(
        made,
        "Custom::SqlRole",
        {
            "ServiceToken": Ref(function_key(target), "Arn"),
            "ServiceTimeout": SERVICE_TIMEOUT_S,
            "Engine": ENGINES[target.kind].name,
            "Host": Ref(database_key(target, link.setting), "Endpoint.Address"),
            "Port": Ref(database_key(target, link.setting), "Endpoint.Port"),
            "Database": database_of(target, link.setting),
            "Master": master_secret(target, link.setting),
            "Login": TOKEN if tokens else login_secret(link),
            "User": user,
            "Access": access,
            # Whoever else uses it keeps what it has: nothing of it but the role itself is changed.
            **({} if adopted is None else {"Adopted": True}),
        },
    )
    # Where both are in one stack: the function must be able to work as long as there is a role.
    path = (_path(target),) if makes_rules(target, link.setting) else ()
    writer = (writer_key(target),) if adopted is None and is_clustered(target, link.setting) else ()
    logins = (_master_token(target),) if tokens else (permission,)
    for needed in (*logins, _master_permission(target), *path, *writer):
        yield DependsOn(made, needed)
    yield DependsOn(link.setting.compute(link.actor).main(link.actor), made)


def _secret(link: Link) -> Iterator[Action]:
    """User and password."""
    yield AddResource(
        _consumer_key(link, "login"),
        "AWS::SecretsManager::Secret",
        {
            "Description": f"How {link.actor.name} logs in to {link.target.name}",
            "GenerateSecretString": {
                "SecretStringTemplate": f'{{"username":"{user_of(link)}"}}',
                "GenerateStringKey": "password",
                **PASSWORD,
            },
        },
    )


def _may_read(key: ResourceKey, database: Construct, name: str, secret: Value) -> Iterator[Action]:
    """The database's function may read this secret."""
    yield AddResource(key, "AWS::IAM::RolePolicy", _policy(database, name, [("read", "secretsmanager", secret)]))


def _policy(database: Construct, name: str, grants: list[tuple[str, str, Value]]) -> dict[str, Any]:
    """Of the database's function: meaning, service and resource of each statement."""
    about = name.partition("-")[0]
    said = [statement(f"{meaning} {about}", iam_actions(service, meaning), [of]) for meaning, service, of in grants]
    return {
        "RoleName": Ref(function_role(database)),
        "PolicyName": name,
        "PolicyDocument": {"Version": "2012-10-17", "Statement": said},
    }


def _consumer_key(link: Link, role_name: str) -> ResourceKey:
    kind = link.target.kind.rpartition(".")[2].lower()
    return resource_key(link.actor.id, f"{role_name}-{kind}-{link.target.name}")


def user_of(link: Link) -> str:
    """The consumer's login in the database."""
    application = link.setting.application
    owner = f"{application.project}/{application.name}/{link.actor.id}"
    return login_name(link.actor.name, hashlib.sha256(owner.encode()).hexdigest())
