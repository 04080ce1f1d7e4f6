"""One CloudFormation template per stack, and the manifest.

Input: the graph and the setting it was resolved in. Output: bytes that are the same for the same input. A value of
another stack becomes a parameter that the deployer fills from that stack's output of the same name (never an export,
which would lock the two together).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import orjson

from klotho.application import Construct, ConstructId, OutputRef, parse_text
from klotho.catalogue.foreign import as_told
from klotho.catalogue.lint import lint_exceptions
from klotho.catalogue.retention import LET_GO, retention
from klotho.catalogue.rules import Setting
from klotho.emit.bundle import Bundle
from klotho.emit.intrinsics import Scope, rendered
from klotho.emit.kubernetes import manifests
from klotho.resources import (
    Asset,
    DeployerStep,
    Export,
    Foreign,
    PackageAsset,
    Provided,
    Ref,
    Resource,
    ResourceGraph,
    ResourceKey,
    Shared,
    owner_of,
    references_in,
    role_of,
)
from klotho.resources.naming import logical_id, pascal, project_stack_name, short_hash, stack_name
from klotho.stacks.model import (
    DIGEST,
    AssetSource,
    ForeignSource,
    Manifest,
    Origin,
    OutputSource,
    Site,
    Source,
    Stack,
    StackOutput,
    StepSource,
    manifest_to_json,
)
from klotho.stacks.segment import PROJECT_STACK, Segmentation, segment

FOLDER = "cloudformation"
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
_PARAMETER_ABOUT = {
    "image": "Container image",
    "bucket": "Bucket of the code",
    "key": "Key of the code",
    "layer": "Key of the packages",
    "architecture": "Processor the code was made for",
}


@dataclass
class _Template:
    """A stack's template while it is written."""

    name: str
    resources: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    stateful: bool = False


def render(graph: ResourceGraph, setting: Setting, *, region: str) -> Bundle:
    """Templates and manifest for the environment the setting names."""
    writer = _Writer(graph, setting)
    manifest_stacks, files = [], {}
    for name in writer.segmentation.order:
        template = writer.templates[name]
        body = orjson.dumps(_document(template), option=_OPTIONS)
        file = f"{name}.template.json"
        files[f"{FOLDER}/{file}"] = body
        manifest_stacks.append(_stack(writer, template, file, body, setting))
    manifest = Manifest(
        application=setting.application.name,
        project=setting.application.project,
        environment=setting.environment,
        region=region,
        stacks=tuple(manifest_stacks),
        assets=_assets(setting),
        outputs=tuple(writer.shown),
        sites=_sites(writer),
        steps=_steps(setting),
        shared=writer.shared,
    )
    files[f"{FOLDER}/manifest.json"] = orjson.dumps(manifest_to_json(manifest), option=_OPTIONS)
    files |= manifests(graph, writer.ids)
    return Bundle(files, manifest, {name: key for key, name in writer.ids.items()})


class _Writer:
    """Writes every template of one graph: resources first, then what stacks take from each other."""

    def __init__(self, graph: ResourceGraph, setting: Setting) -> None:
        self.setting, self.graph = setting, graph
        self.segmentation: Segmentation = segment(
            graph, setting.application, holds_data=self._holds_data, shown=_shown_values(graph, setting)
        )
        self.ids = _logical_ids(graph, self.segmentation)
        self.templates = {name: _Template(name) for name in self.segmentation.order}
        self.shown: list[StackOutput] = []
        self.output_of: dict[OutputRef, OutputSource] = {}
        """Where each construct's outputs are to be had."""
        for resource in graph:
            self._resource(resource, self.segmentation.stack_of[resource.key])
        self._outputs()
        self._told_by_others()
        self.shared = dict(self._share(graph))

    def _resource(self, resource: Resource, stack: str) -> None:
        template, scope = self.templates[stack], self._scope(stack)
        references = self.graph.references(resource)
        for item in references:
            self._import(item, stack)
        entry: dict[str, Any] = {"Type": resource.type}
        if resource.properties:
            entry["Properties"] = rendered(resource.properties, scope)
        named = {item.resource for item in references if isinstance(item, Ref)}
        waits = [self.ids[key] for key in resource.depends_on if self._is_in(key, stack) and key not in named]
        if waits:
            entry["DependsOn"] = sorted(waits)
        remade, retained = self._is_remade(resource), retention(resource.type, resource.properties)
        if retained is not None and not remade:
            kept = self._keeps(resource)
            entry["DeletionPolicy"], entry["UpdateReplacePolicy"] = retained if kept else LET_GO
            template.stateful = template.stateful or kept
        entry["Metadata"] = {"klotho": {"construct": owner_of(resource.key), **({"remade": True} if remade else {})}}
        if ignored := lint_exceptions(resource):
            entry["Metadata"]["cfn-lint"] = {"config": {"ignore_checks": ignored}}
        template.origins[self.ids[resource.key]] = _origin(resource)
        template.resources[self.ids[resource.key]] = entry

    def _is_remade(self, resource: Resource) -> bool:
        implementation = self.setting.choices.get(ConstructId(owner_of(resource.key)))
        return implementation is not None and role_of(resource.key) in implementation.remade

    def _holds_data(self, resource: Resource) -> bool:
        return retention(resource.type, resource.properties) is not None and not self._is_remade(resource)

    def _keeps(self, resource: Resource) -> bool:
        construct = self.setting.application.by_id.get(ConstructId(owner_of(resource.key)))
        if construct is None or construct.id not in self.setting.choices:
            return True
        return self.setting.implementation(construct).keeps(construct, self.setting)

    def _import(self, item: Ref | Asset | Provided | Foreign, stack: str) -> None:
        """Make the value available in the stack: a parameter for what the deployer makes and other stacks' values."""
        template = self.templates[stack]
        if isinstance(item, Asset):
            name = self._asset_parameter(item)
            template.parameters[name] = {"Type": "String", "Description": _PARAMETER_ABOUT[item.part]}
            template.sources[name] = AssetSource(item.construct, item.part)
            return
        if isinstance(item, Provided):
            name = _provided_parameter(item)
            about = f"Filled by the deployer's step `{item.step}`"
            template.parameters[name] = {"Type": "String", "Description": about}
            template.sources[name] = StepSource(item.construct, item.step, item.part)
            return
        if isinstance(item, Foreign):
            name = _foreign_parameter(item)
            template.parameters[name] = {"Type": "String", "Description": f"From {item.application}"}
            template.sources[name] = ForeignSource(*item)
            return
        home = self.segmentation.stack_of[item.resource]
        if home == stack:
            return
        name = self._output_name(item)
        template.parameters[name] = {"Type": "String", "Description": f"From stack {home}"}
        template.sources[name] = OutputSource(home, name)
        self._hand_out(item)

    def _hand_out(self, item: Ref) -> str:
        """Make the value an output of its stack; returns its name."""
        home, name = self.segmentation.stack_of[item.resource], self._output_name(item)
        self.templates[home].outputs[name] = {"Value": rendered(item, self._scope(home))}
        return name

    def _share(self, graph: ResourceGraph) -> Iterator[tuple[str, Shared]]:
        """What other applications of the project may take, whether or not one does: their coming changes nothing."""
        application = self.setting.application
        for construct, refs in _shared_refs(graph, self.setting):
            exports = []
            for item in refs:
                home = stack_name(
                    application.project,
                    application.name,
                    self.setting.environment,
                    self.segmentation.stack_of[item.resource],
                )
                exports.append(Export(role_of(item.resource), item.attribute, home, self._hand_out(item)))
            yield construct.id, Shared(self.setting.implementation(construct).name, tuple(exports))

    def _outputs(self) -> None:
        """What `klotho outputs` shows of each construct."""
        names = Counter(construct.label for construct in self.setting.application.constructs)
        # The last part of a divided stack that has something of the construct: no part takes values of a later one.
        homes = {item: stack for stack in self.segmentation.order for item in self.segmentation.constructs[stack]}
        for construct in self.setting.application.constructs:
            if self.setting.adopted(construct) is not None or construct.id not in homes:
                continue  # it is in no stack of ours
            implementation = self.setting.choices[construct.id]
            title = construct.label if names[construct.label] == 1 else f"{construct.kind}/{construct.label}"
            for output, spec in implementation.outputs.items():
                if spec.secret:
                    continue
                stack = homes.get(construct.id)
                if stack is None:  # all it means lies in stacks of others
                    continue
                value = spec.value(construct, self.setting)
                for item in references_in(value):
                    self._import(item, stack)
                kind = construct.kind.rpartition(".")[2]
                name = f"{pascal(construct.name)}{kind}{pascal(output)}"
                self.templates[stack].outputs[name] = {
                    "Value": rendered(value, self._scope(stack)),
                    "Description": f"{construct.title}: {spec.about}",
                }
                self.output_of[OutputRef(construct.id, output)] = OutputSource(stack, name)
                if not spec.internal:
                    self.shown.append(StackOutput(f"{title}.{output}", stack, name))

    def _told_by_others(self) -> None:
        """What pages are told of foreign constructs: outputs of the site's own stack, since only those are read."""
        setting = self.setting
        for construct in setting.application.constructs:
            files = setting.choices[construct.id].files(construct, setting)
            for text in files.configuration.values() if files is not None else ():
                for piece in parse_text(text):
                    if isinstance(piece, OutputRef) and setting.foreign(setting.application.construct(piece.construct)):
                        self._pass_on(piece, self._home(construct))

    def _pass_on(self, told: OutputRef, stack: str) -> None:
        """A foreign construct's output as an output of this stack."""
        construct = self.setting.application.construct(told.construct)
        spec = self.setting.choices[construct.id].outputs[told.output]
        value = as_told(spec.value(construct, self.setting), self.setting)
        for item in references_in(value):
            self._import(item, stack)
        name = f"{pascal(construct.name)}{construct.kind.rpartition('.')[2]}{pascal(told.output)}Told"
        self.templates[stack].outputs[name] = {"Value": rendered(value, self._scope(stack))}
        self.output_of[told] = OutputSource(stack, name)

    def _home(self, construct: Construct) -> str:
        """A stack that has something of the construct: the last one, as no part takes values of a later one."""
        return next(
            stack for stack in reversed(self.segmentation.order) if construct.id in self.segmentation.constructs[stack]
        )

    def _is_in(self, key: ResourceKey, stack: str) -> bool:
        return self.segmentation.stack_of[key] == stack

    def _scope(self, stack: str) -> Scope:
        return Scope(
            local=lambda key: self.ids[key] if self._is_in(key, stack) else None,
            parameter=self._parameter,
        )

    def _parameter(self, item: Ref | Asset | Provided | Foreign) -> str:
        if isinstance(item, Asset):
            return self._asset_parameter(item)
        if isinstance(item, Foreign):
            return _foreign_parameter(item)
        return _provided_parameter(item) if isinstance(item, Provided) else self._output_name(item)

    def _output_name(self, item: Ref) -> str:
        attribute = "".join(part[0].upper() + part[1:] for part in (item.attribute or "Ref").split("."))
        return f"{self.ids[item.resource]}{attribute}"

    def _asset_parameter(self, item: Asset) -> str:
        suffix = {
            "image": "Image",
            "bucket": "CodeBucket",
            "key": "CodeKey",
            "layer": "LayerKey",
            "architecture": "Architecture",
        }[item.part]
        kind, _, name = item.construct.partition("/")
        # A function that belongs to something else must not be taken for one of the same name.
        owner = "" if kind.startswith("Compute.") else kind.rpartition(".")[2]
        return f"{pascal(name)}{owner}{suffix}"


def _shown_values(graph: ResourceGraph, setting: Setting) -> dict[str, list[Any]]:
    """The values that become outputs, by construct."""
    shown = {
        str(construct.id): [
            spec.value(construct, setting) for spec in setting.choices[construct.id].outputs.values() if not spec.secret
        ]
        for construct in setting.application.constructs
        if setting.adopted(construct) is None and setting.foreign(construct) is None
    }
    for construct, refs in _shared_refs(graph, setting):
        if refs:
            shown[construct.id] += refs
    return shown


def _shared_refs(graph: ResourceGraph, setting: Setting) -> Iterator[tuple[Construct, list[Ref]]]:
    """What others of the project may take of each construct that is made here."""
    if not setting.application.in_project:
        return
    owners = graph.by_owner()
    for construct in setting.application.constructs:
        if setting.foreign(construct) is not None:
            continue
        made = () if setting.adopted(construct) is not None else owners.get(construct.id, ())
        shares = setting.implementation(construct).shares(construct, setting)
        yield (
            construct,
            [
                Ref(resource.key, attribute)
                for resource in made
                for role, attribute in shares
                if fnmatchcase(role_of(resource.key), role)
            ],
        )


def _foreign_parameter(item: Foreign) -> str:
    return f"{pascal(item.application)}Has{item.output}"


def _provided_parameter(item: Provided) -> str:
    kind, _, name = item.construct.partition("/")
    part = re.sub(r"[^A-Za-z0-9]+", "-", item.part)
    if kind == "Domain":
        return logical_id(name, f"{item.step}-{part}")
    # Two kinds may have a construct of one name.
    return f"{pascal(name)}{kind.rpartition('.')[2]}{pascal(item.step)}{''.join(part.split('-'))}"


def _logical_ids(graph: ResourceGraph, segmentation: Segmentation) -> dict[ResourceKey, str]:
    """Ids unique in the whole application, so that a resource keeps its id when it moves between stacks."""
    taken: dict[str, ResourceKey] = {}
    ids: dict[ResourceKey, str] = {}
    for key in graph.resources:
        owner, role = owner_of(key).partition("/")[2], role_of(key)
        plain = "-".join(part for part in role.split("-") if part)
        if not plain.replace("-", "").isalnum():
            plain = f"{_readable(plain)}-{short_hash(role)}"
        text = logical_id(owner, plain) if owner else "".join(word.capitalize() for word in plain.split("-"))
        if text in taken:
            text = f"{text}{short_hash(key)}"
        taken[text] = key
        ids[key] = text[:255]
    return ids


def _readable(role: str) -> str:
    words = "".join(character if character.isalnum() else "-" for character in role).split("-")
    return "-".join(word for word in words if word)


def _origin(resource: Resource) -> Origin:
    first = resource.origins[0]
    return Origin(owner_of(resource.key), first.rule, str(first.spans[0]) if first.spans else None)


def _document(template: _Template) -> Mapping[str, Any]:
    document: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Klotho stack {template.name}",
        "Resources": template.resources,
    }
    digest = {"Type": "String", "Description": "What the stack is deployed with, filled by the deployer"}
    document["Parameters"] = {**template.parameters, DIGEST: digest}
    document["Outputs"] = {**template.outputs, DIGEST: {"Value": {"Ref": DIGEST}}}
    return document


def _stack(writer: _Writer, template: _Template, file: str, body: bytes, setting: Setting) -> Stack:
    application = setting.application
    sources = template.sources
    upstream = {source.stack for source in sources.values() if isinstance(source, OutputSource)}
    shared = application.in_project and template.name == PROJECT_STACK
    tags = {
        "klotho:project": application.project,
        "klotho:application": application.name,
        "klotho:environment": setting.environment,
        "klotho:stack": template.name,
    }
    if shared:
        del tags["klotho:application"]
    return Stack(
        name=template.name,
        stack_name=project_stack_name(application.project, setting.environment, template.name)
        if shared
        else stack_name(application.project, application.name, setting.environment, template.name),
        template=file,
        digest=hashlib.sha256(body).hexdigest(),
        parameters=sources,
        depends_on=tuple(sorted(upstream | writer.segmentation.depends_on[template.name])),
        stateful=template.stateful,
        constructs=writer.segmentation.constructs[template.name],
        tags=tags,
        protected=template.stateful and setting.policy.protect,
        shared=shared,
        origins=template.origins,
    )


def _assets(setting: Setting) -> tuple[PackageAsset, ...]:
    made_of = [(item, setting.choices[item.id]) for item in setting.application.constructs]
    found = {asset.construct: asset for item, choice in made_of if (asset := choice.asset(item, setting)) is not None}
    for _, choice in made_of:
        if choice.common_asset is not None:
            common = choice.common_asset(setting)
            found[common.construct] = common
    return tuple(found[name] for name in sorted(found))


def _sites(writer: _Writer) -> tuple[Site, ...]:
    setting = writer.setting
    found = []
    for construct in setting.application.constructs:
        files = setting.choices[construct.id].files(construct, setting)
        if files is not None:
            configuration = {
                name: tuple(
                    writer.output_of[piece] if isinstance(piece, OutputRef) else piece for piece in parse_text(text)
                )
                for name, text in files.configuration.items()
            }
            bucket = writer.output_of[OutputRef(construct.id, "bucket")]
            distribution = writer.output_of[OutputRef(construct.id, "distribution_id")]
            found.append(Site(files.construct, files.properties, bucket, distribution, configuration))
    return tuple(sorted(found, key=lambda site: site.construct))


def _steps(setting: Setting) -> tuple[DeployerStep, ...]:
    found = (step for item in setting.application.constructs for step in setting.choices[item.id].steps(item, setting))
    return tuple(sorted(found, key=lambda step: (step.construct, step.step)))
