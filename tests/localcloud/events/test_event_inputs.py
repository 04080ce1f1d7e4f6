"""What targets get of events: AWS's documented examples, and anything at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.localcloud.planes.events.errors import InvalidInputError
from klotho.localcloud.planes.events.input import Origin, shape_of

EVENT = {
    "version": "0",
    "detail-type": "EC2 Instance State-change Notification",
    "time": "2015-11-11T21:29:54Z",
    "resources": ["first", "second"],
    "detail": {"instance-id": "i-0123456789", "state": "RUNNING", "parts": [{"n": 1}, {"n": 2}]},
}
ORIGIN = Origin("arn:aws:events:us-east-2:123456789012:rule/example", "example", "2015-11-11T21:29:55Z")
PATHS = {"timestamp": "$.time", "instance": "$.detail.instance-id", "state": "$.detail.state", "all": "$.detail",
         "none": "$.detail.nothing", "second": "$.resources[1]", "numbers": "$.detail.parts[*].n"}  # fmt: skip


def shaped(target: dict[str, Any]) -> str:
    return shape_of({"Id": "t", **target})(EVENT, ORIGIN)


def template(text: str) -> str:
    return shaped({"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": text}})


def test_without_anything_the_whole_event_is_given() -> None:
    assert json.loads(shaped({})) == EVENT


def test_a_constant_and_a_path() -> None:
    assert shaped({"Input": '{"a": 1}'}) == '{"a": 1}'
    assert json.loads(shaped({"InputPath": "$.detail"})) == EVENT["detail"]
    assert shaped({"InputPath": "$.detail.state"}) == '"RUNNING"'
    assert shaped({"InputPath": "$.detail.nothing"}) == "null"


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ('"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'),
        ('"instance \\"<instance>\\" is in <state>"', '"instance \\"i-0123456789\\" is in RUNNING"'),
        ('{\n "instance" : <instance>,\n "state": <state>\n}', '{"instance":"i-0123456789","state":"RUNNING"}'),
        ('{"instance": <instance>, "s": [9, <state>, true]}', '{"instance":"i-0123456789","s":[9,"RUNNING",true]}'),
        ('{"text": "instance \\"<instance>\\" is in <state>"}',
         '{"text":"instance \\"i-0123456789\\" is in RUNNING"}'),
        ('"<aws.events.rule-name> triggered"', '"example triggered"'),
        ('{"rule": <aws.events.rule-arn>}', '{"rule":"arn:aws:events:us-east-2:123456789012:rule/example"}'),
        ('{"at": <aws.events.event.ingestion-time>}', '{"at":"2015-11-11T21:29:55Z"}'),
        ("<instance> is in state <state>", "i-0123456789 is in state RUNNING"),
        ('{"gone": <none>, "inside": "-<none>-"}', '{"gone":"","inside":"--"}'),
        ("<numbers>", "[1,2]"),
        ('"<second>"', '"second"'),
        ('{"data": "Hello, <all>"}',
         '{"data":"Hello, {instance-id:i-0123456789,state:RUNNING,parts:[{n:1},{n:2}]}"}'),
    ],
)  # fmt: skip
def test_templates_make_what_awss_examples_show(text: str, output: str) -> None:
    assert template(text) == output


def test_the_whole_event_within_a_template() -> None:
    found = json.loads(template('{"with": <aws.events.event.json>, "without": <aws.events.event>}'))
    assert found["with"] == EVENT
    assert found["without"] == {name: value for name, value in EVENT.items() if name != "detail"}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"Input": "{}", "InputPath": "$.detail"}, "Only one of Input, InputPath, or InputTransformer"),
        ({"Input": "{"}, "not valid JSON"),
        ({"InputPath": "detail"}, "Invalid JSON path"),
        ({"InputPath": "$['detail']"}, "Invalid JSON path"),
        ({"InputTransformer": {"InputTemplate": '"<what>"'}}, "uses <what>"),
        ({"InputTransformer": {"InputPathsMap": {"aws.x": "$.a"}, "InputTemplate": '"x"'}}, "must not start with AWS"),
        ({"InputTransformer": {"InputPathsMap": {f"v{n}": "$.a" for n in range(101)}, "InputTemplate": '"x"'}}, "100"),
    ],
)
def test_what_aws_refuses_is_refused(target: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        shaped(target)


@settings(max_examples=300, deadline=None)
@given(
    value=st.text(max_size=8)
    | st.integers(-(2**63), 2**63 - 1)
    | st.none()
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
    text=st.sampled_from(['{"a": <v>}', '"<v>"', '{"a": "x <v> y"}', "[<v>, <v>]", '{"a": "\\\\<v>"}']),
)
def test_a_json_template_makes_json_whatever_the_value_is(value: Any, text: str) -> None:
    shape = shape_of({"Id": "t", "InputTransformer": {"InputPathsMap": {"v": "$.detail"}, "InputTemplate": text}})
    json.loads(shape({"detail": value}, ORIGIN))


@settings(max_examples=200, deadline=None)
@given(path=st.text(max_size=12), text=st.text(min_size=1, max_size=20))
def test_any_text_is_taken_or_refused(path: str, text: str) -> None:
    try:
        shape = shape_of({"Id": "t", "InputTransformer": {"InputPathsMap": {"v": path}, "InputTemplate": text}})
    except InvalidInputError:
        return
    assert isinstance(shape(EVENT, ORIGIN), str)
