"""What an account needs once per region before anything is deployed there: one small stack.

Input: clients of the account. Output: the stack `klotho-bootstrap`: a bucket for artifacts (templates, zips, revisions,
leases), a bucket for the models of projects, a repository for container images, and a role to deploy with, which
GitHub Actions of named repositories may take on. Made with the person's consent, updated when this version needs more.
Refuses (`bootstrap-refused`) to go on without it, and one that a newer Klotho made and changed in a way this one does
not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.deploy.place import Clients, Place
from klotho.deploy.stacks import DeployedStack, Request, StackCalls
from klotho.diagnostics import Failure
from klotho.stacks import DIGEST

STACK_NAME = "klotho-bootstrap"
VERSION = 1
"""Raised when a deployment needs something of the stack that older ones lack."""
BUCKET_STEM = "klotho-artifacts"
"""Of the artifact bucket: account and region follow."""
STORE_STEM = "klotho-projects"
"""Of the bucket with the models of projects."""
REPOSITORY = "klotho-assets"
"""Of all container images of the region, told apart by their tags. Task execution roles may pull from it."""

GITHUB = "token.actions.githubusercontent.com"
"""The issuer of GitHub's tokens (GitHub documentation, "Configuring OpenID Connect in Amazon Web Services")."""

_ROLE_STEM = "klotho-deploy"
_VERSION_OUTPUT = "KlothoBootstrapVersion"
_GITHUB_OUTPUT = "GitHubRepositories"
_PROVIDER_OUTPUT = "GitHubProvider"


@dataclass(frozen=True, slots=True)
class GitHub:
    """Which repositories' workflows may deploy."""

    repositories: tuple[str, ...]
    """`owner/name`, sorted."""
    provider: str | None = None
    """The ARN of the identity provider for GitHub, of which an account has one; None: the stack makes it."""


def ensure(
    clients: Clients, calls: StackCalls, consent: Callable[[str], bool], github: GitHub | None = None
) -> DeployedStack:
    """The stack is there and new enough; `consent` is asked before it is made or changed. `github` adds to whom it
    lets deploy."""
    place = clients.place
    there = calls.find(STACK_NAME)
    known = version_of(there)
    trusted = _together(github_of(there), github)
    if there is not None and there.settled_well and known == VERSION and trusted == github_of(there):
        return there
    if known > VERSION:
        raise Failure(
            "bootstrap-newer",
            f"the stack {STACK_NAME} in {place.account}, {place.region} was made by a newer Klotho",
            notes=(f"it has version {known}, this Klotho knows {VERSION}",),
            helps=("install the newer Klotho",),
        )
    if not consent(_question(place, there, trusted)):
        raise Failure(
            "bootstrap-refused",
            f"nothing can be deployed to {place.account}, {place.region} without the stack {STACK_NAME}",
            notes=("nothing was changed",),
            helps=("run `klotho up --yes` to have it made",),
        )
    _make(calls, there, trusted)
    return calls.describe(STACK_NAME)


def _question(place: Place, there: DeployedStack | None, trusted: GitHub | None) -> str:
    what = "needs the" if there is None else "needs a newer"
    allowed = f", which workflows of {', '.join(trusted.repositories)} may take on" if trusted else ""
    return (
        f"The account {place.account} {what} stack `{STACK_NAME}` in {place.region}: two private buckets, a repository "
        f"for images and a role to deploy with{allowed}. Make it?"
    )


def github_of(stack: DeployedStack | None) -> GitHub | None:
    """Whom the stack lets deploy now."""
    outputs = stack.outputs if stack is not None else {}
    names = tuple(name for name in outputs.get(_GITHUB_OUTPUT, "").split(",") if name)
    return GitHub(names, outputs.get(_PROVIDER_OUTPUT) or None) if names else None


def _together(before: GitHub | None, more: GitHub | None) -> GitHub | None:
    if before is None or more is None:
        return before or more
    return GitHub(tuple(sorted({*before.repositories, *more.repositories})), more.provider or before.provider)


def project_bucket(place: Place) -> str:
    """Where the models of projects lie."""
    return f"{STORE_STEM}-{place.account}-{place.region}"


def deploy_role_arn(account: str, region: str) -> str:
    """The role of an account and region, whether it is there yet or not."""
    return f"arn:aws:iam::{account}:role/{_ROLE_STEM}-{region}"


def version_of(stack: DeployedStack | None) -> int:
    """0 where there is none, or one that was never made whole."""
    given = stack.outputs.get(_VERSION_OUTPUT, "0") if stack is not None else "0"
    return int(given) if given.isdecimal() else 0


def template(github: GitHub | None = None) -> dict[str, Any]:
    """The whole stack. Everything in it keeps what it holds when the stack is deleted."""
    own_provider = {"GitHubProvider": _PROVIDER} if github is not None and github.provider is None else {}
    trusted = (
        {
            _GITHUB_OUTPUT: {"Value": ",".join(github.repositories)},
            **({_PROVIDER_OUTPUT: {"Value": github.provider}} if github.provider else {}),
        }
        if github
        else {}
    )
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What Klotho needs once per account and region. Do not change it by hand.",
        "Parameters": {DIGEST: {"Type": "String"}},
        "Resources": {
            "Artifacts": _bucket(BUCKET_STEM, lifecycle=_ABORT_UPLOADS),
            "ArtifactsPolicy": _tls_only("Artifacts"),
            "Projects": _bucket(STORE_STEM, lifecycle=_FORGET_OLD_VERSIONS),
            "ProjectsPolicy": _tls_only("Projects"),
            "Images": _REPOSITORY_RESOURCE,
            "DeployRole": _deploy_role(github),
            **own_provider,
        },
        "Outputs": {
            **trusted,
            _VERSION_OUTPUT: {"Value": str(VERSION)},
            "DeployRoleArn": {"Value": {"Fn::GetAtt": ["DeployRole", "Arn"]}},
            DIGEST: {"Value": {"Ref": DIGEST}},
        },
    }


def _make(calls: StackCalls, there: DeployedStack | None, github: GitHub | None) -> None:
    body = json.dumps(template(github), indent=1, sort_keys=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    request = Request(
        stack_name=STACK_NAME,
        template=body,
        template_digest=digest,
        parameters={},
        tags={"klotho:bootstrap": str(VERSION)},
        digest=digest,
        token=f"klotho-bootstrap-{digest[:32]}",
    )

    def ignore(*event: str) -> None:
        """Nobody watches the few resources of this stack."""

    if there is not None and not there.usable:
        calls.delete(there, f"{request.token}-clear", ignore)
        there = None
    settled = calls.create(request, ignore) if there is None else calls.update(there, request, ignore)
    if settled is not None and settled.failure is not None:
        failure = settled.failure
        raise Failure(
            "bootstrap-failed",
            f"the stack {STACK_NAME} could not be made: {failure.logical_id}: {failure.reason}",
            notes=(f"it ended in {settled.status}",),
            helps=("remove the reason and run `klotho up` again",),
        )


_ABORT_UPLOADS: Mapping[str, Any] = {
    "Rules": [
        {
            "Id": "abort-uploads",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}
_FORGET_OLD_VERSIONS: Mapping[str, Any] = {
    "Rules": [
        {
            "Id": "old-versions",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}
_KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
_IN_ACCOUNT = "${AWS::AccountId}-${AWS::Region}"

_REPOSITORY_RESOURCE: Mapping[str, Any] = {
    "Type": "AWS::ECR::Repository",
    **_KEPT,
    "Properties": {
        "RepositoryName": REPOSITORY,
        "ImageTagMutability": "IMMUTABLE",
        "ImageScanningConfiguration": {"ScanOnPush": True},
    },
}


def _bucket(stem: str, *, lifecycle: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::S3::Bucket",
        **_KEPT,
        "Properties": {
            "BucketName": {"Fn::Sub": f"{stem}-{_IN_ACCOUNT}"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": dict(lifecycle),
        },
    }


def _tls_only(bucket: str) -> dict[str, Any]:
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": bucket},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "EncryptedConnectionsOnly",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [arn, {"Fn::Join": ["", [arn, "/*"]]}],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
        },
    }


_PROVIDER: Mapping[str, Any] = {
    "Type": "AWS::IAM::OIDCProvider",
    "Properties": {"Url": f"https://{GITHUB}", "ClientIdList": ["sts.amazonaws.com"]},
}


def _github_trust(github: GitHub) -> dict[str, Any]:
    provider = github.provider or {"Fn::GetAtt": ["GitHubProvider", "Arn"]}
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{GITHUB}:sub": [f"repo:{name}:*" for name in github.repositories]},
        },
    }


def _deploy_role(github: GitHub | None) -> dict[str, Any]:
    """Whom the account lets take it on is decided by the account's own policies on `sts:AssumeRole`."""
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Fn::Sub": f"{_ROLE_STEM}-${{AWS::Region}}"},
            "Description": "Deploys applications with Klotho.",
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                        "Action": "sts:AssumeRole",
                    },
                    *([_github_trust(github)] if github else []),
                ],
            },
        },
    }
