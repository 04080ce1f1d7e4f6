"""A topology as a Mermaid flowchart, which GitHub, GitLab and many editors draw by themselves.

Input: a topology. Output: text. Names are quoted and escaped, whatever they hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from klotho.topology.model import EdgeKind, Group, Node, Topology

_ARROWS: Mapping[EdgeKind, str] = {"request": "-->", "data": "-->", "event": "-.->", "link": "-.->"}
_PLAIN = re.compile(r"[^\W_]|[ _/.,:(){}-]")
"""Characters that mean nothing to Mermaid inside of quotes; all others are written by number."""


def to_mermaid(topology: Topology) -> str:
    number = {node.id: f"n{index}" for index, node in enumerate(topology.nodes)}
    lines = ["---", f"title: {json.dumps(topology.title)}", "---", "flowchart LR"]
    nodes: dict[str | None, list[Node]] = {}
    for node in topology.nodes:
        nodes.setdefault(node.group, []).append(node)
    groups: dict[str | None, list[tuple[int, Group]]] = {}
    for index, group in enumerate(topology.groups):
        groups.setdefault(group.parent, []).append((index, group))
    lines += _inside(None, _Members(nodes, groups, number), "  ")
    for edge in topology.edges:
        label = "<br/>".join(_text(line) for line in edge.labels if line.strip())
        arrow = _ARROWS[edge.kind] + (f'|"{label}"|' if label else "")
        lines.append(f"  {number[edge.source]} {arrow} {number[edge.target]}")
    return "\n".join(lines) + "\n"


class _Members(NamedTuple):
    """What is in each group, None for what is in none, and how nodes are called."""

    nodes: Mapping[str | None, list[Node]]
    groups: Mapping[str | None, list[tuple[int, Group]]]
    number: Mapping[str, str]


def _inside(parent: str | None, members: _Members, indent: str) -> Iterator[str]:
    """The members of a group; one without any is left out."""
    for node in members.nodes.get(parent, ()):
        yield f'{indent}{members.number[node.id]}["{_node(node)}"]'
    for index, group in members.groups.get(parent, ()):
        yield from _subgraph(group, index, members, indent)


def _subgraph(group: Group, index: int, members: _Members, indent: str) -> Iterator[str]:
    lines = list(_inside(group.id, members, indent + "  "))
    if lines:
        yield f'{indent}subgraph g{index}["{_text(group.title)}"]'
        yield from lines
        yield f"{indent}end"


def _node(node: Node) -> str:
    return _text(node.title) + (f"<br/>{_text(node.subtitle)}" if node.subtitle.strip() else "")


def _text(text: str) -> str:
    written = "".join(
        character if _PLAIN.match(character) else f"#{ord(character)};" for character in " ".join(text.split())
    )
    # At the beginning of a label these are a list or a heading in Markdown.
    return re.sub(r"^(\d+)\.", r"\1#46;", re.sub(r"^-", "#45;", written)) or "#32;"
