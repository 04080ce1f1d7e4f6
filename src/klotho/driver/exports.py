"""`build --iac` and `eject` for the command line: the application as a program of another tool.

Input: a build, and how the export is wanted. Output: files by path. `eject` also builds functions' zips, and asks the
environment what is deployed, so that the export takes it over. Refuses what no target has a word for
(`export-type-unknown`, `export-value-unknown`), and options that mean nothing for a target (`export-option`). Changes
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from klotho.deploy.events import Sink
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.build import Build
from klotho.driver.session import Session, for_a_question

if TYPE_CHECKING:
    from klotho.deploy.functions.package import FunctionPackager, FunctionZip
    from klotho.emit.exported import Export, ExportedResource, ExportedStack
    from klotho.emit.imports import Identifiers
    from klotho.resources import PackageAsset

IACS = ("cloudformation", "pulumi", "terraform")
LANGUAGES = ("python", "typescript")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An export as it was asked for."""

    iac: str
    language: str | None = None
    """Pulumi's; Python unless named."""
    single: bool = False
    """Pulumi: one project for all stacks."""
    backend: str | None = None
    """Terraform's, which holds the state."""


@dataclass(frozen=True, slots=True)
class Ejected:
    """What `eject` wrote."""

    files: Mapping[str, bytes]
    imported: int = 0
    """Resources that an import file names."""
    unknown: tuple[str, ...] = ()
    """Logical ids of deployed resources no import file can name."""
    invoked: tuple[str, ...] = ()
    """Logical ids of custom resources, which are made again."""
    environment: str = ""
    images: tuple[str, ...] = field(default_factory=tuple)
    """Constructs whose image `prepare.sh` builds."""


def refuse_options(wanted: Wanted) -> None:
    """Failure for an option the target does not have."""
    from klotho.emit.terraform.folder import BACKENDS

    for option, given, target in (
        ("--language", wanted.language, "pulumi"),
        ("--single", wanted.single, "pulumi"),
        ("--backend", wanted.backend, "terraform"),
    ):
        if given and wanted.iac != target:
            raise Failure(
                "export-option",
                f"`{option}` means nothing with `--iac {wanted.iac}`",
                helps=(f"leave it out, or write `--iac {target}`",),
                exit_code=ExitCode.USAGE,
            )
    if wanted.backend is not None and wanted.backend not in BACKENDS:
        raise Failure(
            "export-option",
            f"Terraform has no backend `{wanted.backend}`",
            helps=(f"one of: {', '.join(BACKENDS)}",),
            exit_code=ExitCode.USAGE,
        )


def export_files(built: Build, wanted: Wanted) -> dict[str, bytes]:
    """The files by path below a folder with the target's name."""
    return _files(built, _export(built, wanted), wanted)


def eject(built: Build, wanted: Wanted, sink: Sink) -> Ejected:
    """The export with functions' zips, and with import files for what is deployed."""
    export = _export(built, wanted)
    files = _files(built, export, wanted)
    files |= _zips(built, wanted, sink)
    images = tuple(asset.construct for asset in export.assets if asset.type != "zip")
    found = None if wanted.iac == "cloudformation" else _identifiers(built, export, sink)
    if found is None or not (found.known or found.unknown):
        return Ejected(files, environment=built.environment.name, images=images)
    files |= _imports(export, wanted, found)
    return Ejected(files, len(found.known), found.unknown, found.invoked, built.environment.name, images)


def _export(built: Build, wanted: Wanted) -> Export:
    """Refused is what the target has no word for; CloudFormation has one for all."""
    from klotho.emit.classic import unsayable
    from klotho.emit.exported import UnknownIntrinsicError, exported

    try:
        export = exported(built.files, built.manifest)
    except UnknownIntrinsicError as error:
        raise Failure("export-value-unknown", str(error), helps=_BY_CLOUDFORMATION) from error
    if wanted.iac == "cloudformation":
        return export
    unknown = unsayable(export)
    if unknown:
        types = sorted({item.type for _, item in unknown})
        notes = tuple(_place(stack, item) for stack, item in unknown)
        said = f"neither Pulumi nor Terraform has a word for {', '.join(types)}"
        raise Failure("export-type-unknown", said, notes=notes, helps=_BY_CLOUDFORMATION)
    _refuse_values(export)
    return export


def _refuse_values(export: Export) -> None:
    from klotho.emit.exported import dynamic_in, named_in
    from klotho.emit.identity import UnknownReferenceError, attribute_of

    for stack, item in export.resources():
        for text in dynamic_in(item.properties):
            said = f"only CloudFormation reads `{text[text.index('{{resolve:') :][:80]}`"
            raise Failure("export-value-unknown", said, notes=(_place(stack, item),), helps=_BY_CLOUDFORMATION)
        for named in named_in(item.properties):
            try:
                attribute_of(stack.resources[named.resource].type, named.attribute)
            except UnknownReferenceError as error:
                said = f"it is not known what a reference to {stack.resources[named.resource].type} gives"
                notes = (_place(stack, item),)
                raise Failure("export-value-unknown", said, notes=notes, helps=_BY_CLOUDFORMATION) from error


def _place(stack: ExportedStack, item: ExportedResource) -> str:
    at = f" at {item.origin.span}" if item.origin.span else ""
    return f"`{item.logical_id}` in stack {stack.name}, of {item.origin.construct}{at}"


_BY_CLOUDFORMATION = ("`klotho eject --iac cloudformation` exports it: CloudFormation has every type",)


def _files(built: Build, export: Export, wanted: Wanted) -> dict[str, bytes]:
    from klotho.emit.eject import cloudformation_files
    from klotho.emit.pulumi.folder import pulumi_files
    from klotho.emit.terraform.folder import terraform_files

    if wanted.iac == "pulumi":
        files = pulumi_files(export, language=wanted.language or LANGUAGES[0], single=wanted.single)
    elif wanted.iac == "terraform":
        files = terraform_files(export, backend=wanted.backend)
    else:
        files = cloudformation_files(export, built.files)
    return {f"{wanted.iac}/{name}": content for name, content in files.items()}


def _zips(built: Build, wanted: Wanted, sink: Sink) -> dict[str, bytes]:
    from klotho.deploy.functions.package import FunctionPackager
    from klotho.deploy.images.function import dockerfile_for
    from klotho.deploy.target import LAMBDA
    from klotho.driver.machine import cache_folder
    from klotho.driver.session import target_of
    from klotho.emit.shell import asset_file

    wanted_zips = [asset for asset in built.manifest.assets if asset.type != "image"]
    target = LAMBDA if built.environment.target == "aws" else target_of(built.environment)
    packager = FunctionPackager(built.program.folder, cache_folder(), target)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda asset: _package(packager, asset), wanted_zips))
    files = {}
    for asset, zip_ in zip(wanted_zips, made, strict=True):
        stem = f"{wanted.iac}/assets/{asset_file(asset.construct)}"
        files[f"{stem}.zip"] = zip_.path.read_bytes()
        files[f"{stem}.architecture"] = f"{zip_.architecture}\n".encode()
        if zip_.layer is not None:
            files[f"{stem}-layer.zip"] = zip_.layer.read_bytes()
        if asset.type == "function-image":
            files[f"{stem}.Dockerfile"] = dockerfile_for(asset.properties, zip_.path).encode()
    return files


def _package(packager: FunctionPackager, asset: PackageAsset) -> FunctionZip:
    from klotho.deploy.functions.size import MAX_IMAGE_BYTES, MAX_UNZIPPED_BYTES

    limit = MAX_UNZIPPED_BYTES if asset.type == "zip" else MAX_IMAGE_BYTES
    return packager.package(asset.properties, lambda line: None, limit=limit)


def _identifiers(built: Build, export: Export, sink: Sink) -> Identifiers | None:
    """Of what is deployed; None where nothing ever was."""
    from klotho.emit.imports import Deployed, Surroundings, identifiers

    application, environment = built.application, built.environment
    with for_a_question(environment, application.project, sink) as opened:
        if opened is None:
            return None
        live = opened.calls.deployed(project=application.project, environment=environment.name)
        there = {}
        for stack in export.stacks:
            if stack.stack_name in live:
                physical = {
                    item["LogicalResourceId"]: item["PhysicalResourceId"]
                    for item in opened.calls.resources(stack.stack_name)
                    if item.get("PhysicalResourceId") and not item["ResourceStatus"].startswith("DELETE_COMPLETE")
                }
                there[stack.name] = Deployed(physical, live[stack.stack_name].parameters)
        return identifiers(export, there, Surroundings(_facts(opened), lambda address: _allocation(opened, address)))


def _facts(opened: Session) -> dict[str, str]:
    place = opened.clients.place
    identity = opened.clients.sts.get_caller_identity()
    return {"AccountId": place.account, "Region": place.region, "Partition": str(identity["Arn"]).split(":")[1]}


def _allocation(opened: Session, address: str) -> str | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = opened.clients.addresses.describe_addresses(PublicIps=[address])["Addresses"]
    except (BotoCoreError, ClientError):
        return None
    return str(found[0]["AllocationId"]) if found else None


def _imports(export: Export, wanted: Wanted, found: Identifiers) -> dict[str, bytes]:
    from klotho.emit.pulumi.imports import import_files
    from klotho.emit.terraform.folder import import_blocks

    if wanted.iac == "pulumi":
        files = import_files(export, found.known, single=wanted.single)
    else:
        files = {"imports.tf": import_blocks(export, found.known).encode()}
    return {f"{wanted.iac}/{name}": content for name, content in files.items()}
