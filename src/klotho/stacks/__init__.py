"""How the resource graph is divided into stacks, and in which order they are deployed."""

from klotho.stacks.model import (
    AssetSource,
    Manifest,
    ManifestFormatError,
    Origin,
    OutputSource,
    Stack,
    StackOutput,
    manifest_from_json,
    manifest_to_json,
)

__all__ = [
    "AssetSource",
    "Manifest",
    "ManifestFormatError",
    "Origin",
    "OutputSource",
    "Stack",
    "StackOutput",
    "manifest_from_json",
    "manifest_to_json",
]
