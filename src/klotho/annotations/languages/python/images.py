"""The Dockerfile of a unit that runs in a container.

Input: the unit's files. Output: `Dockerfile` and `.dockerignore`. Source: hub.docker.com/_/python (slim images).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from klotho.annotations.languages.python.unit_files import FOLDER

START = ("python", "-m", f"{FOLDER}.container")
"""What a container runs."""
BASE = "python:3.13-slim"
SERVERS: Mapping[str, str] = {"asgi": "uvicorn", "wsgi": "waitress"}
"""By the interface of an application, the package that serves it."""


def image_files(unit: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a container engine builds the unit by; the packages are those of its manifest."""
    lines = [f"# Klotho: the unit {unit}.", *_packages(files), f"FROM {BASE}", "ENV PYTHONUNBUFFERED=1", "WORKDIR /app"]
    if len(lines) > 4:
        lines += ["COPY --from=packages /packages /packages", "ENV PATH=/packages/bin:$PATH"]
    lines += ["COPY . .", "RUN useradd --no-create-home unit", "USER unit"]
    lines += [f"CMD {json.dumps(START)}", ""]
    return {"Dockerfile": "\n".join(lines).encode(), ".dockerignore": b"__pycache__\nDockerfile\n.dockerignore\n"}


def _packages(files: Mapping[str, bytes]) -> list[str]:
    if "requirements.txt" in files:
        manifest, install = "requirements.txt", "/packages/bin/pip install --no-cache-dir -r requirements.txt"
    elif "pyproject.toml" in files:
        manifest = " ".join(name for name in ("pyproject.toml", "uv.lock") if name in files)
        sync = "/packages/bin/uv sync --no-dev --no-install-project --inexact"
        install = f"/packages/bin/pip install --no-cache-dir uv && UV_PROJECT_ENVIRONMENT=/packages {sync}"
    else:
        return []
    run = f"RUN python -m venv /packages && {install}"
    return [f"FROM {BASE} AS packages", "WORKDIR /app", f"COPY {manifest} ./", run, ""]
