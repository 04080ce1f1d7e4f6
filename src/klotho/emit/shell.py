"""What has to be there before stacks can be deployed, as a shell script that needs the AWS CLI and nothing of Klotho.

Input: an export. Output: the text of `prepare.sh`, which sets a shell variable for each value that stacks are given
from outside: where functions' zips lie, which image a container runs, which zone or certificate a domain has. Every
deployer step has its lines here; a step without any is an error, never left out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from klotho.emit.exported import Export
from klotho.resources import DeployerStep, PackageAsset
from klotho.stacks.model import AssetSource, ForeignSource, OutputSource, Site, StepSource

BUILT_FROM = ".klotho-build"
"""The folder of a function's zip with what its packages are built from: `deploy/functions/inside.py` writes it."""
REPOSITORY = "klotho-assets"
"""Of images: the one that the roles of containers in the templates may pull from."""
CONFIGURATION = "klotho-config.js"
"""The file a site's values are served in: `deploy/sites/files.py` writes the same."""


class UnknownStepError(KeyError):
    """A deployer step nobody wrote a script for."""


def asset_file(construct: str) -> str:
    """The name of a function's zip, without its ending: `book`, `book-relay` for what belongs to something else."""
    kind, _, name = construct.partition("/")
    plain = "".join(character if character.isalnum() else "-" for character in name)
    return plain if kind.startswith("Compute.") else f"{plain}-{kind.rpartition('.')[2].lower()}"


def preparation(export: Export) -> dict[str, str]:
    """The script, `prepare.sh`, and the template of the bucket it wants; it is sourced by the one that deploys, in the
    export's folder. Empty when nothing is needed."""
    assets = _variables(export, AssetSource)
    steps = _variables(export, StepSource)
    foreign = {
        name: source
        for stack in export.stacks
        for name, source in stack.inputs.items()
        if isinstance(source, ForeignSource)
    }
    if not assets and not steps and not foreign:
        return {}
    files: dict[str, str] = {}
    used = {asset.construct: asset for asset in export.assets}
    parts = [_HEAD.format(region=export.region, application=export.application)]
    if any(used[construct].type == "zip" for construct in assets):
        parts.append(_BUCKET.format(stack=f"{export.application}-artifacts"))
        files[_BUCKET_TEMPLATE] = json.dumps(_BUCKET_STACK, indent=2) + "\n"
    if any(used[construct].type != "zip" for construct in assets):
        parts.append(_REPOSITORY.format(repository=REPOSITORY))
    kinds = {source.step for sources in steps.values() for source in sources.values()}
    parts += [text for text, users in _FUNCTIONS if users & kinds]
    for name, other in sorted(foreign.items()):
        read = "aws cloudformation describe-stacks --output text --stack-name"
        query = shlex.quote(f"Stacks[0].Outputs[?OutputKey=='{other.output}'].OutputValue")
        parts.append(f'# Of {other.application}\n{name}="$({read} {other.stack_name} --query {query})"\n')
    for construct, variables in sorted(assets.items()):
        parts.append("\n".join([f"# {construct}", *_asset(used[construct], variables)]) + "\n")
    for step in export.steps:
        wanted = steps.get(step.construct, {})
        if wanted:
            parts.append("\n".join([f"# {step.construct}: {step.step}", *_step(step, wanted, export)]) + "\n")
    files["prepare.sh"] = "\n".join(parts)
    return files


def publication(export: Export, read: Callable[[OutputSource], str], head: str = "") -> str:
    """A script that uploads the files of sites. `read` gives the shell word for a stack's output; `head` has what those
    words need. Everything is asked about before each use but kept, and the CDN forgets what it has."""
    parts = [_PUBLISH.format(application=export.application, region=export.region), *([head] if head else [])]
    parts += ["\n".join(_site(site, read)) + "\n" for site in export.sites]
    return "\n".join(parts)


def _site(site: Site, read: Callable[[OutputSource], str]) -> Iterable[str]:
    properties = site.properties
    root = f'"$SOURCE"/{shlex.quote(str(properties.get("root") or "."))}'
    yield f"# {site.construct}"
    if properties.get("build"):
        yield f"(cd {root} && {shlex.join(str(word) for word in properties['build'])})"
    yield f"bucket={read(site.bucket)}"
    yield (
        f'aws s3 sync {root}/{shlex.quote(str(properties["directory"]))} "s3://$bucket" --delete'
        f' --exclude {CONFIGURATION} --exclude ".*" --cache-control no-cache'
    )
    if site.configuration:
        yield f"printf 'globalThis.klotho = Object.freeze({{' > {CONFIGURATION}"
        for name, pieces in sorted(site.configuration.items()):
            said = "".join(shlex.quote(piece) if isinstance(piece, str) else read(piece) for piece in pieces)
            yield f"""printf '%s: "%s", ' {shlex.quote(json.dumps(name))} {said} >> {CONFIGURATION}"""
        yield f"echo '}});' >> {CONFIGURATION}"
        yield (
            f'aws s3 cp {CONFIGURATION} "s3://$bucket/{CONFIGURATION}" --content-type "text/javascript; charset=utf-8"'
            " --cache-control no-cache"
        )
    yield f"aws cloudfront create-invalidation --distribution-id {read(site.distribution)} --paths '/*' > /dev/null"


def _variables(export: Export, kind: type[AssetSource] | type[StepSource]) -> dict[str, dict[str, Any]]:
    """By construct, the parameters it fills by name."""
    found: dict[str, dict[str, Any]] = {}
    for stack in export.stacks:
        for name, source in stack.inputs.items():
            if isinstance(source, kind):
                found.setdefault(source.construct, {})[name] = source
    return found


def _asset(asset: PackageAsset, variables: Mapping[str, AssetSource]) -> Iterable[str]:
    by_part = {source.part: name for name, source in sorted(variables.items())}
    if asset.type == "image":
        yield from _image(asset, by_part["image"])
        return
    file = f"assets/{asset_file(asset.construct)}"
    yield f"[ -f {file}.zip ] || {{ echo '{file}.zip is missing: `klotho eject` builds it' >&2; exit 1; }}"
    if "architecture" in by_part:
        yield f'{by_part["architecture"]}="$(cat {file}.architecture)"'
    if asset.type == "zip":
        yield f'{by_part["bucket"]}="$ARTIFACT_BUCKET"'
        for part, zip_ in (("key", f"{file}.zip"), ("layer", f"{file}-layer.zip")):
            if part in by_part:
                yield f'{by_part[part]}="functions/$(digest {zip_}).zip"'
                yield f'aws s3 cp --only-show-errors {zip_} "s3://$ARTIFACT_BUCKET/${by_part[part]}"'
        return
    yield from _function_image(asset, file, by_part["image"])


def _image(asset: PackageAsset, variable: str) -> Iterable[str]:
    properties = asset.properties
    context = f'"$SOURCE/{properties["context"]}"'
    arguments = [
        f" --build-arg {shlex.quote(f'{name}={value}')}"
        for name, value in sorted(dict(properties.get("build_args") or {}).items())
    ]
    platform = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}[str(properties["architecture"])]
    name = asset_file(asset.construct)
    file, before = f'"$SOURCE/{properties["dockerfile"]}"', ""
    if "adapter" in properties:  # what runs it on Lambda
        line = f"COPY --from={properties['adapter']} /lambda-adapter /opt/extensions/lambda-adapter"
        file, before = "-", f"{{ cat {file}; echo; echo {shlex.quote(line)}; }} | "
    yield (
        f"{before}docker build --quiet --platform {platform} --file {file}{''.join(arguments)}"
        f' --tag "$REPOSITORY:{name}" {context}'
    )
    yield f'{variable}="$(pushed {name})"'


def _function_image(asset: PackageAsset, file: str, variable: str) -> Iterable[str]:
    """The zip holds the package, and in a folder of its own what packages are built from inside the image."""
    name, image = asset_file(asset.construct), f"{file}.image"
    yield f"rm -rf {image} && mkdir -p {image}/package && unzip -q {file}.zip -d {image}/package"
    yield f"[ ! -d {image}/package/{BUILT_FROM} ] || mv {image}/package/{BUILT_FROM} {image}/"
    yield f'platform=linux/amd64; [ "$(cat {file}.architecture)" != arm64 ] || platform=linux/arm64'
    yield (f'docker build --quiet --platform "$platform" --file {file}.Dockerfile --tag "$REPOSITORY:{name}" {image}')
    yield f'{variable}="$(pushed {name})"'


def _step(step: DeployerStep, variables: Mapping[str, StepSource], export: Export) -> Iterable[str]:
    lines = _STEPS.get(step.step)
    if lines is None:
        raise UnknownStepError(step.step)
    for name, source in sorted(variables.items()):
        if source.step == step.step:
            yield from lines(step.properties, name, source.part)


def _zone(properties: Mapping[str, Any], variable: str, part: str) -> Iterable[str]:
    yield f'{variable}="$(zone_of {shlex.quote(str(properties["domain"]))})"'


def _certificate(properties: Mapping[str, Any], variable: str, part: str) -> Iterable[str]:
    region = "us-east-1" if part == "cloudfront" else '"$AWS_REGION"'
    files = " ".join(f'"$SOURCE/{properties[name]}"' for name in ("certificate", "key"))
    yield f'{variable}="$(imported {variable} {region} {files})"'


def _cdn_certificate(properties: Mapping[str, Any], variable: str, part: str) -> Iterable[str]:
    zone = properties.get("zone")
    domain = shlex.quote(str(properties["domain"]))
    where = shlex.quote(str(zone)) if zone else f'"$(zone_of {domain})"'
    yield f'{variable}="$(issued {domain} {where})"'


def _adopted(properties: Mapping[str, Any], variable: str, part: str) -> Iterable[str]:
    path = "".join(f"[{name}]" if name.isdecimal() else f".{name}" for name in part.split("."))
    region = shlex.quote(str(properties["region"])) if "region" in properties else '"$AWS_REGION"'
    words = " ".join(shlex.quote(str(properties[name])) for name in ("type", "identifier"))
    yield f'{variable}="$(found {region} {words} {shlex.quote(path)})"'


_STEPS: Mapping[str, Callable[[Mapping[str, Any], str, str], Iterable[str]]] = {
    "zone": _zone,
    "certificate": _certificate,
    "cdn-certificate": _cdn_certificate,
    "adopted": _adopted,
}

_HEAD = """\
# Makes what the stacks of {application} are given from outside, and sets a variable for each value.
# It is sourced, by a script that runs in this folder. Needs the AWS CLI, Docker for images, and jq
# for what is there already.
#   SOURCE           the program's folder, with the sources of containers and sites; the one above the output unless set
#   ARTIFACT_BUCKET  where functions' zips are uploaded; made, by a stack, unless set
#   REPOSITORY       where images are pushed; the roles of containers may pull from one named klotho-assets
: "${{AWS_REGION:={region}}}"
: "${{SOURCE:=../..}}"
export AWS_REGION
export AWS_DEFAULT_REGION="$AWS_REGION"
digest() {{ sha256sum "$1" | cut -c1-64; }}
ACCOUNT="$(aws sts get-caller-identity --query Account --output text)"
"""
_BUCKET_TEMPLATE = "artifacts.template.json"
_BUCKET_STACK = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "Where the code of functions is uploaded",
    "Resources": {
        "Artifacts": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
            },
        }
    },
    "Outputs": {"Bucket": {"Value": {"Ref": "Artifacts"}}},
}
_BUCKET = """\
if [[ -z "${{ARTIFACT_BUCKET:-}}" ]]; then
  aws cloudformation describe-stacks --stack-name {stack} > /dev/null 2>&1 ||
    aws cloudformation create-stack --stack-name {stack} --template-body file://artifacts.template.json > /dev/null
  until ARTIFACT_BUCKET="$(aws cloudformation describe-stacks --stack-name {stack} --output text \\
    --query 'Stacks[0].Outputs[0].OutputValue')" && [[ "$ARTIFACT_BUCKET" != None ]]; do sleep 2; done
fi
"""
_REPOSITORY = """\
: "${{REPOSITORY:=$ACCOUNT.dkr.ecr.$AWS_REGION.amazonaws.com/{repository}}}"
aws ecr describe-repositories --repository-names "${{REPOSITORY#*/}}" > /dev/null 2>&1 ||
  aws ecr create-repository --repository-name "${{REPOSITORY#*/}}" > /dev/null
aws ecr get-login-password | docker login --username AWS --password-stdin "${{REPOSITORY%%/*}}"
# Pushes the image of this tag and prints its address, pinned by content.
pushed() {{
  docker push --quiet "$REPOSITORY:$1" > /dev/null
  docker inspect --format '{{{{index .RepoDigests 0}}}}' "$REPOSITORY:$1"
}}
"""
_ZONE = """\
# The id of the public hosted zone with the longest name that a domain ends with.
zone_of() {
  local name="$1" found
  while [[ "$name" == *.* ]]; do
    found="$(aws route53 list-hosted-zones-by-name --dns-name "$name" --query \\
      "HostedZones[?Name=='$name.' && !Config.PrivateZone].Id | [0]" --output text)"
    if [[ "$found" != None ]]; then echo "${found##*/}"; return; fi
    name="${name#*.}"
  done
  echo "no hosted zone for $1" >&2
  return 1
}
"""
_IMPORTED = """\
# Imports a certificate into ACM, again into the same one after the first time, and prints its ARN.
imported() {
  local known="certificates/$1.arn" region="$2" pem="$3" key="$4" chain arguments=()
  mkdir -p certificates
  openssl x509 -in "$pem" -out "certificates/$1.pem"
  chain="$(awk '/BEGIN CERTIFICATE/ { n++ } n > 1' "$pem")"
  if [[ -n "$chain" ]]; then
    echo "$chain" > "certificates/$1.chain.pem"
    arguments+=(--certificate-chain "fileb://certificates/$1.chain.pem")
  fi
  if [[ -f "$known" ]]; then arguments+=(--certificate-arn "$(cat "$known")"); fi
  aws acm import-certificate --region "$region" --certificate "fileb://certificates/$1.pem" \\
    --private-key "fileb://$key" "${arguments[@]}" --query CertificateArn --output text | tee "$known"
}
"""
_ISSUED = """\
# Has ACM issue a certificate for a CDN, proved by a record in the zone, and prints its ARN.
issued() {
  local arn token record change
  token="$(printf %s "$1" | sha256sum | cut -c1-32)"
  arn="$(aws acm request-certificate --region us-east-1 --domain-name "$1" --validation-method DNS \\
    --idempotency-token "$token" --query CertificateArn --output text)"
  until record="$(aws acm describe-certificate --region us-east-1 --certificate-arn "$arn" --output text --query \\
    'Certificate.DomainValidationOptions[0].ResourceRecord.[Name,Value]')" && [[ "$record" != None* ]]; do sleep 5; done
  read -r name value <<< "$record"
  change='{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"%s","Type":"CNAME","TTL":300,'
  change+='"ResourceRecords":[{"Value":"%s"}]}}]}'
  # shellcheck disable=SC2059
  aws route53 change-resource-record-sets --hosted-zone-id "$2" \\
    --change-batch "$(printf "$change" "$name" "$value")" > /dev/null
  aws acm wait certificate-validated --region us-east-1 --certificate-arn "$arn"
  echo "$arn"
}
"""
_FOUND = """\
# A property of something that is there already, at a path of jq's.
found() {
  aws cloudcontrol get-resource --region "$1" --type-name "$2" --identifier "$3" --output text \\
    --query ResourceDescription.Properties | jq --exit-status --raw-output "$4"
}
"""
_FUNCTIONS = (
    (_ZONE, {"zone", "cdn-certificate"}),
    (_IMPORTED, {"certificate"}),
    (_ISSUED, {"cdn-certificate"}),
    (_FOUND, {"adopted"}),
)
"""What steps call, and which do."""
_PUBLISH = """\
#!/usr/bin/env bash
# Publishes the sites of {application}: uploads their files, and has the CDN forget what it holds of them.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
: "${{AWS_REGION:={region}}}"
: "${{SOURCE:=../..}}"
export AWS_REGION SOURCE
export AWS_DEFAULT_REGION="$AWS_REGION"
"""
