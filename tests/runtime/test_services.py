"""Calling containers by address and functions by invocation."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from klotho.runtime import aws, config, discovery, transport
from klotho.runtime.errors import AwsError, ServiceError, WrongKindError

from .aws_front import Front


def test_a_container_has_the_addresses_of_the_protocols_granted(granted: None) -> None:
    pdf = config.services.get("pdf")
    assert (pdf.url, pdf.grpc, pdf.address("http"), pdf.address("grpc")) == (
        "http://pdf:8080", "pdf:50051", "pdf:8080", "pdf:50051",
    )  # fmt: skip
    assert pdf.protocols == ["grpc", "http"]
    assert config.services.get("web").url == "http://web:8080"


def test_a_protocol_that_was_not_granted_is_refused_with_the_verb(granted: None) -> None:
    with pytest.raises(WrongKindError, match=r'may be called by http, not by grpc.*api\.calls\(web, "grpc"\)'):
        _ = config.services.get("web").grpc
    with pytest.raises(WrongKindError, match=r"Containers are called at \.url"):
        config.services.get("web").invoke({})
    with pytest.raises(WrongKindError, match=r"Functions have no address: use \.invoke"):
        _ = config.services.get("create_invoice_lambda").url


def test_invoking_returns_what_the_function_returned(granted: None, front: Front) -> None:
    invoice = config.services.get("create_invoice_lambda")
    assert invoice.arn.endswith(":function:invoice")
    assert invoice.invoke({"order": 7, "text": "é"}) == {"got": {"order": 7, "text": "é"}}
    assert invoice.invoke() == {"got": None}
    assert front.invocations[0] == ("invoice", "RequestResponse", {"order": 7, "text": "é"})


def test_an_invocation_without_waiting_is_queued(granted: None, front: Front) -> None:
    assert config.services.get("create_invoice_lambda").invoke([1], wait=False) is None
    assert front.invocations == [("invoice", "Event", [1])]


def test_a_failing_function_raises_its_own_error(granted: None, front: Front) -> None:
    with pytest.raises(ServiceError, match="broken failed: KeyError: no such order") as caught:
        config.services.get("broken").invoke({})
    assert (caught.value.service, caught.value.type, caught.value.trace) == ("broken", "KeyError", ("line 1", "line 2"))


def test_a_function_that_is_not_there_is_awss_error(granted: None, front: Front) -> None:
    with pytest.raises(AwsError, match="ResourceNotFoundException") as caught:
        config.services.get("missing").invoke({})
    assert caught.value.status == 404
    assert len(front.calls) == 1


def test_a_payload_that_is_not_json_is_a_type_error_and_nothing_is_sent(granted: None, front: Front) -> None:
    with pytest.raises(TypeError):
        config.services.get("create_invoice_lambda").invoke({"x": object()})
    assert front.calls == []


def test_throttling_and_server_errors_pass_with_time(granted: None, front: Front) -> None:
    front.faults += [(429, "TooManyRequestsException"), (500, "ServiceException"), (503, "ServiceUnavailable")]
    assert config.services.get("create_invoice_lambda").invoke(1) == {"got": 1}
    assert len(front.calls) == 4


def test_after_five_attempts_the_error_is_raised(granted: None, front: Front) -> None:
    front.faults += [(500, "ServiceException")] * 9
    with pytest.raises(AwsError, match="ServiceException"):
        config.services.get("create_invoice_lambda").invoke(1)
    assert len(front.calls) == aws.ATTEMPTS


def test_an_invocation_whose_answer_is_lost_is_not_repeated(granted: None, front: Front) -> None:
    front.faults.append("drop")
    with pytest.raises(AwsError, match="ConnectionError"):
        config.services.get("create_invoice_lambda").invoke(1)
    assert len(front.calls) == 1


def test_waiting_ends_after_the_timeout(granted: None, front: Front) -> None:
    front.faults.append("slow")
    with pytest.raises(AwsError, match="timed out"):
        config.services.get("create_invoice_lambda").invoke(1, timeout=0.2)
    assert len(front.calls) == 1


def test_one_connection_serves_many_calls_and_a_dead_one_is_replaced(granted: None, front: Front) -> None:
    invoice = config.services.get("create_invoice_lambda")
    invoice.invoke(0)
    before = front.connections
    for number in range(5):
        invoice.invoke(number)
    assert front.connections == before
    front.faults.append("drop")
    with pytest.raises(AwsError):
        invoice.invoke(9)
    assert invoice.invoke(10) == {"got": 10}
    assert front.connections == before + 1


def test_a_server_that_closes_idle_connections_costs_no_call(granted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second invocation must notice the closed connection before sending, since it may not be sent twice."""
    listener = socket.create_server(("127.0.0.1", 0))
    answered: list[bytes] = []

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            answered.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{listener.getsockname()[1]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    invoice = config.services.get("create_invoice_lambda")
    assert invoice.invoke(1) is True
    time.sleep(0.05)
    assert invoice.invoke(2) is True
    thread.join()
    listener.close()
    assert len(answered) == 2


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    granted: None, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = config.services.get("create_invoice_lambda")
    invoice.invoke(1)
    before = front.connections
    monkeypatch.setattr(transport, "IDLE_LIMIT_SECONDS", 0.0)
    invoice.invoke(2)
    assert front.connections == before + 1


def test_a_connection_refused_is_tried_again_even_for_an_invocation(
    granted: None, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    pauses: list[float] = []
    monkeypatch.setattr(aws.time, "sleep", pauses.append)
    with pytest.raises(AwsError, match="cannot connect"):
        config.services.get("create_invoice_lambda").invoke(1)
    assert len(pauses) == aws.ATTEMPTS - 1


def test_a_function_finds_a_container_by_cloud_map_in_turns(granted: None, front: Front, registered: None) -> None:
    far = config.services.get("far")
    urls = [far.url for _ in range(4)]
    assert sorted(set(urls)) == ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]
    assert urls[:2] == urls[2:]
    assert front.calls == ["DiscoverInstances"]
    config.refresh()
    assert far.address("http") in ("10.0.0.1:8080", "10.0.0.2:8080")
    assert front.calls == ["DiscoverInstances"] * 2


def test_no_instance_is_said_and_asked_for_again(granted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[list[str]] = [[], ["10.0.0.9:80"]]
    monkeypatch.setattr(discovery, "_discover", lambda namespace, service: answers.pop(0))
    far = config.services.get("far")
    with pytest.raises(AwsError, match=r"far\.shop\.local has no healthy instance"):
        _ = far.url
    assert far.url == "http://10.0.0.9:80"


def test_the_last_answer_bridges_an_outage_of_cloud_map(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[list[str] | AwsError] = [["a:1"], AwsError("servicediscovery", "ConnectionError", "down")]

    def discover(namespace: str, service: str) -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    monkeypatch.setattr(discovery, "_discover", discover)
    now = [0.0]
    instances = discovery.Instances(lambda: now[0])
    assert instances.one("n", "s") == "a:1"
    now[0] += 11
    assert instances.one("n", "s") == "a:1"
    assert answers == []


def test_a_container_on_lambda_has_an_address_for_any_http_client(granted: None, front: Front) -> None:
    shop = config.services.get("shop")
    assert shop.protocols == ["http"]
    assert shop.url == shop.url, "one address for as long as the process lives"
    asked = urllib.request.Request(
        f"{shop.url}/a%20b/c?d=e%2Ff", b'{"x": 1}', {"Cookie": "p=1; q=2", "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert (answer.status, answer.headers["x-shop"], answer.headers.get_all("Set-Cookie")) == (
            201, "open", ["a=1", "b=2"],
        )  # fmt: skip
        assert json.load(answer) == {
            "rawPath": "/a b/c", "rawQueryString": "d=e%2Ff", "cookies": ["p=1", "q=2"], "body": '{"x": 1}',
            "isBase64Encoded": False, "method": "POST",
        }  # fmt: skip
    assert front.invocations[-1][:2] == ("shop", "RequestResponse")


def test_a_container_on_lambda_that_fails_or_is_sent_too_much_answers_with_the_reason(
    granted: None, front: Front
) -> None:
    for service, body, status, words in (
        ("down", None, 502, "no such order"),
        ("shop", b"x" * 5_000_000, 413, "up to 6 MB"),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(config.services.get(service).url, body, timeout=20)
        assert refused.value.code == status
        assert words in refused.value.read().decode()
    with pytest.raises(WrongKindError, match="may be called by http, not by grpc"):
        _ = config.services.get("shop").grpc
