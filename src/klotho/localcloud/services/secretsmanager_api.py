"""The Secrets Manager API over `SecretsManager`.

Input: JSON 1.1 requests. Output: AWS's answers. Refuses every action not listed in `SecretsManagerService` by name,
unknown parameters, and values or names AWS would not take.

Source: AWS Secrets Manager API Reference.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.secretsmanager import Secret, SecretsManager

Asked = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "CreateSecret": frozenset(
        {"Name", "ClientRequestToken", "Description", "KmsKeyId", "SecretBinary", "SecretString", "Tags"}
    ),
    "GetSecretValue": frozenset({"SecretId", "VersionId", "VersionStage"}),
    "PutSecretValue": frozenset({"SecretId", "ClientRequestToken", "SecretBinary", "SecretString", "VersionStages"}),
    "UpdateSecret": frozenset(
        {"SecretId", "ClientRequestToken", "Description", "KmsKeyId", "SecretBinary", "SecretString"}
    ),
    "DescribeSecret": frozenset({"SecretId"}),
    "ListSecretVersionIds": frozenset({"SecretId", "MaxResults", "NextToken", "IncludeDeprecated"}),
    "ListSecrets": frozenset({"MaxResults", "NextToken", "IncludePlannedDeletion", "SortOrder"}),
    "DeleteSecret": frozenset({"SecretId", "RecoveryWindowInDays", "ForceDeleteWithoutRecovery"}),
    "RestoreSecret": frozenset({"SecretId"}),
    "TagResource": frozenset({"SecretId", "Tags"}),
    "UntagResource": frozenset({"SecretId", "TagKeys"}),
}


class SecretsManagerService:
    """CreateSecret, GetSecretValue, PutSecretValue, UpdateSecret, DescribeSecret, ListSecretVersionIds, ListSecrets,
    DeleteSecret, RestoreSecret, TagResource, UntagResource."""

    name = "secretsmanager"

    def __init__(self, secrets: SecretsManager) -> None:
        self._secrets = secrets
        self._actions: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
            "CreateSecret": self._create,
            "GetSecretValue": self._get,
            "PutSecretValue": self._put,
            "UpdateSecret": self._update,
            "DescribeSecret": self._describe,
            "ListSecretVersionIds": self._list_versions,
            "ListSecrets": self._list,
            "DeleteSecret": self._delete,
            "RestoreSecret": self._restore,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    async def call(self, call: ApiCall) -> ApiResponse:
        action = self._actions.get(call.action)
        if action is None:
            raise wire.not_carried("secretsmanager", call.action or f"{call.method} {call.path}")
        asked = wire.parameters(call.body)
        for name in asked:
            if name not in _PARAMETERS[call.action]:
                raise ApiError(
                    "InvalidParameterException", f"klotho's local cloud does not carry {call.action} with {name}"
                )
        return wire.json_response(action(asked))

    def _create(self, asked: Asked) -> dict[str, Any]:
        name = _text(asked, "Name") or ""
        if not _NAME.fullmatch(name):
            raise ApiError("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@")  # fmt: skip # noqa: E501
        token = _token(asked)
        arn = self._secrets.create(
            name,
            _value(asked),
            token,
            _text(asked, "Description"),
            kms_key_id=_text(asked, "KmsKeyId"),
            tags=_tags(asked),
        )
        return {"ARN": arn, "Name": name, "VersionId": token}

    def _get(self, asked: Asked) -> dict[str, Any]:
        secret = self._secrets.live(_id(asked))
        version = self._secrets.version(secret.arn, _text(asked, "VersionId"), _text(asked, "VersionStage"))
        value = (
            {"SecretString": version.text}
            if version.text is not None
            else {"SecretBinary": base64.b64encode(version.binary or b"").decode()}
        )
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version.id,
            "VersionStages": list(version.stages),
            "CreatedDate": version.created,
            **value,
        }

    def _put(self, asked: Asked) -> dict[str, Any]:
        secret = self._secrets.live(_id(asked))
        value = _value(asked)
        if value is None:
            raise ApiError("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
        stages = asked.get("VersionStages")
        if stages is not None and not (isinstance(stages, list) and stages and all(isinstance(s, str) for s in stages)):
            raise ApiError("InvalidParameterException", "VersionStages must be a list of labels")
        version, now = self._secrets.put(secret.arn, value, _token(asked), tuple(stages) if stages else None)
        return {"ARN": secret.arn, "Name": secret.name, "VersionId": version, "VersionStages": list(now)}

    def _update(self, asked: Asked) -> dict[str, Any]:
        secret = self._secrets.live(_id(asked))
        value, token = _value(asked), _token(asked)
        description, key = _text(asked, "Description"), _text(asked, "KmsKeyId")
        self._secrets.describe(secret.arn, description=description, kms_key_id=key)
        answer = {"ARN": secret.arn, "Name": secret.name}
        if value is not None:
            answer["VersionId"] = self._secrets.put(secret.arn, value, token)[0]
        return answer

    def _describe(self, asked: Asked) -> dict[str, Any]:
        return self._document(self._secrets.find(_id(asked)), "VersionIdsToStages")

    def _document(self, secret: Secret, versions_key: str) -> dict[str, Any]:
        document: dict[str, Any] = {
            "ARN": secret.arn,
            "Name": secret.name,
            "CreatedDate": secret.created,
            "LastChangedDate": secret.changed,
            "RotationEnabled": False,
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(secret.tags.items())],
            versions_key: {version.id: list(version.stages) for version in self._secrets.versions(secret.arn)},
        }
        optional = {"Description": secret.description, "KmsKeyId": secret.kms_key_id, "DeletedDate": secret.deleted}
        return document | {key: value for key, value in optional.items() if value not in (None, "")}

    def _list_versions(self, asked: Asked) -> dict[str, Any]:
        if asked.get("IncludeDeprecated"):
            raise ApiError("InvalidParameterException", "klotho's local cloud does not carry IncludeDeprecated")
        secret = self._secrets.live(_id(asked))
        # Two labels make at most a handful of versions: always one page.
        versions = [
            {"VersionId": version.id, "VersionStages": list(version.stages), "CreatedDate": version.created}
            for version in self._secrets.versions(secret.arn)
        ]
        return {"ARN": secret.arn, "Name": secret.name, "Versions": versions}

    def _list(self, asked: Asked) -> dict[str, Any]:
        secrets = self._secrets.list(bool(asked.get("IncludePlannedDeletion", False)))
        if asked.get("SortOrder") == "desc":
            secrets.reverse()
        limit, token = asked.get("MaxResults", 100), _text(asked, "NextToken")
        if not isinstance(limit, int) or not 1 <= limit <= 100:
            raise ApiError("InvalidParameterException", "MaxResults must be between 1 and 100")
        if token is not None and not re.fullmatch(r"\d{1,9}", token):
            raise ApiError("InvalidNextTokenException", "The NextToken value is invalid.")
        start = int(token or 0)
        page = [self._document(secret, "SecretVersionsToStages") for secret in secrets[start : start + limit]]
        return {"SecretList": page} | ({"NextToken": str(start + limit)} if start + limit < len(secrets) else {})

    def _delete(self, asked: Asked) -> dict[str, Any]:
        force, days = bool(asked.get("ForceDeleteWithoutRecovery", False)), asked.get("RecoveryWindowInDays")
        if force and days is not None:
            raise ApiError("InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")  # fmt: skip # noqa: E501
        if days is not None and (not isinstance(days, int) or not 7 <= days <= 30):
            raise ApiError("InvalidParameterException", "RecoveryWindowInDays must be between 7 and 30 days")
        secret = self._secrets.delete(_id(asked), None if force else days or 30)
        date = {} if secret.deletes is None else {"DeletionDate": secret.deletes}
        return {"ARN": secret.arn, "Name": secret.name, **date}

    def _restore(self, asked: Asked) -> dict[str, Any]:
        secret = self._secrets.restore(_id(asked))
        return {"ARN": secret.arn, "Name": secret.name}

    def _tag(self, asked: Asked) -> dict[str, Any]:
        secret = self._secrets.live(_id(asked))
        self._secrets.describe(secret.arn, tags={**secret.tags, **_tags(asked)})
        return {}

    def _untag(self, asked: Asked) -> dict[str, Any]:
        secret = self._secrets.live(_id(asked))
        gone = asked.get("TagKeys")
        if not isinstance(gone, list):
            raise ApiError("InvalidParameterException", "TagKeys must be a list")
        self._secrets.describe(secret.arn, tags={key: value for key, value in secret.tags.items() if key not in gone})
        return {}


def _id(asked: Asked) -> str:
    value = _text(asked, "SecretId")
    if not value:
        raise ApiError("InvalidParameterException", "SecretId is required")
    return value


def _token(asked: Asked) -> str:
    token = _text(asked, "ClientRequestToken")
    if token is not None and not 32 <= len(token) <= 64:
        raise ApiError("InvalidParameterException", "ClientRequestToken must be between 32 and 64 characters long.")
    return token or str(uuid.uuid4())


def _value(asked: Asked) -> str | bytes | None:
    text, binary = _text(asked, "SecretString"), _text(asked, "SecretBinary")
    if text is not None and binary is not None:
        raise ApiError("InvalidParameterException", "You can't specify both a binary and a string secret value.")
    if binary is None:
        return text
    try:
        return base64.b64decode(binary, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError("InvalidParameterException", "SecretBinary is not base64") from None


def _tags(asked: Asked) -> dict[str, str]:
    tags = asked.get("Tags") or []
    try:
        return {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags}
    except (TypeError, KeyError, AttributeError):
        raise ApiError("InvalidParameterException", "Tags must be a list of Key and Value") from None


def _text(asked: Asked, name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError("InvalidParameterException", f"{name} must be text")
    return value
