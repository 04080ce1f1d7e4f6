"""Which permissions a request needs: the table is complete, and every shape of request is read as AWS reads it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.permissions.conditions import UnevaluableError
from klotho.localcloud.permissions.evaluate import Need
from klotho.localcloud.permissions.required import apis, required
from klotho.localcloud.permissions.resources import RESOLVERS, Surroundings
from klotho.localcloud.service import ApiCall, ApiError, Caller
from klotho.localcloud.services.cognito.service import OPERATIONS as COGNITO_OPERATIONS
from klotho.localcloud.services.dynamodb.service import OPERATIONS
from klotho.localcloud.services.events import EventsService
from klotho.localcloud.services.lambda_ import LambdaService
from klotho.localcloud.services.logs import LogsService
from klotho.localcloud.services.s3.routing import OPERATIONS as S3_OPERATIONS
from klotho.localcloud.services.secretsmanager_api import _PARAMETERS as SECRETS_OPERATIONS
from klotho.localcloud.services.service_discovery import ServiceDiscoveryService
from klotho.localcloud.services.ssm import SsmService
from klotho.localcloud.services.sts import StsService

HERE = "eu-west-1:000000000000"
TABLES = f"arn:aws:dynamodb:{HERE}:table"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
CALLER = Caller("AKIA", "orders", "arn:aws:iam::000000000000:role/orders")
KNOWN_SECRET = f"arn:aws:secretsmanager:{HERE}:secret:mail-AbCdEf"
AROUND = Surroundings(
    "eu-west-1",
    "000000000000",
    partition_key={"carts": "id", "orders": "customer"}.get,
    secret_arn={"mail": KNOWN_SECRET, KNOWN_SECRET: KNOWN_SECRET}.get,
)


def json_call(service: str, action: str, body: Any) -> ApiCall:
    headers = {"x-amz-target": f"X.{action}", "content-type": "application/x-amz-json-1.0"}
    return ApiCall(service, action, "POST", "/", {}, headers, json.dumps(body).encode(), CALLER)


def rest_call(service: str, method: str, path: str, query: dict[str, str] | None = None, **headers: str) -> ApiCall:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiCall(service, "", method, path, query or {}, names, b"", CALLER)


def needs(call: ApiCall) -> list[tuple[str, str]]:
    return [(need.action, need.resource) for need in required(call, AROUND)]


def dynamodb(action: str, **body: Any) -> list[Need]:
    return required(json_call("dynamodb", action, body), AROUND)


def cloudformation(action: str, **fields: str) -> set[tuple[str, str]]:
    body = urlencode({"Action": action, **fields}).encode()
    return pairs(required(ApiCall("cloudformation", action, "POST", "/", {}, FORM, body, CALLER), AROUND))


def pairs(found: list[Need]) -> set[tuple[str, str]]:
    return {(need.action, need.resource) for need in found}


def test_a_stack_refactor_needs_every_stack_it_changes_and_by_its_id_all_of_them() -> None:
    stacks = {f"StackDefinitions.member.{number}.StackName": name for number, name in ((1, "left"), (2, "right"))}
    url = {"StackDefinitions.member.2.TemplateURL": "https://s3.example.com/assets/templates/a.json"}
    assert cloudformation("CreateStackRefactor", **stacks, **url) == {
        ("cloudformation:CreateStackRefactor", f"arn:aws:cloudformation:{HERE}:stack/left/*"),
        ("cloudformation:CreateStackRefactor", f"arn:aws:cloudformation:{HERE}:stack/right/*"),
        ("s3:GetObject", "arn:aws:s3:::assets/templates/a.json"),
    }
    for action in ("DescribeStackRefactor", "ExecuteStackRefactor"):
        assert cloudformation(action, StackRefactorId="x") == {(f"cloudformation:{action}", "*")}


def test_every_operation_the_local_cloud_carries_is_in_the_table() -> None:
    assert set(OPERATIONS) == set(apis()["dynamodb"].operations)
    assert set(S3_OPERATIONS) == set(apis()["s3"].operations)
    assert set(SECRETS_OPERATIONS) == set(apis()["secretsmanager"].operations)
    assert set(COGNITO_OPERATIONS) == set(apis()["cognito-idp"].operations)


def test_the_services_without_a_list_of_their_own_are_in_the_table_too() -> None:
    nothing: Any = None
    logs = LogsService(nothing, nothing, "eu-west-1", "000000000000")
    assert set(logs._actions) == set(apis()["logs"].operations)
    for service in (StsService, ServiceDiscoveryService, LambdaService, EventsService, SsmService):
        documented = set(re.findall(r"\b[A-Z][a-z]+[A-Z0-9]\w+|\bInvoke\b", service.__doc__ or ""))
        assert documented and documented == set(apis()[service.name].operations)


def test_the_table_names_only_resolvers_that_exist_and_uses_all_of_them() -> None:
    forms = [operation.resource for api in apis().values() for operation in api.operations.values()]
    assert {form[1:] for form in forms if form.startswith("@")} == set(RESOLVERS)
    assert all(form[0] in "*-=@" or form.startswith("arn:aws:") for form in forms)
    routed = {(s, name) for s, api in apis().items() for name in api.routes.values()}
    assert all(name in apis()[service].operations for service, name in routed)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (json_call("dynamodb", "GetItem", {"TableName": "carts"}), [("dynamodb:GetItem", f"{TABLES}/carts")]),
        (json_call("dynamodb", "GetItem", {"TableName": f"{TABLES}/carts"}), [("dynamodb:GetItem", f"{TABLES}/carts")]),
        (json_call("dynamodb", "Query", {"TableName": "carts"}), [("dynamodb:Query", f"{TABLES}/carts")]),
        (
            json_call("dynamodb", "Scan", {"TableName": "carts", "IndexName": "by_day"}),
            [("dynamodb:Scan", f"{TABLES}/carts/index/by_day")],
        ),
        (json_call("dynamodb", "ListTables", {}), [("dynamodb:ListTables", "*")]),
        (json_call("dynamodb", "TagResource", {"ResourceArn": "arn:x"}), [("dynamodb:TagResource", "arn:x")]),
        (
            json_call("secretsmanager", "GetSecretValue", {"SecretId": "mail"}),
            [("secretsmanager:GetSecretValue", KNOWN_SECRET)],
        ),
        (
            json_call("secretsmanager", "GetSecretValue", {"SecretId": "other"}),
            [("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:other")],
        ),
        (
            json_call("secretsmanager", "CreateSecret", {"Name": "new"}),
            [("secretsmanager:CreateSecret", f"arn:aws:secretsmanager:{HERE}:secret:new")],
        ),
        (
            json_call("logs", "GetLogEvents", {"logGroupName": "/a", "logStreamName": "s"}),
            [("logs:GetLogEvents", f"arn:aws:logs:{HERE}:log-group:/a:log-stream:s")],
        ),
        (
            json_call("servicediscovery", "DiscoverInstances", {"NamespaceName": "n", "ServiceName": "s"}),
            [("servicediscovery:DiscoverInstances", "*")],
        ),
        (
            json_call("sqs", "SendMessageBatch", {"QueueUrl": "http://127.0.0.1:1/000000000000/jobs"}),
            [("sqs:SendMessage", f"arn:aws:sqs:{HERE}:jobs")],
        ),
        (
            rest_call("lambda", "POST", "/2015-03-31/functions/price/invocations"),
            [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:price")],
        ),
        (
            rest_call("lambda", "POST", f"/2015-03-31/functions/arn:aws:lambda:{HERE}:function:price/invocations"),
            [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:price")],
        ),
        (
            rest_call("lambda", "POST", "/2015-03-31/functions/price/invocations", {"Qualifier": "live"}),
            [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:price:live")],
        ),
        (
            rest_call("lambda", "GET", "/2015-03-31/functions/price/configuration"),
            [("lambda:GetFunctionConfiguration", f"arn:aws:lambda:{HERE}:function:price")],
        ),
        (
            json_call("events", "PutEvents", {"Entries": [{"Source": "a"}, {"EventBusName": "own"}]}),
            [
                ("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default"),
                ("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/own"),
            ],
        ),
        (
            json_call("events", "DescribeRule", {"Name": "nightly", "EventBusName": "own"}),
            [("events:DescribeRule", f"arn:aws:events:{HERE}:rule/own/nightly")],
        ),
        (
            json_call("events", "ListTargetsByRule", {"Rule": "nightly"}),
            [("events:ListTargetsByRule", f"arn:aws:events:{HERE}:rule/nightly")],
        ),
        (
            json_call("events", "DescribeEventBus", {}),
            [("events:DescribeEventBus", f"arn:aws:events:{HERE}:event-bus/default")],
        ),
        (
            json_call("ssm", "GetParameter", {"Name": "/shop/url:3"}),
            [("ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/shop/url")],
        ),
        (
            json_call("ssm", "GetParameters", {"Names": ["a", f"arn:aws:ssm:{HERE}:parameter/b"]}),
            [
                ("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/a"),
                ("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/b"),
            ],
        ),
        (
            json_call("ssm", "GetParametersByPath", {"Path": "/shop/"}),
            [("ssm:GetParametersByPath", f"arn:aws:ssm:{HERE}:parameter/shop")],
        ),
        (rest_call("lambda", "GET", "/2015-03-31/functions/"), [("lambda:ListFunctions", "*")]),
        (rest_call("s3", "GET", "/box/a/b c"), [("s3:GetObject", "arn:aws:s3:::box/a/b c")]),
        (rest_call("s3", "HEAD", "/box/a"), [("s3:GetObject", "arn:aws:s3:::box/a")]),
        (rest_call("s3", "PUT", "/box/a", {"x-id": "PutObject"}), [("s3:PutObject", "arn:aws:s3:::box/a")]),
        (rest_call("s3", "DELETE", "/box/a"), [("s3:DeleteObject", "arn:aws:s3:::box/a")]),
        (rest_call("s3", "GET", "/box", {"list-type": "2", "prefix": "a/"}), [("s3:ListBucket", "arn:aws:s3:::box")]),
        (rest_call("s3", "HEAD", "/box"), [("s3:ListBucket", "arn:aws:s3:::box")]),
        (rest_call("s3", "GET", "/"), [("s3:ListAllMyBuckets", "*")]),
        (rest_call("s3", "GET", "/box", {"versions": ""}), [("s3:ListBucketVersions", "arn:aws:s3:::box")]),
        (rest_call("s3", "GET", "/box", {"uploads": ""}), [("s3:ListBucketMultipartUploads", "arn:aws:s3:::box")]),
        (rest_call("s3", "GET", "/box/a", {"versionId": "1"}), [("s3:GetObjectVersion", "arn:aws:s3:::box/a")]),
        (rest_call("s3", "DELETE", "/box/a", {"versionId": "1"}), [("s3:DeleteObjectVersion", "arn:aws:s3:::box/a")]),
        (rest_call("s3", "POST", "/box/a", {"uploads": ""}), [("s3:PutObject", "arn:aws:s3:::box/a")]),
        (rest_call("s3", "PUT", "/box/a", {"uploadId": "u"}), [("s3:PutObject", "arn:aws:s3:::box/a")]),
        (rest_call("s3", "DELETE", "/box/a", {"uploadId": "u"}), [("s3:AbortMultipartUpload", "arn:aws:s3:::box/a")]),
        (
            rest_call("s3", "PUT", "/box/a", x_amz_tagging="a=1"),
            [("s3:PutObject", "arn:aws:s3:::box/a"), ("s3:PutObjectTagging", "arn:aws:s3:::box/a")],
        ),
        (
            rest_call("s3", "PUT", "/box/a", x_amz_copy_source="/other/se%20cret?versionId=1"),
            [("s3:GetObjectVersion", "arn:aws:s3:::other/se cret"), ("s3:PutObject", "arn:aws:s3:::box/a")],
        ),
    ],
)
def test_a_request_needs_its_action_on_its_resource(call: ApiCall, expected: list[tuple[str, str]]) -> None:
    assert needs(call) == expected


def test_who_one_is_may_always_be_asked() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    call = ApiCall("sts", "GetCallerIdentity", "POST", "/", {}, form, b"Action=GetCallerIdentity", CALLER)
    assert required(call, AROUND) == []


def test_a_batch_needs_its_own_action_on_every_table() -> None:
    asked = {"carts": {"Keys": [{"id": {"S": "1"}}]}, "orders": {"Keys": [{"customer": {"S": "ada"}}]}}
    read = dynamodb("BatchGetItem", RequestItems=asked)
    assert pairs(read) == {("dynamodb:BatchGetItem", f"{TABLES}/carts"), ("dynamodb:BatchGetItem", f"{TABLES}/orders")}
    writes = {"carts": [{"PutRequest": {"Item": {"id": {"S": "1"}}}}, {"DeleteRequest": {"Key": {"id": {"S": "2"}}}}]}
    (written,) = dynamodb("BatchWriteItem", RequestItems=writes)
    assert (written.action, written.resource) == ("dynamodb:BatchWriteItem", f"{TABLES}/carts")
    assert written.facts["dynamodb:leadingkeys"]() == ("1", "2")


def test_a_transaction_needs_the_action_of_every_entry() -> None:
    entries = [
        {"Put": {"TableName": "carts", "Item": {"id": {"S": "1"}}}},
        {"Put": {"TableName": "carts", "Item": {"id": {"S": "2"}}}},
        {"Update": {"TableName": "carts", "Key": {"id": {"S": "3"}}}},
        {"Delete": {"TableName": "orders", "Key": {"customer": {"S": "ada"}}}},
        {"ConditionCheck": {"TableName": "orders", "Key": {"customer": {"S": "ada"}}}},
    ]
    found = dynamodb("TransactWriteItems", TransactItems=entries)
    assert pairs(found) == {
        ("dynamodb:PutItem", f"{TABLES}/carts"),
        ("dynamodb:UpdateItem", f"{TABLES}/carts"),
        ("dynamodb:DeleteItem", f"{TABLES}/orders"),
        ("dynamodb:ConditionCheckItem", f"{TABLES}/orders"),
    }
    assert all(need.facts["dynamodb:enclosingoperation"] == "TransactWriteItems" for need in found)
    read = dynamodb("TransactGetItems", TransactItems=[{"Get": {"TableName": "carts", "Key": {"id": {"S": "1"}}}}])
    assert pairs(read) == {("dynamodb:GetItem", f"{TABLES}/carts")}


def test_leading_keys_are_the_values_of_the_partition_key() -> None:
    (got,) = dynamodb("GetItem", TableName="orders", Key={"customer": {"S": "ada"}, "day": {"N": "1"}})
    assert got.facts["dynamodb:leadingkeys"]() == ("ada",)
    (queried,) = dynamodb(
        "Query",
        TableName="orders",
        KeyConditionExpression="#c = :c AND day > :d",
        ExpressionAttributeNames={"#c": "customer"},
        ExpressionAttributeValues={":c": {"S": "ada"}, ":d": {"N": "1"}},
    )
    assert queried.facts["dynamodb:leadingkeys"]() == ("ada",)
    (scanned,) = dynamodb("Scan", TableName="orders")
    assert "dynamodb:leadingkeys" not in scanned.facts
    (unknown,) = dynamodb("GetItem", TableName="elsewhere", Key={"customer": {"S": "ada"}})
    with pytest.raises(UnevaluableError, match="elsewhere"):
        unknown.facts["dynamodb:leadingkeys"]()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (json_call("dynamodb", "ExecuteStatement", {}), "dynamodb:ExecuteStatement"),
        (json_call("events", "PutRule", {}), "events:PutRule"),
        (rest_call("lambda", "DELETE", "/2015-03-31/functions/price"), "lambda:DELETE /2015-03-31/functions/price"),
        (rest_call("s3", "GET", "/box/a", {"acl": ""}), "s3:GetObject with acl"),
        (rest_call("s3", "POST", "/box"), "s3:POST bucket"),
        (rest_call("s3", "PUT", "/box", {"policy": ""}), "s3:PutBucket with policy"),
        (rest_call("s3", "PUT", "/"), "s3:PUT /"),
    ],
)
def test_an_operation_whose_permission_is_not_known_is_refused_by_name(call: ApiCall, named: str) -> None:
    with pytest.raises(ApiError) as refused:
        required(call, AROUND)
    assert refused.value.status == 501
    assert named in refused.value.message


def test_a_header_does_not_make_a_rest_request_another_operation() -> None:
    call = rest_call("lambda", "POST", "/2015-03-31/functions/price/invocations", x_amz_target="X.ListFunctions")
    call = ApiCall("lambda", "ListFunctions", call.method, call.path, {}, call.headers, b"{}", CALLER)
    assert needs(call) == [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:price")]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["carts", "id", "id = :v", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "S", "Put", "PutRequest", "Key", "Item", "Keys", "carts"]), inner)
    ),
    max_leaves=10,
)
PARAMETERS = (
    "TableName", "Key", "Item", "RequestItems", "TransactItems", "IndexName", "KeyConditionExpression",
    "ExpressionAttributeNames", "ExpressionAttributeValues",
)  # fmt: skip
BODIES = ANY_JSON | st.fixed_dictionaries({}, optional={name: ANY_JSON for name in PARAMETERS})


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(OPERATIONS)), BODIES)
def test_any_body_needs_something_or_is_refused(action: str, body: Any) -> None:
    try:
        found = required(json_call("dynamodb", action, body), AROUND)
    except ApiError as error:
        assert not isinstance(body, dict)
        assert error.code == "SerializationException"
        return
    assert found, "nothing goes through unchecked"
    for need in found:
        try:
            leading = need.facts.get("dynamodb:leadingkeys", tuple)()
        except UnevaluableError:
            continue
        assert all(isinstance(key, str) for key in leading)
