"""Hands what the user's code names to a shim, where it stands and on the same line."""

from __future__ import annotations

import json
from typing import Any

from klotho.annotations.findings import Edit, construct_name
from klotho.annotations.languages.python.modules import Module, text_of
from klotho.annotations.languages.python.unit_files import FOLDER


def wrapped(module: Module, node: Any, shim: str, function: str, id: str | None = None) -> tuple[Edit, Edit]:
    """`node` as the last argument of a shim's function, after the name of what it uses."""
    opening = f'__import__("{FOLDER}.{shim}", fromlist=["{function}"]).{function}('
    if id is not None:
        opening += f"{json.dumps(construct_name(id))}, "
    start, end = node.start_byte, node.end_byte
    return Edit(module.path, start, start, opening.encode()), Edit(module.path, end, end, b")")


def qualified(module: Module, node: Any) -> str:
    """What a dotted name stands for: `redis.asyncio.Redis`, whatever the module calls it."""
    head, dot, rest = text_of(node).partition(".")
    for item in module.imports:
        if item.local == head and item.name is not None:
            return ".".join((*item.module, item.name)) + dot + rest
        if item.local == head and item.local != item.module[0]:  # import a.b as c
            return ".".join(item.module) + dot + rest
    return head + dot + rest


def is_at_top(target: Any) -> bool:
    return target.parent is not None and target.parent.type == "module"
