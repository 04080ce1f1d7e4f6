"""Samples of user pools."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .network import ref

USERS = planes("user_pools")
POOL = {"Type": "AWS::Cognito::UserPool", "Properties": {"UsernameAttributes": ["email"]}}
EMAIL = {"Name": "email", "AttributeDataType": "String", "Required": True}


def read_pool(cloud: Cloud, record: Record) -> Any:
    pool = cloud.user_pools.store.pool(record.identifier)
    return pool.settings, sorted(pool.keys)


def read_client(cloud: Cloud, record: Record) -> Any:
    client = cloud.user_pools.store.client(record.identifier)
    return None if client is None else client.settings


def read_group(cloud: Cloud, record: Record) -> Any:
    row = cloud.user_pools.store.row("select * from groups where name=?", record.identifier.partition("|")[2])
    return None if row is None else (row["description"], row["precedence"])


SAMPLES = (
    Sample(
        "AWS::Cognito::UserPool",
        {"AutoVerifiedAttributes": ["email"]},
        {
            # AWS updates neither of the two: these say in so many words what holds without them.
            "UsernameAttributes": [],
            "UsernameConfiguration": {"CaseSensitive": True},
            "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
            "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
            "AutoVerifiedAttributes": [],
            "DeletionProtection": "INACTIVE",
            "MfaConfiguration": "OFF",
            "Policies": {"PasswordPolicy": {"MinimumLength": 20}},
            "Schema": [EMAIL],
            "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
            "UserPoolName": "other",
            "UserPoolTags": {"team": "b"},
        },
        refused={
            "MfaConfiguration": "ON",
            "UsernameAttributes": ["phone_number"],
        },
        planes=USERS,
        read=read_pool,
    ),
    Sample(
        "AWS::Cognito::UserPoolClient",
        {"UserPoolId": ref("Pool")},
        {
            "AccessTokenValidity": 2,
            "AuthSessionValidity": 3,
            "ClientName": "web",
            "EnableTokenRevocation": True,
            "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
            "GenerateSecret": False,
            "IdTokenValidity": 3,
            "PreventUserExistenceErrors": "ENABLED",
            "RefreshTokenValidity": 5,
            "SupportedIdentityProviders": ["COGNITO"],
            "TokenValidityUnits": {"RefreshToken": "days"},
            "UserPoolId": ref("OtherPool"),
        },
        {"Pool": POOL, "OtherPool": POOL},
        refused={"EnableTokenRevocation": False},
        planes=USERS,
        read=read_client,
    ),
    Sample(
        "AWS::Cognito::UserPoolGroup",
        {"UserPoolId": ref("Pool"), "GroupName": "admin"},
        {"Description": "b", "GroupName": "staff", "Precedence": 3, "UserPoolId": ref("OtherPool")},
        {"Pool": POOL, "OtherPool": POOL},
        planes=USERS,
        read=read_group,
    ),
)
