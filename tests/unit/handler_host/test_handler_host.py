"""What the server of a function on Fargate makes of requests and messages, and how it keeps the handler's processes."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

import pytest

from klotho.handler_host.pool import Answer, Pool
from klotho.handler_host.requests import api_event, balancer_event, is_invocation, response_of
from klotho.handler_host.routes import route_of
from klotho.handler_host.sources import failed_of, queue_record, topic_event

ROUTES = [
    "ANY /",
    "ANY /{proxy+}",
    "GET /orders/{id}",
    "GET /orders/{id}/{proxy+}",
    "ANY /orders/{id}",
    "GET /orders/new",
]


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/", "ANY /", {}),
        ("GET", "/orders/new", "GET /orders/new", {}),
        ("GET", "/orders/a%20b", "GET /orders/{id}", {"id": "a b"}),
        ("PUT", "/orders/7", "ANY /orders/{id}", {"id": "7"}),
        ("GET", "/orders/7/lines/1", "GET /orders/{id}/{proxy+}", {"id": "7", "proxy": "lines/1"}),
        ("GET", "/hens", "ANY /{proxy+}", {"proxy": "hens"}),
    ],
)
def test_the_most_specific_route_is_the_requests(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    assert route_of(method, path, ROUTES) == (key, parameters)


def test_an_event_of_an_api_has_what_the_api_says_of_the_caller_and_nothing_a_client_said() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "ada", "groups": ["a", "b"], "ok": True}).encode()).decode()
    headers = [
        ("host", "10.0.0.1:8080"), ("forwarded", "by=1.1.1.1;for=2.2.2.2;host=shop.example.com;proto=https"),
        ("authorization", f"Bearer e30.{claims.rstrip('=')}.c2ln"), ("x-klotho-caller", "jwt"), ("cookie", "a=1; b=2"),
    ]  # fmt: skip
    event = api_event("GET", "/orders/7?x=1&x=2&y=%20", headers, b"", ["GET /orders/{id}"])
    assert event["requestContext"]["authorizer"]["jwt"]["claims"] == {"sub": "ada", "groups": "[a b]", "ok": "true"}
    assert (event["routeKey"], event["pathParameters"]) == ("GET /orders/{id}", {"id": "7"})
    assert event["queryStringParameters"] == {"x": "1,2", "y": " "}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["host"] == event["requestContext"]["domainName"] == "shop.example.com"
    assert event["requestContext"]["http"]["sourceIp"] == "2.2.2.2"
    assert "x-klotho-caller" not in event["headers"]
    assert "authorizer" not in api_event("GET", "/", [("x-klotho-caller", "nobody")], b"", [])["requestContext"]


def test_bodies_that_are_no_text_go_as_base64() -> None:
    assert balancer_event("POST", "/x?a=%20", [], b"hi")["body"] == "hi"
    event = balancer_event("POST", "/x?a=%20", [("content-type", "image/png")], b"\xff")
    assert (event["body"], event["isBase64Encoded"]) == (base64.b64encode(b"\xff").decode(), True)
    assert event["queryStringParameters"] == {"a": "%20"}


def test_an_answer_is_a_response_as_an_api_and_a_load_balancer_would_have_it() -> None:
    assert response_of(b'{"a": 1}', True) == (200, [("content-type", "application/json")], b'{"a": 1}')
    assert response_of(b'{"a": 1}', False)[0] == 502
    answer = {"statusCode": 201, "headers": {"X": "y"}, "cookies": ["a=1"], "body": "aGk=", "isBase64Encoded": True}
    status, headers, body = response_of(json.dumps(answer).encode(), True)
    assert (status, body) == (201, b"hi")
    assert ("set-cookie", "a=1") in headers and ("X", "y") in headers


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (Answer(b"null", False), set()),
        (Answer(b'{"batchItemFailures": []}', False), set()),
        (Answer(b'{"batchItemFailures": [{"itemIdentifier": "1"}]}', False), {"1"}),
        (Answer(b'{"batchItemFailures": [{"itemIdentifier": ""}]}', False), None),
        (Answer(b'{"batchItemFailures": ["1"]}', False), None),
        (Answer(b"{}", True), None),
    ],
)
def test_only_what_is_not_said_to_have_failed_leaves_the_queue(answer: Answer, failed: set[str] | None) -> None:
    assert failed_of(answer) == failed


def test_messages_look_as_lambda_hands_them_over() -> None:
    message = {
        "MessageId": "1", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": "m", "Attributes": {"SentTimestamp": "0"},
        "MessageAttributes": {"kind": {"StringValue": "a", "DataType": "String"}},
    }  # fmt: skip
    record = queue_record(message, "arn:aws:sqs:eu-west-1:123456789012:jobs")
    assert record["messageAttributes"] == {"kind": {"stringValue": "a", "dataType": "String"}}
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", "eu-west-1")
    told = {"Type": "Notification", "Message": "m", "SigningCertURL": "c", "UnsubscribeURL": "u?SubscriptionArn=arn:x"}
    (found,) = json.loads(topic_event(json.dumps(told)))["Records"]
    assert (found["EventSubscriptionArn"], found["Sns"]["SigningCertUrl"]) == ("arn:x", "c")


def test_nobody_from_outside_can_call_the_handler_as_a_service_of_the_application_does() -> None:
    path = "/2015-03-31/functions/work/invocations"
    assert is_invocation("POST", path, [("host", "work:8080")])
    assert not is_invocation("POST", path, [("x-klotho-caller", "nobody")])  # an API says so in every request
    assert not is_invocation("POST", path, [("x-forwarded-port", "80")])  # and a load balancer this
    assert not is_invocation("GET", path, [])


WORKER = """
import json, os, sys, time, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(base + "next") as answer:
        number, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    if event == "die":
        sys.exit(3)
    if event == "sleep":
        time.sleep(60)
    kind = "error" if event == "fail" else "response"
    urllib.request.urlopen(urllib.request.Request(base + number + "/" + kind, json.dumps(event).encode())).read()
"""


def test_a_process_that_ends_or_takes_too_long_fails_its_call_and_is_replaced(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER)
    environment = {**os.environ, "LAMBDA_TASK_ROOT": str(tmp_path)}
    pool = Pool([sys.executable, "-S", str(worker)], environment, 1, 1.0)
    pool.start()
    try:
        assert (pool.run(b'{"a": 1}').body, pool.run(b'"fail"').failed) == (b'{"a": 1}', True)
        assert b"Runtime exited: 3" in pool.run(b'"die"').body
        assert pool.run(b'"again"').body == b'"again"'
        late = pool.run(b'"sleep"')
        assert late.failed and b"Task timed out after 1.00 seconds" in late.body
        assert pool.run(b'"again"').body == b'"again"'
    finally:
        pool.stop()
