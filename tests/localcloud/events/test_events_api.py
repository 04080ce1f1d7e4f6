"""The EventBridge API through boto3, and whatever else a client sends."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from functions.testbed import REGION
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.service import ApiCall, ApiError, Caller
from klotho.localcloud.services.events import EventsService

from .test_event_rules import arn_of, events_cloud, idle, queue, rule

pytestmark = pytest.mark.localcloud
THING = {"Source": "mine", "DetailType": "Thing", "Detail": '{"n": 1}'}
SAMPLE = {"id": "1", "detail-type": "Thing", "source": "mine", "account": "0", "time": "2026-11-20T12:00:00Z",
          "region": REGION, "detail": {"n": 1}}  # fmt: skip


class Served:
    """The API with one rule to one queue, on a port, in a loop of its own thread."""

    def __init__(self, state: Path) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self._downs = AsyncExitStack()
        self.run(self._start(state))

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def _start(self, state: Path) -> None:
        self.cloud = await self._downs.enter_async_context(events_cloud(state))
        self.inbox = await queue(self.cloud, "inbox", of=arn_of("rule"))
        await rule(self.cloud, {"Id": "it", "Arn": self.inbox.arn, "InputPath": "$.detail"}, Description="d")
        await rule(self.cloud, name="second", EventPattern='{"source": ["x"]}', State="DISABLED")
        listener = bind(0)
        self.port: int = listener.getsockname()[1]
        self.service = EventsService(self.cloud)
        server = EndpointServer(Endpoint((self.service,), self.cloud.credentials, REGION, self.port), listener)
        await server.start()
        self._downs.push_async_callback(server.stop)

    def client(self) -> Any:
        key, make = self.cloud.credentials.deployer(), boto3.client
        return make(
            "events", region_name=REGION, endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id=key.id,
            aws_secret_access_key=key.secret, config=Config(retries={"max_attempts": 0}),
        )  # fmt: skip

    def stop(self) -> None:
        self.run(self._downs.aclose())
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("events"))
    yield made
    made.stop()


def test_an_event_of_ones_own_reaches_the_queue(served: Served) -> None:
    answer = served.client().put_events(Entries=[THING, {**THING, "Source": "other"}])
    assert answer["FailedEntryCount"] == 0
    assert all(entry["EventId"] for entry in answer["Entries"])

    async def received() -> list[str]:
        await idle(served.cloud)
        return [message.body for message in served.cloud.queues.catalog.receive(served.inbox, 10)]

    assert served.run(received()) == ['{"n":1}']


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({**THING, "Source": "aws.s3"}, "NotAuthorizedForSourceException"),
        ({**THING, "Detail": "no json"}, "MalformedDetail"),
        ({**THING, "Detail": "[1]"}, "MalformedDetail"),
        ({**THING, "EventBusName": "nowhere"}, "ResourceNotFoundException"),
        ({**THING, "TraceHeader": "x"}, "InvalidArgument"),
        ({"Source": "mine", "Detail": "{}"}, "InvalidArgument"),
    ],
)
def test_a_bad_entry_fails_alone(served: Served, entry: dict[str, Any], code: str) -> None:
    answer = served.client().put_events(Entries=[{**THING, "Source": "other"}, entry])
    assert (answer["FailedEntryCount"], answer["Entries"][1]["ErrorCode"]) == (1, code)
    assert "EventId" in answer["Entries"][0]


def test_rules_and_buses_are_listed_and_described(served: Served) -> None:
    client = served.client()
    assert [item["Name"] for item in client.list_rules()["Rules"]] == ["rule", "second"]
    assert [item["Name"] for item in client.list_rules(NamePrefix="sec")["Rules"]] == ["second"]
    page = client.list_rules(Limit=1)
    assert client.list_rules(NextToken=page["NextToken"])["Rules"][0]["Name"] == "second"
    found = client.describe_rule(Name="rule")
    assert (found["State"], found["Description"], found["Arn"]) == ("ENABLED", "d", arn_of("rule"))
    assert json.loads(found["EventPattern"]) == {"source": ["mine"]}
    (target,) = client.list_targets_by_rule(Rule="rule")["Targets"]
    assert target == {"Id": "it", "Arn": served.inbox.arn, "InputPath": "$.detail"}
    assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == ["default"]
    assert client.describe_event_bus()["Arn"].endswith(":event-bus/default")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_rule(Name="nothing")


def test_a_pattern_can_be_tried(served: Served) -> None:
    client = served.client()
    tried = {"EventPattern": '{"detail": {"n": [{"numeric": [">", 0]}]}}', "Event": json.dumps(SAMPLE)}
    assert client.test_event_pattern(**tried)["Result"] is True
    assert client.test_event_pattern(**{**tried, "EventPattern": '{"detail": {"n": [2]}}'})["Result"] is False
    with pytest.raises(client.exceptions.InvalidEventPatternException, match="must be an object or an array"):
        client.test_event_pattern(**{**tried, "EventPattern": '{"detail": 1}'})
    with pytest.raises(ClientError, match="source is a required argument"):
        without = {name: value for name, value in SAMPLE.items() if name != "source"}
        client.test_event_pattern(**{**tried, "Event": json.dumps(without)})


def test_what_is_not_carried_is_refused_by_name(served: Served) -> None:
    client = served.client()
    with pytest.raises(ClientError, match="does not carry events:PutRule yet"):
        client.put_rule(Name="x", EventPattern="{}")
    with pytest.raises(ClientError, match="ListRules with Nothing"):
        client.meta.events.register("before-call", lambda params, **_: params.update(body=b'{"Nothing": 1}'))
        client.list_rules()


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.text(max_size=5) | st.sampled_from(["rule", "{}", "mine"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["Source", "DetailType", "Detail", "Time", "Resources", "EventBusName"]), inner, max_size=6
        )
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    action=st.sampled_from(["PutEvents", "ListRules", "DescribeRule", "ListTargetsByRule", "TestEventPattern",
                            "ListEventBuses", "DescribeEventBus"]),
    asked=st.dictionaries(
        st.sampled_from(["Entries", "Name", "Rule", "Limit", "NextToken", "EventBusName", "EventPattern", "Event"]),
        VALUES | st.lists(VALUES, max_size=3), max_size=4,
    ),
)  # fmt: skip
def test_anything_is_answered_in_awss_terms(served: Served, action: str, asked: Any) -> None:
    call = ApiCall("events", action, "POST", "/", {}, {}, json.dumps(asked).encode(), Caller("AKIA", "deployer"))
    try:
        assert served.run(served.service.call(call)).status == 200
    except ApiError as refusal:
        assert refusal.code
