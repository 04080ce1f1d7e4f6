"""Projections: the parts of an item that a list of document paths names.

Input: resolved paths and an item. Output: a new item with just those parts, list members closed up in order.
Refuses paths that overlap or conflict, in AWS's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from klotho.localcloud.services.dynamodb.errors import validation
from klotho.localcloud.services.dynamodb.values import Item

ResolvedPath = tuple[str | int, ...]
Tree = dict[str | int, "Tree | None"]
"""Which parts to keep: a leaf (None) keeps everything below it."""


def tree_of(paths: Iterable[ResolvedPath]) -> Tree:
    """Paths that do not overlap, as a tree."""
    root: Tree = {}
    for path in paths:
        node = root
        for part in path[:-1]:
            child = node.setdefault(part, {})
            if child is None:
                break
            node = child
        else:
            node[path[-1]] = None
    return root


def project(item: Item, tree: Tree) -> Item:
    """The named parts of the item."""
    kept: Item = {}
    for name, below in tree.items():
        value = item.get(name)  # type: ignore[arg-type]  # the top of a path is a name
        part = value if below is None or value is None else _part(value, below)
        if part is not None:
            kept[str(name)] = part
    return kept


def _part(value: dict[str, Any], tree: Tree) -> dict[str, Any] | None:
    if "M" in value:
        members: dict[str, Any] = {}
        for name, below in tree.items():
            child = value["M"].get(name)
            part = child if below is None or child is None else _part(child, below)
            if part is not None:
                members[str(name)] = part
        return {"M": members} if members else None
    if "L" in value:
        found = []
        for index in sorted(part for part in tree if isinstance(part, int)):
            if index < len(value["L"]):
                below = tree[index]
                child = value["L"][index]
                found.append(child if below is None else _part(child, below))
        kept = [part for part in found if part is not None]
        return {"L": kept} if kept else None
    return None


def check_overlap(paths: Sequence[ResolvedPath], parameter: str) -> None:
    """Refuse two paths of which one lies within the other, or that need a map and a list at one place."""
    if len(paths) < 2:
        return
    seen: list[ResolvedPath] = []
    for path in paths:
        for earlier in seen:
            _check_pair(earlier, path, parameter)
        seen.append(path)


def _check_pair(one: ResolvedPath, two: ResolvedPath, parameter: str) -> None:
    for left, right in zip(one, two, strict=False):
        if type(left) is not type(right):
            raise _clash("conflict", one, two, parameter)
        if left != right:
            return
    raise _clash("overlap", one, two, parameter)


def _clash(verb: str, one: ResolvedPath, two: ResolvedPath, parameter: str) -> Exception:
    return validation(
        f"Invalid {parameter}: Two document paths {verb} with each other; must remove or rewrite one of these paths; "
        f"path one: {_shown(one)}, path two: {_shown(two)}"
    )


def _shown(path: ResolvedPath) -> str:
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in path) + "]"
