"""The types of what is decorated, as values: what `emitDecoratorMetadata` of tsconfig.json asks of a compiler.

Input: a module of TypeScript. Output: edits that write after the last decorator of a class, method or property what tsc
would add to it, `Reflect.metadata("design:paramtypes", […])`: the bundler that builds units does not know types. NestJS
finds by it what a constructor wants. A type that is no value when the program runs is `Object`. Source:
typescriptlang.org/tsconfig, "emitDecoratorMetadata"; TypeScript's src/compiler/transformers/typeSerializer.ts.
Other than tsc: enums, and aliases that stand in other files, are `Object`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from klotho.annotations.findings import Edit
from klotho.annotations.languages.javascript.modules import Module, text_of
from klotho.annotations.languages.javascript.tree import nodes_of

_CLASSES = ("class_declaration", "abstract_class_declaration", "class")
_PREDEFINED = {"string": "String", "number": "Number", "boolean": "Boolean", "bigint": "BigInt", "symbol": "Symbol"}
_NOTHING = ("undefined", "null", "void", "never")
_KINDS = {
    "array_type": "Array",
    "tuple_type": "Array",
    "readonly_type": "Array",
    "function_type": "Function",
    "constructor_type": "Function",
    "template_literal_type": "String",
}
_GLOBALS = frozenset(
    {"Array", "ArrayBuffer", "Boolean", "Buffer", "Date", "Error", "Function", "Map", "Number", "Object", "Promise"}
    | {"ReadonlyArray", "RegExp", "Set", "String", "Symbol", "URL", "Uint8Array", "WeakMap", "WeakSet"}
)
_MOST_ALIASES = 8


def metadata_edits(module: Module, types: Iterable[str]) -> Iterator[Edit]:
    """`types`: names that the module imports from files of the code base, and that are types there."""
    names = _Names(module, frozenset(types))
    for target, last in _decorated(module).values():
        added = "".join(f" @Reflect.metadata({json.dumps(key)}, {value})" for key, value in names.metadata(target))
        if added:
            yield Edit(module.path, last.end_byte, last.end_byte, added.encode())


def _decorated(module: Module) -> Mapping[int, tuple[Any, Any]]:
    """Classes, methods and properties with their last decorator."""
    found: dict[int, tuple[Any, Any]] = {}
    for decorator in nodes_of(module.root, ("decorator",)):
        target = decorator.parent
        if target is not None and target.type == "export_statement":
            target = target.child_by_field_name("declaration") or target.child_by_field_name("value")
        elif target is not None and target.type == "class_body":
            target = decorator.next_named_sibling
            while target is not None and target.type in ("decorator", "comment"):
                target = target.next_named_sibling
        if target is not None and target.type in (*_CLASSES, "method_definition", "public_field_definition"):
            found[target.id] = (target, decorator)
    return found


class _Names:
    """The values that a module's types stand for."""

    def __init__(self, module: Module, types: frozenset[str]) -> None:
        self._values = {
            binding.local for item in module.imports for binding in item.bindings if binding.local not in types
        }
        self._values |= {text_of(node.child_by_field_name("name")) for node in nodes_of(module.root, _CLASSES)}
        self._aliases = {
            text_of(node.child_by_field_name("name")): node.child_by_field_name("value")
            for node in nodes_of(module.root, ("type_alias_declaration",))
        }

    def metadata(self, target: Any) -> Iterator[tuple[str, str]]:
        if target.type in _CLASSES:
            constructor = _constructor(target)
            if constructor is not None:
                yield "design:paramtypes", self._parameters(constructor)
        elif target.type == "public_field_definition":
            yield "design:type", self._of(target.child_by_field_name("type"))
        else:
            yield from self._method(target)

    def _method(self, method: Any) -> Iterator[tuple[str, str]]:
        words = {child.type for child in method.children}
        result = method.child_by_field_name("return_type")
        if "get" in words:
            yield "design:type", self._of(result)
        elif "set" not in words:
            yield "design:type", "Function"
        yield "design:paramtypes", self._parameters(method)
        if "get" not in words and "set" not in words:
            without = "Promise" if "async" in words else "void 0"
            yield "design:returntype", self._of(result) if result is not None else without

    def _parameters(self, function: Any) -> str:
        found = function.child_by_field_name("parameters")
        given = [item for item in found.named_children if item.type in ("required_parameter", "optional_parameter")]
        return f"[{', '.join(self._parameter(item) for item in given)}]"

    def _parameter(self, parameter: Any) -> str:
        annotation, pattern = parameter.child_by_field_name("type"), parameter.child_by_field_name("pattern")
        if pattern is not None and pattern.type == "rest_pattern" and annotation is not None:
            inner = annotation.named_children[0]
            return self._of(inner.named_children[0]) if inner.type == "array_type" else "Object"
        return self._of(annotation)

    def _of(self, node: Any, depth: int = 0) -> str:
        while node is not None and node.type in ("type_annotation", "parenthesized_type") and node.named_children:
            node = node.named_children[0]
        if node is None or depth > _MOST_ALIASES:
            return "Object"
        if node.type == "predefined_type":
            return "void 0" if text_of(node) in _NOTHING else _PREDEFINED.get(text_of(node), "Object")
        if node.type == "literal_type":
            return _literal(node)
        if node.type == "union_type":
            return self._union(node, depth)
        if node.type == "type_predicate_annotation":
            return "Boolean"
        if node.type == "generic_type":
            node = node.child_by_field_name("name") or node.named_children[0]
        if node.type == "type_identifier":
            return self._named(text_of(node), depth)
        return _KINDS.get(node.type, "Object")

    def _named(self, name: str, depth: int) -> str:
        if name in self._aliases:
            return self._of(self._aliases[name], depth + 1)
        if name in ("Array", "ReadonlyArray"):
            return "Array"
        if name in self._values:
            return f'(typeof {name} === "function" ? {name} : Object)'
        return name if name in _GLOBALS else "Object"

    def _union(self, node: Any, depth: int) -> str:
        """What all members are but `null` and `undefined`; `Object` for several."""
        found = {self._of(item, depth + 1) for item in node.named_children} - {"void 0"}
        return found.pop() if len(found) == 1 else "Object" if found else "void 0"


def _literal(node: Any) -> str:
    inner = node.named_children[0] if node.named_children else node
    kinds = {
        "string": "String",
        "number": "Number",
        "true": "Boolean",
        "false": "Boolean",
        "unary_expression": "Number",
    }
    return "void 0" if inner.type in ("null", "undefined") else kinds.get(inner.type, "Object")


def _constructor(cls: Any) -> Any:
    body = cls.child_by_field_name("body")
    for item in body.named_children if body is not None else ():
        if item.type == "method_definition" and text_of(item.child_by_field_name("name")) == "constructor":
            return item
    return None
