"""Gives every parameter of a template its value.

Input: the declarations, what the caller passed and what the stack had before. Output: name to text as passed, and to
the value `Ref` gives (text, or a list for list types). Refuses by name: missing, unknown and disallowed values, and
parameter types that ask AWS for values (SSM).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from klotho.localcloud.cloudformation.errors import format_error, not_carried, validation_error
from klotho.localcloud.world import World

Declarations = Mapping[str, Mapping[str, Any]]
MASK = "****"
_KEYS = {
    "Type",
    "Default",
    "NoEcho",
    "AllowedValues",
    "AllowedPattern",
    "ConstraintDescription",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
}
_PLAIN = {"String", "Number", "List<Number>", "CommaDelimitedList"}
_RESOURCE_IDS = {
    "AWS::EC2::VPC::Id": "AWS::EC2::VPC",
    "AWS::EC2::Subnet::Id": "AWS::EC2::Subnet",
    "AWS::EC2::SecurityGroup::Id": "AWS::EC2::SecurityGroup",
}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def check_declarations(declarations: Declarations) -> None:
    """Refuse declarations that are malformed or of a type not carried."""
    for name, declaration in declarations.items():
        for key in declaration:
            if key not in _KEYS:
                raise format_error(f"Invalid template parameter property '{key}' of [{name}]")
        kind = declaration.get("Type")
        if not isinstance(kind, str):
            raise format_error(f"Every Parameters object must contain a Type member, [{name}] has none")
        if kind not in _PLAIN and _element(kind) not in _RESOURCE_IDS:
            raise not_carried(f"Parameter type {kind} of [{name}]")
        allowed = declaration.get("AllowedValues", [])
        if not isinstance(allowed, list):
            raise format_error(f"AllowedValues of parameter [{name}] must be a list")
        _check_limits(name, declaration)


def _check_limits(name: str, declaration: Mapping[str, Any]) -> None:
    for key in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
        limit = declaration.get(key)
        if limit is not None and _NUMBER.fullmatch(_text(limit)) is None:
            raise format_error(f"{key} of parameter [{name}] must be a number")
    pattern = declaration.get("AllowedPattern")
    if pattern is None:
        return
    try:
        re.compile(_text(pattern))
    except re.error as error:
        raise format_error(f"AllowedPattern of parameter [{name}] can't be read: {error}") from None


def parameter_values(
    declarations: Declarations,
    given: Mapping[str, str],
    previous: Mapping[str, str],
    use_previous: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """The text of every declared parameter: given, else previous where asked for, else the default."""
    unknown = sorted((set(given) | use_previous) - set(declarations))
    if unknown:
        raise validation_error(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: dict[str, str] = {}
    missing: list[str] = []
    for name, declaration in declarations.items():
        if name in use_previous and name in previous:
            values[name] = previous[name]
        elif name in given:
            values[name] = given[name]
        elif "Default" in declaration:
            values[name] = _text(declaration["Default"])
        else:
            missing.append(name)
    if missing:
        raise validation_error(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in values.items():
        _check_value(name, declarations[name], value)
    return values


def reference_values(declarations: Declarations, values: Mapping[str, str]) -> dict[str, Any]:
    """What `Ref` gives for each parameter."""
    return {name: _parsed(str(declarations[name]["Type"]), value) for name, value in values.items()}


def check_resources_exist(declarations: Declarations, values: Mapping[str, str], world: World) -> None:
    """Parameters typed as ids of resources must name live ones, as AWS checks before it starts."""
    for name, value in values.items():
        kind = str(declarations[name]["Type"])
        type_name = _RESOURCE_IDS.get(_element(kind))
        if type_name is None:
            continue
        parsed = _parsed(kind, value)
        for item in parsed if isinstance(parsed, list) else [parsed]:
            if world.get(type_name, item) is None:
                raise validation_error(
                    f"Parameter validation failed: parameter value {item} for parameter name {name} does not exist"
                )


def shown(declarations: Declarations, values: Mapping[str, str]) -> dict[str, str]:
    """The values as Describe calls show them: masked where `NoEcho` is set."""
    return {
        name: MASK if _text(declarations.get(name, {}).get("NoEcho", False)) == "true" else value
        for name, value in values.items()
    }


def _element(kind: str) -> str:
    return kind.removeprefix("List<").removesuffix(">") if kind.startswith("List<") else kind


def _parsed(kind: str, value: str) -> Any:
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in value.split(",")] if value else []
    return value


def _check_value(name: str, declaration: Mapping[str, Any], value: str) -> None:
    kind = str(declaration["Type"])
    parsed = _parsed(kind, value)
    for item in parsed if isinstance(parsed, list) else [parsed]:
        _check_item(name, declaration, item)
        if _element(kind) == "Number":
            _check_number(name, declaration, item)


def _check_item(name: str, declaration: Mapping[str, Any], value: str) -> None:
    allowed = [_text(item) for item in declaration.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise _refused(name, declaration, f"Parameter '{name}' must be one of AllowedValues")
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and re.fullmatch(_text(pattern), value) is None:
        raise _refused(name, declaration, f"Parameter '{name}' must match pattern {pattern}")
    if len(value) < float(declaration.get("MinLength", 0)):
        raise _refused(
            name, declaration, f"Parameter '{name}' must contain at least {declaration['MinLength']} characters"
        )
    if len(value) > float(declaration.get("MaxLength", len(value))):
        raise _refused(
            name, declaration, f"Parameter '{name}' must contain at most {declaration['MaxLength']} characters"
        )


def _check_number(name: str, declaration: Mapping[str, Any], value: str) -> None:
    if _NUMBER.fullmatch(value) is None:
        raise _refused(name, declaration, f"Parameter '{name}' must be a number")
    if float(value) < float(declaration.get("MinValue", value)):
        raise _refused(
            name, declaration, f"Parameter '{name}' must be a number not less than {declaration['MinValue']}"
        )
    if float(value) > float(declaration.get("MaxValue", value)):
        raise _refused(
            name, declaration, f"Parameter '{name}' must be a number not greater than {declaration['MaxValue']}"
        )


def _refused(name: str, declaration: Mapping[str, Any], message: str) -> Exception:
    described = declaration.get("ConstraintDescription")
    if described is not None:
        return validation_error(f"Parameter {name} failed to satisfy constraint: {described}")
    return validation_error(message)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
