"""An unmodified boto3 client invokes functions and reads their configuration."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from functions.testbed import BUCKET, REGION, functions_cloud, make_function, package, python
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.services.lambda_ import LambdaService

pytestmark = pytest.mark.localcloud
Ask = Callable[[str, dict[str, Any]], Any]


@asynccontextmanager
async def served(state: Path, **options: Any) -> AsyncIterator[tuple[Cloud, Ask]]:
    async with functions_cloud(state, **options) as cloud:
        listener = bind(0)
        port = listener.getsockname()[1]
        server = EndpointServer(Endpoint((LambdaService(cloud),), cloud.credentials, REGION, port), listener)
        await server.start()
        key = cloud.credentials.deployer()
        client = boto3.client(
            "lambda", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION, aws_access_key_id=key.id,
            aws_secret_access_key=key.secret, config=Config(retries={"max_attempts": 1}),
        )  # fmt: skip
        try:
            yield cloud, lambda name, arguments: asyncio.to_thread(getattr(client, name), **arguments)
        finally:
            await server.stop()


_TALKS = """
def handler(event, context):
    print('here')
    if event.get('bad'):
        raise ValueError('bad')
    return [event, context.client_context and context.client_context.custom]
"""


def test_a_function_is_invoked_by_name_and_by_arn_with_its_log_and_errors(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (cloud, ask):
            record = await python(cloud, _TALKS)
            context = base64.b64encode(json.dumps({"custom": {"who": "mé"}}).encode()).decode()
            for name in ("work", record.attributes["Arn"], f"{record.attributes['Arn']}:$LATEST"):
                found = await ask(
                    "invoke",
                    {"FunctionName": name, "Payload": b'{"a": 1}', "LogType": "Tail", "ClientContext": context},
                )
                assert found["StatusCode"] == 200 and found["ExecutedVersion"] == "$LATEST"
                assert json.loads(found["Payload"].read()) == [{"a": 1}, {"who": "mé"}]
                assert "here" in base64.b64decode(found["LogResult"]).decode()
                assert "FunctionError" not in found
            found = await ask("invoke", {"FunctionName": "work", "Payload": b'{"bad": 1}'})
            assert found["FunctionError"] == "Unhandled"
            assert json.loads(found["Payload"].read())["errorMessage"] == "bad"
            assert (await ask("invoke", {"FunctionName": "work", "InvocationType": "DryRun"}))["StatusCode"] == 204

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("invoke", {"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ("invoke", {"FunctionName": "work", "Qualifier": "7"}, "ResourceNotFoundException"),
        ("invoke", {"FunctionName": "work", "Payload": b"{"}, "InvalidRequestContentException"),
        ("invoke", {"FunctionName": "work", "ClientContext": "?"}, "InvalidRequestContentException"),
        ("get_function", {"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ("update_function_code", {"FunctionName": "work", "ZipFile": b"x"}, "NotImplemented"),
        ("delete_function", {"FunctionName": "work"}, "NotImplemented"),
        ("list_event_source_mappings", {}, "NotImplemented"),
    ],
)
def test_what_aws_refuses_and_what_is_not_carried_is_an_error_of_that_name(
    tmp_path: Path, operation: str, arguments: dict[str, Any], code: str
) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (cloud, ask):
            await python(cloud, "def handler(e, c): return 1")
            with pytest.raises(ClientError) as refusal:
                await ask(operation, arguments)
            assert refusal.value.response["Error"]["Code"] == code
            if code == "NotImplemented":
                assert "does not carry lambda:" in refusal.value.response["Error"]["Message"]

    asyncio.run(scenario())


def test_code_is_changed_past_the_stack_as_on_aws(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (cloud, ask):
            await python(cloud, "def handler(e, c): return 1")
            before = await ask("get_function_configuration", {"FunctionName": "work"})
            cloud.objects.put(BUCKET, "new.zip", package({"app.py": "def handler(e, c): return 2"}))
            asked = {"FunctionName": "work", "S3Bucket": BUCKET, "S3Key": "new.zip"}
            after = await ask("update_function_code", asked)
            assert (after["LastUpdateStatus"], after["CodeSha256"] != before["CodeSha256"]) == ("Successful", True)
            assert json.load((await ask("invoke", {"FunctionName": "work"}))["Payload"]) == 2
            with pytest.raises(ClientError) as refusal:
                await ask("update_function_code", {**asked, "S3Key": "none.zip"})
            assert refusal.value.response["Error"]["Code"] == "InvalidParameterValueException"
            with pytest.raises(ClientError) as refusal:
                await ask("update_function_code", {"FunctionName": "work", "ZipFile": b"x"})
            assert "UpdateFunctionCode with ZipFile" in refusal.value.response["Error"]["Message"]
            assert json.load((await ask("invoke", {"FunctionName": "work"}))["Payload"]) == 2

    asyncio.run(scenario())


def test_the_configuration_is_shown_and_functions_are_listed_in_pages(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (cloud, ask):
            for name in ("a", "b", "c"):
                source = {"app.py": "def handler(e, c): return 1"}
                await make_function(
                    cloud, name, source, handler="app.handler", Timeout=7, Environment={"Variables": {"X": "1"}}
                )
            shown = (await ask("get_function", {"FunctionName": "b"}))["Configuration"]
            assert (shown["Timeout"], shown["Handler"], shown["State"]) == (7, "app.handler", "Active")
            assert shown["Environment"] == {"Variables": {"X": "1"}} and shown["CodeSize"] > 0
            assert (await ask("get_function_configuration", {"FunctionName": "b"}))["CodeSha256"] == shown["CodeSha256"]
            first = await ask("list_functions", {"MaxItems": 2})
            rest = await ask("list_functions", {"Marker": first["NextMarker"]})
            assert [item["FunctionName"] for item in first["Functions"] + rest["Functions"]] == ["a", "b", "c"]
            assert "NextMarker" not in rest

    asyncio.run(scenario())


_FAILS_TWICE = """
import os
def handler(event, context):
    path = event['path']
    with open(path, 'a') as file: file.write('x')
    if os.path.getsize(path) < event['needed']: raise RuntimeError('not yet')
"""


@pytest.mark.parametrize(("needed", "runs"), [(1, 1), (3, 3), (9, 3)], ids=["at once", "third time", "never"])
def test_an_event_is_tried_up_to_three_times(tmp_path: Path, needed: int, runs: int) -> None:
    async def scenario() -> None:
        async with served(tmp_path, retry_delays_s=(0.05, 0.05)) as (cloud, ask):
            await python(cloud, _FAILS_TWICE)
            trace = tmp_path / "trace"
            payload = json.dumps({"path": str(trace), "needed": needed}).encode()
            found = await ask("invoke", {"FunctionName": "work", "InvocationType": "Event", "Payload": payload})
            assert found["StatusCode"] == 202
            end = time.monotonic() + 10
            while cloud.functions.events.pending():
                assert time.monotonic() < end
                await asyncio.sleep(0.02)
            assert trace.stat().st_size == runs

    asyncio.run(scenario())


def test_events_not_yet_done_survive_the_supervisor(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    payload = json.dumps({"path": str(trace), "needed": 1}).encode()

    async def before() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await python(cloud, _FAILS_TWICE)
            await cloud.functions.events.stop()
            cloud.functions.enqueue("work", payload)

    async def after() -> None:
        async with functions_cloud(tmp_path) as cloud:
            assert cloud.functions.events.pending() == 1
            for record in cloud.world.list("AWS::Lambda::Function"):
                await cloud.functions.put(record, warm=False)
            end = time.monotonic() + 10
            while cloud.functions.events.pending():
                assert time.monotonic() < end
                await asyncio.sleep(0.02)

    asyncio.run(before())
    asyncio.run(after())
    assert trace.stat().st_size == 1
