"""Resolves the intrinsic functions of a template.

Input: a template value and a `Scope` (parameters, conditions, what the resources gave). Output: plain JSON, with
`Unknown` where a resource is not made yet. Refuses, by name: functions not carried and arguments of the wrong shape.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.localcloud.cloudformation.errors import format_error, not_carried, validation_error
from klotho.localcloud.cloudformation.values import NO_VALUE, NoValue, Unknown, merged

PSEUDO = (
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)
ZONES = ("a", "b", "c")
"""Availability zones every region of the local cloud has."""
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")
_CONDITION_FUNCTIONS = ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition")


def _no_resource(name: str, attribute: str = "") -> Any:
    raise format_error(
        f"Unresolved dependencies [{name}]. Cannot reference resources in the Conditions block of the template"
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean while a template is resolved."""

    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    ref: Callable[[str], Any] = _no_resource
    attribute: Callable[[str, str], Any] = _no_resource


@dataclass(frozen=True, slots=True)
class Reference:
    """A name a value mentions: a resource (with or without attribute), a parameter or a pseudo parameter."""

    name: str
    attribute: str | None = None


def resolve(value: Any, scope: Scope) -> Any:
    """`value` with every function carried out; `NO_VALUE` when the whole value is AWS::NoValue."""
    if isinstance(value, dict):
        function = function_name(value)
        if function is not None:
            return _FUNCTIONS[function](value[function], scope)
        resolved = {key: resolve(item, scope) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if not isinstance(item, NoValue)}
    if isinstance(value, list):
        items = [resolve(item, scope) for item in value]
        return [item for item in items if not isinstance(item, NoValue)]
    return value


def function_name(value: Mapping[str, Any]) -> str | None:
    """The intrinsic function this object calls; refuses by name one that is not carried."""
    named = [key for key in value if key == "Ref" or key.startswith("Fn::")]
    if not named:
        return None
    if len(value) != 1:
        raise format_error(f"{named[0]} must be the only key of its object")
    if named[0] in _CONDITION_FUNCTIONS:
        raise format_error(f"{named[0]} can only be used in the Conditions block or in Fn::If")
    if named[0] not in _FUNCTIONS:
        raise not_carried(f"Intrinsic function {named[0]}")
    return named[0]


def references(value: Any, conditions: Mapping[str, bool]) -> Iterator[Reference]:
    """Every name the value mentions, following only the branch of `Fn::If` that is taken."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, conditions)
    if not isinstance(value, dict):
        return
    function = function_name(value)
    if function is None:
        for item in value.values():
            yield from references(item, conditions)
    elif function == "Ref":
        yield Reference(_text("Ref", value[function]))
    elif function == "Fn::GetAtt":
        yield Reference(*_get_att_arguments(value[function]))
    elif function == "Fn::Sub":
        yield from _sub_references(value[function], conditions)
    elif function == "Fn::If":
        yield from references(_branch(value[function], conditions), conditions)
    else:
        yield from references(value[function], conditions)


def evaluate_conditions(declared: Mapping[str, Any], scope: Scope) -> dict[str, bool]:
    """The truth of every condition; refuses cycles and unknown names."""
    truths: dict[str, bool] = {}

    def truth(name: str, trail: tuple[str, ...]) -> bool:
        if name in trail:
            raise format_error(f"Circular dependency between conditions: [{', '.join((*trail, name))}]")
        if name not in declared:
            raise format_error(f"Unresolved condition dependency {name} in the Conditions block of the template")
        if name not in truths:
            truths[name] = _condition(declared[name], scope, lambda other: truth(other, (*trail, name)))
        return truths[name]

    for name in declared:
        truth(name, ())
    return truths


def _condition(value: Any, scope: Scope, truth: Callable[[str], bool]) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        raise format_error("Every Conditions member must contain exactly one condition function")
    ((function, arguments),) = value.items()
    if function == "Condition":
        return truth(_text("Condition", arguments))
    if not isinstance(arguments, list):
        raise format_error(f"{function} takes a list")
    if function == "Fn::Equals":
        if len(arguments) != 2:
            raise format_error("Fn::Equals takes exactly two values")
        left, right = (resolve(item, scope) for item in arguments)
        return as_text(left) == as_text(right) if _scalar(left) and _scalar(right) else bool(left == right)
    wanted = {"Fn::Not": (1, 1), "Fn::And": (2, 10), "Fn::Or": (2, 10)}.get(function)
    if wanted is None:
        raise not_carried(f"Condition function {function}")
    if not wanted[0] <= len(arguments) <= wanted[1]:
        raise format_error(f"{function} takes {wanted[0]} to {wanted[1]} conditions")
    truths = [_condition(item, scope, truth) for item in arguments]
    return not truths[0] if function == "Fn::Not" else all(truths) if function == "Fn::And" else any(truths)


def as_text(value: Any) -> str:
    """A scalar as CloudFormation puts it into text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _scalar(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _ref(argument: Any, scope: Scope) -> Any:
    name = _text("Ref", argument)
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in scope.pseudo:
        return scope.pseudo[name]
    if name in scope.parameters:
        return scope.parameters[name]
    return scope.ref(name)


def _get_att(argument: Any, scope: Scope) -> Any:
    return scope.attribute(*_get_att_arguments(argument))


def _get_att_arguments(argument: Any) -> tuple[str, str]:
    if isinstance(argument, str) and "." in argument:
        name, _, attribute = argument.partition(".")
        return name, attribute
    if isinstance(argument, list) and len(argument) >= 2 and all(isinstance(part, str) for part in argument):
        return argument[0], ".".join(argument[1:])
    raise format_error("Fn::GetAtt takes a logical id and the name of an attribute, both as text")


def _sub_parts(argument: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(argument, str):
        return argument, {}
    if (
        isinstance(argument, list)
        and len(argument) == 2
        and isinstance(argument[0], str)
        and isinstance(argument[1], dict)
    ):
        return argument[0], argument[1]
    raise format_error("Fn::Sub takes text, or text and an object of variables")


def _sub(argument: Any, scope: Scope) -> Any:
    text, variables = _sub_parts(argument)
    pieces: list[Any] = []
    position = 0
    for match in _PLACEHOLDER.finditer(text):
        pieces.append(text[position : match.start()])
        position = match.end()
        if match.group(1):
            pieces.append(f"${{{match.group(2)}}}")
            continue
        pieces.append(_sub_value(match.group(2).strip(), variables, scope))
    pieces.append(text[position:])
    return _joined("Fn::Sub", "", pieces)


def _sub_value(name: str, variables: Mapping[str, Any], scope: Scope) -> Any:
    if name in variables:
        return resolve(variables[name], scope)
    if "." in name and name not in scope.pseudo:
        return _get_att(name, scope)
    return _ref(name, scope)


def _sub_references(argument: Any, conditions: Mapping[str, bool]) -> Iterator[Reference]:
    text, variables = _sub_parts(argument)
    yield from references(dict(variables), conditions)
    for match in _PLACEHOLDER.finditer(text):
        name = match.group(2).strip()
        if match.group(1) or name in variables:
            continue
        first, _, attribute = name.partition(".")
        yield Reference(first, attribute or None)


def _joined(function: str, delimiter: str, pieces: list[Any]) -> Any:
    unknown = merged(pieces)
    if unknown is not None:
        return unknown
    if not all(_scalar(piece) for piece in pieces):
        raise validation_error(f"Template error: every {function} value must be text, a number or a boolean")
    return _without_tls(delimiter.join(as_text(piece) for piece in pieces))


def _without_tls(text: str) -> str:
    """`https://${Distribution.DomainName}` as it can be opened: this cloud's CDN speaks plain http on loopback.

    AWS gives the bare domain name of a distribution and templates write `https://` before it.
    """
    return text.replace("https://127.0.0.1:", "http://127.0.0.1:")


def _join(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        raise validation_error("Template error: every Fn::Join object requires two parameters, (1) a string delimiter "
                               "and (2) a list of strings to be joined")  # fmt: skip
    pieces = resolve(argument[1], scope)
    if isinstance(pieces, Unknown):
        return pieces
    if not isinstance(pieces, list):
        raise validation_error("Template error: Fn::Join takes a list of strings to be joined")
    return _joined("Fn::Join", argument[0], pieces)


def _split(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
        raise validation_error("Template error: every Fn::Split object requires a delimiter and a string")
    text = resolve(argument[1], scope)
    if isinstance(text, Unknown):
        return text
    if not isinstance(text, str):
        raise validation_error("Template error: Fn::Split takes a string to split")
    return text.split(argument[0])


def _select(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2:
        raise validation_error("Template error: Fn::Select takes an index and a list")
    index, items = resolve(argument[0], scope), resolve(argument[1], scope)
    unknown = merged(index) or (items if isinstance(items, Unknown) else None)
    if unknown is not None:
        return unknown
    if not isinstance(items, list) or re.fullmatch(r"\d{1,9}", as_text(index)) is None:
        raise validation_error("Template error: Fn::Select takes an index and a list")
    if int(index) >= len(items):
        raise validation_error(f"Template error: Fn::Select  cannot select nonexistent value at index {index}")
    return items[int(index)]


def _branch(argument: Any, conditions: Mapping[str, bool]) -> Any:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        raise validation_error("Template error: Fn::If requires a condition name and two values")
    if argument[0] not in conditions:
        raise format_error(f"Unresolved condition dependency {argument[0]} in Fn::If")
    return argument[1] if conditions[argument[0]] else argument[2]


def _if(argument: Any, scope: Scope) -> Any:
    return resolve(_branch(argument, scope.conditions), scope)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3:
        raise validation_error("Template error: every Fn::FindInMap object requires a map name and two keys")
    keys = [resolve(part, scope) for part in argument]
    unknown = merged(keys)
    if unknown is not None:
        return unknown
    found: Any = scope.mappings
    for key in keys:
        if not isinstance(found, dict) or not isinstance(key, str) or key not in found:
            raise validation_error(
                f"Template error: Unable to get mapping for {'::'.join(as_text(key) for key in keys)}"
            )
        found = found[key]
    return found


def _get_azs(argument: Any, scope: Scope) -> Any:
    region = resolve(argument, scope)
    if not isinstance(region, str):
        raise validation_error("Template error: Fn::GetAZs takes the name of a region")
    return [f"{region or scope.pseudo['AWS::Region']}{zone}" for zone in ZONES]


def _base64(argument: Any, scope: Scope) -> Any:
    text = resolve(argument, scope)
    if isinstance(text, Unknown):
        return text
    if not isinstance(text, str):
        raise validation_error("Template error: every Fn::Base64 object must have a String-typed value.")
    return base64.b64encode(text.encode()).decode()


def _cidr(argument: Any, scope: Scope) -> Any:
    parts = resolve(argument, scope)
    unknown = merged(parts)
    if unknown is not None:
        return unknown
    if not isinstance(parts, list) or not 2 <= len(parts) <= 3:
        raise validation_error("Template error: Fn::Cidr takes a block, a count and optionally the number of bits")
    try:
        network = ipaddress.ip_network(as_text(parts[0]))
        count, bits = int(as_text(parts[1])), int(as_text(parts[2])) if len(parts) == 3 else 8
        if not 1 <= count <= 256 or not 0 <= bits <= network.max_prefixlen:
            raise ValueError(f"count {count}, bits {bits}")
        subnets = network.subnets(new_prefix=network.max_prefixlen - bits)
        blocks = [str(subnet) for subnet, _ in zip(subnets, range(count), strict=False)]
    except ValueError as error:
        raise validation_error(f"Template error: Fn::Cidr can't split {parts}: {error}") from None
    if len(blocks) < count:
        raise validation_error(f"Template error: Fn::Cidr: {parts[0]} has no room for {count} blocks of {bits} bits")
    return blocks


def _text(function: str, value: Any) -> str:
    if not isinstance(value, str):
        raise format_error(f"{function} takes a name, as text")
    return value


_FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
