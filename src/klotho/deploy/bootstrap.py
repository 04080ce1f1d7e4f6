"""What an account needs once per region before anything is deployed there: one small stack.

Input: clients of the account. Output: the stack `klotho-bootstrap`: a bucket for artifacts (templates, zips, revisions,
leases), a bucket for the models of projects and a repository for container images. Made with the person's consent,
updated when this version needs more. Whom the account lets deploy is said by `deployer_role`, once per application.
Refuses (`bootstrap-refused`) to go on without it, and one that a newer Klotho made and changed in a way this one does
not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from klotho.deploy.place import Clients, Place
from klotho.deploy.stacks import DeployedStack, Request, StackCalls
from klotho.diagnostics import Failure
from klotho.stacks import DIGEST

STACK_NAME = "klotho-bootstrap"
VERSION = 2
"""Raised when a deployment needs something of the stack that older ones lack."""
BUCKET_STEM = "klotho-artifacts"
"""Of the artifact bucket: account and region follow."""
STORE_STEM = "klotho-projects"
"""Of the bucket with the models of projects."""
REPOSITORY = "klotho-assets"
"""Of all container images of the region, told apart by their tags. Task execution roles may pull from it."""

_VERSION_OUTPUT = "KlothoBootstrapVersion"


def ensure(clients: Clients, calls: StackCalls, consent: Callable[[str], bool]) -> DeployedStack:
    """The stack is there and new enough; `consent` is asked before it is made or changed."""
    place = clients.place
    there = calls.find(STACK_NAME)
    if there is not None and there.busy:
        there = calls.wait(there)  # somebody else makes it
    known = version_of(there)
    if there is not None and there.settled_well and known == VERSION:
        return there
    if known > VERSION:
        raise Failure(
            "bootstrap-newer",
            f"the stack {STACK_NAME} in {place.account}, {place.region} was made by a newer Klotho",
            notes=(f"it has version {known}, this Klotho knows {VERSION}",),
            helps=("install the newer Klotho",),
        )
    if not consent(_question(place, there)):
        raise Failure(
            "bootstrap-refused",
            f"nothing can be deployed to {place.account}, {place.region} without the stack {STACK_NAME}",
            notes=("nothing was changed",),
            helps=("run `klotho up --yes` to have it made",),
        )
    _make(calls, there)
    return calls.describe(STACK_NAME)


def _question(place: Place, there: DeployedStack | None) -> str:
    what = "needs the" if there is None else "needs a newer"
    return (
        f"The account {place.account} {what} stack `{STACK_NAME}` in {place.region}: two private buckets and a "
        "repository for images. Make it?"
    )


def project_bucket(place: Place) -> str:
    """Where the models of projects lie."""
    return f"{STORE_STEM}-{place.account}-{place.region}"


def version_of(stack: DeployedStack | None) -> int:
    """0 where there is none, or one that was never made whole."""
    given = stack.outputs.get(_VERSION_OUTPUT, "0") if stack is not None else "0"
    return int(given) if given.isdecimal() else 0


def template() -> dict[str, Any]:
    """The whole stack. Everything in it keeps what it holds when the stack is deleted."""
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
        },
        "Outputs": {
            _VERSION_OUTPUT: {"Value": str(VERSION)},
            DIGEST: {"Value": {"Ref": DIGEST}},
        },
    }


def _make(calls: StackCalls, there: DeployedStack | None) -> None:
    make_stack(calls, STACK_NAME, template(), {"klotho:bootstrap": str(VERSION)}, there)


def make_stack(
    calls: StackCalls, name: str, document: Mapping[str, Any], tags: Mapping[str, str], there: DeployedStack | None
) -> None:
    """Create or update a stack that belongs to the account and not to an application. Failure (`bootstrap-failed`)."""
    body = json.dumps(document, indent=1, sort_keys=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    token = f"{name[:60]}-{digest[:32]}"
    request = Request(name, body, digest, {}, tags, digest, token)

    def ignore(*event: str) -> None:
        """Nobody watches the few resources of such a stack."""

    if there is not None and not there.usable:
        calls.delete(there, f"{token}-clear", ignore)
        there = None
    settled = calls.create(request, ignore) if there is None else calls.update(there, request, ignore)
    if settled is not None and settled.failure is not None:
        failure = settled.failure
        raise Failure(
            "bootstrap-failed",
            f"the stack {name} could not be made: {failure.logical_id}: {failure.reason}",
            notes=(f"it ended in {settled.status}",),
            helps=("remove the reason and run the command again",),
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
        # Lambda reads images of functions itself, by no role. Source: Lambda Developer Guide, "Create a Lambda function
        # using a container image", Amazon ECR permissions.
        "RepositoryPolicyText": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "LambdaECRImageRetrievalPolicy",
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    "Condition": {
                        "StringLike": {
                            "aws:sourceArn": {
                                "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"
                            }
                        }
                    },
                }
            ],
        },
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
