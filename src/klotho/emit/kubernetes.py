"""Manifests of Kubernetes as files people read: what `Custom::KubernetesObjects` hold.

Input: the graph and the logical id of each resource. Output: YAML by path below the output folder, one file for what is
made together. Values that only a deployment knows stand as `${LogicalId.Attribute}`, as in the templates. What is
deployed are the templates; nothing reads these files. Refuses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from klotho.resources import Asset, Foreign, Join, Provided, Pseudo, Ref, ResourceGraph, ResourceKey

FOLDER = "kubernetes"
TYPE = "Custom::KubernetesObjects"
_INDENT = 2
_WORDS = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})
"""What YAML takes for something else than text."""


def manifests(graph: ResourceGraph, ids: Mapping[ResourceKey, str]) -> dict[str, bytes]:
    """One YAML file for each resource with objects, named after its logical id; none where there are none."""
    found = {}
    for resource in graph:
        if resource.type == TYPE:
            documents = (
                "\n".join(_lines(_plain(item, ids), 0)) + "\n" for item in resource.properties.get("Objects", ())
            )
            found[f"{FOLDER}/{ids[resource.key]}.yaml"] = "---\n".join(documents).encode()
    return found


def _plain(value: Any, ids: Mapping[ResourceKey, str]) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, ids) for item in value]
    if isinstance(value, Join):
        return "".join(str(_plain(piece, ids)) for piece in value.pieces)
    if isinstance(value, Ref):
        name = ids.get(value.resource, value.resource)
        return f"${{{name}.{value.attribute}}}" if value.attribute else f"${{{name}}}"
    if isinstance(value, Asset):
        return f"${{{value.part} of {value.construct}}}"
    if isinstance(value, Provided):
        return f"${{{value.step} of {value.construct}}}"
    if isinstance(value, Foreign):
        return f"${{{value.output} of {value.application}}}"
    return f"${{{value.name}}}" if isinstance(value, Pseudo) else value


def _lines(value: Any, depth: int) -> Iterator[str]:
    """YAML: blocks for what has something in it; text in JSON's quotes, which are YAML's too."""
    pad = " " * depth
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, dict | list) and item:
                yield f"{pad}{_key(name)}:"
                yield from _lines(item, depth + _INDENT)
            else:
                yield f"{pad}{_key(name)}: {json.dumps(item, ensure_ascii=False)}"
    else:
        for item in value:
            if isinstance(item, dict | list) and item:
                first, *rest = _lines(item, depth + _INDENT)
                yield f"{pad}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{pad}- {json.dumps(item, ensure_ascii=False)}"


def _key(name: str) -> str:
    plain = name.replace("-", "").replace("_", "").isalnum() and not name[:1].isdigit()
    return name if plain and name.lower() not in _WORDS else json.dumps(name)
