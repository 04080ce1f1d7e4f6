"""The files of a Pulumi export.

Input: an export and how it is wanted. Output: files by path below the export's folder: a project a stack with stack
references between them, or one project with a module a stack (`single`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from klotho.emit.exported import Export, ExportedStack
from klotho.emit.pulumi import python, typescript
from klotho.emit.pulumi.program import StackProgram, needs_classic, programs
from klotho.emit.pulumi.readme import readme
from klotho.emit.shell import preparation, publication
from klotho.stacks.model import OutputSource

REQUIREMENTS = {
    "pulumi": ">=3.150,<4",
    "pulumi-aws-native": ">=1.79,<2",
    "pulumi-aws": ">=7,<8",
}
"""The providers' versions whose names the tests compare."""
PACKAGES = {
    "@pulumi/pulumi": "^3.150.0",
    "@pulumi/aws-native": "^1.79.0",
    "@pulumi/aws": "^7.0.0",
    "@types/node": "^22.0.0",
    "typescript": "^5.0.0",
}
LANGUAGES = ("python", "typescript")


def pulumi_files(export: Export, *, language: str, single: bool) -> dict[str, bytes]:
    written = programs(export, single=single)
    files = dict(_single(export, written, language) if single else _several(export, written, language))
    files["README.md"] = readme(export, written, language=language, single=single)
    if language == "typescript":
        files["package.json"] = _json({"name": export.application, "private": True, "dependencies": PACKAGES})
        files["tsconfig.json"] = _json(_TSCONFIG)
    preparing = preparation(export)
    if preparing:
        files |= preparing
        files["configure.sh"] = _configure(export, single)
    if export.sites:
        files["publish.sh"] = publication(export, lambda source: _read(export, source, single))
    return {name: text.encode() for name, text in sorted(files.items())}


def _read(export: Export, source: OutputSource, single: bool) -> str:
    folder = "." if single else source.stack
    return f'"$(pulumi --cwd {folder} stack output --stack {export.environment} {source.output})"'


def _several(export: Export, written: tuple[StackProgram, ...], language: str) -> Iterator[tuple[str, str]]:
    for program in written:
        folder = program.stack.name
        title = f"Stack {folder} of {export.application}, exported by Klotho."
        yield f"{folder}/Pulumi.yaml", _project(program.project, title, language, "../.venv")
        yield f"{folder}/Pulumi.{export.environment}.yaml", _configuration(export, program.stack.tags)
        if language == "python":
            yield f"{folder}/requirements.txt", _requirements(needs_classic(program))
            yield f"{folder}/__main__.py", python.module(program, single=False, title=title)
        else:
            yield f"{folder}/tsconfig.json", _json({"extends": "../tsconfig.json"})
            yield f"{folder}/index.ts", typescript.module(program, single=False, title=title)


def _single(export: Export, written: tuple[StackProgram, ...], language: str) -> Iterator[tuple[str, str]]:
    title = f"{export.application}, exported by Klotho."
    tags = {name: value for name, value in _common_tags(export.stacks).items() if name != "klotho:stack"}
    yield "Pulumi.yaml", _project(export.application, title, language, ".venv")
    yield f"Pulumi.{export.environment}.yaml", _configuration(export, tags)
    for program in written:
        about = f"Stack {program.stack.name} of {export.application}."
        if language == "python":
            name = python.module_name(program.stack.name)
            yield f"stacks/{name}.py", python.module(program, single=True, title=about)
        else:
            yield f"stacks/{program.stack.name}.ts", typescript.module(program, single=True, title=about)
    if language == "python":
        yield "requirements.txt", _requirements(any(needs_classic(program) for program in written))
        yield "stacks/__init__.py", f'"""The stacks of {export.application}."""\n'
        yield "__main__.py", python.main(export, written, title)
    else:
        yield "index.ts", typescript.main(export, written, title)


def _common_tags(stacks: tuple[ExportedStack, ...]) -> dict[str, str]:
    """What all stacks are tagged with alike."""
    first, *others = (stack.tags for stack in stacks)
    return {name: value for name, value in first.items() if all(tags.get(name) == value for tags in others)}


def _project(name: str, about: str, language: str, environment: str) -> str:
    lines = [f"name: {json.dumps(name)}", f"description: {json.dumps(about)}", "runtime:"]
    if language == "python":
        lines += ["  name: python", "  options:", "    toolchain: pip", f"    virtualenv: {environment}"]
    else:
        lines += ["  name: nodejs"]
    return "\n".join([*lines, ""])


def _configuration(export: Export, tags: Mapping[str, str]) -> str:
    """Every resource that takes tags gets the stack's, as CloudFormation does it."""
    lines = ["config:"]
    for provider in ("aws", "aws-native"):
        lines += [f"  {provider}:region: {json.dumps(export.region)}", f"  {provider}:defaultTags:", "    tags:"]
        lines += [f"      {json.dumps(name)}: {json.dumps(value)}" for name, value in tags.items()]
    return "\n".join([*lines, ""])


def _requirements(classic: bool) -> str:
    wanted = [name for name in REQUIREMENTS if classic or name != "pulumi-aws"]
    return "".join(f"{name}{REQUIREMENTS[name]}\n" for name in wanted)


def _configure(export: Export, single: bool) -> str:
    """Hands what `prepare.sh` made to the projects that want it."""
    lines = [
        "#!/usr/bin/env bash",
        "# Builds and uploads what the programs need, and tells them: `pulumi stack init` each of them first.",
        "set -euo pipefail",
        'cd "$(dirname "${BASH_SOURCE[0]}")"',
        "source ./prepare.sh",
        "",
    ]
    for stack in export.stacks:
        folder = "." if single else stack.name
        for name in stack.configured():
            where = f"--cwd {folder} --stack {export.environment}"
            lines.append(f'pulumi {where} config set {python.config_key(name)} "${name}"')
    return "\n".join([*lines, ""])


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


_TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "outDir": "bin",
        "target": "es2020",
        "module": "commonjs",
        "moduleResolution": "node",
        "skipLibCheck": True,
        "forceConsistentCasingInFileNames": True,
        "types": ["node"],
    },
}
