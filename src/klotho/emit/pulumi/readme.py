"""The README of a Pulumi export.

Input: an export and its programs. Output: Markdown: what is here, how to deploy it, what is different from Klotho.
"""

from __future__ import annotations

from klotho.emit.exported import Export
from klotho.emit.leaving import custom_resources, left_to_you
from klotho.emit.pulumi.program import StackProgram


def readme(export: Export, programs: tuple[StackProgram, ...], *, language: str, single: bool) -> str:
    lines = [
        f"# {export.application} as {'a Pulumi program' if single else 'Pulumi programs'}",
        "",
        f"Written by `klotho build --iac pulumi` for the environment `{export.environment}` in {export.region}. These",
        "files are yours: Klotho does not read them again, and writes over them when it is run again.",
        "",
        "## Deploy",
        "",
        "```sh",
    ]
    lines.append("pip install -r requirements.txt" if single and language == "python" else "")
    configured = any(program.stack.configured() for program in programs)
    folders = ["."] if single else [program.stack.name for program in programs]
    if language == "typescript":
        lines.append("npm install")
    lines += [f"pulumi --cwd {folder} stack init {export.environment}" for folder in folders]
    if configured:
        lines.append("SOURCE=path/of/the/program ./configure.sh   # builds, uploads, and tells the programs")
    lines += [f"pulumi --cwd {folder} up --stack {export.environment}" for folder in folders]
    lines += ["```", ""]
    if not single:
        lines += ["In this order: a stack reads what it needs from those before it by stack references.", ""]
    lines += left_to_you(export)
    lines += custom_resources(export, "an `aws.lambda.Invocation`")
    lines += [
        "## What is different from CloudFormation",
        "",
        "- Tags of the stacks are `defaultTags` of both providers, in `Pulumi.<stack>.yaml`.",
        "- What CloudFormation keeps or takes a snapshot of when its stack goes has `retainOnDelete`; what a protected",
        "  environment must not lose also has `protect`.",
        "- Resources without a name of their own are named by Pulumi after their name here.",
        "- `pulumi import --file import.json`, where that file is here, takes over what Klotho deployed.",
        "- `let-go.sh`, beside it, then deletes CloudFormation's stacks, and nothing that is in them.",
        "",
    ]
    return "\n".join(line for number, line in enumerate(lines) if line or lines[number - 1] != "```sh")
