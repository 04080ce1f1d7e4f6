"""What stands beside the Go code of a unit, tested by Go: signatures, credentials, values of databases and secrets."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import klotho
from tests.go_modules import environment as go_environment
from tests.go_modules import toolchain

pytestmark = pytest.mark.examples
NOW = 1_700_000_000
PACKAGE = Path(klotho.__file__).parent
LANGUAGES = PACKAGE / "annotations/languages"
SHIMS = LANGUAGES / "go/shims/klotho_unit"
ENCODING = LANGUAGES / "javascript/shims/encoding.cjs"
TESTED = (
    *("signing", "credentials", "aws", "grants", "connections", "authority", "environment", "objects"),
    *("encoding", "decoding", "types", "failures", "calls", "services", "routers"),
    *("serve", "lambda", "within"),
)
UNIT = """package klotho_unit

const Name = "shop"
const isFunction = true

var (
	variables = map[string][3]string{}
	served    [][2]string
)
"""
GO = toolchain() / "go"


def signed(method: str, url: str, body: str, service: str, token: str) -> dict[str, object]:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Custom": " a  b ", "User-Agent": "changes on the way"}
    request = AWSRequest(method, url, dict(headers), body.encode())
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC).replace(tzinfo=None)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment):
        kind(Credentials("AKIA", "secret/+", token or None), service, "eu-west-1").add_auth(request)
    said = request.headers["Authorization"]
    asked = {"method": method, "address": url, "body": body, "service": service, "token": token, "headers": headers}
    return {**asked, "authorization": said, "now": NOW}


def requests() -> list[dict[str, object]]:
    services = "https://{}.eu-west-1.amazonaws.com"
    paths = ("/", "/a%20b/%C3%BC/", "/a/../b//c", "/functions/arn%3Aaws%3Alambda/invocations", "/x?b=2&a=%20&a=1&c")
    found = [
        signed(method, services.format(service) + path, body, service, token)
        for service in ("lambda", "secretsmanager")
        for path in paths
        for method, body, token in (("GET", "", ""), ("POST", '{"ü": 1}', "token=="))
    ]
    for url in ("http://127.0.0.1:4566/bucket/a//b/../c", "http://[::1]:80/", "https://b.s3.amazonaws.com/%C3%A9%20x"):
        found.append(signed("PUT", url, "data", "s3", ""))
    return found


def test_what_go_writes_other_languages_read() -> None:
    text = (Path(__file__).parent / "klotho_unit/shared.json").read_text(encoding="utf-8").strip()
    script = f'const {{ encode, decode }} = require("{ENCODING}"); console.log(encode(decode(process.argv[1])))'
    done = subprocess.run(["node", "-e", script, text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == text
    read = "import sys; from klotho_unit.encoding import decode; print(decode(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", read, text], capture_output=True, text=True, check=True, cwd=LANGUAGES / "python/shims"
    )
    for written in ("'bytes': b'\\x01\\x02\\xff'", "'large': 1180591620717411303424", "'none': nan", "'Grüße <&>'"):
        assert written in done.stdout
    assert "datetime.datetime(2026, 11, 28, 9, 0, 0, 125000, tzinfo=datetime.timezone.utc)" in done.stdout


def test_signatures_credentials_values_of_databases_and_calls_by_go_test(tmp_path: Path) -> None:
    folder = tmp_path / "klotho_unit"
    shutil.copytree(Path(__file__).parent / "klotho_unit", folder)
    for name in TESTED:
        shutil.copy(SHIMS / f"{name}.go", folder)
    shutil.copy(PACKAGE / "runtime/rds-ca.pem", folder)
    (folder / "unit.go").write_text(UNIT, encoding="utf-8")
    (folder / "botocore.json").write_text(json.dumps(requests()), encoding="utf-8")
    # Written for Go 1.18: an application may say an older version than the one that builds it.
    (tmp_path / "go.mod").write_text("module example.com/unit\n\ngo 1.18\n", encoding="utf-8")
    environment = {**os.environ, **go_environment()}
    for command in (["vet", "./..."], ["test", "./..."]):
        done = subprocess.run([GO, *command], cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
