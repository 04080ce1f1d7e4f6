"""`klotho dev`: from the save of a file until it serves, and an `up` of code only.

    python benchmarks/dev.py [--runs 7]

One application with a function in Python, one in Node and a container. Each figure is a median, taken by asking the
API until the saved text comes back, not by what the command says of itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from figures import line, missing

KLOTHO = str(Path(sys.executable).with_name("klotho"))
FUNCTION_AIM_MS = 300.0
UP_AIM_S = 2.0
FILES = {
    "infra.py": """\
import klotho
from klotho import API, Compute
klotho.Application("bench")
api = API(name="api")
api.attach_service(Compute.Function(name="py", handler="py.handler"), route="/py")
JS
api.attach_service(Compute.Container(name="web", context="web"), route="/web")
""",
    "py.py": "WORD = 'w0'\n\n\ndef handler(event, context):\n    return {'statusCode': 200, 'body': WORD}\n",
    "js.js": "exports.handler = async () => ({ statusCode: 200, body: 'w0' });\n",
    "web/Dockerfile": 'FROM python:3.12-slim\nWORKDIR /app\nCOPY main.py .\nEXPOSE 8080\nCMD ["python", "main.py"]\n',
    "web/main.py": """\
import http.server, os


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"w0")

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
""",
}
SERVICES = {"py": "py.py", "js": "js.js", "web": "web/main.py"}


def until(url: str, wanted: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with urllib.request.urlopen(url, timeout=10) as answer:
            if answer.read().decode() == wanted:
                return
        time.sleep(0.005)
    raise SystemExit(f"{url} never answered {wanted}")


def save(file: Path, number: int) -> str:
    """Writes the next word into the file; returns it."""
    file.write_text(file.read_text().replace(f"w{number}", f"w{number + 1}"))
    return f"w{number + 1}"


def reloads(folder: Path, url: str, service: str, runs: int) -> float:
    """Median of milliseconds from before the save until the answer."""
    taken = []
    for number in range(runs):
        begun = time.perf_counter()
        until(url, save(folder / SERVICES[service], number))
        taken.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.3)
    return statistics.median(taken)


def code_only_up(folder: Path, environment: dict[str, str], url: str, runs: int, first: int) -> float:
    taken = []
    for number in range(first, first + runs):
        word = save(folder / SERVICES["py"], number)
        begun = time.perf_counter()
        subprocess.run([KLOTHO, "up"], cwd=folder, env=environment, check=True, capture_output=True)
        until(url, word)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def measure(folder: Path, environment: dict[str, str], services: list[str], runs: int) -> None:
    with subprocess.Popen(
        [KLOTHO, "dev", "--json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            api = wait_for(process.stdout.readline, "planned")["outputs"]["api.url"]
            wait_for(process.stdout.readline, "watching")
            # Every call is a line in the log; nobody reading them would bring it to a halt.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            for service in services:
                until(f"{api}/{service}", "w0")
                aim = None if service == "web" else FUNCTION_AIM_MS
                what = f"klotho dev, {service}: from the save until it serves"
                line(what, reloads(folder, f"{api}/{service}", service, runs), " ms", less_than=aim)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    line("klotho up, one function's code: until it serves", code_only_up(folder, environment, f"{api}/py", 3, runs),
         " s", less_than=UP_AIM_S)  # fmt: skip


def wait_for(read: Callable[[], str], event: str) -> dict[str, dict[str, str]]:
    while text := read():
        found: dict[str, dict[str, str]] = json.loads(text)
        if found.get("event") == event:
            return found
    raise SystemExit("klotho dev ended")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    node = shutil.which("node") is not None
    if not node:
        missing("klotho dev, js", "there is no Node.js on this machine")
    with tempfile.TemporaryDirectory(prefix="klotho-bench-") as place:
        folder = Path(place) / "bench"
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            route = 'api.attach_service(Compute.Function(name="js", handler="js.handler"), route="/js")'
            (folder / name).write_text(text.replace("JS\n", f"{route}\n" if node else ""))
        environment = {**os.environ, "XDG_STATE_HOME": f"{place}/state", "XDG_CACHE_HOME": f"{place}/cache"}
        environment.pop("CI", None)
        try:
            measure(folder, environment, [name for name in SERVICES if node or name != "js"], runs)
        finally:
            down = [KLOTHO, "down", "--delete-data", "bench"]
            subprocess.run(down, cwd=folder, env=environment, check=False, capture_output=True)


if __name__ == "__main__":
    main()
