"""How Pulumi's `aws-native` spells AWS's names.

Input: a resource type, a property's name. Output: the type's module and class, the property in lower camel case or
snake case. The rules are the provider's own: `provider/pkg/naming/naming.go` of pulumi/pulumi-aws-native (acronyms
are lowered but for their first letter, the last capital of a run belongs to the next word), and for Python
`PyName` of pulumi/pulumi's code generator.
"""

from __future__ import annotations

import keyword
import re
from functools import cache

_RUN = re.compile(r"[A-Z0-9]{2,}")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@cache
def lowered(name: str) -> str:
    """`DBInstance` as `DbInstance`, `SubnetARNs` as `SubnetArns`."""
    match = _RUN.search(name)
    if match is None:
        return name
    start, end = match.span()
    rest = name[end:]
    if rest and not re.match(r"s($|[A-Z0-9])", rest):
        end -= 1
    return name[: start + 1] + name[start + 1 : end].lower() + lowered(name[end:])


@cache
def camel(name: str) -> str:
    """A property as Pulumi's schema and TypeScript have it."""
    name = lowered(name)
    return name[:1].lower() + name[1:]


@cache
def snake(name: str) -> str:
    """A property as Python has it."""
    text = _CAPITAL.sub("_", camel(name)).lower()
    return f"{text}_" if keyword.iskeyword(text) else text


def module_of(type_name: str) -> str:
    """`AWS::RDS::DBInstance` gives `rds`."""
    return type_name.split("::")[1].lower()


def class_of(type_name: str) -> str:
    """`AWS::RDS::DBInstance` gives `DbInstance`."""
    return lowered(type_name.split("::")[2])


def token(type_name: str) -> str:
    """The type token, as state files and import files have it."""
    return f"aws-native:{module_of(type_name)}:{class_of(type_name)}"


@cache
def words(logical_id: str) -> tuple[str, ...]:
    """`OrdersDbDatabase5186dd` as words in lower case."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+", logical_id)
    return tuple(part.lower() for part in parts) or (logical_id.lower(),)
