"""`Databases.Redis` on ElastiCache, with the engine Valkey.

Valkey speaks Redis's protocol, so that every client of Redis works, and a node costs a fifth less than with Redis OSS
(Amazon ElastiCache pricing). Encrypted at rest and in transit, in the private subnets, with daily snapshots. Nobody
comes in but the users of its user group, one for each service that uses it, each with a generated password of its own
in Secrets Manager. Passwords, not IAM authentication: a token of IAM lasts 15 minutes, so that every client would
have to make a new one for each connection, and an address (`url`) could not be handed to it.

A user group lists its users, and a service needs the cache's address: users belong to the cache's stack, which changes
when a service comes or goes, so that stacks form no circle. That can't be asked of services in other repositories of
the project, whose coming must not change the cache: in a project the cache has a user for each kind of access, which
theirs share (decision 75).

Sources: ElastiCache User Guide ("Role-Based Access Control", "Minimizing downtime with Multi-AZ", "Backup and restore")
and the ElastiCache API Reference, CreateReplicationGroup. The group must hold a user named `default`: it
may do nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption, Fact, existing_of, group_beside, makes_rules
from klotho.catalogue.foreign import Shares
from klotho.catalogue.logins import PASSWORDS, check_login
from klotho.catalogue.network import PRIVATE_SUBNETS, security_group_key
from klotho.catalogue.rules import Implementation, NetworkPlace, Output, Parameter, Placement, Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, one_of
from klotho.resources import AddItem, AddResource, Ref, ResourceKey, SetProperty, Value, join, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import dashed, short_hash

ENGINE = "valkey"
PORT = 6379
DEFAULT_SHARDS = 2
ACCESS = ("read", "write", "read_write")
"""What a user may do."""
PASSWORD_LENGTH = 64
"""ElastiCache takes 16 to 128 characters."""


def cache_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "cache")


def group_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "users")


def port_of(construct: Construct, setting: Setting) -> Value:
    """The port of a rule that lets somebody in."""
    return PORT if setting.adopted(construct) is None else entrance(construct, setting, "Port")


def is_cluster(construct: Construct, setting: Setting) -> bool:
    return bool(setting.parameter(construct, "cluster"))


def elasticache(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The replication group and its user group, which holds nobody who may do anything yet."""
    replicas = setting.parameter(construct, "replicas")
    version = str(setting.parameter(construct, "version"))
    clustered = is_cluster(construct, setting)
    family = f"{ENGINE}{version.partition('.')[0]}"
    yield AddResource(
        cache_key(construct),
        "AWS::ElastiCache::ReplicationGroup",
        {
            "ReplicationGroupDescription": f"{construct.name} of {setting.application.name}",
            "Engine": ENGINE,
            "EngineVersion": version,
            "CacheNodeType": setting.parameter(construct, "node"),
            "CacheParameterGroupName": f"default.{family}{'.cluster.on' if clustered else ''}",
            **_size(construct, setting),
            # With cluster mode ElastiCache asks for it, also where there is nobody to take over.
            "AutomaticFailoverEnabled": clustered or replicas > 0,
            "MultiAZEnabled": replicas > 0,
            "AtRestEncryptionEnabled": True,
            "TransitEncryptionEnabled": True,
            "TransitEncryptionMode": "required",
            "SnapshotRetentionLimit": setting.parameter(construct, "backup_days"),
            "UserGroupIds": [Ref(group_key(construct))],
        },
    )
    yield from user(construct, setting, "default", "off ~* -@all")
    yield AddResource(
        group_key(construct),
        "AWS::ElastiCache::UserGroup",
        {"Engine": ENGINE, "UserGroupId": user_id(construct, setting, "users")},
    )
    yield member(construct, "default")
    if setting.application.in_project:
        for access in ACCESS:
            yield from user(construct, setting, guest(access), access_string(access))
            yield member(construct, guest(access))


def guest(access: str) -> str:
    """The user whom services of other applications share."""
    return f"project-{access}"


def access_string(access: str) -> str:
    """What a user may do: `read`, `write` or `read_write`, on all keys and channels."""
    rules = table("elasticache")["access"]
    words = " ".join(rules[part] for part in access.split("_"))
    return f"on ~* &* -@all {words} +@transaction -@admin -@dangerous {' '.join(rules['connect'].split())}"


def _size(construct: Construct, setting: Setting) -> dict[str, int]:
    replicas = setting.parameter(construct, "replicas")
    if is_cluster(construct, setting):
        shards = setting.parameter(construct, "shards") or DEFAULT_SHARDS
        return {"NumNodeGroups": shards, "ReplicasPerNodeGroup": replicas}
    return {"NumCacheClusters": 1 + replicas}


def spread(construct: Construct, setting: Setting) -> Iterator[Action]:
    """A copy in another zone at least, which takes over by itself."""
    key, replicas = cache_key(construct), max(1, setting.parameter(construct, "replicas"))
    if is_cluster(construct, setting):
        yield SetProperty(key, ("ReplicasPerNodeGroup",), replicas)
    else:
        yield SetProperty(key, ("NumCacheClusters",), 1 + replicas)
    yield SetProperty(key, ("AutomaticFailoverEnabled",), True)
    yield SetProperty(key, ("MultiAZEnabled",), True)


def check_spread(construct: Construct, setting: Setting, report: Report) -> None:
    """No replicas contradict it."""
    if construct.properties.get("replicas") == 0:
        report.error(
            "requirement-contradicted",
            f"{construct.title} has to run in two availability zones and says `replicas=0`",
            construct.place("replicas"),
            helps=["write `replicas=1` or leave it out, or require less"],
        )


def user_id(construct: Construct, setting: Setting, owner: str) -> str:
    """An id that no other user of the account has, at most 40 characters: ElastiCache makes up none itself."""
    application = setting.application
    whole = f"{application.project}/{application.name}/{setting.environment}/{construct.id}/{owner}"
    return f"{dashed(construct.name, 22)}-{short_hash(whole, 16)}"


def login_key(construct: Construct, owner: str) -> ResourceKey:
    """The secret with a user's name and password."""
    return resource_key(construct.id, f"login-of-{owner}")


def login_arn(construct: Construct, owner: str) -> Value:
    """The ARN of that secret: JSON with `username` and `password`."""
    return Ref(login_key(construct, owner), "Id")


def user_key(construct: Construct, owner: str) -> ResourceKey:
    return resource_key(construct.id, f"user-of-{owner}")


def user(construct: Construct, setting: Setting, owner: str, access: str) -> Iterator[Action]:
    """A user with a generated password; `owner` is who uses it, or `default`."""
    identifier = user_id(construct, setting, owner)
    name = "default" if owner == "default" else identifier
    yield AddResource(
        login_key(construct, owner),
        "AWS::SecretsManager::Secret",
        {
            "Description": f"How {owner} logs in to {construct.name}",
            "GenerateSecretString": {
                "SecretStringTemplate": f'{{"username":"{name}"}}',
                "GenerateStringKey": "password",
                "PasswordLength": PASSWORD_LENGTH,
                "ExcludePunctuation": True,
            },
        },
    )
    password = join("{{resolve:secretsmanager:", login_arn(construct, owner), ":SecretString:password}}")
    yield AddResource(
        user_key(construct, owner),
        "AWS::ElastiCache::User",
        {
            "Engine": ENGINE,
            "UserId": identifier,
            "UserName": name,
            "AccessString": access,
            "AuthenticationMode": {"Type": "password", "Passwords": [password]},
        },
    )


def member(construct: Construct, owner: str) -> Action:
    """The user is in the cache's user group."""
    return AddItem(group_key(construct), ("UserIds",), owner, Ref(user_key(construct, owner)))


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """In the private subnets of both zones."""
    subnets = resource_key(construct.id, "cache-subnets")
    yield AddResource(
        subnets,
        "AWS::ElastiCache::SubnetGroup",
        {"Description": f"Private subnets of {construct.name}", "SubnetIds": list(PRIVATE_SUBNETS)},
    )
    yield SetProperty(cache_key(construct), ("CacheSubnetGroupName",), Ref(subnets))
    yield SetProperty(cache_key(construct), ("SecurityGroupIds",), [place.security_group])


def check_redis(construct: Construct, setting: Setting, report: Report) -> None:
    """ElastiCache has this version, and this many nodes; shards are of cluster mode."""
    facts = table("elasticache")
    if "version" not in construct.unread:
        version = str(setting.parameter(construct, "version"))
        if version not in facts["valkey"]["versions"]:
            report.error(
                "bad-version",
                f"{construct.title} wants Valkey {version}, which Klotho does not know ElastiCache to offer",
                construct.place("version"),
                helps=[f"use one of {one_of(facts['valkey']['versions'])}"],
            )
    if construct.properties.get("shards") is not None and not is_cluster(construct, setting):
        report.error(
            "conflicting-arguments",
            f"{construct.title} has `shards` without cluster mode",
            construct.place("shards"),
            helps=["add `cluster=True`, or leave `shards` out"],
        )
    check_login(construct, setting, report)


def _check_adopted(construct: Construct, setting: Setting, report: Report) -> None:
    """Its users are its owner's to make, for they are listed in its user group: their logins are told."""
    given = existing_of(construct, setting)
    if makes_rules(construct, setting) and "security_group" not in given.facts:
        report.error(
            "bad-existing",
            f"`existing=` of {construct.title} does not tell `security_group`: the group that lets its callers in",
            construct.place("existing"),
            helps=[f'say it: `existing=Existing("{given.id}", security_group="sg-…", …)`, or `ingress=False`'],
        )


def entrance(construct: Construct, setting: Setting, part: str) -> Value:
    """`Address` or `Port` of what clients connect to first."""
    which = "ConfigurationEndPoint" if is_cluster(construct, setting) else "PrimaryEndPoint"
    return Ref(cache_key(construct), f"{which}.{part}")


def shares(construct: Construct, setting: Setting) -> Shares:
    """Where it is, the way in, and the users of other applications."""
    which = "ConfigurationEndPoint" if is_cluster(construct, setting) else "PrimaryEndPoint"
    return (
        ("cache", f"{which}.Address"),
        ("cache", f"{which}.Port"),
        *((f"login-of-{guest(access)}", "Id") for access in ACCESS),
        ("redis-security-group", "GroupId"),
    )


REDIS = Implementation(
    kind="Databases.Redis",
    name="elasticache",
    service="Amazon ElastiCache",
    expand=elasticache,
    parameters={
        "cluster": Parameter("spread the keys over shards (cluster mode)", False),
        "node": Parameter("node type", "cache.t4g.micro"),
        "replicas": Parameter("copies of the node, or of each shard, in other zones that take over when it fails", 0),
        "shards": Parameter("how many shards there are, with `cluster=True`; 2 when left out", None),
        "version": Parameter("Valkey version; minor versions follow by themselves", "8.1"),
        "backup_days": Parameter("how long daily snapshots are kept; 0: none are taken", 1, "days"),
        "login": PASSWORDS,
    },
    outputs={
        "endpoint": Output(lambda construct, setting: entrance(construct, setting, "Address"), "host name"),
        "port": Output(lambda construct, setting: entrance(construct, setting, "Port"), "TCP port"),
        "user": Output(lambda construct, setting: "", "login name", secret=True),
        "password": Output(lambda construct, setting: "", "password", secret=True),
        "url": Output(lambda construct, setting: "", "connection URL with the password in it", secret=True),
    },
    placement=Placement.INSIDE,
    enter_network=enter_network,
    shares=shares,
    adoption=Adoption(
        type="AWS::ElastiCache::ReplicationGroup",
        key=cache_key,
        service="elasticache",
        resource="replicationgroup:{}",
        name=r"[a-z][a-z0-9-]{0,39}",
        identifier=lambda found: found.name,
        attributes={
            f"{group}.{part}": lambda found, group=group, part=part: (  # type: ignore[misc]
                found.facts.get({"Address": "endpoint", "Port": "port"}[part]) or found.look(f"{group}.{part}")
            )
            for group in ("PrimaryEndPoint", "ConfigurationEndPoint")
            for part in ("Address", "Port")
        },
        beside=(group_beside(security_group_key),),
        facts={
            "endpoint": Fact("its host name", "PrimaryEndPoint.Address"),
            "port": Fact("its TCP port", "PrimaryEndPoint.Port"),
            "secret": Fact(
                "the ARN of a secret with `username` and `password` of a user, or the token, of it", required=True
            ),
            "read_secret": Fact("another one, of a user who may only read: for who only `reads_from` it"),
            "tls": Fact("whether it speaks TLS", default=True),
            # Nobody tells a group's security groups once it is made: `SecurityGroupIds` is a write-only property.
            "security_group": Fact("the group that lets its callers in"),
        },
        looked_up=lambda found: ("AWS::ElastiCache::ReplicationGroup", found.name),
        networked=True,
        takes=frozenset({"cluster"}),
        check=_check_adopted,
    ),
    stateful=True,
    spread=spread,
    check_spread=check_spread,
    check=check_redis,
)
