"""`Compute.Function` on Lambda, from a zip.

Source: AWS Lambda Developer Guide (runtimes, VPC access and the actions its network interfaces need, logging).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.iam import allow, policy_key, role
from klotho.catalogue.kinds.function_check import check_function, runtime_of
from klotho.catalogue.kinds.values import given_text
from klotho.catalogue.rules import Compute, Implementation, NetworkPlace, Output, Parameter, Placement, Setting
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
from klotho.resources.naming import dashed, stack_name


def function_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "function")


def function_role(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "function-role")


def lambda_(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The function, its role and its log group."""
    logs, key = resource_key(construct.id, "function-logs"), function_key(construct)
    yield AddResource(logs, "AWS::Logs::LogGroup")
    yield from role(function_role(construct), "lambda.amazonaws.com", f"The code of function {construct.name}")
    yield from allow(function_role(construct), "write logs", iam_actions("logs", "write"), [Ref(logs, "Arn")])
    yield AddResource(
        key,
        "AWS::Lambda::Function",
        {
            "Runtime": runtime_of(construct, setting),
            "Handler": setting.parameter(construct, "handler").removeprefix("./"),
            "Code": {"S3Bucket": Asset(construct.id, "bucket"), "S3Key": Asset(construct.id, "key")},
            "Role": Ref(function_role(construct), "Arn"),
            "MemorySize": setting.parameter(construct, "memory"),
            "Timeout": setting.parameter(construct, "timeout"),
            # What the package was made for, which is known when it was packed; arm64 costs a fifth less.
            "Architectures": [setting.parameter(construct, "architecture") or Asset(construct.id, "architecture")],
            "LoggingConfig": {"LogGroup": Ref(logs)},
        },
    )
    yield DependsOn(key, policy_key(function_role(construct)))
    if setting.calls_in_circle(construct):
        # Two functions that call each other would wait for each other's ARN: a name known beforehand breaks the circle.
        yield SetProperty(key, ("FunctionName",), physical_name(construct, setting))
    yield environment(construct, "KLOTHO_UNIT", construct.name)
    for name, value in (setting.parameter(construct, "environment") or {}).items():
        yield environment(construct, name, given_text(value, setting))


def environment(construct: Construct, name: str, value: Value) -> Action:
    """One environment variable."""
    return SetProperty(function_key(construct), ("Environment", "Variables", name), value)


def physical_name(construct: Construct, setting: Setting) -> str:
    """At most 64 characters, the same for every deployment of this environment."""
    full = stack_name(setting.application.project, setting.application.name, setting.environment, construct.name)
    return full if len(full) <= 64 else dashed(full, 64)


def function_arn(construct: Construct, setting: Setting) -> Value:
    """The function's ARN, without naming the resource where that would make a circle."""
    if not setting.calls_in_circle(construct):
        return Ref(function_key(construct), "Arn")
    place = (Pseudo("AWS::Partition"), ":lambda:", Pseudo("AWS::Region"), ":", Pseudo("AWS::AccountId"))
    return join("arn:", *place, ":function:", physical_name(construct, setting))


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """Lambda makes network interfaces in the private subnets; their actions have no resource level."""
    yield SetProperty(
        function_key(construct),
        ("VpcConfig",),
        {"SubnetIds": list(place.subnets), "SecurityGroupIds": [place.security_group]},
    )
    actions = iam_actions("unscoped", "network_interfaces")
    yield from allow(function_role(construct), "enter the network", actions, ["*"])


def _asset(construct: Construct, setting: Setting) -> PackageAsset:
    named = setting.parameter(construct, "architecture")
    return PackageAsset(
        construct.id,
        "zip",
        {
            "root": setting.parameter(construct, "context") or ".",
            "handler": setting.parameter(construct, "handler").removeprefix("./"),
            "runtime": runtime_of(construct, setting),
            **({} if named is None else {"architecture": named}),
        },
    )


LAMBDA = Implementation(
    kind="Compute.Function",
    name="lambda",
    service="AWS Lambda",
    expand=lambda_,
    parameters={
        "handler": Parameter("`path/module.function`: the file without its ending, and the function in it"),
        "runtime": Parameter("Lambda runtime; inferred from the handler's file"),
        "context": Parameter("the package's root (default: the program's folder)"),
        "memory": Parameter("memory, and CPU in proportion (1769 MB = 1 vCPU)", 512, "MB"),
        "architecture": Parameter(
            "processor: `arm64` or `x86_64` (default: what the package was made for, else arm64)"
        ),
        "timeout": Parameter("longest run of one call", 30, "seconds"),
        "environment": Parameter("environment variables; outputs of other constructs may be used"),
    },
    outputs={"arn": Output(function_arn, "ARN of the function")},
    placement=Placement.IF_NEEDED,
    enter_network=enter_network,
    adoption=Adoption(
        type="AWS::Lambda::Function",
        key=function_key,
        service="lambda",
        resource="function:{}",
        takes=frozenset({"handler"}),  # whose file says its language
        name=r"[A-Za-z0-9_-]{1,64}",
        identifier=lambda found: found.name,
        attributes={"Arn": lambda found: found.arn},
    ),
    compute=Compute(role=function_role, environment=environment, main=function_key),
    asset=_asset,
    check=check_function,
)
