"""A template together with its inputs, checked as far as can be before anything is touched.

Input: a template, parameter values, the stack's identity and the registry of handlers. Output: a `Deployment`: the
resources whose conditions hold, what each depends on, and an order. Refuses by name: unknown types, properties and
attributes, dangling references, cycles, missing capabilities, dynamic references not carried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from klotho.catalogue.facts import is_custom, is_known, schema
from klotho.catalogue.facts.validate import validate
from klotho.localcloud.cloudformation import carried, dynamic
from klotho.localcloud.cloudformation.capabilities import NamesAttributes
from klotho.localcloud.cloudformation.errors import format_error, not_carried, validation_error
from klotho.localcloud.cloudformation.intrinsics import PSEUDO, Scope, evaluate_conditions, references, resolve
from klotho.localcloud.cloudformation.parameters import check_declarations, parameter_values, reference_values
from klotho.localcloud.cloudformation.template import OutputTemplate, ResourceTemplate, Template, read_template
from klotho.localcloud.cloudformation.values import Cause, NoValue, Unknown, is_unknown
from klotho.localcloud.handler import Handler
from klotho.localcloud.identity import PARTITION
from klotho.localcloud.service import ApiError

Handlers = Mapping[str, Handler]
EXTRA_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "AWS::EC2::VPC": frozenset({"CidrBlock"}),
    "AWS::EC2::Subnet": frozenset({"AvailabilityZone", "CidrBlock", "VpcId"}),
    "AWS::EC2::SecurityGroup": frozenset({"VpcId"}),
    "AWS::SNS::Topic": frozenset({"TopicName"}),
    "AWS::SQS::Queue": frozenset({"QueueName"}),
}
"""Properties `Fn::GetAtt` also takes; source: "Return values" of each type in the template reference."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the pseudo parameters say."""

    stack_id: str
    stack_name: str
    region: str
    account: str

    def pseudo(self) -> dict[str, Any]:
        return {
            "AWS::AccountId": self.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": PARTITION,
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }


@dataclass(frozen=True, slots=True)
class Deployment:
    template: Template
    identity: Identity
    parameters: Mapping[str, str]
    conditions: Mapping[str, bool]
    resources: Mapping[str, ResourceTemplate]
    """Those whose condition holds."""
    outputs: Mapping[str, OutputTemplate]
    depends_on: Mapping[str, frozenset[str]]
    order: tuple[str, ...]
    """Every logical id after what it depends on."""

    def scope(self, ref: Callable[[str], Any], attribute: Callable[[str, str], Any]) -> Scope:
        return Scope(
            parameters=reference_values(self.template.parameters, self.parameters),
            pseudo=self.identity.pseudo(),
            mappings=self.template.mappings,
            conditions=self.conditions,
            ref=ref,
            attribute=attribute,
        )


@dataclass(frozen=True, slots=True)
class Given:
    """Parameter values as a request passes them."""

    values: Mapping[str, str]
    previous: Mapping[str, str]
    use_previous: frozenset[str] = frozenset()


def prepare(body: str, given: Given, identity: Identity, handlers: Handlers, capabilities: list[str]) -> Deployment:
    """The checked deployment of a template; ApiError names the first thing that can't be done."""
    template = read_template(body)
    check_declarations(template.parameters)
    _check_names(template)
    values = parameter_values(template.parameters, given.values, given.previous, given.use_previous)
    base = Scope(reference_values(template.parameters, values), identity.pseudo(), template.mappings)
    conditions = evaluate_conditions(template.conditions, base)
    resources = {name: item for name, item in template.resources.items() if _holds(item.condition, conditions, name)}
    outputs = {key: item for key, item in template.outputs.items() if _holds(item.condition, conditions, key)}
    _check_types(template, handlers)
    check_capabilities(template, capabilities)
    depends_on = {
        name: _dependencies(template, item, resources, conditions, handlers) for name, item in resources.items()
    }
    for output in outputs.values():
        _check_references(template, "Outputs", output.value, resources, conditions, handlers)
    deployment = Deployment(
        template, identity, values, conditions, resources, outputs, depends_on, _ordered(depends_on)
    )
    _check_properties(deployment, handlers)
    return deployment


def _check_names(template: Template) -> None:
    for name in template.parameters:
        if name in template.resources or name in PSEUDO:
            raise format_error(f"[{name}] is the name of a parameter and of something else")


def _holds(condition: str | None, conditions: Mapping[str, bool], name: str) -> bool:
    if condition is None:
        return True
    if condition not in conditions:
        raise format_error(f"Unresolved condition dependency {condition} of [{name}]")
    return conditions[condition]


def _check_types(template: Template, handlers: Handlers) -> None:
    types = {item.type_name for item in template.resources.values()}
    unknown = sorted(name for name in types if not name.startswith("AWS::") and not is_custom(name))
    if unknown:
        raise format_error(f"Unrecognized resource types: [{', '.join(unknown)}]")
    for item in template.resources.values():
        if item.type_name not in handlers or not is_known(item.type_name):
            raise not_carried(f"Resource type {item.type_name} of [{item.logical_id}]")


NAMED_IAM = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}
"""Types that need CAPABILITY_NAMED_IAM when this property is set, CAPABILITY_IAM otherwise."""


def required_capabilities(template: Template) -> list[str]:
    """What the caller has to acknowledge: nothing, CAPABILITY_IAM or CAPABILITY_NAMED_IAM."""
    iam = [item for item in template.resources.values() if item.type_name.startswith("AWS::IAM::")]
    if any(NAMED_IAM.get(item.type_name, "") in item.properties for item in iam):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if iam else []


def check_capabilities(template: Template, capabilities: list[str]) -> None:
    for needed in required_capabilities(template):
        if needed not in capabilities and "CAPABILITY_NAMED_IAM" not in capabilities:
            raise ApiError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def _dependencies(
    template: Template,
    item: ResourceTemplate,
    resources: Mapping[str, ResourceTemplate],
    conditions: Mapping[str, bool],
    handlers: Handlers,
) -> frozenset[str]:
    found = _check_references(template, "Resources", dict(item.properties), resources, conditions, handlers)
    for name in item.depends_on:
        if name not in template.resources:
            raise format_error(f"Unresolved resource dependencies [{name}] in the Resources block of the template")
        if name in resources:
            found.add(name)
    return frozenset(found)


def _check_references(
    template: Template,
    block: str,
    value: Any,
    resources: Mapping[str, ResourceTemplate],
    conditions: Mapping[str, bool],
    handlers: Handlers,
) -> set[str]:
    found: set[str] = set()
    for reference in references(value, conditions):
        name = reference.name
        if reference.attribute is None and (name in template.parameters or name in PSEUDO):
            continue
        if name not in resources:
            raise format_error(f"Unresolved resource dependencies [{name}] in the {block} block of the template")
        found.add(name)
        if reference.attribute is not None:
            _check_attribute(resources[name], reference.attribute, handlers)
    return found


def _check_attribute(item: ResourceTemplate, attribute: str, handlers: Handlers) -> None:
    if schema(item.type_name).open:
        return  # its function decides which attributes there are
    known = schema(item.type_name).attributes
    extra = EXTRA_ATTRIBUTES.get(item.type_name, frozenset())
    if attribute not in known | extra:
        raise validation_error(
            f"Template error: resource {item.logical_id} does not support attribute type {attribute} in Fn::GetAtt"
        )
    handler = handlers[item.type_name]
    if isinstance(handler, NamesAttributes) and attribute not in handler.given_attributes | extra:
        raise not_carried(f"Attribute {attribute} of [{item.logical_id}] ({item.type_name}) in Fn::GetAtt")


def _ordered(depends_on: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter({name: sorted(needed) for name, needed in depends_on.items()}).static_order())
    except CycleError as error:
        names = sorted(set(error.args[1]))
        raise validation_error(f"Circular dependency between resources: [{', '.join(names)}]") from None


def _check_properties(deployment: Deployment, handlers: Handlers) -> None:
    """Resolve everything once with the resources unknown: finds what can be found before the operation starts."""

    def unknown(name: str, attribute: str = "") -> Unknown:
        entity = f"{name}.{attribute}" if attribute else name
        return Unknown(frozenset({Cause(entity, "ResourceAttribute" if attribute else "ResourceReference", True)}))

    scope = deployment.scope(unknown, unknown)
    for item in deployment.resources.values():
        properties = resolve(dict(item.properties), scope)
        dynamic.check(properties, item.logical_id)
        _check_property_names(item, properties)
        carried.check(item.logical_id, item.type_name, handlers[item.type_name].carries, properties)
    for output in deployment.outputs.values():
        dynamic.check_absent(_present(resolve(output.value, scope), output.key), f"output {output.key}")
    for mapped in deployment.template.mappings.values():
        if not isinstance(mapped, dict):
            raise format_error("Every Mappings member must be an object")


def _check_property_names(item: ResourceTemplate, properties: Mapping[str, Any]) -> None:
    for problem in validate(item.type_name, properties, is_unknown):
        if "is no property here" in problem.message or "is decided by AWS" in problem.message:
            raise validation_error(
                f"Properties validation failed for resource {item.logical_id} ({item.type_name}): {problem}"
            )


def _present(value: Any, key: str) -> Any:
    if isinstance(value, NoValue):
        raise format_error(f"Output {key} has no value")
    return value
