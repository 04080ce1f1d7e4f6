"""Programs whose units run what a test hands them, so that every pair of the catalogue can be deployed and *used*.

A test module `test_pairs_<topic>.py` states a `PROGRAM` (the rest of an infra.py) and asks for the fixture `deployed`:
the program brought up by the real `klotho` command. `function("reader")` and `container("boxed")` in the program make
units that are attached to an API and run the Python they are sent; whatever else calls them (a queue, a schedule) is
written to their log, where `seen` finds it. `@pair(verb, actor kind, target kind)` on a test says which pair it uses.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import boto3
import pytest
from botocore.config import Config

from tests.examples.deployment import Client, Deployment

F = TypeVar("F", bound=Callable[..., object])

PRELUDE = """\
import klotho
from klotho import *

klotho.Application("pairs")
door = API("door")


def function(name, **more):
    made = Compute.Function(name, handler="probe.handler", **more)
    door.attach_service(made, route=f"/{name}")
    return made


def container(name, **more):
    made = Compute.Container(name, context="./box", **more)
    door.attach_service(made, route=f"/{name}")
    return made


"""
PROBE = '''\
"""Runs the Python it is sent and answers with what it returns; logs every other event."""

import json
import os
import textwrap
import traceback

from klotho import config


def run(code):
    names = {"config": config, "json": json, "os": os}
    try:
        exec("def snippet():\\n" + textwrap.indent(code, "    "), names)
        return {"value": names["snippet"]()}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error), "trace": traceback.format_exc()}


def handler(event, context):
    if "rawPath" not in event:
        print("SEEN " + json.dumps(event), flush=True)
        if "fail for ever" in json.dumps(event):
            raise RuntimeError("as asked")
        return None
    return {"statusCode": 200, "body": json.dumps(run(event["body"]), default=str)}
'''
SERVER = """\
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import probe


class Box(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(json.dumps({"name": os.environ["KLOTHO_UNIT"], "path": self.path}))

    def do_POST(self):
        code = self.rfile.read(int(self.headers["content-length"])).decode()
        self.answer(json.dumps(probe.run(code), default=str))

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Box).serve_forever()
"""
DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["python", "main.py"]\n'
FILES: Mapping[str, str] = {
    "probe.py": PROBE,
    "box/probe.py": PROBE,
    "box/main.py": SERVER,
    "box/Dockerfile": DOCKERFILE,
}
EVENT_PATIENCE_S = 30.0


class Claim(NamedTuple):
    """A test says that it deploys and uses this pair."""

    verb: str
    actor: str
    target: str
    module: str


CLAIMS: list[Claim] = []
"""Filled as the modules are imported."""


def pair(verb: str, actor: str | tuple[str, ...], target: str) -> Callable[[F], F]:
    """The test deploys this pair, and sees an allowed use succeed and one that is not granted denied."""

    def claim(test: F) -> F:
        actors = (actor,) if isinstance(actor, str) else actor
        CLAIMS.extend(Claim(verb, item, target, test.__module__) for item in actors)
        return test

    return claim


class FailedError(Exception):
    """What a unit's code raised."""

    def __init__(self, kind: str, message: str, trace: str) -> None:
        super().__init__(f"{kind}: {message}\n{trace}")
        self.kind = kind
        self.message = message


def files_of(program: str, more: Mapping[str, str] | None = None, application: str = "pairs") -> dict[str, str]:
    """The folder of a program, by path."""
    prelude = PRELUDE.replace('"pairs"', f'"{application}"')
    return {**FILES, **(more or {}), "infra.py": prelude + textwrap.dedent(program)}


class Deployed:
    """One program, up. Several in one folder are applications of one project."""

    def __init__(
        self,
        folder: Path,
        program: str,
        more: Mapping[str, str] | None = None,
        *,
        application: str = "pairs",
        project: str | None = None,
    ) -> None:
        """Applications of one folder are those of one project, on one local cloud. `project`: by default one of its
        own, whose applications share a network."""
        target = folder / application
        for name, text in files_of(program, more, application).items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text(text, encoding="utf-8")
        project = project or f"pairs-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        (target / "klotho.yaml").write_text(f"project: {project}\n", encoding="utf-8")
        environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "NO_COLOR": "1", "CI": ""}
        self.deployment = Deployment(target, project, folder / "state", environment)
        self._door: Client | None = None
        self._environments: dict[str, dict[str, str]] = {}

    @property
    def door(self) -> Client:
        """The API in front of every unit."""
        if self._door is None:
            self._door = self.deployment.client("door")
        return self._door

    def run(self, unit: str, code: str) -> Any:
        """Runs the code (the body of a function) in the unit and gives what it returned; `FailedError` if it raised."""
        answer = self.door.call("POST", f"/{unit}", textwrap.dedent(code))
        assert answer.status == 200, f"{unit} answered {answer.status}: {answer.text}"
        if "error" in answer.json:
            raise FailedError(answer.json["error"], answer.json["message"], answer.json["trace"])
        return answer.json["value"]

    def denied(self, unit: str, code: str, *words: str) -> str:
        """Runs the code in the unit, which must be refused, with these words in the message; the message."""
        with pytest.raises(FailedError) as refused:
            self.run(unit, code)
        for word in words:
            assert word in refused.value.message, str(refused.value)
        return refused.value.message

    def environment(self, unit: str) -> dict[str, str]:
        """The environment variables of the unit's process."""
        if unit not in self._environments:
            self._environments[unit] = self.run(unit, "return dict(os.environ)")
        return self._environments[unit]

    def client(self, service: str, unit: str | None = None) -> Any:
        """A boto3 client with the unit's own credentials; with the deployer's when no unit is named."""
        if unit is None:
            found = self.deployment.supervisor
            key, secret, token = found["access_key"], found["secret_key"], None
        else:
            told = self.environment(unit)
            key, secret = told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]
            token = told.get("AWS_SESSION_TOKEN")
        make: Any = boto3.client
        return make(
            service,
            region_name=self.deployment.supervisor["region"],
            endpoint_url=self.deployment.supervisor["endpoint_url"],
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )

    def resources(self, type_name: str) -> list[dict[str, Any]]:
        """The properties of every resource of this type, as the deployed templates have them."""
        client = self.client("cloudformation")
        names = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
        templates = [client.get_template(StackName=name)["TemplateBody"] for name in names]
        documents = [json.loads(item) if isinstance(item, str) else item for item in templates]
        found = [resource for document in documents for resource in document["Resources"].values()]
        return [resource.get("Properties", {}) for resource in found if resource["Type"] == type_name]

    def hurry(self) -> None:
        """Makes what failed be tried again now: AWS, and so this cloud, waits a minute before the first retry and two
        before the second. The clock is what is moved, in the only place where it is kept."""
        (file,) = self.deployment.state_home.rglob("state.sqlite3")
        with closing(sqlite3.connect(file, timeout=30)) as database, database:
            database.execute("update function_events set due = 0 where attempt > 0")

    def seen(self, unit: str, found: Callable[[Any], bool], seconds: float = EVENT_PATIENCE_S) -> Any:
        """The first event of the unit's log for which `found` holds; fails after so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            events = self.events(unit)
            for event in events:
                if found(event):
                    return event
            assert time.monotonic() < deadline, f"{unit} saw only {events}"
            time.sleep(0.1)

    def events(self, unit: str) -> list[Any]:
        """Every event the unit has logged, oldest first."""
        lines = self.deployment.logs(unit).splitlines()
        return [json.loads(line.partition("SEEN ")[2]) for line in lines if "SEEN " in line]
