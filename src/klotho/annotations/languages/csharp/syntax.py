"""What is asked of C#'s parse trees: names, texts, calls, attributes."""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator
from typing import Any

from klotho.annotations.comments import nodes_of
from klotho.annotations.languages.parsing import text_of as text_of

_STARTS = ("Run", "RunAsync", "UseEndpoints")
_TEXTS = ("string_literal", "verbatim_string_literal", "raw_string_literal")


def name_of(node: Any) -> str:
    """The last name of an expression or type, without its namespace and type arguments: `Pet` of `A.Pet<B>`."""
    while node is not None and node.type in ("qualified_name", "member_access_expression", "alias_qualified_name"):
        node = node.child_by_field_name("name")
    if node is not None and node.type in ("generic_name", "primary_constructor_base_type"):
        node = next(iter(node.named_children), None)
        return name_of(node)
    return text_of(node)


def string_of(node: Any) -> str | None:
    """A text without values in it: of `"a"`, `@"a"`, `\"\"\"a\"\"\"`, and of such texts with `+` between them."""
    if node is None:
        return None
    if node.type == "binary_expression" and text_of(node.child_by_field_name("operator")) == "+":
        left, right = (string_of(node.child_by_field_name(side)) for side in ("left", "right"))
        return left + right if left is not None and right is not None else None
    if node.type not in _TEXTS:
        return None
    text = text_of(node)
    if node.type == "raw_string_literal":
        return text.strip('"').strip()
    if node.type == "verbatim_string_literal":
        return text.removeprefix("@").removeprefix('"').removesuffix('"').replace('""', '"')
    return _unescaped(text.removeprefix('"').removesuffix('"'))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    with contextlib.suppress(UnicodeDecodeError):
        # Escapes of C# are those of Python, as far as they stand in paths.
        return re.sub(r"\\(?:u[0-9a-fA-F]{4}|.)", lambda found: codecs.decode(found[0], "unicode_escape"), text)
    return text


def call_of(invocation: Any) -> tuple[Any, str]:
    """The receiver and the method's name of an invocation; no receiver for `F()`."""
    function = invocation.child_by_field_name("function")
    if function is not None and function.type == "member_access_expression":
        return function.child_by_field_name("expression"), name_of(function.child_by_field_name("name"))
    if function is not None and function.type == "conditional_access_expression":
        return None, ""
    return None, name_of(function)


def arguments_of(invocation: Any) -> list[Any]:
    """The values of an invocation's arguments, in their order."""
    found = invocation.child_by_field_name("arguments")
    items = [] if found is None else [item for item in found.named_children if item.type == "argument"]
    return [item.named_children[-1] for item in items if item.named_children]


def strings_in(node: Any) -> list[str]:
    """Every text below a node: `new[] { "GET", "HEAD" }`."""
    return [text for item in nodes_of(node, _TEXTS) if (text := string_of(item)) is not None]


def attributes_of(declaration: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of a class or method, by their names without `Attribute`."""
    for child in declaration.named_children:
        if child.type == "attribute_list":
            for item in child.named_children:
                if item.type == "attribute":
                    yield name_of(item.child_by_field_name("name")).removesuffix("Attribute"), item


def values_of(attribute: Any) -> tuple[list[Any], dict[str, Any]]:
    """What an attribute is given: values in order, and by name. `Name = x` and `template: x` are both by name."""
    plain: list[Any] = []
    named: dict[str, Any] = {}
    for child in attribute.named_children:
        if child.type != "attribute_argument_list":
            continue
        for item in child.named_children:
            if item.type == "attribute_argument" and item.named_children:
                name = item.child_by_field_name("name")
                if name is None:
                    plain.append(item.named_children[-1])
                else:
                    named[text_of(name)] = item.named_children[-1]
    return plain, named


def modifiers_of(declaration: Any) -> set[str]:
    return {text_of(child) for child in declaration.children if child.type == "modifier"}


def starts(target: Any) -> bool:
    """Whether a statement runs an application or maps its endpoints; so may the methods in which it usually stands."""
    if target.type in ("method_declaration", "local_function_statement"):
        if text_of(target.child_by_field_name("name")) not in ("Main", "Configure"):
            return False
    elif target.type not in ("global_statement", "expression_statement", "return_statement"):
        return False
    return any(call_of(node)[1] in _STARTS for node in nodes_of(target, ("invocation_expression",)))
