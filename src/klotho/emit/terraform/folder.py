"""The files of a Terraform export.

Input: an export and the backend that is to hold the state. Output: files by path below the export's folder: a root
module that wires a module a stack by their outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klotho.emit.exported import Export
from klotho.emit.leaving import custom_resources, left_to_you
from klotho.emit.pulumi.program import shown
from klotho.emit.shell import preparation, publication
from klotho.emit.terraform.hcl import Expression, block, literal
from klotho.emit.terraform.modules import Module, about, module, module_label, variable, versions, wires
from klotho.stacks.model import OutputSource

BACKENDS = ("azurerm", "consul", "gcs", "http", "kubernetes", "local", "pg", "s3")


def terraform_files(export: Export, *, backend: str | None) -> dict[str, bytes]:
    names = wires(export)
    modules = [module(stack, names) for stack in export.stacks]
    files = {f"modules/{one.stack.name}/{name}": text for one in modules for name, text in one.files.items()}
    files["main.tf"] = "\n".join(_root(export, modules, names))
    files["versions.tf"] = _versions(export, backend)
    configured = dict(sorted((name, stack.inputs[name]) for stack in export.stacks for name in stack.configured()))
    if configured:
        files["variables.tf"] = "\n".join(variable(names[name], about(source)) for name, source in configured.items())
    if shown(export):
        files["outputs.tf"] = "\n".join(_outputs(export, names))
    preparing = preparation(export)
    if preparing:
        files |= preparing
        files["configure.sh"] = _configure({names[name]: name for name in configured})
    if export.sites:
        files["publish.sh"] = publication(export, lambda source: f'"$(terraform output -raw {_label(source.output)})"')
    files["README.md"] = _readme(export, backend, bool(configured))
    return {name: text.encode() for name, text in sorted(files.items())}


def import_blocks(export: Export, identifiers: Mapping[str, str]) -> str:
    """Blocks by which Terraform takes over what is deployed; `identifiers` are Cloud Control's, by logical id."""
    blocks, names = [], wires(export)
    for stack in export.stacks:
        one = module(stack, names)
        for logical_id in stack.resources:
            if logical_id in identifiers:
                to = Expression(one.address(logical_id))
                blocks.append(block("import", {"to": to, "id": identifiers[logical_id]}))
    return "\n".join(blocks)


def _root(export: Export, modules: list[Module], names: Mapping[str, str]) -> Iterator[str]:
    yield f"# {export.application} ({export.environment}), exported by Klotho.\n"
    region = {"region": export.region}
    yield block('provider "aws"', region)
    yield block('provider "awscc"', region)
    for one in modules:
        given: dict[str, object] = {"source": f"./modules/{one.stack.name}"}
        for name, source in one.stack.inputs.items():
            given[names[name]] = Expression(
                f"module.{module_label(source.stack)}.{names[source.output]}"
                if isinstance(source, OutputSource)
                else f"var.{names[name]}"
            )
        upstream = sorted({source.stack for source in one.stack.inputs.values() if isinstance(source, OutputSource)})
        waits = [f"module.{module_label(name)}" for name in one.stack.depends_on if name not in upstream]
        if waits:
            given["depends_on"] = Expression(f"[{', '.join(waits)}]")
        yield block(f'module "{one.name}"', given)


def _versions(export: Export, backend: str | None) -> str:
    nested = []
    if backend == "s3":
        key = f"{export.project}/{export.application}/{export.environment}.tfstate"
        nested.append(
            block('backend "s3"', {"encrypt": True, "key": key, "region": export.region, "use_lockfile": True})
        )
    elif backend is not None:
        nested.append(block(f"backend {literal(backend)}", {}))
    return versions(("aws", "awscc"), nested)


def _outputs(export: Export, names: Mapping[str, str]) -> Iterator[str]:
    for name, source in shown(export).items():
        value = Expression(f"module.{module_label(source.stack)}.{names[source.output]}")
        yield block(f'output "{_label(name)}"', {"value": value})


def _label(name: str) -> str:
    label = "".join(letter if letter.isalnum() else "_" for letter in name)
    return f"the_{label}" if label[0].isdigit() else label


def _configure(configured: Mapping[str, str]) -> str:
    pairs = " ".join(f'"{variable}=${name}"' for variable, name in configured.items())
    return "\n".join(
        [
            "#!/usr/bin/env bash",
            "# Builds and uploads what the modules need, and writes it where Terraform looks for it.",
            "set -euo pipefail",
            'cd "$(dirname "${BASH_SOURCE[0]}")"',
            "source ./prepare.sh",
            f"printf '%s\\n' {pairs} |",
            "  sed -e 's/=/ = \"/' -e 's/$/\"/' > prepared.auto.tfvars",
            "",
        ]
    )


def _readme(export: Export, backend: str | None, configured: bool) -> str:
    lines = [
        f"# {export.application} as Terraform modules",
        "",
        f"Written by `klotho build --iac terraform` for the environment `{export.environment}` in {export.region}.",
        "These files are yours: Klotho does not read them again, and writes over them when it is run again. OpenTofu",
        "reads them as well.",
        "",
        "## Deploy",
        "",
        "```sh",
        *(
            ["SOURCE=path/of/the/program ./configure.sh   # builds and uploads what the modules need"]
            if configured
            else []
        ),
        f"terraform init{' -backend-config=bucket=NAME' if backend == 's3' else ''}",
        "terraform apply",
        "```",
        "",
        *left_to_you(export),
        *custom_resources(export, "an `aws_lambda_invocation`"),
        "## What is different from CloudFormation",
        "",
        "- Stacks are modules, and their tags are `local.tags` of each.",
        "- What CloudFormation keeps or takes a snapshot of when its stack goes has `prevent_destroy`.",
        "- `imports.tf`, where it is here, takes over what Klotho deployed with the first `terraform apply`.",
        "- `let-go.sh`, beside it, then deletes CloudFormation's stacks, and nothing that is in them.",
        "",
    ]
    return "\n".join(lines)
