"""Functions run in real workers and fail the way they do on AWS."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from functions.testbed import call, functions_cloud, logged, make_function, node, python, run, until
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.handlers.lambda_function import LambdaFunction
from klotho.localcloud.planes.functions import worker
from klotho.localcloud.service import ApiError

pytestmark = pytest.mark.localcloud


def test_a_python_function_gets_its_event_its_context_and_its_environment(tmp_path: Path) -> None:
    source = (
        "import os\n"
        "def handler(event, context):\n"
        "    return {'event': event, 'name': context.function_name, 'arn': context.invoked_function_arn,\n"
        "            'left': context.get_remaining_time_in_millis(), 'greeting': os.environ['GREETING'],\n"
        "            'memory': context.memory_limit_in_mb, 'log': context.log_group_name}\n"
    )

    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await python(cloud, source, Environment={"Variables": {"GREETING": "hello"}}, MemorySize=256)
            found = json.loads((await call(cloud, b'{"a": 1}')).payload)
            assert 0 < found.pop("left") <= 3000
            assert found == {
                "event": {"a": 1}, "name": "work", "arn": "arn:aws:lambda:eu-central-1:000000000000:function:work",
                "greeting": "hello", "memory": "256", "log": "/aws/lambda/work",
            }  # fmt: skip

    run(scenario())


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("app.js", "exports.handler = async (event, context) => ({ event, name: context.functionName });"),
        ("app.mjs", "export const handler = async (event, context) => ({ event, name: context.functionName });"),
        ("app.cjs", "exports.handler = async (event, context) => ({ event, name: context.functionName });"),
        ("app.js", "exports.handler = (event, context, done) => done(null, { event, name: context.functionName });"),
        (
            "app.js",
            "exports.handler = (event, context, done) => {"
            "  setTimeout(() => done(null, { event, name: context.functionName }), 5); };",
        ),
        ("app.js", "exports.handler = (event, context) => context.succeed({ event, name: context.functionName });"),
    ],
    ids=["commonjs", "module", "cjs", "callback", "late callback", "context.succeed"],
)  # fmt: skip
def test_every_kind_of_node_handler_answers_again_and_again(tmp_path: Path, file: str, source: str) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await node(cloud, source, file)
            for number in range(3):
                result = await call(cloud, json.dumps({"n": number}).encode())
                assert json.loads(result.payload) == {"event": {"n": number}, "name": "work"}
            assert len({unit.pid for unit in cloud.functions.status()}) == 1

    run(scenario())


def test_a_node_package_of_type_module_and_a_handler_in_a_folder_are_found(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            files = {
                "package.json": '{"type": "module"}',
                "src/orders.js": "import { two } from './two.js'; export const api = { create: async () => two };",
                "src/two.js": "export const two = 2;",
            }
            await make_function(cloud, "work", files, handler="src/orders.api.create", runtime="nodejs22.x")
            assert (await call(cloud)).payload == b"2"

    run(scenario())


def test_nothing_of_the_hosts_environment_or_of_klothos_packages_reaches_a_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "seen")
    source = (
        "import importlib.util, os\n"
        "def handler(event, context):\n"
        "    found = [m for m in ('klotho', 'orjson', 'uvicorn', 'pip', 'boto3') if importlib.util.find_spec(m)]\n"
        "    return [found, sorted(os.environ)]\n"
    )

    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await python(cloud, source)
            modules, names = json.loads((await call(cloud)).payload)
            assert modules == ["boto3"]  # AWS's runtime brings it, too
            assert "CANARY" not in names and "HOME" not in names
            await node(cloud, "exports.handler = async () => Object.keys(process.env)")
            assert "CANARY" not in json.loads((await call(cloud)).payload)

    run(scenario())


def test_what_the_package_brings_wins_over_the_runtimes_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            files = {
                "app.py": "import boto3, orders\ndef handler(e, c): return [boto3.MINE, orders.N]",
                "boto3.py": "MINE = True",
                "orders/__init__.py": "N = 3",
            }
            await make_function(cloud, "work", files, handler="app.handler")
            assert json.loads((await call(cloud)).payload) == [True, 3]

    run(scenario())


@pytest.mark.parametrize("language", ["python", "node"])
def test_an_exception_is_an_unhandled_error_with_its_stack_in_the_log(tmp_path: Path, language: str) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            if language == "python":
                await python(cloud, "def handler(event, context):\n    raise KeyError('missing')\n")
            else:
                await node(cloud, "exports.handler = async () => { throw new TypeError('missing'); };")
            for _ in range(2):  # the worker lives on
                result = await call(cloud)
                found = json.loads(result.payload)
                assert result.error == "Unhandled"
                assert found["errorType"] == ("KeyError" if language == "python" else "TypeError")
                assert "missing" in found["errorMessage"]
            assert any(
                "app.handler" in line or "in handler" in line or "exports.handler" in line for line in logged(cloud)
            )

    run(scenario())


def test_the_log_has_the_platforms_lines_around_the_functions_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await python(
                cloud, "import sys\ndef handler(e, c):\n  print('one'); sys.stderr.write('two\\n'); return 1\n"
            )
            result = await call(cloud)
            lines = logged(cloud)
            at = lines.index(f"START RequestId: {result.request_id} Version: $LATEST")
            assert lines[at + 1 : at + 4] == ["one", "two", f"END RequestId: {result.request_id}"]
            assert lines[at + 4].startswith(f"REPORT RequestId: {result.request_id}\tDuration: ")
            assert "Init Duration:" in lines[at + 4] and "Memory Size: 128 MB" in lines[at + 4]
            assert result.log_tail.splitlines()[:2] == [lines[at], "one"]
            again = await call(cloud)
            assert "Init Duration" not in again.log_tail

    run(scenario())


def test_a_node_console_line_carries_the_requests_id_and_stays_one_event(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await node(cloud, "exports.handler = async () => { console.warn('a\\nb %d', 7); };")
            result = await call(cloud)
            found = [line for line in logged(cloud) if line.endswith("a\nb 7")]
            assert len(found) == 1
            assert found[0].split("\t")[1:3] == [result.request_id, "WARN"]
            assert result.payload == b"null"

    run(scenario())


@pytest.mark.parametrize("language", ["python", "node"])
def test_a_function_that_hangs_is_stopped_at_its_timeout(tmp_path: Path, language: str) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            if language == "python":
                source = "import time\ndef handler(e, c):\n    print('in', flush=True)\n    time.sleep(60)\n"
                await python(cloud, source, Timeout=1)
            else:
                await node(cloud, "exports.handler = () => { console.log('in'); for (;;); };", Timeout=1)
            begun = time.monotonic()
            result = await call(cloud)
            assert 0.9 < time.monotonic() - begun < 4
            assert result.error == "Unhandled"
            assert "Task timed out after 1.00 seconds" in json.loads(result.payload)["errorMessage"]
            assert any(line.endswith("Task timed out after 1.00 seconds") for line in logged(cloud))
            await until(lambda: cloud.functions.status()[0].pid is None)

    run(scenario())


def test_code_that_hangs_while_it_loads_is_given_up_and_the_next_call_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "INIT_LIMIT_S", -0.5)
    source = "import os, time\nif not os.path.exists(os.environ['GO']): time.sleep(60)\ndef handler(e, c): return 1\n"

    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            go = tmp_path / "go"
            await python(cloud, source, Timeout=1, Environment={"Variables": {"GO": str(go)}})
            result = await call(cloud)
            assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
            assert cloud.functions.status()[0].state == "failed"
            go.touch()
            assert (await call(cloud)).payload == b"1"
            assert cloud.functions.status()[0].state == "idle"

    run(scenario())


@pytest.mark.parametrize(
    ("language", "source", "message"),
    [
        ("python", "import os\ndef handler(e, c): os._exit(3)", "Runtime exited with error: exit status 3"),
        (
            "python",
            "import os\ndef handler(e, c): os.kill(os.getpid(), 9)",
            "Runtime exited with error: signal: killed",
        ),
        ("python", "import sys\ndef handler(e, c): sys.exit(0)", "Runtime exited without providing a reason"),
        ("node", "exports.handler = async () => process.exit(4)", "Runtime exited with error: exit status 4"),
    ],
)
def test_a_worker_that_dies_is_an_exit_error_and_the_next_call_gets_a_new_one(
    tmp_path: Path, language: str, source: str, message: str
) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await (python(cloud, source) if language == "python" else node(cloud, source))
            for _ in range(2):
                found = json.loads((await call(cloud)).payload)
                assert found["errorType"] == "Runtime.ExitError"
                assert found["errorMessage"].endswith(message)

    run(scenario())


@pytest.mark.parametrize(
    ("files", "handler", "runtime", "error"),
    [
        ({"app.py": "import nowhere"}, "app.handler", "python3.12", "Runtime.ImportModuleError"),
        ({"app.py": "def x(:"}, "app.handler", "python3.12", "Runtime.UserCodeSyntaxError"),
        ({"app.py": "x = 1"}, "app.handler", "python3.12", "Runtime.HandlerNotFound"),
        ({"app.py": "1 / 0"}, "app.handler", "python3.12", "ZeroDivisionError"),
        ({"app.js": "require('nowhere')"}, "app.handler", "nodejs20.x", "Runtime.ImportModuleError"),
        ({"other.js": ""}, "app.handler", "nodejs20.x", "Runtime.ImportModuleError"),
        ({"app.js": "exports.handler = ("}, "app.handler", "nodejs20.x", "Runtime.UserCodeSyntaxError"),
        ({"app.js": "exports.x = 1"}, "app.handler", "nodejs20.x", "Runtime.HandlerNotFound"),
        ({"app.js": "throw new RangeError('no')"}, "app.handler", "nodejs20.x", "RangeError"),
        ({"app.js": "exports.handler = 1"}, "app", "nodejs20.x", "Runtime.MalformedHandlerName"),
    ],
)
def test_code_that_does_not_load_is_named_to_the_caller_in_the_log_and_in_the_status(
    tmp_path: Path, files: dict[str, str], handler: str, runtime: str, error: str
) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await make_function(cloud, "work", files, handler=handler, runtime=runtime)
            result = await call(cloud)
            assert result.error == "Unhandled"
            assert json.loads(result.payload)["errorType"] == error
            assert any(error in line for line in logged(cloud))
            status = cloud.functions.status()[0]
            assert status.state == "failed" and (status.detail or "").startswith(error)

    run(scenario())


def test_errors_outside_of_the_node_handler_are_reported_and_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            late = "setTimeout(() => { throw new Error('late') }, 1); await new Promise((r) => setTimeout(r, 1000));"
            await node(cloud, f"exports.handler = async () => {{ {late} }};")
            assert json.loads((await call(cloud)).payload)["errorMessage"] == "late"
            lost = "Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 1000));"
            await node(cloud, f"exports.handler = async () => {{ {lost} }};")
            assert json.loads((await call(cloud)).payload)["errorType"] == "Runtime.UnhandledPromiseRejection"
            await node(cloud, "exports.handler = () => new Promise(() => {});")
            assert (await call(cloud)).payload == b"null"  # nothing left to wait for

    run(scenario())


FORGETFUL = """
let count = 0;
exports.handler = async (event) => {
  count += 1;
  console.log(`called with ${JSON.stringify(event)}`);
  if (event.when === 'now') Promise.reject(new Error('lost'));
  if (event.when === 'soon') setTimeout(() => Promise.reject(new Error('lost')), 30);
  return { count };
};
"""


def test_a_rejection_nobody_awaits_fails_its_own_call_and_the_next_gets_a_new_worker(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await node(cloud, FORGETFUL)
            for _ in range(2):
                assert json.loads((await call(cloud)).payload) == {"count": 1}
                failed = await call(cloud, b'{"when": "now"}')
                assert failed.error == "Unhandled"
                document = json.loads(failed.payload)
                assert (document["errorType"], document["errorMessage"]) == (
                    "Runtime.UnhandledPromiseRejection",
                    "Error: lost",
                )
            assert json.loads((await call(cloud)).payload) == {"count": 1}
            assert len([line for line in logged(cloud) if "called with" in line]) == 5

    run(scenario())


def test_a_rejection_after_the_answer_ends_the_worker_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await node(cloud, FORGETFUL)
            assert json.loads((await call(cloud, b'{"when": "soon"}')).payload) == {"count": 1}
            pid = cloud.functions.status()[0].pid
            async with asyncio.timeout(5):
                while cloud.functions.status()[0].pid == pid:
                    await asyncio.sleep(0.01)
            assert json.loads((await call(cloud)).payload) == {"count": 1}
            lines = logged(cloud)
            assert any("Unhandled Promise Rejection" in line for line in lines)
            assert len([line for line in lines if "called with" in line]) == 2

    run(scenario())


def test_functions_come_back_after_a_restart_on_the_same_data(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await python(cloud, "import six\ndef handler(e, c): return six.__name__")
            assert (await call(cloud)).payload == b'"six"'
        async with functions_cloud(tmp_path) as cloud:
            for record in cloud.world.list("AWS::Lambda::Function"):
                await LambdaFunction(cloud).resume(record)
            assert cloud.functions.status()[0].pid is None  # not before it is called
            assert (await call(cloud)).payload == b'"six"'

    run(scenario())


def test_a_stopped_function_has_no_process_keeps_its_events_and_comes_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            record = await python(cloud, "def handler(event, context):\n    print('did', event)\n    return event\n")
            await call(cloud)
            (unit,) = cloud.functions.status()
            handler = LambdaFunction(cloud)
            await handler.suspend(record)
            await handler.suspend(record)
            assert cloud.functions.status() == []
            assert unit.pid is not None and not Path(f"/proc/{unit.pid}/cmdline").exists()
            cloud.functions.events.add("work", b'"kept"')
            await asyncio.sleep(0.1)
            assert cloud.functions.events.pending() == 1
            await handler.resume(record)
            async with asyncio.timeout(10):
                while cloud.functions.events.pending():
                    await asyncio.sleep(0.02)
            assert any("did kept" in line for line in logged(cloud))

    run(scenario())


def test_new_code_answers_new_calls_while_a_running_one_finishes_on_the_old(tmp_path: Path) -> None:
    slow = "import time\ndef handler(e, c):\n    time.sleep(0.5)\n    return 'old'\n"

    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            await python(cloud, slow)
            running = asyncio.create_task(call(cloud))
            await until(lambda: any(line.startswith("START ") for line in logged(cloud)), seconds=20)
            await python(cloud, "def handler(e, c):\n    return 'new'\n")
            assert (await call(cloud)).payload == b'"new"'
            assert (await running).payload == b'"old"'
            folders = tmp_path / "functions"
            await until(lambda: len([path for path in folders.iterdir() if not path.name.startswith(".")]) == 1)

    run(scenario())


def test_an_unknown_function_is_not_found(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            with pytest.raises(ApiError) as refusal:
                await call(cloud, function="nobody")
            assert (
                refusal.value.message == "Function not found: arn:aws:lambda:eu-central-1:000000000000:function:nobody"
            )

    run(scenario())


def test_a_runtime_that_is_not_carried_is_refused_by_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path) as cloud:
            with pytest.raises(HandlerError, match="does not run the runtime ruby3"):
                await make_function(cloud, "work", {"app.rb": ""}, handler="app.handler", runtime="ruby3.3")

    run(scenario())
