"""An application made to be refused things, brought up by the real `klotho` command.

Input: an empty folder. Output: `GuardedApp`: its API, and boto3 clients with the very credentials its units have.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from klotho.localcloud import connect
from tests.examples.deployment import Answer, Client, Deployment

INFRA = """
import klotho
from klotho import API, Compute, Databases

klotho.Application("guarded")
carts = Databases.KeyValue("carts", indexes={"by_day": ("day", "id")})
orders = Databases.KeyValue("orders")
price = Compute.Function("price", handler="functions/price.handler")
reader = Compute.Function("reader", handler="functions/reader.handler")
writer = Compute.Function("writer", handler="functions/writer.handler")
stranger = Compute.Function("stranger", handler="functions/stranger.handler")
desk = Compute.Container("desk", context="./desk")
reader.reads_from(carts)
reader.calls(price)
writer.writes_to(carts)
writer.reads_from(orders)
desk.reads_from(carts)
api = API("guarded-api")
api.attach_service(reader, route="/reader")
api.attach_service(writer, route="/writer")
api.attach_service(stranger, route="/stranger")
api.attach_service(desk, route="/desk")
"""
SHOW = """
import json, os

def shown():
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {**{name: os.environ[name] for name in names}, **{
        name: json.loads(value) for name, value in os.environ.items() if name.startswith("KLOTHO_")
        and value.startswith("{")}}
"""
FUNCTION = (
    SHOW
    + """
import klotho

def handler(event, context):
    if event.get("rawPath", "").endswith("/put"):
        klotho.config.datastores.get("carts").put({"id": "1", "day": "monday"})
    return {"statusCode": 200, "body": json.dumps(shown())}
"""
)
PRICE = """
def handler(event, context):
    return {"price": 3}
"""
DESK = (
    SHOW
    + """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Desk(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(shown()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Desk).serve_forever()
"""
)
FILES = {
    "infra.py": INFRA,
    "functions/reader.py": FUNCTION,
    "functions/writer.py": FUNCTION,
    "functions/stranger.py": FUNCTION,
    "functions/price.py": PRICE,
    "desk/Dockerfile": 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["python", "main.py"]\n',
    "desk/main.py": DESK,
}


class GuardedApp:
    """The application, up."""

    def __init__(self, folder: Path) -> None:
        target = folder / "guarded"
        for name, text in FILES.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text(text, encoding="utf-8")
        project = f"guarded-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        (target / "klotho.yaml").write_text(f"project: {project}\n", encoding="utf-8")
        environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "NO_COLOR": "1", "CI": ""}
        self.deployment = Deployment(target, project, folder / "state", environment)
        self.stacks = self.deployment.up()
        self.api: Client = self.deployment.client("guarded-api")
        self._shown: dict[str, dict[str, Any]] = {}

    def shown(self, unit: str) -> dict[str, Any]:
        """The unit's credentials and connections, as the unit itself has them."""
        if unit not in self._shown:
            answer: Answer = self.api.get(f"/{unit}")
            assert answer.status == 200, answer.text
            self._shown[unit] = answer.json
        return self._shown[unit]

    def forget(self) -> None:
        self._shown.clear()

    def table(self, name: str = "carts") -> str:
        owner = "writer" if name == "orders" else "reader"
        return str(self.shown(owner)[f"KLOTHO_DATASTORE_{name.upper()}"]["table"])

    def client(self, service: str, unit: str | None = None) -> Any:
        """A boto3 client with a unit's own credentials; the deployer's without one."""
        where = self.deployment.supervisor
        keys = (where["access_key"], where["secret_key"])
        if unit is not None:
            shown = self.shown(unit)
            keys = (shown["AWS_ACCESS_KEY_ID"], shown["AWS_SECRET_ACCESS_KEY"])
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=where["endpoint_url"],
            region_name=where["region"],
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            config=Config(retries={"max_attempts": 1, "mode": "standard"}, inject_host_prefix=False),
        )

    def status(self) -> dict[str, str]:
        """The detail of every unit by its short name."""
        units = json.loads(self.deployment.klotho("status", "--json").stdout)["units"]
        return {unit["name"].rpartition("/")[2]: unit["detail"] or "" for unit in units}

    def restart(self) -> None:
        """End the supervisor and bring it up again."""
        running = connect.running(self.deployment.state)
        assert running is not None
        connect.stop(running)
        self.deployment.up()
