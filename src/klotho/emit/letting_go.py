"""`let-go.sh`: CloudFormation forgets what another tool has taken over, and deletes nothing of it.

Input: an export. Output: the text of a script that needs the AWS CLI and jq. It works on what is deployed, not on what
was exported: every resource of each live template gets `DeletionPolicy: Retain`, the stacks are updated, and only when
each of them says so they are deleted. CloudFormation takes no update that changes nothing but a DeletionPolicy, hence
the output `LetGo`. Sources: AWS CloudFormation User Guide, "DeletionPolicy attribute", "Outputs".
"""

from __future__ import annotations

import shlex

from klotho.emit.eject import LARGEST_INLINE
from klotho.emit.exported import Export

FILE = "let-go.sh"


def letting_go(export: Export) -> str:
    """Without the project's stacks, which hold what its other applications use."""
    shared = [stack.stack_name for stack in export.stacks if stack.shared]
    said = [f"# Not {name}: other applications of the project are in it, too." for name in shared]
    own = [shlex.quote(stack.stack_name) for stack in reversed(export.stacks) if not stack.shared]
    return _SCRIPT.format(
        application=export.application,
        environment=export.environment,
        region=export.region,
        largest=LARGEST_INLINE,
        stacks="\n".join([*said, "stacks=(", *(f"  {name}" for name in own), ")"]),
    )


_SCRIPT = """\
#!/usr/bin/env bash
# CloudFormation lets go of {application} ({environment}): its stacks go, every resource stays. Run it once the new tool
# has imported them. It can be run again when it was interrupted. Needs the AWS CLI and jq.
#   ARTIFACT_BUCKET  for templates too large to be sent as they are; the one Klotho deployed with unless set
set -euo pipefail
: "${{AWS_REGION:={region}}}"
export AWS_REGION
export AWS_DEFAULT_REGION="$AWS_REGION"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
{stacks}

stack() {{
  aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0]' --output json 2> /dev/null
}}
template() {{
  aws cloudformation get-template --stack-name "$1" --query TemplateBody --output json |
    jq --compact-output 'if type == "string" then fromjson else . end'
}}
# How many resources of a template would be deleted with its stack.
losing() {{ jq '[.Resources[] | select(.DeletionPolicy != "Retain")] | length'; }}
# Waits, and prints what the stack has come to: nothing when it is gone.
settled() {{
  local now
  while now="$(stack "$1" | jq --raw-output .StackStatus)" && [[ "$now" == *_IN_PROGRESS ]]; do sleep 2; done
  echo "$now"
}}
# Begins to retain everything in a stack, unless it does already.
retain() {{
  local name="$1" file="$work/$1.json" body
  template "$name" > "$file"
  if [[ "$(losing < "$file")" == 0 ]]; then return; fi
  echo "$name: retaining everything" >&2
  jq --compact-output '.Resources[] += {{DeletionPolicy: "Retain"}}
    | .Outputs.LetGo = {{Value: "all of it is kept when the stack goes"}}' "$file" > "$file.kept"
  body=(--template-body "file://$file.kept")
  if (($(wc -c < "$file.kept") > {largest})); then
    : "${{ARTIFACT_BUCKET:=$(aws cloudformation describe-stack-resource --stack-name klotho-bootstrap --output text \\
      --logical-resource-id Artifacts --query StackResourceDetail.PhysicalResourceId)}}"
    aws s3 cp --only-show-errors "$file.kept" "s3://$ARTIFACT_BUCKET/let-go/$name.json"
    body=(--template-url "https://$ARTIFACT_BUCKET.s3.$AWS_REGION.amazonaws.com/let-go/$name.json")
  fi
  aws cloudformation update-stack --stack-name "$name" "${{body[@]}}" \\
    --parameters "$(jq '[.Parameters[]? | {{ParameterKey, UsePreviousValue: true}}]' "$work/$name.stack")" \\
    --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM > /dev/null
}}

live=()
for name in "${{stacks[@]}}"; do
  if stack "$name" > "$work/$name.stack"; then live+=("$name"); fi
done
for name in ${{live[@]+"${{live[@]}}"}}; do retain "$name"; done
for name in ${{live[@]+"${{live[@]}}"}}; do
  now="$(settled "$name")"
  if [[ "$now" != UPDATE_COMPLETE && "$now" != CREATE_COMPLETE ]] || [[ "$(template "$name" | losing)" != 0 ]]; then
    echo "$name: $now, and would delete something: no stack was deleted. Its events say why:" >&2
    echo "aws cloudformation describe-stack-events --stack-name $name" >&2
    exit 1
  fi
done
for name in ${{live[@]+"${{live[@]}}"}}; do
  echo "$name: letting go" >&2
  if jq --exit-status .EnableTerminationProtection "$work/$name.stack" > /dev/null; then
    aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name "$name" > /dev/null
  fi
  aws cloudformation delete-stack --stack-name "$name"
done
for name in ${{live[@]+"${{live[@]}}"}}; do
  now="$(settled "$name" || true)"
  if [[ -n "$now" ]]; then echo "$name: $now" >&2; exit 1; fi
done
"""
