"""Buckets: what is made of them, what triggers ask for, and what makes no sense."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError, Severity
from klotho.emit import render
from klotho.engine import resolve
from klotho.sdk.program import run

START = """\
import klotho
from klotho import Compute, Messaging, Storage

klotho.Application("shop")
images = Storage.Bucket("images"{more})
f = Compute.Function("f", handler="f.handler")
"""
Resolved = Callable[..., tuple[dict[str, Any], list[str]]]


@pytest.fixture
def resolved(tmp_path: Path) -> Resolved:
    """Resources by type, and the codes of what was reported."""

    def make(lines: str = "", more: str = "") -> tuple[dict[str, Any], list[str]]:
        import orjson

        (tmp_path / "f.py").write_text("def handler(event, context): pass\n")
        (tmp_path / "infra.py").write_text(START.format(more=f", {more}" if more else "") + lines)
        application, report = run(tmp_path / "infra.py")
        codes = [item.code for item in report.diagnostics if item.severity is Severity.ERROR]
        if application is None or codes:
            return {}, codes
        try:
            resolution = resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report)
        except ProgramError as error:
            return {}, [item.code for item in error.diagnostics if item.severity is Severity.ERROR]
        found: dict[str, Any] = {}
        bundle = render(resolution.graph, resolution.setting, region="eu-west-1")
        for stack in bundle.manifest.stacks:
            document = orjson.loads(bundle.files[f"cloudformation/{stack.template}"])
            for resource in document["Resources"].values():
                found.setdefault(resource["Type"], []).append(resource)
        return found, []

    return make


def test_a_bucket_is_private_and_sends_no_events_until_something_is_triggered(resolved: Resolved) -> None:
    found, _ = resolved()
    (bucket,) = found["AWS::S3::Bucket"]
    properties = bucket["Properties"]
    assert all(properties["PublicAccessBlockConfiguration"].values())
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "NotificationConfiguration" not in properties
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    (policy,) = found["AWS::S3::BucketPolicy"]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    found, _ = resolved("f.triggered_by(images)\n")
    switch = found["AWS::S3::Bucket"][0]["Properties"]["NotificationConfiguration"]
    assert switch == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_lifecycle_is_what_was_said_and_old_versions_end(resolved: Resolved) -> None:
    found, _ = resolved(more='versioning=True, expire_days=90, lifecycle={"b/": 2, "a/": 1}, keep_versions_days=5')
    rules = found["AWS::S3::Bucket"][0]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert [(rule.get("Prefix"), rule.get("ExpirationInDays")) for rule in rules] == [
        (None, None), (None, 90), ("a/", 1), ("b/", 2), (None, None),
    ]  # fmt: skip
    assert rules[-1]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 5}


@pytest.mark.parametrize(
    ("arguments", "kinds", "key"),
    [
        ("", ["Object Created"], None),
        (', events="removed"', ["Object Deleted"], None),
        (', events="all", prefix="in/"', ["Object Created", "Object Deleted"], [{"prefix": "in/"}]),
        (', suffix=".png"', ["Object Created"], [{"suffix": ".png"}]),
        (', prefix="a*\\\\b", suffix=".png"', ["Object Created"], [{"wildcard": "a\\*\\\\b*.png"}]),
    ],
)
def test_the_rule_asks_for_exactly_these_objects(resolved: Resolved, arguments: str, kinds: Any, key: Any) -> None:
    found, _ = resolved(f"f.triggered_by(images{arguments})\n")
    (rule,) = found["AWS::Events::Rule"]
    pattern = rule["Properties"]["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], kinds)
    assert pattern["detail"].get("object", {}).get("key") == key
    (permission,) = found["AWS::Lambda::Permission"]
    assert permission["Properties"]["Principal"] == "events.amazonaws.com"


def test_one_function_may_be_triggered_by_several_parts_of_a_bucket(resolved: Resolved) -> None:
    found, _ = resolved('f.triggered_by(images, prefix="a/")\nf.triggered_by(images, prefix="b/")\n')
    assert len(found["AWS::Events::Rule"]) == 2


CONTAINER = 'c = Compute.Container("c", image="nginx")\n'


def test_a_container_is_told_by_its_own_queue_and_each_rule_may_send_there(resolved: Resolved) -> None:
    lines = 'c.triggered_by(images, prefix="a/")\n'
    found, _ = resolved(f'{CONTAINER}{lines}c.triggered_by(images, prefix="b/", events="removed")\n')
    assert len(found["AWS::Events::Rule"]) == 2
    assert len(found["AWS::SQS::Queue"]) == 2, "one for both, and one for what failed"
    for policy in found["AWS::SQS::QueueInlinePolicy"]:
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        assert {item["Principal"]["Service"] for item in statements} == {"events.amazonaws.com"}
        sources = [json.dumps(item["Condition"]["ArnEquals"]["aws:SourceArn"]) for item in statements]
        assert len(set(sources)) == 2


@pytest.mark.parametrize(
    ("lines", "more", "code"),
    [
        ("f.writes_to(images)\nf.triggered_by(images)\n", "", "trigger-loop"),
        ("f.triggered_by(images, batch=3)\n", "", "bad-batch"),
        ('Messaging.Queue("q", fifo=True).subscribes_to(images)\n', "", "bad-subscription"),
        ('Messaging.Queue("q").subscribes_to(images, filter={"a": [1]})\n', "", "conflicting-arguments"),
        ('Messaging.Queue("q").subscribes_to(Messaging.Topic("t"), prefix="a/")\n', "", "conflicting-arguments"),
        (f"{CONTAINER}c.writes_to(images)\nc.triggered_by(images)\n", "", "trigger-loop"),
        ("", "keep_versions_days=3", "conflicting-arguments"),
        ("", "expire_days=0", "wrong-argument"),
        ("", 'lifecycle={"": 1}', "wrong-argument"),
        ("", 'cors="https://shop.example"', "wrong-argument"),
        ("", 'cors=["https://shop.example/"]', "wrong-argument"),
        ("", 'cors=["https://*.*.example"]', "wrong-argument"),
        ("", 'cors={"*": ["PATCH"]}', "wrong-argument"),
    ],
)
def test_what_makes_no_sense_is_refused(resolved: Resolved, lines: str, more: str, code: str) -> None:
    assert resolved(lines, more)[1] == [code]
