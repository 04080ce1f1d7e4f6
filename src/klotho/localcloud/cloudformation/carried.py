"""Refuses properties a handler does not honour, by name, before an operation starts.

Input: a handler's `carries` and resolved properties. A dotted name restricts its property to the listed children;
`ANY` carries whatever there is (custom resources, whose functions decide).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from klotho.localcloud.cloudformation.errors import not_carried

Tree = dict[str, Any]
ANY = "*"


def check(logical_id: str, type_name: str, carries: Collection[str], properties: Mapping[str, Any]) -> None:
    """ApiError that names the first property not carried."""
    if ANY in carries:
        return
    for path in _uncarried(_tree(carries), properties, ""):
        raise not_carried(f"Property {path} of [{logical_id}] ({type_name})")


def _tree(carries: Iterable[str]) -> Tree:
    root: Tree = {}
    for path in carries:
        node = root
        for part in path.split("."):
            node = node.setdefault(part, {})
    return root


def _uncarried(node: Tree, value: Any, prefix: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _uncarried(node, item, prefix)
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if name not in node:
            yield f"{prefix}{name}"
        elif node[name]:
            yield from _uncarried(node[name], item, f"{prefix}{name}.")
