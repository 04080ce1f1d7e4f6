"""`Compute.Function` on Lambda, from a zip, from a zip with its packages in a layer, or from a container image: they
differ in their code and nothing else.

Sources: AWS Lambda Developer Guide (runtimes, container images, VPC access and the actions its network interfaces
need, layers, logging); CloudFormation Template Reference, AWS::Lambda::Function (`PackageType` is only changed by a
replacement) and AWS::Lambda::LayerVersion (every change is a new version; the one before is deleted once the function
has the new one). Lambda API Reference, DeleteLayerVersion: "To avoid breaking functions, a copy of the version remains
in Lambda until no functions refer to it."
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.failed_events import keep_failed
from klotho.catalogue.function_keys import function_key as function_key
from klotho.catalogue.function_keys import function_role as function_role
from klotho.catalogue.iam import allow, policy_key, role
from klotho.catalogue.kinds.function_check import check_function, runtime_of
from klotho.catalogue.kinds.values import given_text
from klotho.catalogue.rules import (
    LAMBDA as ON_LAMBDA,
)
from klotho.catalogue.rules import (
    Compute,
    Implementation,
    NetworkPlace,
    Output,
    Parameter,
    Placement,
    Setting,
)
from klotho.catalogue.tables import iam_actions, table
from klotho.resources import (
    AddResource,
    Asset,
    DependsOn,
    PackageAsset,
    Pseudo,
    Ref,
    SetProperty,
    Value,
    join,
    resource_key,
)
from klotho.resources.changes import Action
from klotho.resources.naming import dashed, stack_name


def lambda_(construct: Construct, setting: Setting) -> Iterator[Action]:
    """From a zip: Lambda brings the runtime."""
    code = {
        "Runtime": runtime_of(construct, setting),
        "Handler": setting.parameter(construct, "handler").removeprefix("./"),
        "Code": {"S3Bucket": Asset(construct.id, "bucket"), "S3Key": Asset(construct.id, "key")},
    }
    yield from _function(construct, setting, code)


def lambda_layer(construct: Construct, setting: Setting) -> Iterator[Action]:
    """From a zip of the user's code; the packages it needs are a layer of its own, which changes when they do."""
    layer, runtime = resource_key(construct.id, "layer"), runtime_of(construct, setting)
    yield AddResource(
        layer,
        "AWS::Lambda::LayerVersion",
        {
            "Description": f"Packages of function {construct.name}",
            "Content": {"S3Bucket": Asset(construct.id, "bucket"), "S3Key": Asset(construct.id, "layer")},
            "CompatibleRuntimes": [runtime],
            "CompatibleArchitectures": [_architecture(construct, setting)],
        },
    )
    yield from lambda_(construct, setting)
    yield SetProperty(function_key(construct), ("Layers",), [Ref(layer)])


def lambda_image(construct: Construct, setting: Setting) -> Iterator[Action]:
    """From an image, which holds the runtime and says what is called."""
    yield from _function(
        construct, setting, {"PackageType": "Image", "Code": {"ImageUri": Asset(construct.id, "image")}}
    )


def _function(construct: Construct, setting: Setting, code: Mapping[str, Any]) -> Iterator[Action]:
    """The function, its role and its log group."""
    logs, key = resource_key(construct.id, "function-logs"), function_key(construct)
    yield AddResource(logs, "AWS::Logs::LogGroup")
    yield from role(function_role(construct), "lambda.amazonaws.com", f"The code of function {construct.name}")
    yield from allow(function_role(construct), "write logs", iam_actions("logs", "write"), [Ref(logs, "Arn")])
    yield AddResource(
        key,
        "AWS::Lambda::Function",
        {
            **code,
            "Role": Ref(function_role(construct), "Arn"),
            "MemorySize": setting.parameter(construct, "memory"),
            "Timeout": setting.parameter(construct, "timeout"),
            # What the package was made for, which is known when it was packed; arm64 costs a fifth less.
            "Architectures": [_architecture(construct, setting)],
            "LoggingConfig": {"LogGroup": Ref(logs)},
        },
    )
    yield DependsOn(key, policy_key(function_role(construct)))
    if setting.calls_in_circle(construct):
        # Two functions that call each other would wait for each other's ARN: a name known beforehand breaks the circle.
        yield SetProperty(key, ("FunctionName",), physical_name(construct, setting))
    if setting.application.in_project:  # others may call it and not wait for the answer
        yield from keep_failed(construct, setting)
    yield environment(construct, "KLOTHO_UNIT", construct.name)
    for name, value in (setting.parameter(construct, "environment") or {}).items():
        yield environment(construct, name, given_text(value, setting))


def _architecture(construct: Construct, setting: Setting) -> Value:
    """As the program names it, else what the package turns out to be made for."""
    return setting.parameter(construct, "architecture") or Asset(construct.id, "architecture")


def environment(construct: Construct, name: str, value: Value) -> Action:
    """One environment variable."""
    return SetProperty(function_key(construct), ("Environment", "Variables", name), value)


def physical_name(construct: Construct, setting: Setting) -> str:
    """At most 64 characters, the same for every deployment of this environment."""
    full = stack_name(setting.application.project, setting.application.name, setting.environment, construct.name)
    if setting.implementation(construct).name == LAMBDA_IMAGE.name:
        # One can't become the other, and what replaces it can't have its name; no construct's has an underscore here.
        full = f"{full}_image"
    if construct.kind != LAMBDA.kind:
        full = f"{full}_container"  # a function may have a container's name
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


def _zip(construct: Construct, setting: Setting) -> PackageAsset:
    return PackageAsset(construct.id, "zip", packaged(construct, setting))


def _layered(construct: Construct, setting: Setting) -> PackageAsset:
    return PackageAsset(construct.id, "zip", {**packaged(construct, setting), "layer": True})


def _image(construct: Construct, setting: Setting) -> PackageAsset:
    base = table("lambda")["runtimes"][runtime_of(construct, setting)]["image"]
    built = {"build": True} if setting.parameter(construct, "build") else {}
    return PackageAsset(construct.id, "function-image", {**packaged(construct, setting), "base": base, **built})


def packaged(construct: Construct, setting: Setting) -> dict[str, Any]:
    """What is packed, whichever way it is shipped."""
    named = setting.parameter(construct, "architecture")
    return {
        "root": setting.parameter(construct, "context") or ".",
        "handler": setting.parameter(construct, "handler").removeprefix("./"),
        "runtime": runtime_of(construct, setting),
        **({} if named is None else {"architecture": named}),
        **({"include": list(further)} if (further := setting.parameter(construct, "include")) else {}),
    }


def within_lambda(construct: Construct) -> bool:
    """Whether its own parameters ask for no more than Lambda has; whatever makes no sense anywhere is refused there."""
    lambdas, most = table("lambda")["limits"], table("fargate")["function"]
    return not any(
        isinstance(value := construct.properties.get(name), int) and lambdas[name][1] < value <= most[name][1]
        for name in ("memory", "timeout")
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
        "include": Parameter("further files below `context` that are packed (default: what the handler imports)"),
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
    shares=lambda construct, setting: (
        ("function", None),
        ("function", "Arn"),
    ),
    compute=Compute(role=function_role, environment=environment, main=function_key, host=ON_LAMBDA),
    asset=_zip,
    fits=within_lambda,
    check=check_function,
)
LAMBDA_LAYER = replace(LAMBDA, name="lambda-layer", expand=lambda_layer, asset=_layered)
"""For large packages: a changed line of code sends the code only."""
LAMBDA_IMAGE = replace(
    LAMBDA,
    name="lambda-image",
    expand=lambda_image,
    asset=_image,
    parameters={
        **LAMBDA.parameters,
        "build": Parameter("whether packages are built inside the image, for those without wheels", default=False),
    },
)
"""For what is too large for a zip, or has to be compiled: an engine has to build it, and it starts slower."""
