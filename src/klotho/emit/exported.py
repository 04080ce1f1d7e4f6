"""A compiled application as other tools can say it: stacks of resources whose values name each other.

Input: the files and the manifest that `render` gives. Output: an `Export`, read once from the templates, which the
renderings for Pulumi, Terraform and the AWS CLI share. What CloudFormation says by intrinsic functions is a typed node
here; `KlothoDigest`, by which Klotho sees what a stack was deployed with, is left out: nobody reads it after an export.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from klotho.resources import DeployerStep, PackageAsset
from klotho.stacks.model import DIGEST, Manifest, Origin, OutputSource, Site, Source, Stack

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_OPENING = "{{resolve:secretsmanager:"
_CLOSING = re.compile(r":SecretString:([^:{}]+)\}\}$")


class Of(NamedTuple):
    """What a resource of the same stack is called (`Ref`), or one of its attributes (`Fn::GetAtt`)."""

    resource: str
    """Its logical id."""
    attribute: str | None = None
    """Nested ones with dots."""


class Input(NamedTuple):
    """A value the stack is given."""

    name: str


class Place(NamedTuple):
    """A fact of the place deployed to."""

    fact: str
    """`AccountId`, `Partition`, `Region`, `StackName`, `URLSuffix`."""


class Zone(NamedTuple):
    """The n-th availability zone of the region."""

    ordinal: int


class BaseUrl(NamedTuple):
    """A URL without its path."""

    url: Of | Input


class Text(NamedTuple):
    """Text made of pieces, some known only at deploy."""

    pieces: tuple[Any, ...]


class SecretEntry(NamedTuple):
    """One entry of a secret's JSON, which is read at deploy and never written anywhere.

    Source: AWS CloudFormation User Guide, "Get a secret or secret value from Secrets Manager".
    """

    secret: Any
    """Its ARN or name."""
    entry: str


class UnknownIntrinsicError(ValueError):
    """A template says something no export has a word for."""


@dataclass(frozen=True, slots=True)
class ExportedResource:
    """One resource of a stack."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    """By CloudFormation's names."""
    depends_on: tuple[str, ...]
    """Logical ids of the same stack it waits for without naming them in a property."""
    kept: bool
    """Whether it outlives the stack, because it holds data."""
    protected: bool
    """Whether deleting it must be refused."""
    origin: Origin


class ExportedOutput(NamedTuple):
    """A value of a stack that others take or people see."""

    value: Any
    about: str | None


@dataclass(frozen=True, slots=True)
class ExportedStack:
    """One stack."""

    name: str
    stack_name: str
    """What CloudFormation calls it."""
    inputs: Mapping[str, Source]
    resources: Mapping[str, ExportedResource]
    """By logical id; each after what it names or waits for, those of a construct together as far as that allows."""
    outputs: Mapping[str, ExportedOutput]
    tags: Mapping[str, str]
    depends_on: tuple[str, ...]
    shared: bool

    def sources(self) -> dict[str, list[tuple[str, OutputSource]]]:
        """The inputs taken from other stacks, by stack."""
        found: dict[str, list[tuple[str, OutputSource]]] = {}
        for name, source in sorted(self.inputs.items()):
            if isinstance(source, OutputSource):
                found.setdefault(source.stack, []).append((name, source))
        return found

    def is_wired(self, name: str) -> bool:
        """Whether the input is another stack's output."""
        return isinstance(self.inputs[name], OutputSource)

    def configured(self) -> list[str]:
        """The inputs that come from outside: what is built and what deployer steps find out."""
        return sorted(name for name, source in self.inputs.items() if not isinstance(source, OutputSource))


@dataclass(frozen=True, slots=True)
class Export:
    """An application in one environment."""

    application: str
    project: str
    environment: str
    region: str
    stacks: tuple[ExportedStack, ...]
    """In deployment order."""
    shown: Mapping[str, OutputSource]
    """What `klotho outputs` shows, by its name there."""
    assets: tuple[PackageAsset, ...]
    steps: tuple[DeployerStep, ...]
    sites: tuple[Site, ...]

    def published(self) -> list[OutputSource]:
        """The outputs that publishing sites needs, sorted."""
        found = {source for site in self.sites for source in (site.bucket, site.distribution)}
        for site in self.sites:
            for pieces in site.configuration.values():
                found.update(piece for piece in pieces if isinstance(piece, OutputSource))
        return sorted(found)

    def resources(self) -> Iterator[tuple[ExportedStack, ExportedResource]]:
        for stack in self.stacks:
            for resource in stack.resources.values():
                yield stack, resource


def exported(files: Mapping[str, bytes], manifest: Manifest) -> Export:
    """Read the templates; `UnknownIntrinsicError` for an intrinsic function Klotho's emitter does not write."""
    return Export(
        application=manifest.application,
        project=manifest.project,
        environment=manifest.environment,
        region=manifest.region,
        stacks=tuple(
            _stack(stack, orjson.loads(files[f"cloudformation/{stack.template}"])) for stack in manifest.stacks
        ),
        shown={item.name: OutputSource(item.stack, item.output) for item in manifest.outputs},
        assets=manifest.assets,
        steps=manifest.steps,
        sites=manifest.sites,
    )


def _stack(stack: Stack, template: Mapping[str, Any]) -> ExportedStack:
    entries = template["Resources"]
    resources = {name: _resource(name, entry, stack, entries) for name, entry in entries.items()}
    outputs = {
        name: ExportedOutput(_value(output["Value"], entries), output.get("Description"))
        for name, output in sorted(template["Outputs"].items())
        if name != DIGEST
    }
    return ExportedStack(
        name=stack.name,
        stack_name=stack.stack_name,
        inputs={name: source for name, source in sorted(stack.parameters.items()) if name != DIGEST},
        resources=_ordered(resources),
        outputs=outputs,
        tags=dict(sorted(stack.tags.items())),
        depends_on=stack.depends_on,
        shared=stack.shared,
    )


def _resource(name: str, entry: Mapping[str, Any], stack: Stack, entries: Mapping[str, Any]) -> ExportedResource:
    kept = entry.get("DeletionPolicy", "Delete") != "Delete"
    return ExportedResource(
        logical_id=name,
        type=entry["Type"],
        properties={key: _value(value, entries) for key, value in entry.get("Properties", {}).items()},
        depends_on=tuple(entry.get("DependsOn", ())),
        kept=kept,
        protected=kept and stack.protected,
        origin=stack.origins[name],
    )


def _ordered(resources: Mapping[str, ExportedResource]) -> dict[str, ExportedResource]:
    """Each after what it needs; a stack has no circles, as CloudFormation would refuse it."""
    placed: dict[str, ExportedResource] = {}

    def place(name: str) -> None:
        if name in placed:
            return
        resource = resources[name]
        for needed in sorted({*resource.depends_on, *(item.resource for item in named_in(resource.properties))}):
            place(needed)
        placed[name] = resource

    for name in sorted(resources, key=lambda name: (resources[name].origin.construct, name)):
        place(name)
    return placed


def _value(value: Any, resources: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_value(item, resources) for item in value]
    if isinstance(value, str) and value.startswith(_OPENING):
        return _secret([value]) or value
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key == "Ref":
            return _named(inner, resources)
        if key == "Fn::GetAtt":
            return Of(inner[0], inner[1])
        if key == "Fn::Sub":
            return _text(inner, resources)
        if key == "Fn::Select" and inner[1] == {"Fn::GetAZs": ""}:
            return Zone(inner[0])
        if key == "Fn::Join" and _split(inner) is not None:
            return BaseUrl(_value(_split(inner), resources))
        if key.startswith("Fn::"):
            raise UnknownIntrinsicError(f"no export has a word for {key}")
    return {key: _value(item, resources) for key, item in value.items()}


def _split(joined: Any) -> Any:
    """The URL of which the first and third part are joined, as `intrinsics` takes its path away; None for any other."""
    if joined[0] == "//" and len(joined[1]) == 2:
        (first, parts), (second, _) = (item["Fn::Select"] for item in joined[1])
        if (first, second) == (0, 2):
            return parts["Fn::Split"][1]
    return None


def _named(name: str, resources: Mapping[str, Any]) -> Of | Input | Place:
    if name in resources:
        return Of(name)
    if name.startswith("AWS::"):
        return Place(name.removeprefix("AWS::"))
    return Input(name)


def _text(said: Any, resources: Mapping[str, Any]) -> Any:
    template, bases = (said, {}) if isinstance(said, str) else said
    pieces: list[Any] = []
    end = 0
    for match in _VARIABLE.finditer(template):
        pieces.append(template[end : match.start()])
        end, name = match.end(), match[1]
        if name.startswith("!"):
            pieces[-1] += f"${{{name[1:]}}}"
        elif name in bases:
            pieces.append(_value(bases[name], resources))
        else:
            owner, _, attribute = name.partition(".")
            pieces.append(Of(owner, attribute) if attribute else _named(name, resources))
    pieces.append(template[end:])
    joined = _joined(pieces)
    return _secret(joined) or Text(tuple(joined))


def _secret(pieces: list[Any]) -> SecretEntry | None:
    """The secret a text names as a whole: `{{resolve:secretsmanager:ARN:SecretString:password}}`."""
    if not pieces or not isinstance(pieces[0], str) or not pieces[0].startswith(_OPENING):
        return None
    found = _CLOSING.search(pieces[-1]) if isinstance(pieces[-1], str) else None
    if found is None:
        return None
    *inner, last = [pieces[0].removeprefix(_OPENING), *pieces[1:]]
    named = _joined([*inner, last.removesuffix(found[0])])
    return SecretEntry(named[0] if len(named) == 1 else Text(tuple(named)), found[1])


def _joined(pieces: list[Any]) -> list[Any]:
    """Neighbouring texts as one, without empty ones."""
    joined: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return joined


def dynamic_in(value: Any) -> Iterator[str]:
    """Every text in which CloudFormation alone puts a value from elsewhere: `{{resolve:ssm:name}}`."""
    if isinstance(value, str):
        if "{{resolve:" in value:
            yield value
    elif isinstance(value, Text):
        yield from dynamic_in([piece for piece in value.pieces if isinstance(piece, str)])
    elif isinstance(value, SecretEntry):
        yield from dynamic_in(value.secret)
    elif isinstance(value, dict):
        for item in value.values():
            yield from dynamic_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from dynamic_in(item)


def secrets_in(value: Any) -> Iterator[SecretEntry]:
    """Every entry of a secret that a value takes."""
    if isinstance(value, SecretEntry):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from secrets_in(item)


def named_in(value: Any) -> Iterator[Of]:
    """Every resource named anywhere inside a value."""
    if isinstance(value, Of):
        yield value
    elif isinstance(value, BaseUrl):
        yield from named_in(value.url)
    elif isinstance(value, Text):
        yield from named_in(list(value.pieces))
    elif isinstance(value, SecretEntry):
        yield from named_in(value.secret)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from named_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from named_in(item)
