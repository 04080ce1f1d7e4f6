"""A topology as a Mermaid flowchart, which GitHub, GitLab and many editors draw by themselves.

Input: a topology. Output: text. Names are quoted and escaped, whatever they hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from klotho.topology.model import EdgeKind, Group, Node, Topology

_ARROWS: Mapping[EdgeKind, str] = {"request": "-->", "data": "-->", "event": "-.->", "link": "-.->"}
_PLAIN = re.compile(r"[^\W_]|[ _/.,:(){}-]")
"""Characters that mean nothing to Mermaid inside of quotes; all others are written by number."""


def to_mermaid(topology: Topology) -> str:
    number = {node.id: f"n{index}" for index, node in enumerate(topology.nodes)}
    lines = ["---", f"title: {json.dumps(topology.title)}", "---", "flowchart LR"]
    lines += _inside(topology, None, number, "  ")
    for edge in topology.edges:
        label = "<br/>".join(_text(line) for line in edge.labels if line.strip())
        arrow = _ARROWS[edge.kind] + (f'|"{label}"|' if label else "")
        lines.append(f"  {number[edge.source]} {arrow} {number[edge.target]}")
    return "\n".join(lines) + "\n"


def _inside(topology: Topology, parent: str | None, number: Mapping[str, str], indent: str) -> Iterator[str]:
    """The members of a group; one without any is left out."""
    for node in topology.nodes:
        if node.group == parent:
            yield f'{indent}{number[node.id]}["{_node(node)}"]'
    for index, group in enumerate(topology.groups):
        if group.parent == parent:
            yield from _subgraph(topology, group, index, number, indent)


def _subgraph(topology: Topology, group: Group, index: int, number: Mapping[str, str], indent: str) -> Iterator[str]:
    members = list(_inside(topology, group.id, number, indent + "  "))
    if members:
        yield f'{indent}subgraph g{index}["{_text(group.title)}"]'
        yield from members
        yield f"{indent}end"


def _node(node: Node) -> str:
    return _text(node.title) + (f"<br/>{_text(node.subtitle)}" if node.subtitle.strip() else "")


def _text(text: str) -> str:
    written = "".join(
        character if _PLAIN.match(character) else f"#{ord(character)};" for character in " ".join(text.split())
    )
    # At the beginning of a label these are a list or a heading in Markdown.
    return re.sub(r"^(\d+)\.", r"\1#46;", re.sub(r"^-", "#45;", written)) or "#32;"
