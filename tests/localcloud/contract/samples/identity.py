"""Samples of the passive identity and permission types."""

from __future__ import annotations

import json
from typing import Any

from ..sample import Sample
from .network import ref, tags


def trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def policy(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust("lambda.amazonaws.com")}}
MANAGED = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy("s3:GetObject")}}

EXPIRY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 10},
                "action": {"type": "expire"},
            }
        ]
    }
)

SAMPLES = (
    Sample(
        "AWS::IAM::Role",
        {"AssumeRolePolicyDocument": trust("lambda.amazonaws.com"), "Description": "a", "Tags": tags("a")},
        {
            "AssumeRolePolicyDocument": trust("ecs-tasks.amazonaws.com"),
            "Description": "b",
            "ManagedPolicyArns": [ref("Managed"), "arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "MaxSessionDuration": 7200,
            "Path": "/team/",
            "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
            "Policies": [{"PolicyName": "inline", "PolicyDocument": policy("s3:ListBucket")}],
            "RoleName": "named",
            "Tags": tags("b"),
        },
        {"Managed": MANAGED},
    ),
    Sample(
        "AWS::IAM::RolePolicy",
        {"PolicyName": "inline", "RoleName": ref("LeftRole"), "PolicyDocument": policy("s3:GetObject")},
        {"PolicyName": "other", "RoleName": ref("RightRole"), "PolicyDocument": policy("s3:PutObject")},
        {"LeftRole": ROLE, "RightRole": ROLE},
    ),
    Sample(
        "AWS::ECR::Repository",
        {"RepositoryName": "images", "ImageTagMutability": "MUTABLE"},
        {
            "RepositoryName": "pictures",
            "ImageTagMutability": "IMMUTABLE",
            "ImageScanningConfiguration": {"ScanOnPush": True},
            "EmptyOnDelete": True,
            "LifecyclePolicy": {"LifecyclePolicyText": EXPIRY},
            "RepositoryPolicyText": policy("ecr:BatchGetImage"),
            "Tags": tags("b"),
        },
    ),
    Sample(
        "AWS::IAM::OIDCProvider",
        {"Url": "https://token.actions.example.com", "ClientIdList": ["sts.amazonaws.com"]},
        {
            "Url": "https://token.other.example.com",
            "ClientIdList": ["other"],
            "ThumbprintList": ["a" * 40],
            "Tags": tags("b"),
        },
    ),
    Sample(
        "AWS::IAM::ManagedPolicy",
        {"PolicyDocument": policy("s3:GetObject")},
        {
            "PolicyDocument": policy("s3:PutObject"),
            "Description": "b",
            "ManagedPolicyName": "named",
            "Path": "/team/",
            "Roles": [ref("LeftRole")],
        },
        {"LeftRole": ROLE},
    ),
    Sample(
        "AWS::Lambda::Permission",
        {"FunctionName": "orders", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"},
        {
            "FunctionName": "bills",
            "FunctionUrlAuthType": "NONE",
            "InvokedViaFunctionUrl": True,
            "Action": "lambda:InvokeFunctionUrl",
            "Principal": "events.amazonaws.com",
            "SourceAccount": "000000000000",
            "SourceArn": "arn:aws:execute-api:eu-west-1:000000000000:abc/*",
        },
    ),
)
