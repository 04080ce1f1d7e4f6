"""The CloudFormation templates with a script that deploys them by the AWS CLI alone.

Input: an export and the files `render` gave. Output: files by path below the export's folder: the templates without
what only Klotho's deployer reads, `deploy.sh`, `publish.sh` for sites, a README. A function's `Metadata` names its zip
as SAM and the CDK do it, so that `sam local invoke` finds it. Source: AWS SAM Developer Guide, "Testing CDK
applications locally" (`aws:asset:path`, `aws:asset:property`).
"""

from __future__ import annotations

import functools
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from klotho.emit.exported import Export, ExportedStack
from klotho.emit.leaving import left_to_you
from klotho.emit.shell import asset_file, preparation, publication
from klotho.stacks.model import DIGEST, AssetSource, OutputSource

LARGEST_INLINE = 51_200
"""Bytes of a template the AWS CLI sends as it is; a larger one goes through a bucket."""
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def cloudformation_files(export: Export, files: Mapping[str, bytes]) -> dict[str, bytes]:
    templates = {
        stack.name: _template(stack, orjson.loads(files[f"cloudformation/{stack.name}.template.json"]))
        for stack in export.stacks
    }
    written = {f"templates/{name}.template.json": body for name, body in templates.items()}
    written["deploy.sh"] = "\n".join(_deploy(export)).encode()
    written |= {name: text.encode() for name, text in preparation(export).items()}
    if export.sites:
        read = functools.partial(_output, export)
        written["publish.sh"] = publication(export, read, _OUTPUT).encode()
    written["README.md"] = _readme(export).encode()
    return dict(sorted(written.items()))


def _template(stack: ExportedStack, document: dict[str, Any]) -> bytes:
    for section in ("Parameters", "Outputs"):
        document[section].pop(DIGEST, None)
        if not document[section]:
            del document[section]
    for logical_id, resource in document["Resources"].items():
        resource.get("Metadata", {}).pop("cfn-lint", None)
        if resource["Type"] == "AWS::Lambda::Function":
            construct = _asset_of(stack, resource["Properties"].get("Code", {}))
            if construct is not None:
                resource["Metadata"] |= {
                    "aws:asset:path": f"../assets/{asset_file(construct)}.zip",
                    "aws:asset:property": "Code",
                    "SamResourceId": logical_id,
                }
    return orjson.dumps(document, option=_OPTIONS)


def _asset_of(stack: ExportedStack, code: Mapping[str, Any]) -> str | None:
    """The construct whose zip the function's code is."""
    source = stack.inputs.get(str(code.get("S3Key", {}).get("Ref"))) if isinstance(code.get("S3Key"), dict) else None
    return source.construct if isinstance(source, AssetSource) else None


def _deploy(export: Export) -> Iterator[str]:
    yield _HEAD.format(
        application=export.application,
        environment=export.environment,
        region=export.region,
        largest=LARGEST_INLINE,
    )
    yield _OUTPUT
    if any(stack.configured() for stack in export.stacks):
        yield "source ./prepare.sh\n"
    for stack in export.stacks:
        yield "\n".join(_stack(stack, export)) + "\n"
    if export.sites:
        yield "./publish.sh"
    for name, source in sorted(export.shown.items()):
        yield f"echo {shlex.quote(f'{name}: ')}{_output(export, source)}"
    yield ""


def _stack(stack: ExportedStack, export: Export) -> Iterator[str]:
    about = (
        "of the project, shared by its applications"
        if stack.shared
        else ", ".join(sorted({item.origin.construct for item in stack.resources.values()}))
    )
    yield f"# {stack.name}: {about}"
    words = [
        f"deploy {shlex.quote(stack.stack_name)} templates/{stack.name}.template.json",
        "--tags " + " ".join(shlex.quote(f"Key={name},Value={value}") for name, value in stack.tags.items()),
    ]
    given = []
    for name, source in stack.inputs.items():
        if isinstance(source, OutputSource):
            given.append(f"ParameterKey={name},ParameterValue={_output(export, source)}")
        else:
            given.append(f'ParameterKey={name},ParameterValue="${name}"')
    if given:
        words.append(" \\\n    ".join(["--parameters", *given]))
    yield " \\\n  ".join(words)
    if any(item.protected for item in stack.resources.values()):
        name = shlex.quote(stack.stack_name)
        yield f"aws cloudformation update-termination-protection --enable-termination-protection --stack-name {name}"


def _output(export: Export, source: OutputSource) -> str:
    return f'"$(output {_stack_name(export, source.stack)} {source.output})"'


def _stack_name(export: Export, name: str) -> str:
    return shlex.quote(next(stack.stack_name for stack in export.stacks if stack.name == name))


def _readme(export: Export) -> str:
    return "\n".join(
        [
            f"# {export.application} as CloudFormation templates",
            "",
            f"Written by `klotho eject` for the environment `{export.environment}` in {export.region}. These files are",
            "yours: Klotho does not read them again, and writes over them when it is run again.",
            "",
            "## Deploy",
            "",
            "```sh",
            "SOURCE=path/of/the/program ./deploy.sh",
            "```",
            "",
            "The AWS CLI deploys each template in its order; a stack that was deployed by Klotho is updated, not made",
            "again. A value one stack needs of another is read from that one's outputs. `sam local invoke -t",
            "templates/NAME.template.json` runs a function on this machine.",
            "",
            *left_to_you(export),
        ]
    )


_HEAD = """\
#!/usr/bin/env bash
# Deploys {application} ({environment}), stack after stack, with the AWS CLI. Running it again updates what changed.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
: "${{AWS_REGION:={region}}}"
: "${{SOURCE:=../..}}"
export AWS_REGION SOURCE
export AWS_DEFAULT_REGION="$AWS_REGION"

# Makes or updates one stack and waits for it: its name, its template, then what CloudFormation is told besides.
deploy() {{
  local name="$1" template="$2" action=create-stack body said
  shift 2
  body=(--template-body "file://$template")
  if (($(wc -c < "$template") > {largest})); then
    aws s3 cp --only-show-errors "$template" "s3://${{ARTIFACT_BUCKET:?takes large templates}}/$template"
    body=(--template-url "https://$ARTIFACT_BUCKET.s3.$AWS_REGION.amazonaws.com/$template")
  fi
  if aws cloudformation describe-stacks --stack-name "$name" > /dev/null 2>&1; then action=update-stack; fi
  echo "$name" >&2
  if ! said="$(aws cloudformation "$action" --stack-name "$name" "${{body[@]}}" \\
    --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM "$@" 2>&1)"; then
    if [[ "$said" == *"No updates are to be performed"* ]]; then return; fi
    echo "$said" >&2
    return 1
  fi
  until said="$(aws cloudformation describe-stacks --stack-name "$name" --query 'Stacks[0].StackStatus' \\
    --output text)" && [[ "$said" != *_IN_PROGRESS ]]; do sleep 2; done
  if [[ "$said" == CREATE_COMPLETE || "$said" == UPDATE_COMPLETE ]]; then return; fi
  echo "$name: $said" >&2
  aws cloudformation describe-stack-events --stack-name "$name" --output text >&2 --query \\
    "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]"
  return 1
}}
"""
_OUTPUT = """\
# One value a stack shows; each stack is asked once.
outputs="$(mktemp -d)"
trap 'rm -rf "$outputs"' EXIT
output() {
  if [[ ! -f "$outputs/$1" ]]; then
    aws cloudformation describe-stacks --stack-name "$1" --output text \\
      --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]' > "$outputs/$1"
  fi
  awk -F '\\t' -v name="$2" '$1 == name { print $2 }' "$outputs/$1"
}
"""
