"""The local cloud and its peers, each in a process of its own on loopback, as long as the `with` lasts.

The local cloud is the real one: its supervisor, with one stack deployed through CloudFormation, called with the key of
a role that may do what the stack's policies say. moto's server and dynalite check neither signatures nor permissions.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from figures import REGION, Address

PEER_KEYS = ("AKIATESTING", "testing")
DYNALITE = "dynalite@4"
START_S = 30.0
ROLE = "bench"


class PeerMissingError(Exception):
    """A peer can't be had on this machine; the text says why."""


def role(statements: list[Mapping[str, Any]], service: str = "ecs-tasks.amazonaws.com") -> dict[str, Any]:
    """The role whose key `local_cloud` gives out, as a resource of the stack."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": ROLE,
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "code", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
            ],
        },
    }


@contextmanager
def local_cloud(resources: Mapping[str, Any]) -> Iterator[Address]:
    """The supervisor, with these resources deployed, called under the role `ROLE`."""
    from klotho.localcloud import connect

    before = os.environ.get("XDG_STATE_HOME")
    with tempfile.TemporaryDirectory(prefix="klotho-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        try:
            key = _key(connect.state_folder("bench", "local"))
            connection = connect.start("bench", "local", REGION)
            try:
                port = int(connection.endpoint_url.rpartition(":")[2])
                _deploy(Address(port, connection.access_key, connection.secret_key), resources)
                yield Address(port, *key)
            finally:
                connect.stop(connection)
        finally:
            if before is None:
                del os.environ["XDG_STATE_HOME"]
            else:
                os.environ["XDG_STATE_HOME"] = before


def _key(state: Path) -> tuple[str, str]:
    """The access key that the role's compute unit would have, made before the supervisor reads them."""
    from klotho.localcloud.credentials import Credentials
    from klotho.localcloud.database import Database
    from klotho.localcloud.identity import ACCOUNT

    database = Database(state / "state.sqlite3")
    key = Credentials(database).issue(ROLE, f"arn:aws:iam::{ACCOUNT}:role/{ROLE}")
    database.close()
    return key.id, key.secret


def _deploy(address: Address, resources: Mapping[str, Any]) -> None:
    formation = address.client("cloudformation")
    body = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
    formation.create_stack(StackName="bench", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    end = time.monotonic() + 60
    while (status := formation.describe_stacks(StackName="bench")["Stacks"][0]["StackStatus"]) != "CREATE_COMPLETE":
        if not status.endswith("IN_PROGRESS") or time.monotonic() > end:
            events = formation.describe_stack_events(StackName="bench")["StackEvents"]
            why = [event.get("ResourceStatusReason") for event in events if event.get("ResourceStatusReason")]
            raise RuntimeError(f"the stack is {status}: {why[-1] if why else 'no reason was given'}")
        time.sleep(0.05)


@contextmanager
def moto() -> Iterator[Address]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve_moto, args=(theirs,), daemon=True)
    process.start()
    try:
        if not ours.poll(START_S):
            raise TimeoutError(f"moto's server did not start within {START_S:.0f} s")
        yield Address(ours.recv(), *PEER_KEYS)
    finally:
        if process.is_alive():
            ours.send(None)
            process.join(5)
        if process.is_alive():
            process.kill()


def _serve_moto(pipe: Connection) -> None:
    from moto.server import ThreadedMotoServer

    # A line of log for each request would slow moto down unfairly.
    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    pipe.send(port)
    pipe.poll(None)
    server.stop()


@contextmanager
def dynalite() -> Iterator[Address]:
    """dynalite, its data in memory; PeerMissingError when npm can't install it."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise PeerMissingError("there is no npm on this machine")
    with tempfile.TemporaryDirectory(prefix="dynalite-") as folder:
        command = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error", DYNALITE]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=180)
        except (subprocess.SubprocessError, OSError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines()
            raise PeerMissingError(f"npm can't install {DYNALITE}: {said[0] if said else error}") from error
        port = _free_port()
        program = Path(folder) / "node_modules" / "dynalite" / "cli.js"
        options = ["--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
        process = subprocess.Popen([node, str(program), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _until_it_listens(process, port)
            yield Address(port, *PEER_KEYS)
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise PeerMissingError(f"dynalite ended at once with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise PeerMissingError(f"dynalite did not listen within {START_S:.0f} s")
