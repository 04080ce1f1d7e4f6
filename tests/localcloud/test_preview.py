"""`klotho preview` beside a running local cloud: it changes nothing, and CloudFormation agrees with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from klotho.cli.run import run
from klotho.deploy.preview import Preview
from klotho.deploy.verify import Verifier
from klotho.driver import local_cloud
from klotho.driver.machine import machine_name
from klotho.driver.previewing import preview_up
from klotho.driver.program import find_program
from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Databases, Storage

klotho.Application("shop", project="PROJECT")
visits = Databases.KeyValue(name="visits", key="id")
files = Storage.Bucket(name="files")
hello = Compute.Function(name="hello", handler="hello.handler")
hello.reads_from(visits)
api = API(name="front")
api.attach_service(hello, route="/hello")
"""
EXTRA = """
extra = Compute.Function(name="extra", handler="hello.handler")
extra.reads_from(visits)
"""
CHANGED = f"""
hello.read_writes_to(files){EXTRA}
api.attach_service(hello, route="/pay")
"""
READING = re.compile(r"(Describe|Get|List|Head)[A-Z]")


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        self.project = f"previews-{sha256(str(folder).encode()).hexdigest()[:8]}"
        self.write(PROGRAM)
        homes = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
        self.environment = {**os.environ, **homes, "CI": "", "NO_COLOR": "1"}
        self.homes = homes

    def write(self, program: str, code: str = "one") -> None:
        (self.folder / "infra.py").write_text(program.replace("PROJECT", self.project))
        (self.folder / "hello.py").write_text(f"def handler(event, context):\n    return '{code}'\n")

    def klotho(self, *arguments: str, exit_code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    def client(self) -> Any:
        import boto3

        found = connect.running(connect.state_folder(self.project, "local"))
        assert found is not None
        return boto3.client(
            "cloudformation", endpoint_url=found.endpoint_url, region_name=found.region,
            aws_access_key_id=found.access_key, aws_secret_access_key=found.secret_key,
        )  # fmt: skip

    def change_sets(self) -> list[str]:
        client = self.client()
        names = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
        listed = [client.list_change_sets(StackName=name)["Summaries"] for name in names]
        return [item["ChangeSetName"] for found in listed for item in found]

    def statuses(self) -> set[str]:
        return {stack["StackStatus"] for stack in self.client().describe_stacks()["Stacks"]}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("previews"))
    made.klotho("up", "--yes")
    yield made
    made.klotho("down", "--delete-data", "shop")


@pytest.fixture
def shop(running: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name, value in running.homes.items():
        monkeypatch.setenv(name, value)
    running.write(PROGRAM)
    return running


Asked = Callable[..., tuple[Preview, list[str]]]


@pytest.fixture
def asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A preview, and every call it made."""
    calls: list[str] = []
    make = local_cloud._session

    def counted(*arguments: Any) -> local_cloud.Session:
        session = make(*arguments)
        session.clients.events.register("before-call", lambda model, **kwargs: calls.append(model.name))
        return session

    monkeypatch.setattr(local_cloud, "_session", counted)

    def ask(*, verify: bool = False) -> tuple[Preview, list[str]]:
        calls.clear()
        _, found = preview_up(find_program(shop.folder), None, lambda event: None, verify=verify)
        return found, list(calls)

    return ask


def test_a_preview_makes_only_reading_calls(shop: Shop, asked: Asked) -> None:
    before = shop.client().describe_stacks()["Stacks"]
    shop.write(PROGRAM + CHANGED, code="two")
    found, calls = asked()
    assert {item.action for item in found.stacks} >= {"create", "update", "unchanged"}
    assert "GetTemplate" in calls
    assert [call for call in calls if not READING.match(call)] == []
    assert shop.client().describe_stacks()["Stacks"] == before


def test_a_preview_of_what_is_deployed_is_one_call(shop: Shop, asked: Asked) -> None:
    found, calls = asked()
    assert not found.changes
    assert calls == ["DescribeStacks"]


def test_the_text_says_why_and_what_opens(shop: Shop) -> None:
    shop.write(PROGRAM + CHANGED, code="two")
    text = shop.klotho("preview", "--detailed-exitcode", exit_code=20)
    line = (PROGRAM + CHANGED).splitlines().index("hello.read_writes_to(files)") + 1
    assert f"`hello.read_writes_to(files)` infra.py:{line}" in text
    assert "its code changed" in text
    assert re.search(r"^permission: hello may do more with .*files", text, re.MULTILINE)
    assert re.search(r"^public: everyone may call front: ANY /pay, ANY /pay/\{proxy\+\}", text, re.MULTILINE)
    assert shop.klotho("preview", "--diff") != text


def test_cloudformation_agrees_and_keeps_no_change_set(shop: Shop, asked: Asked) -> None:
    shop.write(f'{PROGRAM}{EXTRA}api.attach_service(hello, route="/pay")\n', code="two")
    found, calls = asked(verify=True)
    assert found.verified is not None
    answers = {item.stack: item for item in found.verified}
    assert answers["extra-function"].result == "not asked"
    assert "does not exist" in answers["extra-function"].reason
    assert [item for item in found.verified if item.result in ("disagrees", "refused")] == []
    assert answers["hello-function"].result == "agrees"
    assert calls.count("CreateChangeSet") == calls.count("DeleteChangeSet") > 0
    assert {call for call in calls if not READING.match(call)} == {"CreateChangeSet", "DeleteChangeSet"}
    assert shop.change_sets() == []
    assert shop.statuses() == {"CREATE_COMPLETE"}, "no stack was made for the question"


def test_a_preview_that_is_wrong_is_told_and_ends_with_1(
    shop: Shop, asked: Asked, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The preview is made to say nothing of the function's change: CloudFormation names it."""
    import dataclasses

    from klotho.driver import previewing

    question = previewing._question

    def blinded(*arguments: Any) -> Any:
        made = question(*arguments)
        kept = tuple(item for item in made.changes if item.type != "AWS::Lambda::Function")
        return dataclasses.replace(made, changes=kept)

    monkeypatch.setattr(previewing, "_question", blinded)
    shop.write(PROGRAM, code="two")
    found, _ = asked(verify=True)
    assert found.verified is not None
    (answer,) = found.verified
    (told,) = [item for item in answer.disagreements if item.certain]
    assert (answer.result, told.logical_id) == ("disagrees", "HelloFunction")
    assert (told.preview, told.cloudformation, told.certain) == ("nothing", "update", True)
    capfd.readouterr()
    assert run(["preview", str(shop.folder), "--verify", "--detailed-exitcode"]) == 1, "not 20: it can't be relied on"
    said = capfd.readouterr().err
    assert "error[preview-disagrees]: CloudFormation disagrees about `hello-function`" in said
    assert "HelloFunction (AWS::Lambda::Function) of hello-function: nothing, CloudFormation says update" in said
    assert run(["preview", str(shop.folder), "--verify", "--json"]) == 1
    data = json.loads(capfd.readouterr().out)
    assert (data["ok"], data["diagnostics"][0]["code"]) == (False, "preview-disagrees")


def test_ctrl_c_leaves_no_change_set_and_what_a_killed_run_left_is_removed_by_the_next(
    shop: Shop, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(PROGRAM, code="two")

    def interrupted(self: Verifier, stack_name: str) -> Any:
        assert [name for name in shop.change_sets() if name.startswith("klotho-verify-")]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Verifier, "_answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            asked(verify=True)
    assert shop.change_sets() == []

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    name = f"klotho-verify-{machine_name()}-{ended.pid}-killed"
    client = shop.client()
    for stack in client.describe_stacks()["Stacks"]:
        arguments = {"StackName": stack["StackName"], "UsePreviousTemplate": True}
        kept = [{"ParameterKey": item["ParameterKey"], "UsePreviousValue": True} for item in stack["Parameters"]]
        client.create_change_set(
            **arguments, ChangeSetName=name, ChangeSetType="UPDATE", Parameters=kept,
            Capabilities=["CAPABILITY_NAMED_IAM"], Tags=[{"Key": "x", "Value": "y"}],
        )  # fmt: skip
    client.create_change_set(
        StackName=stack["StackName"], UsePreviousTemplate=True, ChangeSetName="made-by-hand", ChangeSetType="UPDATE",
        Parameters=kept, Capabilities=["CAPABILITY_NAMED_IAM"], Tags=[{"Key": "x", "Value": "z"}],
    )  # fmt: skip
    asked(verify=True)
    assert shop.change_sets() == ["made-by-hand"]
    client.delete_change_set(StackName=stack["StackName"], ChangeSetName="made-by-hand")


def test_json_has_reasons_consequences_and_values(shop: Shop) -> None:
    shop.write(PROGRAM + CHANGED, code="two")
    data = json.loads(shop.klotho("preview", "--json", "--verify"))
    resources = {item["logical_id"]: item for stack in data["stacks"] for item in stack["resources"]}
    function = resources["HelloFunction"]
    assert function["change"] == "update"
    assert "its code changed" in [reason["text"] for reason in function["because"]]
    (code,) = [item for item in function["differences"] if item["property"] == "Code.S3Key"]
    assert code["before"] != code["after"]
    assert {item["kind"] for item in data["consequences"]} == {"public", "permission"}
    assert data["summary"]["create"] >= 4
    cost = data["cost"]
    assert cost["estimated"]
    assert cost["after"]["expected"] - cost["before"]["expected"] == pytest.approx(cost["delta"], abs=1e-5)
    assert cost["prices_from"] <= cost["prices_to"]
    assert {item["result"] for item in data["verified"]} == {"agrees", "not asked"}
