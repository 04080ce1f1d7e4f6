"""Secrets from the program to running code: set, read by services, listed, removed; the value is nowhere else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

CANARY = "canary-5f1d0c9e7b"
PROGRAM = """
import klotho
from klotho import API, Compute, Secret

klotho.Application("pay", project="{project}")
key = Secret("stripe_key")
other = Secret("other_key")
api = API("pay-api")
for name, handler in (("py", "py/main.handler"), ("js", "js/main.handler")):
    function = Compute.Function(name, handler=handler)
    function.uses(key)
    api.attach_service(function, route=f"/{{name}}")
"""
PYTHON = """
import hashlib, json, os
from klotho import config
from klotho.runtime.errors import SecretNotSetError

def handler(event, context):
    secret = config.secrets.get("stripe_key")
    secret.refresh()
    try:
        value = secret.value
    except SecretNotSetError as error:
        return {"error": str(error), "repr": repr(secret)}
    if value.startswith("{"):
        return {"keys": sorted(secret.json())}
    return {"hash": hashlib.sha256(value.encode()).hexdigest(), "environment": value in json.dumps(dict(os.environ))}
"""
NODE = """
const { config, SecretNotSetError } = require("@klotho/runtime");
exports.handler = async () => {
  config.refresh();
  try {
    const secret = await config.secrets.get("stripe_key");
    if (secret.value.startsWith("{")) return { keys: Object.keys(secret.json()).sort() };
    const hash = require("node:crypto").createHash("sha256").update(secret.value).digest("hex");
    return { hash, shown: JSON.stringify(secret).includes(secret.value) };
  } catch (error) {
    if (!(error instanceof SecretNotSetError)) throw error;
    return { error: error.message };
  }
};
"""


class Pay:
    """An application with a secret in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.folder = folder, folder / "pay"
        self.project = f"secrets-{os.getpid()}"
        files = {"infra.py": PROGRAM.format(project=self.project), "py/main.py": PYTHON, "js/main.js": NODE}
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.delenv("CI", raising=False)
        self.said: list[str] = []

    @property
    def state(self) -> Path:
        return connect.state_folder(self.project, "local")

    def klotho(self, *arguments: str, given: str | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=90, input=given or "",
        )  # fmt: skip
        self.said += [done.stdout, done.stderr]
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, given: str | None = None, code: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.klotho(*arguments, "--json", given=given, code=code).stdout))

    def ask(self, url: str, function: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{url}/{function}", timeout=20) as answer:
            return dict(json.loads(answer.read()))

    def files_with(self, text: str) -> list[str]:
        """Every file below the test's folder that holds the text, by path."""
        files = [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]
        return sorted(str(path.relative_to(self.state)) for path in files if text.encode() in path.read_bytes())


@pytest.fixture
def pay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pay]:
    made = Pay(tmp_path, monkeypatch)
    yield made
    connect.stop_any(made.state)


def test_a_secret_from_not_set_to_used_to_removed(pay: Pay) -> None:
    early = pay.json("secret", "set", "stripe_key", given=CANARY, code=6)
    assert early["diagnostics"][0]["code"] == "secret-not-deployed"
    assert [item["deployed"] for item in pay.json("secret", "ls")["secrets"]] == [False, False]
    assert not pay.state.exists(), "listing started a cloud that nobody brought up"

    pay.klotho("build")
    up = pay.klotho("up")
    assert "run `klotho secret set stripe_key`" in up.stderr
    again = pay.json("up")
    assert again["secrets_not_set"] == ["other_key", "stripe_key"]
    url = again["outputs"]["pay-api.url"]
    unset = "the secret 'stripe_key' has no value yet: run `klotho secret set stripe_key`"
    assert pay.ask(url, "py") == {"error": unset, "repr": "<Secret 'stripe_key'>"}
    assert pay.ask(url, "js") == {"error": unset}

    digest = __import__("hashlib").sha256(CANARY.encode()).hexdigest()
    given = pay.klotho("secret", "set", "stripe_key", given=f"{CANARY}\n")
    assert "within five minutes, a variable of the environment when a process begins" in given.stderr
    assert pay.ask(url, "py") == {"hash": digest, "environment": False}
    assert pay.ask(url, "js") == {"hash": digest, "shown": False}
    listed = {item["name"]: item for item in pay.json("secret", "ls")["secrets"]}
    assert (listed["stripe_key"]["set"], listed["other_key"]["set"], listed["other_key"]["changed"]) == (
        True, False, None,
    )  # fmt: skip
    assert listed["stripe_key"]["changed"] is not None
    assert pay.json("up")["secrets_not_set"] == ["other_key"]

    # It survives an end without warning, and a stop.
    os.kill(connect.running(pay.state).pid, signal.SIGKILL)  # type: ignore[union-attr]
    time.sleep(0.2)
    url = pay.json("up")["outputs"]["pay-api.url"]
    assert pay.ask(url, "py")["hash"] == digest
    pay.klotho("down")
    assert "set" in pay.klotho("secret", "ls").stdout
    assert connect.running(pay.state) is None, "a stopped cloud stays stopped after a question"
    url = pay.json("up")["outputs"]["pay-api.url"]
    assert pay.ask(url, "js")["hash"] == digest

    pay.klotho("preview")
    pay.klotho("outputs")
    pay.klotho("logs")
    pay.klotho("status", "--json")
    assert not any(CANARY in text for text in pay.said)
    assert {name.partition("-")[0] for name in pay.files_with(CANARY)} == {"state.sqlite3"}

    pay.klotho("secret", "set", "stripe_key", given='{"a": 1, "b": 2}')
    assert pay.ask(url, "py") == {"keys": ["a", "b"]}
    assert pay.ask(url, "js") == {"keys": ["a", "b"]}

    pay.klotho("secret", "rm", "stripe_key", code=2)
    pay.klotho("secret", "rm", "stripe_key", "--yes")
    assert pay.ask(url, "py")["error"] == unset
    assert pay.ask(url, "js")["error"] == unset
    assert pay.json("up")["secrets_not_set"] == ["other_key", "stripe_key"]

    assert pay.json("secret", "set", "strip_key", given="x", code=6)["diagnostics"][0]["code"] == "secret-unknown"


def test_a_secret_with_a_value_is_not_deleted_unless_told(pay: Pay) -> None:
    pay.json("up")
    pay.klotho("secret", "set", "other_key", given=CANARY)
    program = pay.folder / "infra.py"
    program.write_text(program.read_text().replace('other = Secret("other_key")\n', ""))
    refused = pay.json("up", code=1)
    assert refused["diagnostics"][0]["code"] == "data-would-be-deleted"
    pay.json("up", "--delete-data", "other_key")
    assert not any(CANARY in text for text in pay.said)
