"""The endpoint: who is let in, which service is called, and what everyone else is told."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.credentials import AccessKey
from klotho.localcloud.endpoint import PortInUseError, bind
from tests.localcloud.frame.frame_harness import TOKEN, EndpointUnderTest

pytestmark = pytest.mark.localcloud


def ask(endpoint: EndpointUnderTest, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=5)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.read(), response.headers
    connection.close()
    return answer


def test_an_unmodified_boto3_client_is_told_who_it_is(endpoint: EndpointUnderTest) -> None:
    identity = endpoint.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:user/deployer"


def test_a_compute_unit_is_known_by_the_role_it_runs_under(endpoint: EndpointUnderTest) -> None:
    key = endpoint.credentials.issue("orders", "arn:aws:iam::000000000000:role/shop-orders")
    identity = endpoint.client("sts", key).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::000000000000:assumed-role/shop-orders/orders"


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("sts", lambda c: c.get_caller_identity(), "InvalidClientTokenId"),
        ("logs", lambda c: c.describe_log_groups(), "UnrecognizedClientException"),
        ("s3", lambda c: c.head_bucket(Bucket="b"), "403"),
        ("s3", lambda c: c.list_objects_v2(Bucket="b"), "InvalidAccessKeyId"),
    ],
)
def test_an_unknown_key_is_refused_in_each_protocols_words(
    endpoint: EndpointUnderTest, service: str, call: Any, code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        call(endpoint.client(service, AccessKey("AKIAUNKNOWN", "secret")))
    assert refused.value.response["Error"]["Code"] == code


def test_a_wrong_secret_is_refused(endpoint: EndpointUnderTest) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        endpoint.client("sts", AccessKey(endpoint.key.id, "wrong")).get_caller_identity()


def test_another_region_is_refused_by_name(endpoint: EndpointUnderTest) -> None:
    with pytest.raises(ClientError, match="region eu-west-1, the request was signed for us-west-2"):
        endpoint.client("logs", region="us-west-2").describe_log_groups()


@pytest.mark.parametrize(
    ("service", "call", "name"),
    [
        ("sqs", lambda c: c.send_message(QueueUrl="http://q", MessageBody="m"), "sqs:SendMessage"),
        ("sns", lambda c: c.list_topics(), "sns:ListTopics"),
        ("apigatewayv2", lambda c: c.get_apis(), "apigateway:GET /v2/apis"),
        ("s3", lambda c: c.get_bucket_acl(Bucket="b"), "s3:GetBucket with acl"),
        ("logs", lambda c: c.delete_log_group(logGroupName="g"), "logs:DeleteLogGroup"),
        ("secretsmanager", lambda c: c.rotate_secret(SecretId="s"), "secretsmanager:RotateSecret"),
        (
            "sts",
            lambda c: c.get_session_token(),
            "GetSessionToken",
        ),
    ],
)
def test_what_is_not_carried_is_refused_by_name(
    endpoint: EndpointUnderTest, service: str, call: Any, name: str
) -> None:
    with pytest.raises(ClientError) as refused:
        call(endpoint.client(service))
    error = refused.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    assert "klotho's local cloud does not carry" in error["Message"]
    assert name in error["Message"]


def test_a_denial_of_the_permission_hook_reaches_the_caller(endpoint: EndpointUnderTest) -> None:
    endpoint.denied.add("DescribeLogGroups")
    try:
        with pytest.raises(ClientError, match="deployer may not DescribeLogGroups"):
            endpoint.client("logs").describe_log_groups()
    finally:
        endpoint.denied.clear()


def test_a_bug_in_a_service_is_a_500_that_tells_no_details(endpoint: EndpointUnderTest) -> None:
    with pytest.raises(ClientError) as failed:
        endpoint.client("events").list_rules()
    assert failed.value.response["Error"]["Code"] == "InternalFailure"
    assert "secret detail" not in str(failed.value)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1"])
def test_a_foreign_host_is_refused_even_with_the_token(endpoint: EndpointUnderTest, host: str) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {TOKEN}"}
    assert ask(endpoint, "GET", "/_klotho/health", headers)[0] == 403


def test_a_web_page_is_refused_even_with_the_token(endpoint: EndpointUnderTest) -> None:
    headers = {"Origin": "http://127.0.0.1", "Authorization": f"Bearer {TOKEN}"}
    assert ask(endpoint, "POST", "/_klotho/stop", headers)[0] == 403
    assert endpoint.stops == 0


def test_the_supervisors_own_paths_want_the_token_and_the_right_method(endpoint: EndpointUnderTest) -> None:
    good = {"Authorization": f"Bearer {TOKEN}"}
    assert ask(endpoint, "GET", "/_klotho/health", {})[0] == 401
    assert ask(endpoint, "GET", "/_klotho/health", {"Authorization": "Bearer wrong"})[0] == 401
    assert json.loads(ask(endpoint, "GET", "/_klotho/health", good)[1]) == {"pid": 1}
    assert json.loads(ask(endpoint, "GET", "/_klotho/status", good)[1]) == {"units": []}
    assert ask(endpoint, "GET", "/_klotho/stop", good)[0] == 405
    assert ask(endpoint, "GET", "/_klotho/nothing", good)[0] == 404
    assert endpoint.stops == 0
    assert ask(endpoint, "POST", "/_klotho/stop", good)[0] == 202
    assert endpoint.stops == 1


def test_a_request_without_a_signature_is_refused(endpoint: EndpointUnderTest) -> None:
    status, body, _ = ask(endpoint, "POST", "/", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, b"{}")
    assert status == 403
    assert json.loads(body)["__type"] == "MissingAuthenticationToken"


def test_urls_presigned_by_signature_version_2_are_refused_with_what_to_write(endpoint: EndpointUnderTest) -> None:
    url = endpoint.client("s3").generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    assert "AWSAccessKeyId=" in url, "boto3's default for old regions"
    status, body, _ = ask(endpoint, "GET", url.removeprefix(endpoint.url), {})
    assert (status, b"AWS4-HMAC-SHA256" in body, b"s3v4" in body) == (400, True, True)


def test_discover_instances_answers_where_a_service_listens(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("servicediscovery", inject_host_prefix=False)
    found = client.discover_instances(NamespaceName="shop", ServiceName="orders")["Instances"]
    assert [i["Attributes"]["AWS_INSTANCE_PORT"] for i in found] == ["8080", "8081"]
    assert client.discover_instances(NamespaceName="shop", ServiceName="nobody")["Instances"] == []


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} on 127.0.0.1 is in use"):
            bind(port)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    authorization=st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
        st.builds(
            "AWS4-HMAC-SHA256 Credential={}/{}/eu-west-1/{}/aws4_request, SignedHeaders={}, Signature={}".format,
            st.sampled_from(["AKIA", "known"]),
            st.sampled_from(["20260101", "99999999"]),
            st.sampled_from(["s3", "logs", "sts", "nothing"]),
            st.sampled_from(["host", "host;x-amz-date", "x-missing;host"]),
            st.sampled_from(["0" * 64, "f" * 64]),
        ),
    ),
    date=st.sampled_from(["20260101T000000Z", "99999999T999999Z", "", "today"]),
    body=st.binary(max_size=60),
)
def test_no_input_gets_in_or_breaks_the_endpoint(
    endpoint: EndpointUnderTest, method: str, path: str, authorization: str, date: str, body: bytes
) -> None:
    authorization = authorization.replace("known", endpoint.key.id)
    headers = {"Authorization": authorization.strip(), "X-Amz-Date": date}
    status, _, answered = ask(endpoint, method, "/" + path, headers, body)
    assert 400 <= status < 500 or status == 501
    assert answered["x-amzn-requestid"]
