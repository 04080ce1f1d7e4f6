"""What is added to a container's image for AWS."""

from __future__ import annotations

from pathlib import Path

from klotho.catalogue.tables import table
from klotho.deploy.images.additions import additions_digest, completed


def test_the_sdk_and_the_adapter_are_copied_in_by_last_lines_and_the_users_file_stays(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text('FROM python:3.12-slim AS built\nFROM built\nCMD ["python"]')
    (tmp_path / ".dockerignore").write_text("notes\n")
    adapter = table("lambda")["adapter"]["image"]
    with completed(dockerfile, tmp_path, adapter) as made:
        lines = made.dockerfile.read_text().splitlines()
        assert lines[:3] == dockerfile.read_text().splitlines()
        assert lines[3:] == [
            "COPY --from=klotho-runtime python/ /opt/klotho/",
            "COPY --from=klotho-runtime node_modules/ /node_modules/",
            "ENV PYTHONPATH=/opt/klotho${PYTHONPATH:+:$PYTHONPATH}",
            f"COPY --from={adapter} /lambda-adapter /opt/extensions/lambda-adapter",
        ]
        assert made.dockerfile.with_name("Dockerfile.dockerignore").read_text() == "notes\n"
        sdk = made.contexts["klotho-runtime"]
        assert (sdk / "python/klotho/runtime/config.py").stat().st_mode & 0o777 == 0o644
        assert (sdk / "node_modules/@klotho/runtime/package.json").is_file()
    assert not made.dockerfile.exists()
    with completed(dockerfile, tmp_path, None) as made:
        assert "lambda-adapter" not in made.dockerfile.read_text()
    assert additions_digest(None) != additions_digest(adapter)
