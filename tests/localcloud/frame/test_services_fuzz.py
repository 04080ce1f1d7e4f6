"""Whatever a client sends, the small services answer in AWS's terms and never break."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.database import Database
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.logs import Logs
from klotho.localcloud.service import ApiCall, ApiError, Caller, Service
from klotho.localcloud.services.logs import LogsService
from klotho.localcloud.services.s3 import ObjectStore, S3Service
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.services.secretsmanager_api import SecretsManagerService
from klotho.localcloud.services.service_discovery import ServiceDiscoveryService
from klotho.localcloud.services.ssm import Parameters, SsmService
from klotho.localcloud.world import World
from tests.localcloud.frame.frame_harness import REGION, OneContainer

CALLER = Caller("AKIA", "deployer")
BUCKET = f"klotho-assets-{ACCOUNT}-{REGION}"

values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.text(max_size=5)
    | st.sampled_from(["g", "s", "1", "f/1", "t" * 32]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["Key", "Value", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    state = tmp_path_factory.mktemp("fuzz")
    database, logs = Database(state / "state.sqlite3"), Logs(state)
    logs.write("g", "s", "message")
    secrets = SecretsManager(database, REGION)
    secrets.create("s", "value", "token")
    found: tuple[Service, ...] = (
        LogsService(logs, World(database), REGION, ACCOUNT),
        SecretsManagerService(secrets),
        SsmService(Parameters(database, REGION, ACCOUNT), ACCOUNT),
        ServiceDiscoveryService(OneContainer()),
        S3Service(ObjectStore(state), ACCOUNT, REGION),
    )
    return {service.name: service for service in found}


def call(services: dict[str, Service], service: str, action: str = "", **more: Any) -> int:
    parts: dict[str, Any] = {"method": "POST", "path": "/", "query": {}, "headers": {}, "body": b"", **more}
    try:
        return asyncio.run(
            services[service].call(ApiCall(service=service, action=action, caller=CALLER, **parts))
        ).status
    except ApiError as error:
        return error.status


fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

LOGS = ["FilterLogEvents", "GetLogEvents", "DescribeLogGroups", "DescribeLogStreams"]
SECRETS = ["CreateSecret", "GetSecretValue", "PutSecretValue", "UpdateSecret", "DescribeSecret", "ListSecrets",
           "DeleteSecret", "RestoreSecret", "TagResource", "UntagResource", "Nothing"]  # fmt: skip
PARAMETERS = ["PutParameter", "GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory",
              "DescribeParameters", "DeleteParameter", "DeleteParameters", "AddTagsToResource",
              "RemoveTagsFromResource", "ListTagsForResource", "LabelParameterVersion"]  # fmt: skip
FIELDS = {
    "ssm": ["Name", "Names", "Path", "Value", "Type", "Overwrite", "Tier", "AllowedPattern", "Tags", "TagKeys", "KeyId",
            "Recursive", "WithDecryption", "MaxResults", "NextToken", "ParameterFilters", "ResourceId", "DataType"],
    "logs": ["logGroupName", "logStreamName", "startTime", "endTime", "limit", "nextToken", "filterPattern",
             "logStreamNames", "logStreamNamePrefix", "logGroupNamePrefix", "startFromHead", "orderBy", "descending"],
    "secretsmanager": ["SecretId", "Name", "SecretString", "SecretBinary", "ClientRequestToken", "Description", "Tags",
                       "TagKeys", "VersionId", "VersionStage", "VersionStages", "MaxResults", "NextToken", "KmsKeyId",
                       "RecoveryWindowInDays", "ForceDeleteWithoutRecovery", "SortOrder"],
    "servicediscovery": ["NamespaceName", "ServiceName", "MaxResults", "QueryParameters", "HealthStatus"],
}  # fmt: skip
VALID: dict[str, dict[str, Any]] = {
    "ssm": {"Name": "p", "Value": "v", "Type": "String", "Path": "/", "ResourceType": "Parameter", "ResourceId": "p"},
    "logs": {"logGroupName": "g", "logStreamName": "s"},
    "secretsmanager": {"SecretId": "s"},
    "servicediscovery": {"NamespaceName": "shop", "ServiceName": "orders"},
}


@fuzzed
@given(st.data())
def test_any_parameters_of_a_json_api_are_answered_or_refused(
    services: dict[str, Service], data: st.DataObject
) -> None:
    service, actions = data.draw(
        st.sampled_from(
            [
                ("logs", LOGS),
                ("secretsmanager", SECRETS),
                ("servicediscovery", ["DiscoverInstances"]),
                ("ssm", PARAMETERS),
            ]
        )
    )
    asked = data.draw(st.dictionaries(st.sampled_from(FIELDS[service]), values, max_size=5))
    if data.draw(st.booleans()):
        asked = VALID[service] | asked
    body = data.draw(st.just(json.dumps(asked).encode()) | st.binary(max_size=10))
    assert call(services, service, data.draw(st.sampled_from(actions)), body=body) in (200, 400, 404, 501)


@fuzzed
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    bucket=st.sampled_from([BUCKET, "other", "", ".."]),
    key=st.text(max_size=8) | st.sampled_from(["../../etc/passwd", "k" * 1025, "\udc80"]),
    query=st.dictionaries(
        st.sampled_from(
            [
                "list-type",
                "prefix",
                "delimiter",
                "max-keys",
                "continuation-token",
                "location",
                "uploads",
                "uploadId",
                "partNumber",
                "versionId",
                "versions",
                "tagging",
                "delete",
                "attributes",
                "key-marker",
                "marker",
            ]
        ),
        st.sampled_from(["2", "", "a", "/", "-1", "9" * 30]),
        max_size=3,
    ),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "range",
                "content-md5",
                "if-match",
                "if-none-match",
                "x-amz-checksum-crc32",
                "x-amz-acl",
                "x-amz-copy-source",
                "x-amz-tagging",
                "if-modified-since",
                "x-amz-checksum-crc64nvme",
            ]
        ),
        st.sampled_from(["bytes=0-", "bytes=-0", "bytes=9-1", "*", "AAAA", "", f"{BUCKET}/k", "a=1&a=2", "%ff/%fe"]),
        max_size=2,
    ),
)
def test_any_s3_request_is_answered_or_refused(
    services: dict[str, Service], method: str, bucket: str, key: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    status = call(services, "s3", method=method, path=f"/{bucket}/{key}", query=query, headers=headers, body=b"body")
    assert status in (200, 204, 206, 304, 400, 403, 404, 405, 409, 412, 416, 501)
