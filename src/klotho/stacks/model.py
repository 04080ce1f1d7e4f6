"""The manifest: what the emitters write and the deployer reads. It is `cloudformation/manifest.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from klotho.resources import DeployerStep, PackageAsset, Shared, shared_from_json, shared_to_json

SCHEMA_VERSION = 1

DIGEST = "KlothoDigest"
"""The parameter, and the output of the same name, that say what a stack was deployed with. Not a tag: CloudFormation
hands the stack's tags to every resource, so that each update would touch all of them."""


class ManifestFormatError(ValueError):
    """The JSON is no manifest this version can read."""


class OutputSource(NamedTuple):
    """A parameter filled from an upstream stack's output."""

    stack: str
    output: str


class AssetSource(NamedTuple):
    """A parameter filled by the asset step."""

    construct: str
    part: Literal["image", "bucket", "key", "layer", "architecture"]


class StepSource(NamedTuple):
    """A parameter filled by a deployer step."""

    construct: str
    step: str
    part: str


class ForeignSource(NamedTuple):
    """A parameter filled from an output of a stack of another application of the project."""

    application: str
    stack_name: str
    """The CloudFormation name."""
    output: str


Source = OutputSource | AssetSource | StepSource | ForeignSource
"""Where the value of a template's parameter comes from."""


class Origin(NamedTuple):
    """Where a resource of a template comes from, for messages; kept out of the template so that a moved line
    is no change."""

    construct: str
    rule: str
    span: str | None = None
    """`infra.py:12`."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One CloudFormation stack."""

    name: str
    """Short, for people: `orders`, `network`."""
    stack_name: str
    """The CloudFormation name: project, application, environment and stack, encoded."""
    template: str
    """File name beside the manifest."""
    digest: str
    """Of the template's bytes (SHA-256)."""
    parameters: Mapping[str, Source]
    depends_on: tuple[str, ...]
    """Short names of the stacks whose outputs it takes, sorted."""
    stateful: bool
    """Whether it holds data that a replacement or delete would lose."""
    constructs: tuple[str, ...]
    tags: Mapping[str, str]
    protected: bool = False
    """Whether CloudFormation is to refuse to delete it."""
    shared: bool = False
    """Whether it is the project's, of which this application says only what it needs itself."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By logical id."""


class StackOutput(NamedTuple):
    """A value shown to the user after `up`, and by `klotho outputs`: `shop-api.url`."""

    name: str
    stack: str
    output: str


@dataclass(frozen=True, slots=True)
class Site:
    """Files to publish once the stacks are up."""

    construct: str
    properties: Mapping[str, Any]
    """As `SiteFiles` has them."""
    bucket: OutputSource
    distribution: OutputSource
    configuration: Mapping[str, tuple[str | OutputSource, ...]] = field(default_factory=dict)
    """Values the pages are told, each as pieces of text."""

    @property
    def sources(self) -> frozenset[str]:
        """The stacks whose outputs it takes."""
        pieces = (piece for value in self.configuration.values() for piece in value)
        taken = [self.bucket, self.distribution, *(piece for piece in pieces if isinstance(piece, OutputSource))]
        return frozenset(item.stack for item in taken)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every stack in deployment order, and what must be built first."""

    application: str
    project: str
    environment: str
    region: str
    stacks: tuple[Stack, ...]
    """Topologically sorted; ties by name."""
    assets: tuple[PackageAsset, ...]
    outputs: tuple[StackOutput, ...]
    sites: tuple[Site, ...] = ()
    steps: tuple[DeployerStep, ...] = ()
    """What the deployer does beside building assets, by construct."""
    shared: Mapping[str, Shared] = field(default_factory=dict)
    """By construct id; empty for an application that is in no project."""

    def stack(self, name: str) -> Stack:
        return next(stack for stack in self.stacks if stack.name == name)


def manifest_to_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "schema": SCHEMA_VERSION,
        "application": manifest.application,
        "project": manifest.project,
        "environment": manifest.environment,
        "region": manifest.region,
        "stacks": [
            {
                "name": stack.name,
                "stack_name": stack.stack_name,
                "template": stack.template,
                "digest": stack.digest,
                "parameters": {name: source._asdict() for name, source in sorted(stack.parameters.items())},
                "depends_on": list(stack.depends_on),
                "stateful": stack.stateful,
                **({"protected": True} if stack.protected else {}),
                **({"shared": True} if stack.shared else {}),
                "constructs": list(stack.constructs),
                "tags": dict(sorted(stack.tags.items())),
                "origins": {name: origin._asdict() for name, origin in sorted(stack.origins.items())},
            }
            for stack in manifest.stacks
        ],
        "assets": [
            {"construct": asset.construct, "type": asset.type, "properties": dict(asset.properties)}
            for asset in manifest.assets
        ],
        "outputs": [output._asdict() for output in manifest.outputs],
        "sites": [_site_json(site) for site in manifest.sites],
        "steps": [
            {"construct": step.construct, "step": step.step, "properties": dict(step.properties)}
            for step in manifest.steps
        ],
        **({"shared": shared_to_json(manifest.shared)} if manifest.shared else {}),
    }


def manifest_from_json(data: Mapping[str, Any]) -> Manifest:
    """The manifest; ManifestFormatError for another schema or a shape that is not one."""
    if data.get("schema") != SCHEMA_VERSION:
        raise ManifestFormatError(f"the manifest has schema {data.get('schema')}, this Klotho reads {SCHEMA_VERSION}")
    try:
        return Manifest(
            application=data["application"],
            project=data["project"],
            environment=data["environment"],
            region=data["region"],
            stacks=tuple(_stack(item) for item in data["stacks"]),
            assets=tuple(PackageAsset(item["construct"], item["type"], item["properties"]) for item in data["assets"]),
            outputs=tuple(StackOutput(**item) for item in data["outputs"]),
            sites=tuple(_site(item) for item in data.get("sites", ())),
            steps=tuple(DeployerStep(**item) for item in data.get("steps", ())),
            shared=shared_from_json(data.get("shared", {})),
        )
    except (KeyError, TypeError) as error:
        raise ManifestFormatError(f"the manifest is damaged: {type(error).__name__}: {error}") from error


def _stack(item: Mapping[str, Any]) -> Stack:
    return Stack(
        name=item["name"],
        stack_name=item["stack_name"],
        template=item["template"],
        digest=item["digest"],
        parameters={name: _source(source) for name, source in item["parameters"].items()},
        depends_on=tuple(item["depends_on"]),
        stateful=item["stateful"],
        constructs=tuple(item["constructs"]),
        tags=item["tags"],
        protected=item.get("protected", False),
        shared=item.get("shared", False),
        origins={name: Origin(**origin) for name, origin in item["origins"].items()},
    )


def _site_json(site: Site) -> dict[str, Any]:
    return {
        "construct": site.construct,
        "properties": dict(site.properties),
        "bucket": site.bucket._asdict(),
        "distribution": site.distribution._asdict(),
        "configuration": {
            name: [piece if isinstance(piece, str) else piece._asdict() for piece in pieces]
            for name, pieces in sorted(site.configuration.items())
        },
    }


def _site(item: Mapping[str, Any]) -> Site:
    return Site(
        construct=item["construct"],
        properties=item["properties"],
        bucket=OutputSource(**item["bucket"]),
        distribution=OutputSource(**item["distribution"]),
        configuration={
            name: tuple(piece if isinstance(piece, str) else OutputSource(**piece) for piece in pieces)
            for name, pieces in item["configuration"].items()
        },
    )


def _source(item: Mapping[str, Any]) -> Source:
    if "stack_name" in item:
        return ForeignSource(**item)
    if "output" in item:
        return OutputSource(**item)
    return StepSource(**item) if "step" in item else AssetSource(**item)
