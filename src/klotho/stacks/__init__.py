"""How the resource graph is divided into stacks, and in which order they are deployed."""

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

__all__ = [
    "DIGEST",
    "AssetSource",
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
    "manifest_from_json",
    "manifest_to_json",
]
