"""The resource graph: what exists on AWS, which rule said so, and how changes fold into it.

`ResourceGraph` is the frozen result; `Change` is the only way to make one. Nothing mutates a graph.
"""

from klotho.resources.assets import DeployerStep, PackageAsset, SiteFiles
from klotho.resources.changes import (
    AddItem,
    AddResource,
    Adopt,
    Change,
    Choose,
    DependsOn,
    Precedence,
    Provenance,
    SetProperty,
)
from klotho.resources.fold import Folding, fold
from klotho.resources.graph import Choice, ResourceGraph
from klotho.resources.resource import (
    APPLICATION,
    SHARED,
    Decision,
    Resource,
    application_key,
    is_common,
    owner_of,
    resource_key,
    role_of,
    shared_key,
)
from klotho.resources.serialization import graph_to_json, value_to_json
from klotho.resources.shared import Export, Shared, shared_from_json, shared_to_json
from klotho.resources.values import (
    Asset,
    Foreign,
    Join,
    Provided,
    Pseudo,
    Ref,
    ResourceKey,
    Value,
    Zone,
    is_deferred,
    join,
    json_text,
    references_in,
    replaced,
)

__all__ = [
    "APPLICATION",
    "SHARED",
    "AddItem",
    "AddResource",
    "Adopt",
    "Asset",
    "Change",
    "Choice",
    "Choose",
    "Decision",
    "DependsOn",
    "DeployerStep",
    "Export",
    "Folding",
    "Foreign",
    "Join",
    "PackageAsset",
    "Precedence",
    "Provenance",
    "Provided",
    "Pseudo",
    "Ref",
    "Resource",
    "ResourceGraph",
    "ResourceKey",
    "SetProperty",
    "Shared",
    "SiteFiles",
    "Value",
    "Zone",
    "application_key",
    "fold",
    "graph_to_json",
    "is_common",
    "is_deferred",
    "join",
    "json_text",
    "owner_of",
    "references_in",
    "replaced",
    "resource_key",
    "role_of",
    "shared_from_json",
    "shared_key",
    "shared_to_json",
    "value_to_json",
]
