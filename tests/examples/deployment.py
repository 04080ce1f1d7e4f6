"""A copy of an example and the commands one gives it.

Input: an example's name, an empty folder. Output: `Deployment`, whose `klotho` runs the real command in a process of
its own. Refuses, by assertion with the command's output, an exit code other than the one a test expects.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.examples import processes

EXAMPLES = Path(__file__).parents[2] / "examples"
KLOTHO = Path(sys.executable).parent / "klotho"
SECONDS_FOR_A_COMMAND = 240


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(slots=True)
class Deployment:
    """One example in one folder with one local cloud."""

    folder: Path
    project: str
    state_home: Path
    environment: Mapping[str, str]
    output: list[str] = field(default_factory=list)
    """Everything its commands said, on both streams."""

    @classmethod
    def of(cls, name: str, folder: Path, cache_home: Path | None, files: Mapping[str, str] | None = None) -> Deployment:
        """`files`: what it is made of, by path, instead of an example."""
        target = folder / name
        if files is None:
            shutil.copytree(EXAMPLES / name, target, ignore=shutil.ignore_patterns("compiled", "__pycache__"))
        for path, text in (files or {}).items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
        # A project of its own, because ports are chosen by the project's name: two clouds of one name, brought up and
        # down side by side by two test workers, would now and then take each other's.
        project = f"examples-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        (target / "klotho.yaml").write_text(f"project: {project}\n", encoding="utf-8")
        state_home = folder / "state"
        environment = {**os.environ, "XDG_STATE_HOME": str(state_home), "NO_COLOR": "1", "CI": ""}
        if cache_home is not None:
            environment["XDG_CACHE_HOME"] = str(cache_home)
        return cls(target, project, state_home, environment)

    @property
    def state(self) -> Path:
        """The local cloud's folder."""
        return self.state_home / "klotho" / self.project / "local"

    @property
    def supervisor(self) -> dict[str, Any]:
        """How to reach the running local cloud."""
        found: dict[str, Any] = json.loads((self.state / "supervisor.json").read_text(encoding="utf-8"))
        return found

    def klotho(self, *arguments: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [str(KLOTHO), *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=SECONDS_FOR_A_COMMAND,
            check=False,
        )
        self.output += [done.stdout, done.stderr]
        assert done.returncode == exit_code, (
            f"klotho {' '.join(arguments)} ended with {done.returncode}, not {exit_code}\n{done.stdout}\n{done.stderr}"
        )
        assert "Traceback" not in done.stderr or exit_code != 0, done.stderr
        return done

    def up(self) -> dict[str, str]:
        """Bring it up; what became of each stack, by name."""
        summary = json.loads(self.klotho("up", "--yes", "--json").stdout)
        return {stack["name"]: stack["result"] for stack in summary["stacks"]}

    def down(self, *arguments: str) -> None:
        self.klotho("down", "--yes", *arguments)

    def set_secret(self, name: str, value: bytes) -> None:
        command = [str(KLOTHO), "secret", "set", name]
        subprocess.run(command, cwd=self.folder, env=dict(self.environment), input=value, check=True)

    def url(self, name: str) -> str:
        return self.klotho("outputs", f"{name}.url").stdout.strip()

    def client(self, api: str) -> Client:
        return Client(self.url(api))

    def logs(self, *services: str) -> str:
        return self.klotho("logs", "--since", "1h", *services).stdout

    def processes(self) -> processes.Processes:
        return processes.of_state(self.state)

    def end(self) -> list[str]:
        """Take it down with its data; the commands of the processes that are left, which are then killed."""
        before = self.processes()
        try:
            self.down("--delete-data", json.loads(self.klotho("status", "--json").stdout)["application"])
        finally:
            left = processes.wait_until_gone(before, 2) | self.processes()
            commands = [processes.command_of(pid) for pid in left]
            processes.kill(left)
        return commands


@contextmanager
def replaced(file: Path, before: str, after: str) -> Iterator[None]:
    """Replaces some text of a file, which must be there once, while the block runs."""
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


class Client:
    """Calls one API. A new connection for each call, so that it may be used from several threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname == "127.0.0.1", f"{url} is not on loopback"
        self._host, self._port = parts.hostname, parts.port

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, seconds: float = 35
    ) -> Answer:
        """`body`: text and bytes as they are, anything else as JSON. The spelling of header names is kept."""
        data = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        sent = {"content-type": "application/json"} if data is not None else {}
        connection = http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        try:
            connection.request(method, path, data, {**sent, **(headers or {})})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("POST", path, body, headers)
