"""What the runtime of annotated code costs: cold start and warm latency of a unit, and compiling a large code base.

python benchmarks/annotations.py

Cold: processor time that the unit's handler takes to load once the application is loaded (Python), or of a process that
loads it beside one that loads the application alone, as it is (Node).
Warm: an event through the handler, beside a request to the application as its own server would hand it over.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import line

ROOT = Path(__file__).resolve().parents[1]
KLOTHO = Path(sys.executable).with_name("klotho")
RUNS = 15
EVENT = {
    "rawPath": "/api/pets", "rawQueryString": "", "headers": {"host": "h"},
    "requestContext": {"http": {"method": "GET", "sourceIp": "1.2.3.4"}}, "body": "",
}  # fmt: skip

PYTHON_COLD = """
import time, main
begun = time.process_time()
from klotho_unit import handler, web
print(time.process_time() - begun)
"""

PYTHON_WARM = """
import asyncio, json, sys, time
event = json.loads(sys.argv[1])
from klotho_unit import handler, web
seen = []
async def straight():
    sent = []
    async def receive(): return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message): sent.append(message)
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
             "path": "/api/pets", "raw_path": b"/api/pets", "query_string": b"", "root_path": "", "state": {},
             "headers": [(b"host", b"h")], "client": ("1.2.3.4", 0), "server": ("h", 443)}
    await handler.application(scope, receive, send)
def measured(*works):
    times = [[] for _ in works]
    for _ in range(600):
        for work, taken in zip(works, times):
            begun = time.perf_counter(); work(); taken.append(time.perf_counter() - begun)
    return [sorted(taken)[len(taken) // 4] for taken in times]
handler.handler(event, None)
once = lambda: handler.loop.run_until_complete(straight())
print(json.dumps(measured(once, lambda: handler.handler(event, None))))
"""

NODE_WARM = """
const http = require("node:http");
const listen = http.Server.prototype.listen;
const { handler } = require("./klotho/handler.cjs");
const event = JSON.parse(process.argv[1]);
const net = require("node:net");
let port;
const asked = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  port ??= [args[0]].flat()[0].port;
  return asked.apply(this, args);
};
const straight = () => new Promise((resolve) => http.get({ host: "127.0.0.1", port, path: "/api/pets" }, (response) => {
  const parts = [];
  response.on("data", (part) => parts.push(part)).on("end", () => resolve(Buffer.concat(parts)));
}));
async function measured(...works) {
  const times = works.map(() => []);
  for (let i = 0; i < 600; i++) {
    for (const [number, work] of works.entries()) {
      const begun = performance.now();
      await work();
      times[number].push(performance.now() - begun);
    }
  }
  return times.map((taken) => taken.sort((a, b) => a - b)[150]);
}
handler(event).then(async () => {
  console.log(JSON.stringify(await measured(straight, () => handler(event))));
  process.exit(0);
});
"""


def seconds(folder: Path, *commands: list[str]) -> list[float]:
    """Of the processor, by command the least of several runs, which take turns: what else the machine does plays less
    of a part."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(RUNS):
        for command, taken in zip(commands, times, strict=True):
            process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environment())
            _, status, used = os.wait4(process.pid, 0)
            assert status == 0, command
            taken.append(used.ru_utime + used.ru_stime)
    return [min(taken) for taken in times]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": "", "NODE_PATH": ""}


def said(command: list[str], folder: Path) -> str:
    """The last line that it prints."""
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=environment())
    return done.stdout.splitlines()[-1]


def warm(command: list[str], folder: Path) -> tuple[float, float]:
    straight, through = json.loads(said(command, folder))
    return straight, through


def compiled(example: str, place: Path) -> Path:
    folder = place / example
    shutil.copytree(ROOT / "examples" / example, folder, ignore=shutil.ignore_patterns("compiled", "node_modules"))
    subprocess.run([str(KLOTHO), "compile"], cwd=folder, check=True, capture_output=True)
    return folder / "compiled" / "main"


def python_unit(place: Path) -> None:
    unit = compiled("annotated-pets-python", place)
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "env"], cwd=unit, check=True)
    python = str(unit / "env/bin/python")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", python, "-r", "requirements.txt"], cwd=unit, check=True
    )
    added = min(float(said([python, "-c", PYTHON_COLD], unit)) for _ in range(RUNS))
    line("Python unit: added to a cold start", added * 1000, "ms", less_than=25)
    straight, through = warm([python, "-c", PYTHON_WARM, json.dumps(EVENT)], unit)
    line("Python unit: added to a warm request", (through / straight - 1) * 100, "%", less_than=5)


def node_unit(place: Path) -> None:
    unit = compiled("annotated-pets", place)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=unit, check=True)
    load = "const s = require('node:net').Server.prototype; s.listen = function () { return this; };"
    plain = ["node", "-e", f"{load} require('./index.js'); process.exit(0)"]
    loaded = "require('./klotho/handler.cjs'); Promise.all(require('./klotho/unit.cjs').entries.map((e) => e()))"
    alone, shimmed = seconds(unit, plain, ["node", "-e", f"{load} {loaded}.then(() => process.exit(0))"])
    line("Node unit: added to a cold start", (shimmed - alone) * 1000, "ms", less_than=40)
    straight, through = warm(["node", "-e", NODE_WARM, json.dumps(EVENT)], unit)
    line("Node unit: added to a warm request", (through / straight - 1) * 100, "%", less_than=5)


def large(place: Path, ending: str, name: str) -> None:
    """1,000 files of a framework's application, each imported by the one before."""
    folder = place / name
    folder.mkdir()
    for number in range(1000):
        following = number + 1 if number < 999 else None
        (folder / f"part{number}.{ending}").write_text(source(ending, number, following))
    beginning, first = BEGINNINGS[ending]
    (folder / beginning).write_text(first)
    cold, again, touched = [], [], []
    for turn in range(3):
        with tempfile.TemporaryDirectory() as cache:
            shutil.rmtree(folder / "compiled", ignore_errors=True)
            cold.append(taken_to_compile(folder, cache))
            again.append(taken_to_compile(folder, cache))
            with (folder / f"part{turn}.{ending}").open("a") as file:
                file.write("\n")
            touched.append(taken_to_compile(folder, cache))
    line(f"compiling {name} of 1,000 files from nothing", min(cold), "s", less_than=5)
    line(f"compiling {name} again", min(again), "s", less_than=1)
    line(f"compiling {name} again, one file changed", min(touched), "s", less_than=1)


def taken_to_compile(folder: Path, cache: str) -> float:
    begun = time.perf_counter()
    variables = {**os.environ, "XDG_CACHE_HOME": cache}
    subprocess.run([str(KLOTHO), "compile"], cwd=folder, check=True, capture_output=True, env=variables)
    return time.perf_counter() - begun


BEGINNINGS = {
    "js": (
        "index.js",
        'const app = require("express")();\nrequire("./part0");\n'
        '// @klotho::expose { id = "api" }\napp.listen(3000);\n',
    ),
    "ts": (
        "index.ts",
        'import express from "express";\nimport { f0 } from "./part0.js";\nconst app = express();\n'
        'app.get("/", (_, answer) => answer.json(f0(1, [2])));\n// @klotho::expose { id = "api" }\napp.listen(3000);\n',
    ),
    "py": (
        "main.py",
        'import part0\nfrom fastapi import FastAPI\n# @klotho::expose { id = "api" }\napp = FastAPI()\n',
    ),
}
TYPED = """export function f%d(a: number, b: readonly number[]): unknown {
  return [a + %d, ...b.map((one) => one ** 2), { x: %d }];
}
"""


def source(ending: str, number: int, following: int | None) -> str:
    if ending == "ts":
        head = f'import {{ f0 as next }} from "./part{following}.js";\n' if following is not None else ""
        return head + "\n".join(TYPED % (i, number, i) for i in range(20))
    if ending == "py":
        head = f"import part{following}\n" if following is not None else ""
        return head + "\n".join(f"def f{i}(a, b):\n    return [a + {number}, b, {{'x': {i}}}]\n" for i in range(20))
    head = f'const next = require("./part{following}");\n' if following is not None else ""
    return head + "\n".join(f"exports.f{i} = (a, b) => [a + {number}, b, {{ x: {i} }}];" for i in range(20)) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        python_unit(Path(place))
        node_unit(Path(place))
        large(Path(place), "js", "JavaScript")
        large(Path(place), "ts", "TypeScript")
        large(Path(place), "py", "Python")


if __name__ == "__main__":
    main()
