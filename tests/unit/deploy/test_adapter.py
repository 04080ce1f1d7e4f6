"""The Dockerfile of a container that runs on Lambda."""

from __future__ import annotations

from pathlib import Path

from klotho.catalogue.tables import table
from klotho.deploy.images.adapter import adapted


def test_the_adapter_is_copied_in_by_the_last_line_and_the_users_file_stays(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text('FROM python:3.12-slim AS built\nFROM built\nCMD ["python"]')
    (tmp_path / ".dockerignore").write_text("notes\n")
    adapter = table("lambda")["adapter"]["image"]
    with adapted(dockerfile, tmp_path, adapter) as file:
        lines = file.read_text().splitlines()
        assert lines[:3] == dockerfile.read_text().splitlines()
        assert lines[3:] == [f"COPY --from={adapter} /lambda-adapter /opt/extensions/lambda-adapter"]
        assert file.with_name("Dockerfile.dockerignore").read_text() == "notes\n"
    assert not file.exists()
    with adapted(dockerfile, tmp_path, None) as file:
        assert file == dockerfile
