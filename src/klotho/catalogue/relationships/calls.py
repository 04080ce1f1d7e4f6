"""Code that calls other code: containers by name over HTTP or gRPC, functions by Lambda's Invoke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.catalogue.adoption import existing_of, fact_of
from klotho.catalogue.failed_events import keep_failed
from klotho.catalogue.kinds.container import (
    dns_name,
    registered,
    service_connect_client,
    service_connect_server,
    service_key,
)
from klotho.catalogue.kinds.container_ports import main_port, named_ports, port_in
from klotho.catalogue.kinds.function import function_arn
from klotho.catalogue.kinds.internal_alb import address, is_private
from klotho.catalogue.kinds.internal_alb import port_of as api_port
from klotho.catalogue.kinds.shared import namespace_name
from klotho.catalogue.relationships.connection import check_name, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import ECS, EKS, LAMBDA, Link, Need, Pair, PathTo, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Label, Report
from klotho.resources import DependsOn
from klotho.resources.changes import Action


def call_container(link: Link) -> Iterator[Action]:
    """Service Connect on both sides, and the address in the caller's environment."""
    setting = link.setting
    if setting.adopted(link.target) is not None:
        yield from _call_existing(link)
        return
    yield from service_connect_server(link.target, setting)
    yield from service_connect_client(link.actor, setting)
    host, ports = dns_name(link.target, setting), named_ports(link.target, setting)
    facts = {}
    for protocol in sorted(protocols(link)):
        if protocol == "grpc":
            facts["grpc"] = f"{host}:{ports['grpc']}"
        else:
            facts["http"] = f"http://{host}:{main_port(link.target, setting)}"
    yield connection(link, "SERVICE", link.target, facts)
    if not setting.calls_in_circle(link.actor):
        # A client only learns names that exist when it starts.
        yield DependsOn(service_key(link.actor), service_key(link.target))


def _call_existing(link: Link) -> Iterator[Action]:
    """Where it is there already, its address is known."""
    facts = {"grpc" if item == "grpc" else "http": _address(link, item) for item in sorted(protocols(link))}
    yield connection(link, "SERVICE", link.target, facts)


def _address(link: Link, protocol: str) -> Any:
    return fact_of(link.target, link.setting, "grpc" if protocol == "grpc" else "url")


def call_container_from_function(link: Link) -> Iterator[Action]:
    """What can't join Service Connect (functions, pods) looks the container up in Cloud Map."""
    setting = link.setting
    if setting.adopted(link.target) is not None:
        yield from _call_existing(link)
        return
    yield from registered(link.target, setting)
    facts = {
        "discover": {
            "namespace": namespace_name(setting),
            "service": dns_name(link.target, setting),
        }
    }
    yield connection(link, "SERVICE", link.target, facts)


def discover(link: Link) -> Iterator[Action]:
    """Cloud Map's look-up has no resource level."""
    if link.setting.adopted(link.target) is not None:
        return
    yield from grant(link, "discover", iam_actions("unscoped", "discover"), ["*"])


def call_function(link: Link) -> Iterator[Action]:
    """The function's ARN in the caller's environment; a queue for calls nobody waits for, should they fail."""
    yield connection(link, "SERVICE", link.target, {"function": function_arn(link.target, link.setting)})
    if link.get("protocol", "http") == "async":
        yield from keep_failed(link.target, link.setting)


def invoke(link: Link) -> Iterator[Action]:
    """Invoke on exactly this function."""
    yield from grant(link, "invoke", iam_actions("lambda", "invoke"), [function_arn(link.target, link.setting)])


def protocols(link: Link) -> set[str]:
    """Every protocol this caller speaks to this target, over all its `calls`."""
    return {
        str(item.properties.get("protocol", "http"))
        for item in link.setting.application.relationships_of(link.actor.id)
        if item.verb == "calls" and item.target == link.target.id
    }


def _container_needs(link: Link) -> Iterator[Need]:
    if link.setting.adopted(link.target) is not None:
        told = existing_of(link.target, link.setting).facts.get("port")
        yield PathTo(told or port_in(str(_address(link, link.get("protocol", "http")))))
        return
    ports = named_ports(link.target, link.setting)
    protocol = link.get("protocol", "http")
    yield PathTo(ports["grpc"] if protocol == "grpc" and "grpc" in ports else main_port(link.target, link.setting))


def _discovery_needs(link: Link) -> Iterator[Need]:
    yield from _container_needs(link)
    if link.setting.adopted(link.target) is None:
        yield ServiceNeed("data-servicediscovery")


def _function_needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("lambda")


def check_call(link: Link, report: Report) -> None:
    """What can't be called so."""
    if link.target.kind == "Compute.Function":
        _check_function(link, report)
        return
    check_name(link, report)
    protocol = link.get("protocol", "http")
    if protocol == "async":
        report.error(
            "senseless-protocol",
            f"{link.target.title} can't be called `async`: nothing keeps the call while it is busy",
            link.relationship.span,
            helps=[
                "call it by `http` or `grpc`",
                f"or put a queue between: `{link.actor.name}.sends_to(queue)`, `{link.target.name}.consumes(queue)`",
            ],
        )
    elif link.setting.adopted(link.target) is not None:
        _check_existing(link, "grpc" if protocol == "grpc" else "url", report)
    elif protocol == "grpc" and "grpc" not in named_ports(link.target, link.setting):
        report.error(
            "no-such-port",
            f"{link.target.title} has no port named `grpc`",
            link.relationship.span,
            helps=['give it one: `ports={"http": 8080, "grpc": 50051}`'],
        )


def _check_existing(link: Link, fact: str, report: Report) -> None:
    given = existing_of(link.target, link.setting)
    if fact not in given.facts:
        report.error(
            "bad-existing",
            f"{link.target.title} is there already, and nothing tells where it is called",
            link.relationship.span,
            helps=[f'say it where it is named: `existing=Existing("{given.id}", {fact}=…)`'],
        )


def _check_from_function(link: Link, report: Report) -> None:
    if link.get("protocol", "http") == "grpc" and link.setting.adopted(link.target) is None:
        report.error(
            "senseless-protocol",
            f"{link.actor.title} {_runs(link)} and reaches containers by `http` only",
            link.relationship.span,
            notes=["Cloud Map registers one port of a container, and that is its HTTP port"],
            helps=["call it by `http`, or from a container"],
        )
        return
    check_call(link, report)


def _runs(link: Link) -> str:
    if link.actor.kind == "Compute.Function":
        return "is a function"
    return "runs on Lambda" if link.setting.compute(link.actor).host == LAMBDA else "runs on Kubernetes"


def call_container_on_lambda(link: Link) -> Iterator[Action]:
    """The ARN in the caller's environment, whose SDK makes an address of it."""
    yield connection(link, "SERVICE", link.target, {"web": function_arn(link.target, link.setting)})


def _check_on_lambda(link: Link, report: Report) -> None:
    check_call(link, report)
    if link.setting.adopted(link.target) is not None:
        report.error(
            "not-on-this-host",
            f"{link.target.title} is an ECS service that is there already, and `use(…)` says it runs on Lambda",
            link.relationship.span,
            helps=["leave out `use(…)`"],
        )


def _check_function(link: Link, report: Report) -> None:
    check_name(link, report)
    if link.get("protocol", "http") == "grpc":
        report.error(
            "senseless-protocol",
            f"{link.target.title} is a function, and functions speak no gRPC",
            link.relationship.span,
            helps=["call it by `http` (wait for the answer) or `async`"],
        )


CALL_CONTAINER = Pair(
    verbs=("calls",),
    actors=("Compute.Container", "Compute.Function"),
    targets=("Compute.Container", "Compute.Function"),
    actor_on=(ECS,),
    target_on=(ECS,),
    creates="Service Connect on both services, a rule for the port between their security groups, "
    "and the address in the caller's environment",
    connect=call_container,
    needs=_container_needs,
    check=check_call,
)
CALL_CONTAINER_FROM_FUNCTION = Pair(
    verbs=("calls",),
    actors=("Compute.Function", "Compute.Container"),
    targets=("Compute.Container", "Compute.Function"),
    actor_on=(LAMBDA, EKS),
    target_on=(ECS,),
    creates="a Cloud Map registration, `servicediscovery:DiscoverInstances`, a rule for the port, "
    "and the name to look up in the caller's environment",
    connect=call_container_from_function,
    grant=discover,
    needs=_discovery_needs,
    check=_check_from_function,
)


CALL_CONTAINER_ON_LAMBDA = Pair(
    verbs=("calls",),
    actors=("Compute.Container", "Compute.Function"),
    targets=("Compute.Container",),
    target_on=(LAMBDA,),
    creates="`lambda:InvokeFunction` on the ARN of the function that is the container, and the ARN in the caller's "
    "environment, of which `klotho.config` makes an address",
    connect=call_container_on_lambda,
    grant=invoke,
    needs=_function_needs,
    check=_check_on_lambda,
)


def call_api(link: Link) -> Iterator[Action]:
    """The API's address in the caller's environment."""
    yield connection(link, "SERVICE", link.target, {"http": address(link.target, link.setting)})


def _api_needs(link: Link) -> Iterator[Need]:
    yield PathTo(api_port(link.target, link.setting))


def _check_api(link: Link, report: Report) -> None:
    check_name(link, report)
    if not is_private(link.target):
        report.error(
            "senseless-relationship",
            f"{link.target.title} is public: anybody may call it, so there is nothing to grant",
            link.relationship.span,
            also=[Label(link.target.span, "`public=False` would make it private")] if link.target.span else [],
            helps=['call the service behind it, or give the code the address: `environment={"SHOP": api.url}`'],
        )
    elif link.get("protocol", "http") != "http":
        report.error(
            "senseless-protocol",
            f"{link.target.title} is called by `http` only",
            link.relationship.span,
            helps=["leave the protocol out"],
        )


CALL_API = Pair(
    verbs=("calls",),
    actors=("Compute.Container", "Compute.Function"),
    targets=("API",),
    creates="for a private API a rule for its port between the security groups, "
    "and the address in the caller's environment",
    connect=call_api,
    needs=_api_needs,
    check=_check_api,
)
CALL_FUNCTION = Pair(
    verbs=("calls",),
    actors=("Compute.Container", "Compute.Function"),
    targets=("Compute.Function",),
    target_on=(LAMBDA,),
    creates="`lambda:InvokeFunction` on the function's ARN, and the ARN in the caller's environment; for `async` calls "
    "a queue for those it failed on",
    connect=call_function,
    grant=invoke,
    needs=_function_needs,
    check=_check_function,
)
