"""Functions that are a program (`provided.al2023`): which file is started, and what is said when none can be."""

from __future__ import annotations

import io
import json
import platform
import sys
import zipfile
from pathlib import Path

import pytest

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handlers.lambda_layer import LayerVersion
from tests.localcloud.functions.testbed import BUCKET, call, functions_cloud, make, make_function, package, run

pytestmark = pytest.mark.localcloud

LOOP = f"""#!{sys.executable} -S
import json, os, sys
from http.client import HTTPConnection

def ask(method, path, body=None):
    api = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, "/2018-06-01/runtime/invocation/" + path, body)
    return api.getresponse()

while True:
    event = ask("GET", "next")
    said = [sys.argv[0], os.getcwd(), os.environ["_HANDLER"], os.environ["PATH"], json.loads(event.read())]
    ask("POST", event.getheader("Lambda-Runtime-Aws-Request-Id") + "/response", json.dumps(said)).read()
"""
OTHER = b"\x3e\0" if platform.machine() in ("arm64", "aarch64") else b"\xb7\0"
"""How an executable says that it is for the processor this machine has not."""
PROGRAM = {"runtime": "provided.al2023", "handler": "thumb/main.main"}


def archive(content: str | bytes) -> bytes:
    """A zip with a program that may be run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as found:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o100755 << 16
        found.writestr(info, content)
    return buffer.getvalue()


async def program(cloud: Cloud, **more: object) -> None:
    """The function `work` of what lies at `p.zip`."""
    await make_function(
        cloud, "work", {"notes.txt": ""}, **PROGRAM, Code={"S3Bucket": BUCKET, "S3Key": "p.zip"}, **more
    )


def test_the_bootstrap_of_the_package_runs_in_its_folder(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            cloud.objects.put(BUCKET, "p.zip", archive(LOOP))
            await program(cloud)
            file, folder, handler, path, event = json.loads((await call(cloud, b'{"a": 1}')).payload)
            assert (file, handler, event) == (f"{folder}/bootstrap", "thumb/main.main", {"a": 1})
            assert path == "/usr/local/bin:/usr/bin:/bin:/opt/bin"

    run(scenario())


def test_the_bootstrap_of_a_layer_runs_for_a_package_without_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            cloud.objects.put(BUCKET, "layer.zip", archive(LOOP))
            cloud.objects.put(BUCKET, "p.zip", package({"notes.txt": ""}))
            content = {"Content": {"S3Bucket": BUCKET, "S3Key": "layer.zip"}}
            layer = await make(cloud, LayerVersion(cloud), "layer", content)
            await program(cloud, Layers=[layer.identifier])
            file, folder, *_ = json.loads((await call(cloud)).payload)
            assert file != f"{folder}/bootstrap" and Path(folder, "notes.txt").is_file()

    run(scenario())


@pytest.mark.parametrize(
    ("zipped", "said"),
    [
        (package({"bootstrap": LOOP}), "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        (archive(b"\x7fELF".ljust(18, b"\0") + OTHER), "fork/exec /var/task/bootstrap: exec format error (it is for "),
        (archive("echo no program"), "fork/exec /var/task/bootstrap: exec format error"),
    ],
)
def test_what_can_not_be_started_is_told_as_an_invalid_entrypoint(tmp_path: Path, zipped: bytes, said: str) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            cloud.objects.put(BUCKET, "p.zip", zipped)
            await program(cloud)
            found = await call(cloud)
            document = json.loads(found.payload)
            assert (found.error, document["errorType"]) == ("Unhandled", "Runtime.InvalidEntrypoint")
            assert said in document["errorMessage"]

    run(scenario())
