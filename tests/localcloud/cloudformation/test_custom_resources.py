"""Custom resources: the protocol between stacks and the functions that make their resources."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from contract.planes import planes
from hypothesis import given
from hypothesis import strategies as st

from klotho.catalogue.facts import schema
from klotho.catalogue.facts.validate import validate
from klotho.localcloud.cloudformation.engine import Engine
from klotho.localcloud.handlers import build_handlers
from klotho.localcloud.handlers.custom_resource import as_text
from klotho.localcloud.services.custom_resources import UnansweredError, _parsed

from .builders import record_cloud, stack_request, template

pytestmark = pytest.mark.localcloud
MAKER = """import json, os, time, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    with open(properties["Log"], "a") as log:
        log.write(json.dumps(event) + "\\n")
    if properties.get("Silent") == event["RequestType"]:
        return
    while properties.get("WaitFor") and not os.path.exists(properties["WaitFor"]):
        time.sleep(0.02)
    answer = {
        "Status": "FAILED" if properties.get("Refuse") == event["RequestType"] else "SUCCESS",
        "Reason": "the maker is out of paint",
        "PhysicalResourceId": "made-" + properties.get("Name", "a"),
        "Data": {"Said": properties.get("Text", "")},
        "NoEcho": properties.get("Secret") == "true",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request).close()
"""  # noqa: E501 - one line of the function
BAD_RETENTION = {"Type": "AWS::Logs::LogGroup", "DependsOn": "Thing", "Properties": {"RetentionInDays": 2}}


def body(folder: Path, *, output: Any = None, others: Any = None, **properties: Any) -> str:
    """A stack with a function and a thing it makes."""
    maker = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Code": {"ZipFile": MAKER},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        },
    }
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}
    given = {"ServiceToken": {"Fn::GetAtt": ["Maker", "Arn"]}, "ServiceTimeout": 20, "Log": str(folder / "log")}
    thing = {"Type": "Custom::Thing", "Properties": {**given, **properties}}
    value = output if output is not None else {"Fn::GetAtt": ["Thing", "Said"]}
    return template(
        {"Role": role, "Maker": maker, "Thing": thing, **(others or {})}, Outputs={"Said": {"Value": value}}
    )


def asked(folder: Path) -> list[dict[str, Any]]:
    """The events the function got."""
    path = folder / "log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Running:
    """An engine with functions on the data of a folder; entering again is a restart."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def create(self, text: str) -> str:
        self.engine.create_stack(stack_request("s", text))
        return await self.status()

    async def update(self, text: str) -> str:
        self.engine.update_stack(stack_request("s", text))
        return await self.status()

    async def delete(self) -> str:
        self.engine.delete_stack("s", [], None)
        return await self.status()

    async def status(self) -> str:
        await self.engine.settle()
        return self.engine.store.stacks()[0].status

    def events(self) -> str:
        """Everything a reader of the stack's events sees."""
        return repr(self.engine.store.events(self.engine.store.stacks()[0].stack_id, None, 500))

    def identifier(self) -> str | None:
        stack = self.engine.store.stacks()[0]
        return self.engine.store.resources(stack.stack_id)["Thing"].physical_id


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    cloud = record_cloud(folder / "state")
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(cloud.database.close)
        await stack.enter_async_context(planes("functions", "custom_resources")(cloud, folder / "state"))
        handlers = build_handlers(cloud)
        for record in list(cloud.world.all()):
            await handlers[record.type_name].resume(record)
        engine = Engine(cloud, handlers)
        stack.push_async_callback(engine.close)
        yield Running(engine)


def test_the_function_gets_what_aws_sends_and_its_data_becomes_attributes(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            assert await at.create(body(tmp_path, Text="hello", Number=3, Yes=True)) == "CREATE_COMPLETE", at.events()
            stack = at.engine.store.stacks()[0]
            assert stack.outputs[0]["OutputValue"] == "hello"
            assert at.identifier() == "made-a"
            (event,) = asked(tmp_path)
            assert event.pop("ResponseURL").startswith("http://127.0.0.1:")
            assert event.pop("RequestId")
            assert event.pop("ResourceProperties") == {
                "ServiceToken": at.engine.cloud.world.list("AWS::Lambda::Function")[0].attributes["Arn"],
                "ServiceTimeout": "20", "Log": str(tmp_path / "log"), "Text": "hello", "Number": "3", "Yes": "true",
            }  # fmt: skip
            assert event == {
                "RequestType": "Create",
                "StackId": stack.stack_id,
                "ResourceType": "Custom::Thing",
                "LogicalResourceId": "Thing",
            }
            assert await at.update(body(tmp_path, Text="bye")) == "UPDATE_COMPLETE"
            update = asked(tmp_path)[1]
            assert (update["RequestType"], update["PhysicalResourceId"]) == ("Update", "made-a")
            assert update["OldResourceProperties"]["Text"] == "hello"
            assert await at.delete() == "DELETE_COMPLETE"
            assert [item["RequestType"] for item in asked(tmp_path)] == ["Create", "Update", "Delete"]

    asyncio.run(story())


def test_what_the_function_refuses_is_the_reason_and_is_deleted_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            assert await at.create(body(tmp_path, Refuse="Create")) == "ROLLBACK_COMPLETE"
            assert "Received response status [FAILED]" in at.events()
            assert "the maker is out of paint" in at.events()
            create, delete = asked(tmp_path)
            assert (delete["RequestType"], delete["PhysicalResourceId"]) == ("Delete", "made-a")
            assert create["RequestId"] != delete["RequestId"]

    asyncio.run(story())


def test_a_function_that_never_answers_times_out(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            status = await at.create(body(tmp_path, Silent="Create", ServiceTimeout=1))
            assert status == "ROLLBACK_COMPLETE"
            assert "did not receive a response from your Custom Resource" in at.events()
            assert asked(tmp_path)[1]["PhysicalResourceId"].startswith("s-Thing-")

    asyncio.run(story())


def test_another_physical_id_is_another_resource_and_the_old_one_is_deleted_afterwards(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            await at.create(body(tmp_path, Name="a"))
            assert await at.update(body(tmp_path, Name="b")) == "UPDATE_COMPLETE"
            assert at.identifier() == "made-b"
            last = asked(tmp_path)[-1]
            assert (last["RequestType"], last["PhysicalResourceId"]) == ("Delete", "made-a")
            assert last["ResourceProperties"]["Name"] == "a"

    asyncio.run(story())


def test_a_rollback_goes_back_to_the_old_one_and_deletes_the_new_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            await at.create(body(tmp_path, Name="a", Text="first"))
            broken = body(tmp_path, Name="b", Text="second", others={"Bad": BAD_RETENTION})
            assert await at.update(broken) == "UPDATE_ROLLBACK_COMPLETE"
            assert at.identifier() == "made-a"
            _, there, back, gone = asked(tmp_path)
            assert (there["RequestType"], there["PhysicalResourceId"]) == ("Update", "made-a")
            assert (back["RequestType"], back["PhysicalResourceId"]) == ("Update", "made-b")
            assert (back["ResourceProperties"]["Text"], back["OldResourceProperties"]["Text"]) == ("first", "second")
            assert (gone["RequestType"], gone["PhysicalResourceId"]) == ("Delete", "made-b")

    asyncio.run(story())


def test_a_refused_update_goes_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            await at.create(body(tmp_path, Text="first"))
            # The update back must not be refused too, so only the desired properties say so.
            assert await at.update(body(tmp_path, Text="second", Refuse="Update")) == "UPDATE_ROLLBACK_COMPLETE"
            assert at.engine.store.stacks()[0].outputs[0]["OutputValue"] == "first"
            assert at.identifier() == "made-a"

    asyncio.run(story())


def test_a_refused_delete_fails_by_name(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            await at.create(body(tmp_path, Refuse="Delete"))
            assert await at.delete() == "DELETE_FAILED"
            assert "the maker is out of paint" in at.events()

    asyncio.run(story())


def test_secret_data_is_in_no_event(tmp_path: Path) -> None:
    """Another resource's refusal names the value it was given; a secret one is masked."""
    named = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::GetAtt": ["Thing", "Said"]}}}
    canary = "canary with spaces"

    async def story(secret: bool) -> str:
        folder = tmp_path / str(secret)
        folder.mkdir()
        async with running(folder) as at:
            text = body(folder, output="none", others={"Named": named}, Secret=secret, Text=canary)
            assert await at.create(text) == "ROLLBACK_COMPLETE"
            return at.events()

    assert canary in asyncio.run(story(False))
    shown = asyncio.run(story(True))
    assert canary not in shown
    assert "*****" in shown


def test_an_attribute_that_is_not_in_the_answer_is_named(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            status = await at.create(body(tmp_path, output={"Fn::GetAtt": ["Thing", "Colour"]}))
            assert status == "ROLLBACK_COMPLETE"
            assert "Vendor response doesn't contain Colour attribute" in at.events()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"ServiceToken": "arn:aws:sns:eu-west-1:000000000000:t"}, "a topic as ServiceToken is not supported"),
        ({"ServiceToken": "arn:aws:lambda:eu-west-1:000000000000:function:gone"}, "Function not found"),
        ({"ServiceTimeout": 4000}, "ServiceTimeout `4000` is not between 1 and 3600"),
    ],
)
def test_what_can_not_be_asked_is_refused_and_asked_of_nobody(
    properties: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            assert await at.create(body(tmp_path, **properties)) == "ROLLBACK_COMPLETE"
            assert reason in at.events()
            assert asked(tmp_path) == []

    asyncio.run(story())


def test_the_function_of_a_resource_can_not_be_changed(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as at:
            await at.create(body(tmp_path))
            other = {"ServiceToken": "arn:aws:lambda:eu-west-1:000000000000:function:other"}
            assert await at.update(body(tmp_path, **other)) == "UPDATE_ROLLBACK_COMPLETE"
            assert "Modifying service token is not allowed." in at.events()

    asyncio.run(story())


def test_what_was_under_way_when_everything_was_killed_comes_to_the_same_end(tmp_path: Path) -> None:
    """The function was at work and had not answered: after the restart it runs again, for the same request."""
    gate = tmp_path / "gate"
    text = body(tmp_path, Text="late", WaitFor=str(gate))

    async def until_asked() -> None:
        async with running(tmp_path) as at:
            at.engine.create_stack(stack_request("s", text))
            while not asked(tmp_path):
                await asyncio.sleep(0.01)

    async def afterwards() -> None:
        async with running(tmp_path) as at:
            await at.engine.recover()
            gate.touch()
            assert await at.status() == "CREATE_COMPLETE", at.events()
            assert at.engine.store.stacks()[0].outputs[0]["OutputValue"] == "late"
            assert at.identifier() == "made-a"

    asyncio.run(until_asked())
    # The test's endpoint has another port after the restart, the supervisor's has not.
    asyncio.run(_redirected(tmp_path, afterwards))
    assert len({event["RequestId"] for event in asked(tmp_path)}) == 1


async def _redirected(folder: Path, story: Any) -> None:
    """Run `story` while the port of the endpoint before the restart leads to the one after it."""
    port = int(asked(folder)[0]["ResponseURL"].split(":")[2].split("/")[0])

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", PORTS[-1])
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    from contract.planes import AnsweredCustomResources

    PORTS: list[int] = []
    start = AnsweredCustomResources.start

    async def noted(self: AnsweredCustomResources) -> None:
        await start(self)
        PORTS.append(int(self._cloud.endpoint_url.rpartition(":")[2]))

    AnsweredCustomResources.start = noted  # type: ignore[method-assign]
    try:
        server = await asyncio.start_server(connected, "127.0.0.1", port)
        async with server:
            await story()
    finally:
        AnsweredCustomResources.start = start  # type: ignore[method-assign]


def test_a_url_that_was_not_given_out_is_refused(tmp_path: Path) -> None:
    def put(url: str) -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, b"{}", method="PUT"), timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    async def story() -> None:
        async with running(tmp_path) as at:
            await at.create(body(tmp_path))
            url = asked(tmp_path)[0]["ResponseURL"]
            assert await asyncio.to_thread(put, f"{url}x") == 403
            # What was answered stays answered.
            assert await asyncio.to_thread(put, url) == 200
            assert at.identifier() == "made-a"

    asyncio.run(story())


EVENT = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}
GOOD = {**EVENT, "Status": "SUCCESS", "PhysicalResourceId": "p"}


@pytest.mark.parametrize(
    "answer",
    [
        {**GOOD, "RequestId": "another"},
        {**GOOD, "Status": "MAYBE"},
        {**GOOD, "PhysicalResourceId": ""},
        {**GOOD, "PhysicalResourceId": "x" * 1025},
        {**GOOD, "Data": ["a"]},
        {**GOOD, "Data": {"a": "x" * 4096}},
        [],
    ],
)
def test_answers_of_a_wrong_shape_are_refused(answer: Any) -> None:
    assert _parsed(json.dumps(GOOD).encode(), EVENT).succeeded
    with pytest.raises(UnansweredError):
        _parsed(json.dumps(answer).encode(), EVENT)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    with contextlib.suppress(UnansweredError):
        _parsed(data, EVENT)


JSON = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_functions_get_text_only(value: Any) -> None:
    def leaves(item: Any) -> list[Any]:
        if isinstance(item, dict):
            return [leaf for part in item.values() for leaf in leaves(part)]
        return [leaf for part in item for leaf in leaves(part)] if isinstance(item, list) else [item]

    assert all(isinstance(leaf, str) for leaf in leaves(as_text(value)))


def test_the_facts_take_any_property_and_want_a_service_token() -> None:
    assert validate("Custom::Thing", {"ServiceToken": "arn:x", "Anything": {"Deep": [1]}}) == []
    assert [str(problem) for problem in validate("Custom::Thing", {"Id": "mine"})] == ["ServiceToken: is required"]
    assert schema("Custom::Thing").open and not schema("AWS::EC2::VPC").open
