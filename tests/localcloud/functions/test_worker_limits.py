"""What workers are limited by: how many at once, payloads, memory, idleness, and the end of the cloud."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.testbed import call, functions_cloud, logged, node, python, run, until
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.planes.functions.event_queue import EventQueue
from klotho.localcloud.planes.functions.model import PAYLOAD_LIMIT
from klotho.localcloud.service import ApiError

pytestmark = pytest.mark.localcloud


def test_calls_run_at_once_up_to_the_limit_and_the_rest_waits(tmp_path: Path) -> None:
    source = "import time\ndef handler(e, c):\n    time.sleep(0.3)\n    return c.log_stream_name\n"

    async def scenario() -> None:
        async with functions_cloud(tmp_path, limit=3) as cloud:
            await python(cloud, source)
            results = await asyncio.gather(*(call(cloud) for _ in range(6)))
            assert {result.error for result in results} == {None}
            assert len({result.payload for result in results}) == 3

    run(scenario())


def test_calls_beyond_the_reserved_concurrency_are_throttled(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            source = "import time\ndef handler(e, c): time.sleep(0.3)\n"
            await python(cloud, source, ReservedConcurrentExecutions=1)
            first = asyncio.create_task(call(cloud))
            await asyncio.sleep(0)
            with pytest.raises(ApiError) as refusal:
                await call(cloud)
            assert (refusal.value.code, refusal.value.status) == ("TooManyRequestsException", 429)
            assert (await first).error is None

    run(scenario())


def test_workers_without_work_are_ended_and_come_back_when_called(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path, idle_s=0.1) as cloud:
            await python(cloud, "def handler(e, c): return 1")
            await call(cloud)
            await until(lambda: cloud.functions.status()[0].pid is None)
            assert (await call(cloud)).payload == b"1"

    run(scenario())


def test_payloads_over_six_megabytes_are_refused_both_ways(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await python(cloud, "def handler(e, c): return 'x' * e['n']")
            with pytest.raises(ApiError) as refusal:
                await call(cloud, b'"' + b"x" * PAYLOAD_LIMIT + b'"')
            assert (refusal.value.code, refusal.value.status) == ("RequestEntityTooLargeException", 413)
            assert "6291458 byte payload is too large" in refusal.value.message
            result = await call(cloud, json.dumps({"n": PAYLOAD_LIMIT}).encode())
            assert json.loads(result.payload)["errorType"] == "Function.ResponseSizeTooLarge"
            assert len((await call(cloud, json.dumps({"n": PAYLOAD_LIMIT - 2}).encode())).payload) == PAYLOAD_LIMIT

    run(scenario())


def test_stopping_leaves_no_process_and_fails_the_running_call(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            source = (
                "import subprocess, time\ndef handler(e, c):\n  subprocess.Popen(['sleep', '61'])\n  time.sleep(60)\n"
            )
            await python(cloud, source, Timeout=30)
            running = asyncio.create_task(call(cloud))
            await until(lambda: cloud.functions.status()[0].state == "running")
            await asyncio.sleep(0.2)
            pid = cloud.functions.status()[0].pid
            await cloud.functions.stop()
            assert json.loads((await running).payload)["errorType"] == "Runtime.ExitError"
            await until(lambda: not [path for path in Path("/proc").glob("[0-9]*/stat") if _group(path) == pid], 2)

    run(scenario())


def _group(path: Path) -> int | None:
    try:
        fields = path.read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == b"Z" else int(fields[2])


def test_a_machine_without_node_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from klotho.localcloud.planes.functions import runtimes

    monkeypatch.setattr(runtimes.shutil, "which", lambda name: None)
    runtimes.node_executable.cache_clear()

    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            with pytest.raises(HandlerError, match=r"install Node\.js 20 or newer"):
                await node(cloud, "exports.handler = async () => 1")

    try:
        run(scenario())
    finally:
        runtimes.node_executable.cache_clear()


def test_a_stop_that_comes_together_with_an_event_ends_the_queue(tmp_path: Path) -> None:
    async def nobody(function: str, payload: bytes) -> Any:
        raise AssertionError("there is no event")

    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            queue = EventQueue(cloud, nobody)
            queue.start()
            await asyncio.sleep(0.05)
            queue._changed.set()
            await asyncio.sleep(0)
            await asyncio.wait_for(queue.stop(), 5)

    run(scenario())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a running process uses")
@pytest.mark.parametrize("language", ["python", "node"])
def test_a_function_that_uses_more_memory_than_it_has_is_ended_and_the_next_call_is_served(
    tmp_path: Path, language: str
) -> None:
    held = {
        "python": "import time\ndef handler(event, context):\n    held = b'x' * (event * 2**20)\n"
        "    time.sleep(2 if event > 100 else 0)\n    return len(held)\n",
        "node": "exports.handler = async (event) => { const held = Buffer.alloc(event * 2 ** 20, 1);\n"
        "  if (event > 100) await new Promise((done) => setTimeout(done, 2000)); return held.length; };",
    }

    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            make = python if language == "python" else node
            await make(cloud, held[language], MemorySize=128, Timeout=10)
            assert json.loads((await call(cloud, b"10")).payload) == 10 * 2**20
            result = await call(cloud, b"300")
            assert result.error == "Unhandled" and result.duration_ms < 2000
            assert "signal: killed" in json.loads(result.payload)["errorMessage"]
            assert any("may use 128 (`memory=`)" in line for line in logged(cloud))
            assert json.loads((await call(cloud, b"10")).payload) == 10 * 2**20

    run(scenario())
