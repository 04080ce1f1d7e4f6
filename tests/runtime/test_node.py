"""The Node runtime: its own tests, run by `node --test` against the same stand-in for AWS."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .aws_front import Front
from .conftest import PASSWORD

NODE = shutil.which("node")


@pytest.mark.localcloud
@pytest.mark.usefixtures("tables", "registered", "granted_with_secret")
def test_the_node_runtime_passes_its_own_tests(front: Front, asset: Path) -> None:
    assert NODE, "Node 18 or later must be on the PATH"
    front.keys["KEY1"] = ("s1", "t1")
    front.credentials.append(
        {"AccessKeyId": "KEY1", "SecretAccessKey": "s1", "Token": "t1", "Expiration": "2099-01-01T00:00:00Z"}
    )
    environment = {**os.environ, "TEST_ASSET": str(asset), "TEST_PASSWORD": PASSWORD}
    tests = Path(__file__).parent / "node" / "runtime.test.js"
    done = subprocess.run([NODE, "--test", str(tests)], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout
