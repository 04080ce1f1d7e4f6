"""A unit whose secret has no value yet: a function fails, a container starts and begins again once there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import klotho.annotations.languages

LANGUAGES = Path(klotho.annotations.languages.__file__).parent

PYTHON = """
import os, sys, threading
import klotho
from klotho.runtime.errors import SecretNotSetError

asked = []
class Secrets:
    def get(self, name):
        asked.append(name)
        if len(asked) < 3:
            raise SecretNotSetError("the secret 'key' has no value yet: run `klotho secret set key`")
        return type("Secret", (), {"value": "s3cret"})
klotho.config = type("Config", (), {"secrets": Secrets()})

from klotho_unit.environment import given
ended = threading.Event()
given({"API_KEY": ["secrets", "key", "value"]}, sleep=lambda seconds: None, end=ended.set)
print("API_KEY" in os.environ)
print(ended.wait(5), len(asked))
"""

NODE = """
const runtime = require("@klotho/runtime");
let asked = 0;
runtime.config.secrets.get = async () => {
  asked += 1;
  if (asked < 3) throw new runtime.SecretNotSetError("the secret 'key' has no value yet: run `klotho secret set key`");
  return { value: "s3cret" };
};
const ended = () => console.log("true", asked);
require("./environment.cjs")({ API_KEY: ["secrets", "key", "value"] }, ended, 5).then(() => {
  console.log("API_KEY" in process.env ? "True" : "False");
  setTimeout(() => {}, 500);
}).catch((error) => { console.error(error); process.exit(1); });
"""


def run(folder: Path, language: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program beside the language's shim, with the runtime that it stands on."""
    if language == "python":
        shims = LANGUAGES / "python" / "shims"
        (folder / "klotho_unit").mkdir()
        for name in ("__init__.py", "environment.py"):
            (folder / "klotho_unit" / name).write_bytes((shims / "klotho_unit" / name).read_bytes())
        command = [sys.executable, "-c", PYTHON]
    else:
        (folder / "environment.cjs").write_bytes((LANGUAGES / "javascript" / "shims" / "environment.cjs").read_bytes())
        own = folder / "node_modules" / "@klotho" / "runtime"
        own.mkdir(parents=True)
        (own / "package.json").write_text(json.dumps({"main": "index.js"}))
        names = "class SecretNotSetError extends Error {}\n"
        (own / "index.js").write_text(
            f"{names}module.exports = {{ config: {{ secrets: {{}} }}, SecretNotSetError }};\n"
        )
        command = ["node", "-e", NODE]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("language", ["python", "node"])
def test_a_container_starts_without_the_variable_says_so_and_ends_when_it_has_a_value(
    tmp_path: Path, language: str
) -> None:
    done = run(tmp_path, language)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True" if language == "python" else "true", "3"]
    assert done.stderr.splitlines() == [
        "API_KEY is not set, and the program starts without it: the secret 'key' has no value yet: "
        "run `klotho secret set key`",
        "the secrets have values now: ending, to begin again with them",
    ]


@pytest.mark.parametrize("language", ["python", "node"])
def test_a_function_fails_and_says_what_to_run(tmp_path: Path, language: str) -> None:
    done = run(tmp_path, language, AWS_LAMBDA_RUNTIME_API="127.0.0.1:9")
    assert done.returncode == 1
    assert "the secret 'key' has no value yet: run `klotho secret set key`" in done.stderr
