"""Express mode: CloudFormation ends before services are ready, and what does not become ready is undone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from klotho.deploy.place import Place
from klotho.localcloud import connect
from klotho.localcloud.identity import ACCOUNT

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(240)]

PROGRAM = """\
import klotho
from klotho import Compute

klotho.Application("shop")
web = Compute.Container(name="web", context="web")
"""
SETTINGS = "environments:\n  local: {target: local, express: true}\n"
MAIN = """\
import http.server, os, time

time.sleep(SECONDS)
WORD


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ANSWER")


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
NEVER = "raise SystemExit('no coffee')"


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "CI": "",
            "NO_COLOR": "1",
        }
        (self.folder / "web").mkdir(parents=True)
        (self.folder / "infra.py").write_text(PROGRAM)
        (self.folder / "klotho.yaml").write_text(SETTINGS)
        dockerfile = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY main.py .\nEXPOSE 8080\nCMD ["python", "main.py"]\n'
        (self.folder / "web" / "Dockerfile").write_text(dockerfile)
        self.serve("one")

    def serve(self, answer: str, word: str = "", seconds: float = 0) -> None:
        text = MAIN.replace("ANSWER", answer).replace("WORD", word).replace("SECONDS", str(seconds))
        (self.folder / "web" / "main.py").write_text(text)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "klotho.cli", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def klotho(self, *arguments: str, exit_code: int = 0) -> tuple[str, str]:
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=120)
        assert process.returncode == exit_code, out + err
        return out, err

    def json(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.klotho(*arguments, "--json", exit_code=exit_code)[0]))

    def client(self, service: str) -> Any:
        state = Path(self.environment["XDG_STATE_HOME"]) / "klotho" / "default" / "local"
        found = connect.running(state)
        assert found is not None
        return boto3.client(
            service, endpoint_url=found.endpoint_url, region_name=found.region,
            aws_access_key_id=found.access_key, aws_secret_access_key=found.secret_key,
        )  # fmt: skip

    def stack(self) -> dict[str, Any]:
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        (found,) = [item for item in stacks if "web-container" in item["StackName"]]
        return dict(found)

    def template(self) -> str:
        name = self.stack()["StackName"]
        return json.dumps(self.client("cloudformation").get_template(StackName=name)["TemplateBody"], sort_keys=True)

    def notes(self) -> list[str]:
        s3 = self.client("s3")
        bucket = Place(s3.meta.region_name, ACCOUNT).artifact_bucket
        return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="health/").get("Contents", ())]

    def get(self) -> str:
        (unit,) = [unit for unit in self.json("status")["units"] if unit["name"].endswith("web")]
        with urllib.request.urlopen(unit["address"], timeout=10) as answer:
            return str(answer.read().decode())

    def results(self, done: dict[str, Any]) -> dict[str, str]:
        return {stack["name"]: stack["result"] for stack in done["stacks"]}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("express"))
    yield made
    made.klotho("down", "--delete-data", "shop")


def test_a_service_that_never_becomes_ready_is_taken_back_when_its_stack_was_new(shop: Shop) -> None:
    shop.serve("none", NEVER)
    _, said = shop.klotho("up", exit_code=4)
    assert "`web` could not be deployed" in said and "no coffee" in said
    assert "what the new stack had made was removed again" in said
    assert [
        item for item in shop.client("cloudformation").describe_stacks()["Stacks"] if "web" in item["StackName"]
    ] == []
    assert shop.notes() == []


def test_cloudformation_ends_before_the_service_is_ready_and_up_afterwards(shop: Shop) -> None:
    shop.serve("one", seconds=3)
    process = shop.begin("up", "--json")
    seen: dict[str, Any] = {}
    while process.poll() is None and not seen:
        stacks = [item for item in _stacks(shop) if "web" in item["StackName"]]
        if stacks and stacks[0]["StackStatus"] == "CREATE_COMPLETE":
            resources = shop.client("cloudformation").list_stack_resources(StackName=stacks[0]["StackName"])
            ids = {item["ResourceType"]: item["PhysicalResourceId"] for item in resources["StackResourceSummaries"]}
            service = ids["AWS::ECS::Service"]
            cluster = service.split("/")[-2]
            described = shop.client("ecs").describe_services(cluster=cluster, services=[service])["services"][0]
            seen = {"state": described["deployments"][0]["rolloutState"], "notes": len(shop.notes())}
        time.sleep(0.02)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert seen == {"state": "IN_PROGRESS", "notes": 1}
    assert (shop.results(json.loads(out))["web-container"], shop.get(), shop.notes()) == ("created", "one", [])


def test_an_update_is_proven_and_the_next_up_changes_nothing(shop: Shop) -> None:
    shop.serve("two")
    assert shop.results(shop.json("up"))["web-container"] == "updated"
    assert (shop.get(), shop.notes()) == ("two", [])
    assert set(shop.results(shop.json("up")).values()) == {"unchanged"}


def test_a_service_that_never_becomes_ready_leaves_the_old_template_and_the_failure_is_named(shop: Shop) -> None:
    before, parameters = shop.template(), shop.stack()["Parameters"]
    shop.serve("three", NEVER)
    done = shop.json("up", exit_code=4)
    (failed,) = [stack for stack in done["stacks"] if stack["result"] == "failed"]
    assert (failed["name"], failed["cause"]["type"]) == ("web-container", "AWS::ECS::Service")
    assert "no coffee" in failed["cause"]["reason"]
    assert failed["cause"]["span"]["line"] == 5, "the user's line"
    assert (shop.template(), shop.stack()["Parameters"]) == (before, parameters)
    assert (shop.get(), shop.notes()) == ("two", []), "the old code has served all the time"
    _, said = shop.klotho("up", exit_code=4)
    assert "the stack was rolled back to what it was before" in said, "not `unchanged`: it is tried again"


def test_killed_while_it_waits_the_next_up_waits_and_undoes_it(shop: Shop) -> None:
    before = shop.template()
    shop.serve("four", NEVER, seconds=2)
    process = shop.begin("up")
    while not shop.notes() or shop.stack()["StackStatus"] != "UPDATE_COMPLETE":
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(shop.notes()) == 1
    done = shop.json("up", exit_code=4)
    assert "no coffee" in str(done["stacks"])
    assert (shop.template(), shop.get(), shop.notes()) == (before, "two", [])


def test_killed_while_it_waits_for_a_service_that_becomes_ready_the_next_up_proves_it(shop: Shop) -> None:
    shop.serve("five", seconds=3)
    process = shop.begin("up")
    while not shop.notes() or shop.stack()["StackStatus"] != "UPDATE_COMPLETE":
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, said = shop.klotho("up")
    assert "waiting until its services are ready, which an earlier run did not see" in said
    assert (shop.get(), shop.notes()) == ("five", [])


def _stacks(shop: Shop) -> list[dict[str, Any]]:
    try:
        return list(shop.client("cloudformation").describe_stacks()["Stacks"])
    except AssertionError:  # the local cloud is still starting
        return []
