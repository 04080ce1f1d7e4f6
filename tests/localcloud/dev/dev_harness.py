"""An application of every kind of code, and `klotho dev` of it as a process with what it tells."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FILES = {
    "infra.py": """\
import klotho
from klotho import API, Compute, Databases, Site
klotho.Application("shop")
carts = Databases.KeyValue(name="carts", key="id")
py = Compute.Function(name="py", handler="functions/py.handler")
py.read_writes_to(carts)
js = Compute.Function(name="js", handler="functions/js.handler")
web = Compute.Container(name="web", context="web")
web.reads_from(carts)
api = API(name="api")
api.attach_service(py, route="/py")
api.attach_service(js, route="/js")
api.attach_service(web, route="/web")
Site(name="page", directory="page")
""",
    "functions/py.py": """\
from shared.words import WORD


def handler(event, context):
    return {'statusCode': 200, 'body': WORD}
""",
    "shared/words.py": "WORD = 'one'\n",
    "functions/js.js": "exports.handler = async () => ({ statusCode: 200, body: 'one' });\n",
    "web/Dockerfile": 'FROM python:3.12-slim\nWORKDIR /app\nCOPY main.py .\nEXPOSE 8080\nCMD ["python", "main.py"]\n',
    "web/main.py": """\
import http.server, os

WORD = "one"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(WORD.encode())


print("web", WORD, flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
""",
    "page/index.html": "<h1>one</h1>\n",
}


class Shop:
    """The application's folder and the commands run in it."""

    def __init__(self, folder: Path, files: Mapping[str, str] = FILES) -> None:
        self.folder = folder / "shop"
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        self.environment.pop("CI", None)
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new))

    def klotho(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.klotho(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def units(self) -> dict[str, dict[str, Any]]:
        return {unit["name"].rpartition("/")[2]: unit for unit in self.json("status")["units"]}

    @property
    def state(self) -> Path:
        return Path(self.environment["XDG_STATE_HOME"]) / "klotho" / "default" / "local"


class Dev:
    """`klotho dev --json` as a process, with what it tells."""

    def __init__(self, shop: Shop, *options: str) -> None:
        self.shop = shop
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.seen: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "klotho.cli", "dev", "--json", *options],
            cwd=shop.folder, env=shop.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.urls: dict[str, str] = self.wait_for(lambda event: event.get("event") == "planned", 90)["outputs"]
        self.wait_for(lambda event: event.get("event") == "watching", 10)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def wait_for(self, fits: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        """The next event that fits; the others are kept in `seen`."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            assert left > 0 and (self.process.poll() is None or not self.events.empty()), self.seen
            try:
                event = self.events.get(timeout=min(left, 1.0))
            except queue.Empty:
                continue
            self.seen.append(event)
            if fits(event):
                return event

    def reloaded(self, service: str) -> dict[str, Any]:
        return self.wait_for(
            lambda event: event.get("event") in ("reloaded", "refused") and event["service"] == service
        )

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.urls["api.url"] + path, timeout=10) as answer:
            return str(answer.read().decode())

    def end(self) -> dict[str, Any]:
        """Ctrl-C, as a terminal sends it."""
        self.process.send_signal(signal.SIGINT)
        found = self.wait_for(lambda event: event.get("event") == "ended", 60)
        assert self.process.wait(20) == (0 if found["deployed"] else 1)
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
