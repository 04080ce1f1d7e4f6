"""Starts the server, the sources and the handler's workers; ends when a worker can't be kept running.

Reads `KLOTHO_HANDLER`, JSON: `handler`, `timeout` (seconds), `concurrency` (calls at once); `KLOTHO_SOURCE_…`, one for
each queue (`sources.py`); `KLOTHO_ROUTES_…` (`requests.py`); `PORT`. How a worker is started stands in `worker.json`
beside this file where the image was made for this machine, else the command line says it, or it is AWS's own runtime in
AWS's base image. Source: AWS Lambda Developer Guide, "Create a Lambda function using a container image"
(/lambda-entrypoint.sh takes a handler).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from klotho.handler_host.pool import Pool
from klotho.handler_host.requests import Server
from klotho.handler_host.sources import started


def main() -> None:
    told = json.loads(os.environ["KLOTHO_HANDLER"])
    command, environment = _worker(told["handler"])
    environment |= {
        "_HANDLER": told["handler"],
        "AWS_LAMBDA_FUNCTION_NAME": os.environ.get("KLOTHO_UNIT", "function"),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(told["memory"]),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "",
        "AWS_LAMBDA_LOG_STREAM_NAME": "",
    }
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    pool = Pool(command, environment, int(told["concurrency"]), float(told["timeout"]))
    try:
        pool.start()
        server = Server(("0.0.0.0", int(os.environ["PORT"])), pool)
        started(os.environ, pool)
        server.serve_forever()
    finally:
        pool.stop()


def _worker(handler: str) -> tuple[list[str], dict[str, str]]:
    """What starts the handler's runtime, and its variables."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "KLOTHO_HANDLER")}
    here = Path(__file__).with_name("worker.json")
    if not here.is_file():
        return sys.argv[1:] or ["/lambda-entrypoint.sh", handler], variables
    said = json.loads(here.read_text())
    return said["command"], {**variables, **said["environment"]}


if __name__ == "__main__":
    main()
