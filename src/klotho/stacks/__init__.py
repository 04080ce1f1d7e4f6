"""How the resource graph is divided into stacks, and in which order they are deployed."""

from klotho.stacks.components import components
from klotho.stacks.model import (
    DIGEST,
    AssetSource,
    ForeignSource,
    Manifest,
    ManifestFormatError,
    Origin,
    OutputSource,
    Site,
    Source,
    Stack,
    StackOutput,
    StepSource,
    manifest_from_json,
    manifest_to_json,
)
from klotho.stacks.segment import PROJECT_STACK
from klotho.stacks.union import Disagreement, covers, union

__all__ = [
    "DIGEST",
    "PROJECT_STACK",
    "AssetSource",
    "Disagreement",
    "ForeignSource",
    "Manifest",
    "ManifestFormatError",
    "Origin",
    "OutputSource",
    "Site",
    "Source",
    "Stack",
    "StackOutput",
    "StepSource",
    "components",
    "covers",
    "manifest_from_json",
    "manifest_to_json",
    "union",
]
