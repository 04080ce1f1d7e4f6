"""HCL text: values, attributes, blocks.

Input: values and nested lines. Output: text as `terraform fmt` would leave it. Knows no resources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

STEP = 2
WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = frozenset({"for", "if", "in", "null", "true", "false"})


class Expression(NamedTuple):
    """Text that is HCL already."""

    text: str


class Json(NamedTuple):
    """A value as JSON text."""

    value: Any


class Template(NamedTuple):
    """Text with expressions in it."""

    pieces: tuple[str | Expression, ...]


def literal(text: str) -> str:
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """The inside of a quoted text, in which nothing is an expression."""
    inner = json.dumps(text, ensure_ascii=not text.replace("\n", "").isprintable())[1:-1]
    return inner.replace("${", "$${").replace("%{", "%%{")


def value(item: Any, indent: int = 0, taken: int = 0) -> str:
    """`indent`: of the line it begins on; `taken`: characters before it on that line, beyond the indent."""
    kind = type(item)
    if kind is str:
        return literal(item)
    if kind is bool:
        return "true" if item else "false"
    if kind is Expression:
        return str(item.text)
    if kind is Template:
        inside = (escaped(piece) if isinstance(piece, str) else f"${{{piece.text}}}" for piece in item.pieces)
        return f'"{"".join(inside)}"'
    if kind is Json:
        return f"jsonencode({value(item.value, indent, taken + 12)})"
    if isinstance(item, Mapping):
        return _object(item, indent, taken)
    if kind is list:
        return _list(item, indent, taken)
    return json.dumps(item)


def _object(item: Mapping[str, Any], indent: int, taken: int) -> str:
    if not item:
        return "{}"
    keys = {name: _key(name) for name in item}
    values = {name: value(one, indent + STEP, len(keys[name]) + 3) for name, one in item.items()}
    flat = f"{{ {', '.join(f'{keys[name]} = {text}' for name, text in values.items())} }}"
    if "\n" not in flat and indent + taken + len(flat) <= WIDTH:
        return flat
    lines = aligned((keys[name], text) for name, text in values.items())
    inner = "".join(f"{' ' * (indent + STEP)}{line}\n" for line in lines)
    return f"{{\n{inner}{' ' * indent}}}"


def _list(item: list[Any], indent: int, taken: int) -> str:
    items = [value(one, indent + STEP) for one in item]
    flat = f"[{', '.join(items)}]"
    if "\n" not in flat and indent + taken + len(flat) <= WIDTH:
        return flat
    inner = "".join(f"{' ' * (indent + STEP)}{one},\n" for one in items)
    return f"[\n{inner}{' ' * indent}]"


def aligned(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Assignments, their signs in a column as long as each takes one line."""
    lines: list[str] = []
    run: list[tuple[str, str]] = []

    def flush() -> None:
        width = max((len(name) for name, _ in run), default=0)
        lines.extend(f"{name:<{width}} = {text}" for name, text in run)
        run.clear()

    for name, text in pairs:
        if "\n" in text:
            flush()
            lines.append(f"{name} = {text}")
        else:
            run.append((name, text))
    flush()
    return lines


def block(opening: str, attributes: Mapping[str, Any], nested: Iterable[str] = ()) -> str:
    """A block: its attributes, then blocks inside of it."""
    pairs = ((name, value(item, STEP, len(name) + 3)) for name, item in attributes.items())
    lines = "".join(f"  {line}\n" for line in aligned(pairs))
    inner = [lines] if lines else []
    inner += ["".join(f"  {line}\n" if line else "\n" for line in text.splitlines()) for text in nested]
    return f"{opening} {{\n{chr(10).join(inner)}}}\n" if inner else f"{opening} {{}}\n"


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name not in _WORDS else literal(name)
