"""APIs that let in only who a container of one's own lets in.

An HTTP API asks Lambda functions only, so a small function of Klotho's own (`klotho.relay`) stands between: it works in
the private subnets, finds the container in Cloud Map as every function does, hands the question on over HTTP and the
answer back. The API owns it, one for each container and path that is asked; the rule that lets it in belongs to the
container, so that the API's stack needs nothing of the container's, which may need the API. Source: API Gateway
Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers" (an authorizer has 10 seconds).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application.access import GUARD
from klotho.catalogue.iam import allow, policy_key, role
from klotho.catalogue.kinds.container import dns_name, registered
from klotho.catalogue.kinds.container_ports import main_port, named_ports
from klotho.catalogue.kinds.shared import namespace_name
from klotho.catalogue.network import PRIVATE_SUBNETS, VPC, ingress_between, security_group_key
from klotho.catalogue.relationships.authenticate import CONTAINER, by_answer, check_scopes
from klotho.catalogue.relay import HANDLER, RUNTIME, VARIABLE
from klotho.catalogue.rules import ECS, Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Report
from klotho.resources import AddResource, Asset, DependsOn, Ref, ResourceKey, json_text, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import short_hash

DEFAULT_PATH = "/authorize"
MEMORY_MB = 512
"""CPU comes in proportion, and a caller waits while the function starts."""
TIMEOUT_S = 10
"""As long as API Gateway waits."""


def authenticate_by_container(link: Link) -> Iterator[Action]:
    """The function that asks, and an authorizer that asks it."""
    yield from _relay(link)
    yield from _way_in(link)
    yield from by_answer(link, Ref(relay_key(link), "Arn"))


def relay_key(link: Link) -> ResourceKey:
    """One for each container and path: an authorizer can't tell its function what to ask."""
    way = "" if _path(link) == DEFAULT_PATH else f"-{short_hash(_path(link))}"
    return resource_key(link.actor.id, f"asks-{link.target.name}{way}")


def relay_group(link: Link) -> ResourceKey:
    return ResourceKey(f"{relay_key(link)}-security-group")


def _path(link: Link) -> str:
    return str(link.get("ask", DEFAULT_PATH))


def _relay(link: Link) -> Iterator[Action]:
    key, setting, target = relay_key(link), link.setting, link.target
    logs, its_role = ResourceKey(f"{key}-logs"), ResourceKey(f"{key}-role")
    about = f"Asks {target.name} who may call {link.actor.name}"
    asked = {
        "namespace": namespace_name(setting),
        "service": dns_name(target, setting),
        "path": _path(link),
    }
    yield AddResource(logs, "AWS::Logs::LogGroup")
    yield from role(its_role, "lambda.amazonaws.com", about)
    yield from allow(its_role, "write logs", iam_actions("logs", "write"), [Ref(logs, "Arn")])
    yield from allow(its_role, f"discover {target.name}", iam_actions("unscoped", "discover"), ["*"])
    yield from allow(its_role, "enter the network", iam_actions("unscoped", "network_interfaces"), ["*"])
    yield AddResource(
        key,
        "AWS::Lambda::Function",
        {
            "Description": about,
            "Runtime": RUNTIME,
            "Handler": HANDLER,
            "Code": {"S3Bucket": Asset(link.actor.id, "bucket"), "S3Key": Asset(link.actor.id, "key")},
            "Role": Ref(its_role, "Arn"),
            "MemorySize": MEMORY_MB,
            "Timeout": TIMEOUT_S,
            "Architectures": ["arm64"],
            "LoggingConfig": {"LogGroup": Ref(logs)},
            "Environment": {"Variables": {VARIABLE: json_text(asked)}},
            "VpcConfig": {
                "SubnetIds": list(PRIVATE_SUBNETS),
                "SecurityGroupIds": [Ref(relay_group(link), "GroupId")],
            },
            # Told apart from the API itself, whose tag is the construct.
            "Tags": [{"Key": "klotho:construct", "Value": f"{link.actor.id}-asks-{target.name}"}],
        },
    )
    yield DependsOn(key, policy_key(its_role))


def _way_in(link: Link) -> Iterator[Action]:
    """The container in Cloud Map, and a rule for its port from the function's security group."""
    group, target = relay_group(link), link.target
    yield from registered(target, link.setting)
    yield AddResource(
        group,
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": f"What asks {target.name} who may call {link.actor.name}", "VpcId": Ref(VPC, "VpcId")},
    )
    port = main_port(target, link.setting)
    rule = resource_key(target.id, f"asked-by-{link.actor.name}-{short_hash(relay_key(link))}-{port}")
    about = f"{link.actor.name} asks {target.name}"
    yield from ingress_between(rule, group, security_group_key(target), port, about)


def _needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("data-servicediscovery", relay_group(link), relay_key(link))


def _check(link: Link, report: Report) -> None:
    check_scopes(link, report)
    if link.setting.adopted(link.actor) is not None:
        report.error(
            "existing-changed",
            f"{link.actor.title} is there already (`existing=`): no function of Klotho's is added to it, which would "
            f"ask {link.target.title}",
            link.relationship.span,
            helps=["let a function decide, `authenticates_with(function)`, or let Klotho make the API"],
        )
    if set(named_ports(link.target, link.setting)) == {"grpc"}:
        report.error(
            "senseless-protocol",
            f"{link.target.title} listens for gRPC only, and is asked over HTTP",
            link.relationship.span,
            helps=['give it an HTTP port as well: `ports={"http": 8080, "grpc": 50051}`'],
        )


AUTHENTICATE_WITH_CONTAINER = Pair(
    verbs=(GUARD,),
    actors=("API",),
    targets=(CONTAINER,),
    target_on=(ECS,),
    creates="a Lambda authorizer with simple answers, which the guarded routes name, the permission to invoke it, and "
    "its function, in the network: a Cloud Map registration, `servicediscovery:DiscoverInstances` and a rule for the "
    "container's port",
    connect=authenticate_by_container,
    needs=_needs,
    check=_check,
)
