"""A bucket that Go code keeps is one of gocloud: gocloud's own tests of drivers, on the local cloud's S3."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import klotho
from klotho.annotations.languages.go.unit_files import unit_file
from tests.go_modules import go_on_path, with_go_sum
from tests.localcloud.buckets.served_buckets import PLAIN, ServedBuckets
from tests.localcloud.frame.frame_harness import REGION

pytestmark = pytest.mark.localcloud
SHIMS = Path(klotho.__file__).parent / "annotations/languages/go/shims"
NEEDED = ("aws", "credentials", "grants", "objects", "signing")
MANIFEST = "module klotho.invalid\n\ngo 1.18\n\nrequire gocloud.dev v0.23.0\n"


def test_a_bucket_does_what_gocloud_asks_of_every_driver(tmp_path: Path) -> None:
    (tmp_path / "klotho_unit").mkdir()
    for name in NEEDED:
        shutil.copy(SHIMS / f"klotho_unit/{name}.go", tmp_path / "klotho_unit")
    shutil.copytree(SHIMS / "klotho_unit_blobs", tmp_path / "klotho_unit_blobs")
    shutil.copy(Path(__file__).parent / "klotho_unit_blobs/conformance_test.go", tmp_path / "klotho_unit_blobs")
    (tmp_path / "klotho_unit/unit.go").write_bytes(unit_file("main", {}, (), "function"))
    (with_go_sum(tmp_path) / "go.mod").write_text(MANIFEST, encoding="utf-8")
    served = ServedBuckets(tmp_path / "state")
    given = {
        "KLOTHO_UNIT": "main",
        "KLOTHO_BUCKET_MEDIA": json.dumps({"name": "media", "bucket": PLAIN}),
        "KLOTHO_BUCKET_MISSING": json.dumps({"name": "missing", "bucket": "missing-bucket"}),
        "AWS_ENDPOINT_URL": served.url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": served.key.id,
        "AWS_SECRET_ACCESS_KEY": served.key.secret,
    }
    try:
        with go_on_path() as go:
            environment = {**os.environ, **given, "GOFLAGS": "-modcacherw -mod=mod"}
            for words in (["vet", "./..."], ["test", "./..."]):
                command = [str(go), *words]
                done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
                assert done.returncode == 0, done.stdout + done.stderr
    finally:
        served.close()
