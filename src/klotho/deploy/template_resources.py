"""Templates as resources again, as far as what they cost and what rules say of them needs it.

Input: templates by stack. Output: resources by key, `<construct>:<stack>/<logical id>`. References within a stack lead
to resources, everything else that is known only at deploy is deferred. Refuses nothing. No calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.deploy.template import construct_of
from klotho.resources import Join, Provenance, Pseudo, Ref, Resource, ResourceKey, resource_key
from klotho.stacks import Origin

Templates = Mapping[str, Mapping[str, Any]]
"""By stack."""


def resources_of(
    templates: Templates, origins: Mapping[str, Mapping[str, Origin]] | None = None
) -> dict[ResourceKey, Resource]:
    """`origins`: those of the manifest, by stack and logical id; they say which rule made a resource."""
    found: dict[ResourceKey, Resource] = {}
    for stack, template in templates.items():
        entries = template.get("Resources", {})
        keys = {name: resource_key(construct_of(entry), f"{stack}/{name}") for name, entry in entries.items()}
        told = (origins or {}).get(stack, {})
        for name, entry in entries.items():
            properties = _read(entry.get("Properties", {}), keys)
            made = Provenance(told[name].rule if name in told else "template")
            found[keys[name]] = Resource(keys[name], str(entry.get("Type", "")), properties, origins=(made,))
    return found


def _read(value: Any, keys: Mapping[str, ResourceKey]) -> Any:
    if isinstance(value, list):
        return [_read(item, keys) for item in value]
    if not isinstance(value, Mapping):
        return value
    name, inside = next(iter(value.items())) if len(value) == 1 else ("", None)
    if name == "Ref" and isinstance(inside, str):
        return Ref(keys[inside]) if inside in keys else Pseudo(inside)  # type: ignore[arg-type]  # or a parameter
    if name == "Fn::GetAtt" and isinstance(inside, list) and len(inside) == 2 and inside[0] in keys:
        return Ref(keys[inside[0]], str(inside[1]))
    if name.startswith("Fn::"):
        return Join(tuple(_read(item, keys) for item in _pieces(inside)))
    return {name: _read(item, keys) for name, item in value.items()}


def _pieces(inside: Any) -> list[Any]:
    """What a function of CloudFormation is put together from."""
    flat = inside if isinstance(inside, list) else [inside]
    return [piece for item in flat for piece in (item if isinstance(item, list) else [item])]
