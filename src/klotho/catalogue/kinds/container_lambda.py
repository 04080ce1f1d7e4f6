"""`Compute.Container` on Lambda: the container's own image, with AWS's Lambda Web Adapter in it.

The program listens on its port as everywhere. The adapter, an extension of Lambda, takes each invocation, sends it to
the program as the HTTP request it stands for, and gives the response back; it is copied into the image when that is
built for AWS (`deploy/images/ecr.py`). What only works where something always runs is refused by name: more ports than
one, a least number of running tasks, receiving from queues, an image that is not built here. Sources: AWS Lambda Web
Adapter, github.com/aws/aws-lambda-web-adapter (README; environment variables; port 9001 is the Runtime API's); AWS
Lambda Developer Guide, "Lambda quotas", "Create a Lambda function using a container image", "Configure Lambda function
memory" (1,769 MB are one vCPU).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Any

from klotho.application import Application, Construct
from klotho.catalogue.function_keys import function_key, function_role
from klotho.catalogue.iam import allow, policy_key, role
from klotho.catalogue.kinds.container import FARGATE, image_asset, processor
from klotho.catalogue.kinds.container_check import check_container_on_lambda
from klotho.catalogue.kinds.container_ports import port_variables
from klotho.catalogue.kinds.function import enter_network, environment, physical_name
from klotho.catalogue.kinds.values import given_text
from klotho.catalogue.rules import LAMBDA, Compute, Parameter, Placement, Setting
from klotho.catalogue.tables import iam_actions, table
from klotho.diagnostics import Report
from klotho.resources import AddResource, Asset, DependsOn, PackageAsset, Ref, SetProperty, resource_key
from klotho.resources.changes import Action

MB_A_VCPU = 1769
DEFAULT_TIMEOUT_S = 30


def lambda_container(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The function made of the container's image, its role and its log group."""
    logs, key = resource_key(construct.id, "function-logs"), function_key(construct)
    yield AddResource(logs, "AWS::Logs::LogGroup")
    yield from role(function_role(construct), "lambda.amazonaws.com", f"The code of container {construct.name}")
    yield from allow(function_role(construct), "write logs", iam_actions("logs", "write"), [Ref(logs, "Arn")])
    yield AddResource(
        key,
        "AWS::Lambda::Function",
        {
            "PackageType": "Image",
            "Code": {"ImageUri": Asset(construct.id, "image")},
            "Role": Ref(function_role(construct), "Arn"),
            "MemorySize": memory_mb(construct, setting),
            "Timeout": timeout_s(construct, setting),
            "Architectures": [processor(construct, setting).lower()],
            "LoggingConfig": {"LogGroup": Ref(logs)},
        },
    )
    yield DependsOn(key, policy_key(function_role(construct)))
    if setting.calls_in_circle(construct):
        yield SetProperty(key, ("FunctionName",), physical_name(construct, setting))
    command = setting.parameter(construct, "command")
    if command is not None:
        yield SetProperty(key, ("ImageConfig", "Command"), list(command))
    yield from _environment(construct, setting)


def _environment(construct: Construct, setting: Setting) -> Iterator[Action]:
    yield environment(construct, "KLOTHO_UNIT", construct.name)
    for name, port in port_variables(construct, setting).items():
        yield environment(construct, name, str(port))
    path = setting.parameter(construct, "health_check")
    if path is None:
        # Whatever `/` answers: it is ready once it takes connections.
        yield environment(construct, "AWS_LWA_READINESS_CHECK_PROTOCOL", "tcp")
    else:
        yield environment(construct, "AWS_LWA_READINESS_CHECK_PATH", path)
    for name, value in (setting.parameter(construct, "environment") or {}).items():
        yield environment(construct, name, given_text(value, setting))


def memory_mb(construct: Construct, setting: Setting) -> int:
    """As given; more where `cpu` is given, for Lambda gives CPU in proportion to memory."""
    given, cpu = int(setting.parameter(construct, "memory")), construct.properties.get("cpu")
    return given if cpu is None else max(given, ceil(int(cpu) * MB_A_VCPU / 1024))


def timeout_s(construct: Construct, setting: Setting) -> int:
    """As given by `use(…, timeout=…)`, else long enough for what is required of it."""
    given = setting.parameter(construct, "timeout")
    if given is not None:
        return int(given)
    required = setting.application.requirements_of(construct.id).get("max_duration_s")
    return DEFAULT_TIMEOUT_S if required is None else max(DEFAULT_TIMEOUT_S, ceil(float(str(required.value))))


def unable(construct: Construct, application: Application) -> Iterator[str]:
    """What of the container Lambda does not carry, in the user's words."""
    properties: Any = construct.properties
    if properties.get("image") is not None:
        yield "the adapter goes into the image when it is built: give `context=` instead of `image=`"
    if len(properties.get("ports") or {}) > 1:
        yield "Lambda leads requests to one port only, and speaks HTTP/1.1: no gRPC, no second port"
    if (properties.get("scale") or [0])[0] > 0:
        yield "Lambda starts and ends it by itself: `scale` can't keep some of it running"
    if memory_asked(construct) > table("lambda")["limits"]["memory"][1]:
        yield f"Lambda has at most {table('lambda')['limits']['memory'][1]} MB"
    for item in application.relationships_on(construct.id):
        if item.verb == "calls" and item.properties.get("protocol", "http") != "http":
            yield f"Lambda carries HTTP only, and it is called by `{item.properties['protocol']}`"
    for item in application.relationships_of(construct.id):
        target = application.by_id.get(item.target)
        if item.verb == "calls" and item.properties.get("protocol") == "grpc" and target is not None:
            yield f"from Lambda, {target.label} can be called by `http` only"


def memory_asked(construct: Construct) -> int:
    """MB: the larger of what `memory` and `cpu` ask for."""
    cpu = int(construct.properties.get("cpu") or 0)
    return max(int(construct.properties.get("memory") or 0), ceil(cpu * MB_A_VCPU / 1024))


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    check_container_on_lambda(construct, setting, report, tuple(unable(construct, setting.application)))


def _asset(construct: Construct, setting: Setting) -> PackageAsset | None:
    """The container's image; built for AWS, with the adapter in it."""
    asset = image_asset(construct, setting)
    adapter = table("lambda")["adapter"]["image"]
    return None if asset is None else replace(asset, properties={**asset.properties, "adapter": adapter})


LAMBDA_CONTAINER = replace(
    FARGATE,
    name="lambda-container",
    service="AWS Lambda",
    expand=lambda_container,
    parameters={
        **FARGATE.parameters,
        "memory": Parameter("memory, and CPU in proportion (1769 MB = 1 vCPU)", 512, "MB"),
        "timeout": Parameter(
            "longest answer to one request (default: 30, or what `max_duration_s` requires)", None, "seconds"
        ),
    },
    outputs={},  # it has no address: callers are granted it
    placement=Placement.IF_NEEDED,
    enter_network=enter_network,
    spread=lambda construct, setting: (),
    check_spread=lambda construct, setting, report: None,
    needs=lambda construct, setting: (),
    shares=lambda construct, setting: (("function", None), ("function", "Arn")),
    compute=Compute(role=function_role, environment=environment, main=function_key, host=LAMBDA),
    asset=_asset,
    unable=unable,
    # The parameter `always_on=False` is about interruptions; what need not run says `requires(always_on=False)`.
    fits=lambda construct: construct.properties.get("always_on") is None,
    check=_check,
)
"""For what is called now and then: it costs nothing while nobody calls, and starts when somebody does."""
