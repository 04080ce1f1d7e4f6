"""Services run, find each other, are replaced without a gap, and say why when they do not start."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from container_bench import Bench

from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.handlers.ecs_service import EcsService
from klotho.localcloud.planes.reaper import start_mark

pytestmark = pytest.mark.localcloud

SERVER = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print("dying words", flush=True); os._exit(9)
        if self.path == "/health" and os.path.exists("/tmp/never-there"):
            self.send_error(500)
        body = json.dumps({"version": VERSION, "pid": os.getpid(), "cwd": os.getcwd(), "env": {**os.environ}}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): print("called", self.path, flush=True)
print("up", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCKERFILE = 'FROM python:3\nWORKDIR /app\nCOPY . .\nENV DATA=/app/data\nCMD ["python", "/app/main.py"]\n'


def files(version: str = "1", server: str = SERVER) -> dict[str, str]:
    return {"Dockerfile": DOCKERFILE, "main.py": f"VERSION = {version!r}\n{server}"}


async def get(port: int, path: str = "/") -> Any:
    def call() -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return json.load(answer)

    return await asyncio.to_thread(call)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.02)


def test_a_service_answers_on_its_front_port_with_its_environment_and_nothing_of_the_hosts(bench: Bench) -> None:
    os.environ["A_SECRET_OF_THE_HOST"] = "x"
    secret = bench.cloud.secrets.create("db", json.dumps({"username": "u", "password": "p:w"}), "t")

    async def work() -> None:
        definition = await bench.define(
            bench.image(files()).uri,
            "d1",
            Environment=[{"Name": "HTTP_PORT", "Value": "8080"}, {"Name": "COLOR", "Value": "blue"}],
            Secrets=[{"Name": "PASSWORD", "ValueFrom": f"{secret}:password::"}, {"Name": "ALL", "ValueFrom": secret}],
        )
        await bench.service(definition)
        seen = await get(bench.port())
        environment = seen["env"]
        assert environment["COLOR"] == "blue"
        assert environment["PASSWORD"] == "p:w"
        assert json.loads(environment["ALL"])["username"] == "u"
        assert environment["PORT"] == environment["HTTP_PORT"] != "8080"
        assert environment["DATA"].endswith("/root/app/data")
        assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
        assert bench.cloud.credentials.caller_of(environment["AWS_ACCESS_KEY_ID"])[1].name == "web"
        assert "A_SECRET_OF_THE_HOST" not in environment
        assert seen["cwd"].endswith("/root/app")
        assert "up" in bench.log()
        (unit,) = bench.cloud.containers.status()
        assert (unit.name, unit.kind, unit.state) == ("web", "container", "running")
        assert unit.address == f"http://127.0.0.1:{bench.port()}"
        assert unit.pid == seen["pid"]

    bench.run(work)


def test_an_update_is_served_without_a_failed_request_and_the_old_process_ends(bench: Bench) -> None:
    async def work() -> None:
        identifier = await bench.service(await bench.define(bench.image(files("1")).uri, "d1"))
        before = await get(bench.port())
        seen: list[str] = []
        done = asyncio.Event()

        async def call() -> None:
            while not done.is_set():
                seen.append((await get(bench.port()))["version"])

        callers = [asyncio.create_task(call()) for _ in range(3)]
        await bench.update(identifier, await bench.define(bench.image(files("2")).uri, "d2"))
        assert (await get(bench.port()))["version"] == "2"
        done.set()
        await asyncio.gather(*callers)
        assert set(seen) <= {"1", "2"} and "1" in seen
        await until(lambda: start_mark(before["pid"]) is None)

    bench.run(work)


def test_an_unchanged_update_leaves_the_process_alone(bench: Bench) -> None:
    async def work() -> None:
        definition = await bench.define(bench.image(files()).uri, "d1")
        identifier = await bench.service(definition)
        first = (await get(bench.port()))["pid"]
        await bench.update(identifier, definition, EnableExecuteCommand=True)
        assert (await get(bench.port()))["pid"] == first

    bench.run(work)


def test_desired_count_runs_that_many_in_turn_and_none_for_zero(bench: Bench) -> None:
    async def work() -> None:
        definition = await bench.define(bench.image(files()).uri, "d1")
        identifier = await bench.service(definition, DesiredCount=3)
        assert len({(await get(bench.port()))["pid"] for _ in range(6)}) == 3
        await bench.update(identifier, definition, DesiredCount=0)
        with pytest.raises(OSError):
            await get(bench.port())
        assert bench.cloud.containers.status()[0].state == "idle"
        await bench.update(identifier, definition, DesiredCount=1)
        assert (await get(bench.port()))["version"] == "1"

    bench.run(work)


def test_a_version_that_dies_at_start_fails_with_its_last_words_and_the_old_one_serves_on(bench: Bench) -> None:
    async def work() -> None:
        identifier = await bench.service(await bench.define(bench.image(files()).uri, "d1"))
        broken = bench.image(files(server="print('no database'); raise SystemExit(3)")).uri
        definition = await bench.define(broken, "d2")
        with pytest.raises(HandlerError, match=r"(?s)web: ended at start \(exit code 3\), 3 tries.*no database"):
            await bench.update(identifier, definition)
        assert (await get(bench.port()))["version"] == "1"
        assert bench.log().count("no database") == 3

    bench.run(work)


def test_a_first_version_that_dies_leaves_nothing_behind(bench: Bench) -> None:
    async def work() -> None:
        definition = await bench.define(bench.image(files(server="raise SystemExit(4)")).uri, "d1")
        with pytest.raises(HandlerError, match="exit code 4"):
            await bench.service(definition)
        assert bench.cloud.containers.status() == []

    bench.run(work)


def test_a_program_on_the_wrong_port_is_told_where_to_listen(bench: Bench) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        wrong = probe.getsockname()[1]
    server = f"import socket, time; s = socket.create_server(('127.0.0.1', {wrong})); time.sleep(60)"

    async def work() -> None:
        definition = await bench.define(bench.image(files(server=server)).uri, "d1")
        with pytest.raises(
            HandlerError, match=rf"listens on port {wrong}, not on \$PORT \(=\d+ here, 8080 in a container\)"
        ):
            await bench.service(definition)

    bench.run(work)


def test_a_program_that_listens_on_nothing_is_told_so(bench: Bench) -> None:
    async def work() -> None:
        definition = await bench.define(bench.image(files(server="import time; time.sleep(60)")).uri, "d1")
        with pytest.raises(HandlerError, match=r"listens on nothing after 1 s; it should on \$PORT"):
            await bench.service(definition, HealthCheckGracePeriodSeconds=1)

    bench.run(work)


def test_a_crash_is_restarted_and_shown(bench: Bench) -> None:
    async def work() -> None:
        await bench.service(await bench.define(bench.image(files()).uri, "d1"))
        before = (await get(bench.port()))["pid"]
        with pytest.raises(OSError):
            await get(bench.port(), "/die")
        await until(lambda: bench.cloud.containers.status()[0].state == "restarting")
        assert "exit code 9: dying words" in bench.cloud.containers.status()[0].detail
        await until(lambda: bench.cloud.containers.status()[0].state == "running")
        assert bench.cloud.containers.status()[0].restarts == 1
        assert (await get(bench.port()))["pid"] != before

    bench.run(work)


def test_two_services_call_each_other_by_their_aliases_whichever_starts_first(bench: Bench) -> None:
    def connect(alias: str) -> dict[str, Any]:
        services = [{"PortName": "http", "ClientAliases": [{"DnsName": alias, "Port": 8080}]}]
        return {"ServiceConnectConfiguration": {"Enabled": True, "Namespace": "shop", "Services": services}}

    async def work() -> None:
        image = bench.image(files()).uri
        for name, peer in (("orders", "billing"), ("billing", "orders")):
            known = json.dumps({"name": peer, "kind": "Compute.Container", "http": f"http://{peer}:8080"})
            variables = [{"Name": "KLOTHO_SERVICE_X", "Value": known}, {"Name": "OTHER", "Value": f"my{peer}:8080"}]
            definition = await bench.define(image, name, name, Environment=variables)
            await bench.service(definition, name, name, **connect(name))
        for name, peer in (("orders", "billing"), ("billing", "orders")):
            environment = (await get(bench.port(name)))["env"]
            url = json.loads(environment["KLOTHO_SERVICE_X"])["http"]
            assert url.startswith("http://127.0.0.1:")
            assert (await get(int(url.rsplit(":", 1)[1])))["pid"] == (await get(bench.port(peer)))["pid"]
            assert environment["OTHER"] == f"my{peer}:8080"
        assert len(bench.cloud.containers.discover("shop", "http")) == 2
        assert bench.cloud.containers.discover("elsewhere", "http") == []

    bench.run(work)


def test_a_cloud_map_service_leads_to_the_service_registered_in_it(bench: Bench) -> None:
    world = bench.cloud.world
    arn = "arn:aws:servicediscovery:eu-central-1:000000000000:service/srv-1"
    world.put(
        Record("AWS::ServiceDiscovery::HttpNamespace", "ns-1", {"Name": "shop"}, {"Arn": "a"}, "n", "", "", "", {})
    )
    properties = {"Name": "web", "NamespaceId": "ns-1"}
    world.put(Record("AWS::ServiceDiscovery::Service", "srv-1", properties, {"Arn": arn}, "v", "", "", "", {}))

    async def work() -> None:
        assert bench.cloud.containers.address_of(arn) is None
        definition = await bench.define(bench.image(files()).uri, "d1")
        identifier = await bench.service(definition, ServiceRegistries=[{"RegistryArn": arn}])
        assert bench.cloud.containers.address_of(arn) == ("127.0.0.1", bench.port())
        assert bench.cloud.containers.discover("shop", "web") == [("127.0.0.1", bench.port())]
        await bench.delete(identifier)
        await bench.delete(await bench.service(definition, "s2"))
        assert bench.cloud.containers.address_of(arn) is None
        with pytest.raises(OSError):
            await get(bench.port())

    bench.run(work)


def test_services_come_back_after_a_restart_of_the_supervisor(bench: Bench) -> None:
    pids: list[int] = []

    async def first() -> None:
        await bench.service(await bench.define(bench.image(files()).uri, "d1"))
        pids.append((await get(bench.port()))["pid"])

    bench.run(first)
    assert start_mark(pids[0]) is None
    again = Bench(bench.state, bench.folder, bench.cache)

    async def second() -> None:
        for record in again.cloud.world.list("AWS::ECS::Service"):
            await EcsService(again.cloud).resume(record)
        await until(lambda: again.cloud.containers.status()[0].state == "running")
        assert (await get(again.port()))["version"] == "1"

    again.run(second)


def test_a_stopped_service_has_no_process_and_waits_for_its_port_when_it_comes_back(bench: Bench) -> None:
    async def work() -> None:
        await bench.service(await bench.define(bench.image(files()).uri, "d1"))
        pid = (await get(bench.port()))["pid"]
        (record,) = bench.cloud.world.list("AWS::ECS::Service")
        handler = EcsService(bench.cloud)
        await handler.suspend(record)
        await handler.suspend(record)
        assert bench.cloud.containers.status() == []
        assert start_mark(pid) is None
        with socket.create_server(("127.0.0.1", bench.port())):
            await handler.resume(record)
            assert bench.cloud.containers.status()[0].state == "starting"
            await until(lambda: bench.cloud.containers.status()[0].state == "failed")
            assert f"pid {os.getpid()}" in (bench.cloud.containers.status()[0].detail or "")
        await handler.resume(record)
        await until(lambda: bench.cloud.containers.status()[0].state == "running")
        assert (await get(bench.port()))["version"] == "1"
        await handler.suspend(record)
        shutil.rmtree(bench.state / "images")
        await handler.resume(record)
        await until(lambda: bench.cloud.containers.status()[0].state == "failed")
        assert "is not on this machine" in (bench.cloud.containers.status()[0].detail or "")

    bench.run(work)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a running process uses")
def test_a_container_that_uses_more_memory_than_it_has_is_ended_and_comes_back(bench: Bench) -> None:
    hungry = SERVER.replace('if self.path == "/die":', 'if self.path == "/eat":\n            HELD.append(b"x" * 2**28)')
    hungry = hungry.replace('print("dying words", flush=True); os._exit(9)', "pass").replace(
        "class Handler", "HELD = []\nclass Handler", 1
    )

    async def work() -> None:
        await bench.service(await bench.define(bench.image(files(server=hungry)).uri, "d1", Memory=128))
        before = (await get(bench.port()))["pid"]
        with contextlib.suppress(OSError):  # it may be ended before it can answer
            await get(bench.port(), "/eat")
        await until(lambda: "out of memory" in bench.log())
        assert "may use 128 (`memory=`)" in bench.log()
        end = time.monotonic() + 10
        while True:
            try:
                after = (await get(bench.port()))["pid"]
            except OSError:
                after = before
            if after != before or time.monotonic() > end:
                break
            await asyncio.sleep(0.1)
        assert after != before

    bench.run(work)


def test_a_health_check_holds_a_deployment_back_until_it_passes(bench: Bench) -> None:
    counted = "(globals().__setitem__('n', globals().get('n', 0) + 1) or n < 3)"
    server = SERVER.replace('os.path.exists("/tmp/never-there")', counted)
    check = {"Command": ["CMD-SHELL", "curl -f http://localhost:8080/health || exit 1"], "Interval": 5}

    async def work() -> None:
        definition = await bench.define(bench.image(files(server=server)).uri, "d1", HealthCheck=check)
        await bench.service(definition)
        assert bench.log().count("called /health") >= 3

    bench.run(work)


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"Image": "nginx:1"}, "image `nginx:1` is not carried"),
        ({"Image": "klotho.local/assets@sha256:" + "0" * 64}, "is not on this machine; run `klotho up` again"),
        (
            {"HealthCheck": {"Command": ["CMD", "python", "check.py"]}},
            "health check `CMD python check.py` is not carried",
        ),
        ({"LogConfiguration": {"LogDriver": "splunk"}}, "log driver `splunk`"),
        ({"PortMappings": [{"ContainerPort": 53, "Protocol": "udp"}]}, "tcp only"),
        ({"Secrets": [{"Name": "S", "ValueFrom": "arn:aws:ssm:x:0:parameter/p"}]}, "only Secrets Manager ARNs"),
        (
            {
                "Secrets": [
                    {"Name": "S", "ValueFrom": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:no-abcdef"}
                ]
            },
            "secret S can't be read",
        ),
        ({"Command": ["no-such-program"]}, "`no-such-program` is not in the image"),
    ],
)
def test_what_can_not_be_run_is_refused_by_name(bench: Bench, container: dict[str, Any], message: str) -> None:
    async def work() -> None:
        image = bench.image(files()).uri
        definition = await bench.define(image, "d1", **container)
        with pytest.raises(HandlerError) as refused:
            await bench.service(definition)
        assert message in refused.value.reason
        assert bench.cloud.containers.status() == []

    bench.run(work)


def test_a_front_port_in_use_is_named(bench: Bench) -> None:
    async def work() -> None:
        with socket.create_server(("127.0.0.1", bench.port())):
            definition = await bench.define(bench.image(files()).uri, "d1")
            with pytest.raises(HandlerError, match=f"port {bench.port()} is in use by .*pid {os.getpid()}"):
                await bench.service(definition)

    bench.run(work)


def test_grpc_passes_through_the_front_port(bench: Bench) -> None:
    grpc = pytest.importorskip("grpc")
    server = """
import os, sys
sys.path[:0] = SITE
from concurrent import futures
import grpc
def echo(request, context): return request[::-1]
handler = grpc.method_handlers_generic_handler("Echo", {"Say": grpc.unary_unary_rpc_method_handler(echo)})
server = grpc.server(futures.ThreadPoolExecutor(2)); server.add_generic_rpc_handlers((handler,))
server.add_insecure_port(f"127.0.0.1:{os.environ['GRPC_PORT']}"); server.start(); server.wait_for_termination()
"""
    site = [path for path in sys.path if path.endswith("site-packages")]

    async def work() -> None:
        definition = await bench.define(
            bench.image(files(server=f"SITE = {site!r}\n{server}")).uri,
            "d1",
            PortMappings=[{"Name": "grpc", "ContainerPort": 50051, "AppProtocol": "grpc"}],
            Environment=[{"Name": "GRPC_PORT", "Value": "50051"}],
        )
        await bench.service(definition)

        def call() -> bytes:
            with grpc.insecure_channel(f"127.0.0.1:{bench.port(port='grpc')}") as channel:
                say = channel.unary_unary("/Echo/Say")
                big: bytes = say(b"a" * 1_000_000 + b"z", timeout=10)
                assert big == b"z" + b"a" * 1_000_000
                answer: bytes = say(b"abc", timeout=5)
                return answer

        assert await asyncio.to_thread(call) == b"cba"

    bench.run(work)


def test_stop_sends_the_stop_signal_and_waits_for_the_program(bench: Bench) -> None:
    server = "import signal, sys\ndef bye(*_):\n    print('goodbye', flush=True); sys.exit(0)\n"
    server += "signal.signal(signal.SIGTERM, bye)\n"

    async def work() -> None:
        identifier = await bench.service(await bench.define(bench.image(files(server=server + SERVER)).uri, "d1"))
        await bench.delete(identifier)
        assert "goodbye" in bench.log()

    bench.run(work)
