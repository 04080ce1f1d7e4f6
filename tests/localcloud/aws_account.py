"""A local cloud that stands in for an account on AWS: reached by endpoint and credentials only.

Input: a folder. Output: the environment variables with which `klotho` deploys there as to AWS.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.localcloud import connect
from klotho.localcloud.identity import ACCOUNT

REGION = "eu-central-1"


@dataclass(frozen=True)
class Account:
    """One account with one region, and a folder with a program that is deployed to it."""

    folder: Path
    variables: Mapping[str, str]
    connection: connect.Connection

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")

    def klotho(self, *arguments: str, stdin: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            input=stdin or "",
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    def json(self, *arguments: str, exit_code: int = 0, **variables: str) -> dict[str, Any]:
        done = self.klotho(*arguments, "--json", **variables)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def client(self, service: str) -> Any:
        """boto3 with the account's own credentials."""
        import boto3

        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.connection.endpoint_url,
            aws_access_key_id=self.connection.access_key,
            aws_secret_access_key=self.connection.secret_key,
        )

    def stacks(self) -> dict[str, str]:
        """Status by name, the bootstrap stack too."""
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        return {stack["StackName"]: stack["StackStatus"] for page in pages for stack in page["Stacks"]}


@contextmanager
def account(folder: Path) -> Iterator[Account]:
    """The account, empty at first, and nothing of it left afterwards."""
    project = f"aws-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    program = folder / "program"
    program.mkdir(parents=True)
    before = {name: os.environ.get(name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME")}
    os.environ |= {"XDG_STATE_HOME": str(folder / "account"), "XDG_CACHE_HOME": str(folder / "cache")}
    try:
        connection = connect.start(project, "account", REGION, lambda line: None)
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KLOTHO_"))} | {
            "AWS_ENDPOINT_URL": connection.endpoint_url,
            "AWS_ACCESS_KEY_ID": connection.access_key,
            "AWS_SECRET_ACCESS_KEY": connection.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "XDG_STATE_HOME": str(folder / "state"),
            "NO_COLOR": "1",
            "CI": "",
        }
        try:
            yield Account(program, variables, connection)
        finally:
            connect.stop(connection)
            connect.delete_data(connect.state_folder(project, "account"))
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def settings(**environment: object) -> str:
    """A klotho.yaml with the environment `prod` in the account."""
    given: dict[str, object] = {"target": "aws", "region": REGION, "account": ACCOUNT} | environment
    lines = [f"    {key}: {json.dumps(value)}" for key, value in given.items() if value is not None]
    return "\n".join(["environments:", "  prod:", *lines, ""])
